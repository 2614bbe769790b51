//! The command behind `cargo xtask rounds`, `kills`, `policy-try` and `bulk`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use innkeeper_siege::bulk::Bulk;
use innkeeper_siege::kills::Kills;
use innkeeper_siege::policy_try::PolicyTry;
use innkeeper_siege::rounds::{Outcome, Rounds, Store};

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((chore, rest)) if chore == "rounds" => rounds(rest).await,
        Some((chore, rest)) if chore == "kills" => kills(rest).await,
        Some((chore, rest)) if chore == "policy-try" => policy_try(rest).await,
        Some((chore, rest)) if chore == "bulk" => bulk(rest).await,
        _ => Ok(None),
    };
    match done {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(Some(false)) => ExitCode::FAILURE,
        Ok(None) => {
            eprintln!(
                "usage: rounds [--rounds N] [--limit L] [--sign-ins K]\n       \
                 [--postgres NODES | --redis NODES]\n       \
                 kills [--rounds N] [--pause-every N] [--full-every N]\n       \
                 policy-try [--subjects N]\n       \
                 bulk [--sessions N] [--checks N] [--seconds N]\n\
                 with --binary FILE, another than the `innkeeper` beside this program"
            );
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("the siege could not be laid: {error}");
            ExitCode::from(3)
        }
    }
}

/// The binary, and the numbers that were named; `None` if a word is not understood.
fn read<const N: usize>(
    words: &[String],
    mut numbers: [(&str, u64); N],
) -> Option<(PathBuf, [u64; N])> {
    let beside = std::env::current_exe().ok()?.with_file_name("innkeeper");
    let mut binary = beside;
    for pair in words.chunks(2) {
        let [name, value] = pair else { return None };
        if name == "--binary" {
            binary = PathBuf::from(value);
        } else {
            numbers.iter_mut().find(|(n, _)| n == name)?.1 = value.parse().ok()?;
        }
    }
    Some((binary, numbers.map(|(_, number)| number)))
}

async fn rounds(words: &[String]) -> io::Result<Option<bool>> {
    let defaults = [
        ("--rounds", 1000),
        ("--limit", 5),
        ("--sign-ins", 200),
        ("--postgres", 0),
        ("--redis", 0),
    ];
    let Some((binary, [rounds, limit, sign_ins, postgres, redis])) = read(words, defaults) else {
        return Ok(None);
    };
    let (Ok(limit), Ok(sign_ins)) = (limit.try_into(), sign_ins.try_into()) else {
        return Ok(None);
    };
    let (Ok(postgres), Ok(redis)) = (postgres.try_into(), redis.try_into()) else {
        return Ok(None);
    };
    let store = match (postgres, redis) {
        (0, 0) => Store::Embedded,
        (nodes, 0) => Store::Postgres(nodes),
        (0, nodes) => Store::Redis(nodes),
        _ => return Ok(None),
    };
    let siege = Rounds {
        binary,
        rounds,
        limit,
        sign_ins,
        store,
    };
    let folder = tempfile::tempdir()?;
    let outcome = siege.play(folder.path(), progress(rounds)).await?;
    match store {
        Store::Embedded => {}
        Store::Postgres(nodes) => print("nodes, PostgreSQL", nodes as u64),
        Store::Redis(nodes) => print("nodes, Redis", nodes as u64),
    }
    print("limit", limit as u64);
    print("rounds", rounds);
    print("sign-ins at once", sign_ins as u64);
    Ok(Some(judge(&outcome, &["unknown"])))
}

async fn kills(words: &[String]) -> io::Result<Option<bool>> {
    let defaults = [("--rounds", 500), ("--pause-every", 5), ("--full-every", 7)];
    let Some((binary, [rounds, pause_every, full_every])) = read(words, defaults) else {
        return Ok(None);
    };
    let siege = Kills {
        binary,
        rounds,
        pause_every,
        full_every,
    };
    let folder = tempfile::tempdir()?;
    let (outcome, deeds) = siege.play(folder.path(), progress(rounds)).await?;
    print("kills", deeds.kills);
    print("stopped before", deeds.pauses);
    print("disk full before", deeds.full);
    print("unknown, no room", deeds.without_room);
    print("looked at again", deeds.looked_at);
    let exercised = deeds.kills > 0
        && (pause_every == 0 || deeds.pauses > 0)
        && (full_every == 0 || deeds.without_room > 0);
    if !exercised {
        println!("a kind of round never happened, or had no effect");
    }
    Ok(Some(judge(&outcome, &["refusals"]) && exercised))
}

/// The goal is five seconds; what was wrong fails, the time does not.
async fn policy_try(words: &[String]) -> io::Result<Option<bool>> {
    let Some((binary, [subjects])) = read(words, [("--subjects", 100_000)]) else {
        return Ok(None);
    };
    let Ok(subjects) = usize::try_from(subjects) else {
        return Ok(None);
    };
    let siege = PolicyTry { binary, subjects };
    let folder = tempfile::tempdir()?;
    let tried = siege
        .play(folder.path(), |step| eprintln!("{step}"))
        .await?;
    print("subjects", subjects as u64);
    print("live sessions", tried.sessions as u64);
    print("subjects hit", tried.subjects_hit as u64);
    print("sessions ended", tried.ended as u64);
    print_time(
        "answered in",
        tried.took,
        "goal: under 5 s at 100,000 subjects",
    );
    Ok(Some(verdict(&tried.violations)))
}

/// The goal is twice the idle p99; what was wrong fails, the ratio does not.
async fn bulk(words: &[String]) -> io::Result<Option<bool>> {
    let defaults = [
        ("--sessions", 100_000),
        ("--checks", 500),
        ("--seconds", 10),
    ];
    let Some((binary, [sessions, checks, seconds])) = read(words, defaults) else {
        return Ok(None);
    };
    let (Ok(sessions), Ok(rate)) = (usize::try_from(sessions), u32::try_from(checks)) else {
        return Ok(None);
    };
    let siege = Bulk {
        binary,
        sessions,
        rate,
        idle: Duration::from_secs(seconds),
    };
    let folder = tempfile::tempdir()?;
    let ended = siege
        .play(folder.path(), |step| eprintln!("{step}"))
        .await?;
    print("counted (dry run)", ended.counted as u64);
    print("born before the call", ended.early as u64);
    print("ended", ended.ended as u64);
    print("born after, alive", ended.later as u64);
    print("progress seen", ended.steps as u64);
    print_time("took", ended.took, "");
    print("checks a second", checks);
    print("checks meanwhile", ended.checks as u64);
    let [alone, beside, during] = ended.p99;
    print_time("p99 alone", alone, "");
    print_time("p99 beside sign-ins", beside, "");
    print_time("p99 meanwhile", during, "");
    let ratio = during.as_secs_f64() / alone.as_secs_f64();
    println!("{:<20} {ratio:.2} (goal: at most 2)", "meanwhile to alone");
    let ratio = during.as_secs_f64() / beside.as_secs_f64();
    println!("{:<20} {ratio:.2}", "meanwhile to beside");
    Ok(Some(verdict(&ended.violations)))
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
        if (round + 1).is_multiple_of(every) {
            eprintln!("round {} of {rounds}", round + 1);
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
