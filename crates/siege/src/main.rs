//! The command behind `cargo xtask rounds` and `cargo xtask kills`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use innkeeper_siege::kills::Kills;
use innkeeper_siege::rounds::{Outcome, Rounds};

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((chore, rest)) if chore == "rounds" => rounds(rest).await,
        Some((chore, rest)) if chore == "kills" => kills(rest).await,
        _ => Ok(None),
    };
    match done {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(Some(false)) => ExitCode::FAILURE,
        Ok(None) => {
            eprintln!(
                "usage: rounds [--rounds N] [--limit L] [--sign-ins K]\n       \
                 kills [--rounds N] [--pause-every N] [--full-every N]\n\
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
    let defaults = [("--rounds", 1000), ("--limit", 5), ("--sign-ins", 200)];
    let Some((binary, [rounds, limit, sign_ins])) = read(words, defaults) else {
        return Ok(None);
    };
    let (Ok(limit), Ok(sign_ins)) = (limit.try_into(), sign_ins.try_into()) else {
        return Ok(None);
    };
    let siege = Rounds {
        binary,
        rounds,
        limit,
        sign_ins,
    };
    let folder = tempfile::tempdir()?;
    let outcome = siege.play(folder.path(), progress(rounds)).await?;
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
