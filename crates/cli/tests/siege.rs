//! The everyday share of the sieges: the real binary over HTTP, and the checker as the judge of
//! what callers were told. `cargo xtask rounds`, `kills`, `policy-try` and `bulk` run the rest.

use std::time::Duration;

use innkeeper_siege::bulk::Bulk;
use innkeeper_siege::kills::Kills;
use innkeeper_siege::policy_try::PolicyTry;
use innkeeper_siege::rounds::{Outcome, Rounds, Store};

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
        store: Store::Embedded,
    };
    let folder = tempfile::tempdir().unwrap();

    let outcome = siege.play(folder.path(), |_| {}).await.unwrap();

    holds(&outcome, &["unknown"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_three_nodes_that_share_postgresql_when_200_sign_in_at_once_then_no_promise_is_broken()
 {
    let siege = Rounds {
        binary: BINARY.into(),
        rounds: 20,
        limit: 5,
        sign_ins: 200,
        store: Store::Postgres(3),
    };
    let folder = tempfile::tempdir().unwrap();

    let outcome = siege.play(folder.path(), |_| {}).await.unwrap();

    holds(&outcome, &["unknown"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_three_nodes_that_share_redis_when_200_sign_in_at_once_then_no_promise_is_broken() {
    let siege = Rounds {
        binary: BINARY.into(),
        rounds: 20,
        limit: 5,
        sign_ins: 200,
        store: Store::Redis(3),
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

#[tokio::test(flavor = "multi_thread")]
async fn given_a_policy_that_was_tried_when_it_is_put_then_each_subject_loses_what_was_said() {
    let siege = PolicyTry {
        binary: BINARY.into(),
        subjects: 300,
    };
    let folder = tempfile::tempdir().unwrap();

    let tried = siege.play(folder.path(), |_| {}).await.unwrap();

    assert!(tried.violations.is_empty(), "{:#?}", tried.violations);
    assert!(tried.ended > 0 && tried.subjects_hit < 300, "{tried:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_sign_ins_meanwhile_when_a_filter_is_ended_then_counts_match_and_no_later_birth_ends()
{
    let siege = Bulk {
        binary: BINARY.into(),
        sessions: 3000,
        rate: 50,
        idle: Duration::ZERO,
    };
    let folder = tempfile::tempdir().unwrap();

    let ended = siege.play(folder.path(), |_| {}).await.unwrap();

    assert!(ended.violations.is_empty(), "{:#?}", ended.violations);
    assert!(ended.ended >= 3000 && ended.later > 0, "{ended:?}");
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
