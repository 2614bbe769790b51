//! The everyday share of the sieges: the real binary over HTTP, and the checker as the judge of
//! what callers were told. `cargo xtask rounds` and `cargo xtask kills` run the rest.

use innkeeper_siege::kills::Kills;
use innkeeper_siege::rounds::{Outcome, Rounds};

const BINARY: &str = env!("CARGO_BIN_EXE_innkeeper");

/// C-020: what usual code gets wrong is that k sign-ins count before any of them writes.
#[tokio::test(flavor = "multi_thread")]
async fn given_200_simultaneous_sign_ins_at_limit_5_when_all_are_answered_then_no_promise_is_broken()
 {
    let siege = Rounds {
        binary: BINARY.into(),
        rounds: 20,
        limit: 5,
        sign_ins: 200,
    };
    let folder = tempfile::tempdir().unwrap();

    let outcome = siege.play(folder.path(), |_| {}).await.unwrap();

    holds(&outcome, &["unknown"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_kill_9_amid_everything_when_it_restarts_then_no_acknowledged_end_is_undone() {
    let siege = Kills {
        binary: BINARY.into(),
        rounds: 30,
        pause_every: 6,
        // That takes the rights of root: the command does it.
        full_every: 0,
    };
    let folder = tempfile::tempdir().unwrap();

    let (outcome, deeds) = siege.play(folder.path(), |_| {}).await.unwrap();

    println!("{deeds:?}");
    assert!(deeds.kills > 0 && deeds.pauses > 0, "{deeds:?}");
    holds(&outcome, &["refusals"]);
}

fn holds(outcome: &Outcome, may_be_zero: &[&str]) {
    println!("{:?}", outcome.tally);
    for (round, violation) in &outcome.violations {
        println!("round {round}: {violation}");
    }
    assert!(outcome.violations.is_empty(), "read above what was broken");
    let rows = outcome.tally.rows();
    let missing: Vec<_> = rows
        .iter()
        .filter(|(name, count)| *count == 0 && !may_be_zero.contains(name))
        .collect();
    assert!(missing.is_empty(), "never exercised: {missing:?}");
}
