//! The command behind `cargo xtask rounds`, `kills`, `policy-try` and `bulk`.

mod arguments;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use arguments::{Arguments, OfBulk, OfKills, OfPolicyTry, OfRounds, Siege};
use clap::Parser;
use innkeeper_siege::bulk::Bulk;
use innkeeper_siege::kills::Kills;
use innkeeper_siege::policy_try::PolicyTry;
use innkeeper_siege::rounds::{Outcome, Rounds, Store};

#[tokio::main]
async fn main() -> ExitCode {
    match lay(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the siege could not be laid: {error}");
            ExitCode::from(3)
        }
    }
}

/// Lays a siege in a folder of its own, which stays unless all was well.
async fn lay(asked: Arguments) -> io::Result<bool> {
    let binary = match asked.binary {
        Some(binary) => binary,
        None => std::env::current_exe()?.with_file_name("innkeeper"),
    };
    let folder = tempfile::Builder::new()
        .prefix("innkeeper-siege-")
        .tempdir()?;
    let place = folder.path();
    let held = match asked.siege {
        Siege::Rounds(asked) => rounds(binary, &asked, place).await,
        Siege::Kills(asked) => kills(binary, &asked, place).await,
        Siege::PolicyTry(asked) => policy_try(binary, &asked, place).await,
        Siege::Bulk(asked) => bulk(binary, &asked, place).await,
    };
    if !matches!(held, Ok(true)) {
        println!("all that is left of it is in {}", folder.keep().display());
    }
    held
}

async fn rounds(binary: PathBuf, asked: &OfRounds, folder: &Path) -> io::Result<bool> {
    let store = match (asked.postgres, asked.redis) {
        (Some(nodes), _) => Store::Postgres(nodes.get()),
        (None, Some(nodes)) => Store::Redis(nodes.get()),
        (None, None) => Store::Embedded,
    };
    let (rounds, limit, sign_ins) = (asked.rounds.get(), asked.limit, asked.sign_ins.get());
    let siege = Rounds {
        binary,
        rounds,
        limit: limit.into(),
        sign_ins,
        store,
    };
    let outcome = siege.play(folder, progress(rounds)).await?;
    match store {
        Store::Embedded => {}
        Store::Postgres(nodes) => print("nodes, PostgreSQL", nodes as u64),
        Store::Redis(nodes) => print("nodes, Redis", nodes as u64),
    }
    print("limit", limit.into());
    print("rounds", rounds);
    print("sign-ins at once", sign_ins as u64);
    Ok(judge(&outcome, &["unknown"]))
}

async fn kills(binary: PathBuf, asked: &OfKills, folder: &Path) -> io::Result<bool> {
    let siege = Kills {
        binary,
        rounds: asked.rounds.get(),
        pause_every: asked.pause_every,
        full_every: asked.full_every,
    };
    let (outcome, deeds) = siege.play(folder, progress(siege.rounds)).await?;
    print("kills", deeds.kills);
    print("stopped before", deeds.pauses);
    print("disk full before", deeds.full);
    print("unknown, no room", deeds.without_room);
    print("looked at again", deeds.looked_at);
    let exercised = deeds.kills > 0
        && (asked.pause_every == 0 || deeds.pauses > 0)
        && (asked.full_every == 0 || deeds.without_room > 0);
    if !exercised {
        println!("a kind of round never happened, or had no effect");
    }
    Ok(judge(&outcome, &["refusals"]) && exercised)
}

/// The goal is five seconds; what was wrong fails, the time does not.
async fn policy_try(binary: PathBuf, asked: &OfPolicyTry, folder: &Path) -> io::Result<bool> {
    let subjects = asked.subjects.get();
    let siege = PolicyTry { binary, subjects };
    let tried = siege.play(folder, |step| eprintln!("{step}")).await?;
    print("subjects", subjects as u64);
    print("live sessions", tried.sessions as u64);
    print("subjects hit", tried.subjects_hit as u64);
    print("sessions ended", tried.ended as u64);
    print_time(
        "answered in",
        tried.took,
        "goal: under 5 s at 100,000 subjects",
    );
    Ok(verdict(&tried.violations))
}

/// The goal is twice the idle p99; what was wrong fails, the ratio does not.
async fn bulk(binary: PathBuf, asked: &OfBulk, folder: &Path) -> io::Result<bool> {
    let siege = Bulk {
        binary,
        sessions: asked.sessions.get(),
        rate: asked.checks.get(),
        idle: Duration::from_secs(asked.seconds.get().into()),
    };
    let ended = siege.play(folder, |step| eprintln!("{step}")).await?;
    print("counted (dry run)", ended.counted as u64);
    print("born before the call", ended.early as u64);
    print("ended", ended.ended as u64);
    print("born after, alive", ended.later as u64);
    print("progress seen", ended.steps as u64);
    print_time("took", ended.took, "");
    print("checks a second", siege.rate.into());
    print("checks meanwhile", ended.checks as u64);
    let [alone, beside, during] = ended.p99;
    print_time("p99 alone", alone, "");
    print_time("p99 beside sign-ins", beside, "");
    print_time("p99 meanwhile", during, "");
    let ratio = during.as_secs_f64() / alone.as_secs_f64();
    println!("{:<20} {ratio:.2} (goal: at most 2)", "meanwhile to alone");
    let ratio = during.as_secs_f64() / beside.as_secs_f64();
    println!("{:<20} {ratio:.2}", "meanwhile to beside");
    Ok(verdict(&ended.violations))
}

fn verdict(violations: &[String]) -> bool {
    print("violations", violations.len() as u64);
    for violation in violations.iter().take(20) {
        println!("{violation}");
    }
    violations.is_empty()
}

fn print_time(name: &str, span: Duration, goal: &str) {
    let milliseconds = span.as_secs_f64() * 1e3;
    let goal = if goal.is_empty() {
        String::new()
    } else {
        format!(" ({goal})")
    };
    println!("{name:<20} {milliseconds:.2} ms{goal}");
}

/// Tells on standard error how far it is, now and then.
fn progress(rounds: u64) -> impl FnMut(u64) {
    let every = (rounds / 20).max(1);
    move |round| {
        if round.is_multiple_of(every) {
            eprintln!("round {round} of {rounds}");
        }
    }
}

/// Prints what was exercised and what was broken. What never happened fails, but for `may_be_zero`.
fn judge(outcome: &Outcome, may_be_zero: &[&str]) -> bool {
    let mut missing = Vec::new();
    for (name, count) in outcome.tally.rows() {
        print(name, count);
        if count == 0 && !may_be_zero.contains(&name) {
            missing.push(name);
        }
    }
    print("violations", outcome.violations.len() as u64);
    let mut rules = BTreeMap::<_, u64>::new();
    for (_, violation) in &outcome.violations {
        *rules.entry(violation.rule).or_default() += 1;
    }
    for (rule, count) in rules {
        print(&format!("of them {rule}"), count);
    }
    for (round, violation) in outcome.violations.iter().take(20) {
        println!("round {round}: {violation}");
    }
    if !missing.is_empty() {
        println!("never exercised: {}", missing.join(", "));
    }
    outcome.violations.is_empty() && missing.is_empty()
}

fn print(name: &str, count: u64) {
    println!("{name:<20} {count}");
}
