//! A policy tried on what the journal tells.

use std::time::Duration;

use innkeeper_domain::device::DeviceToken;
use innkeeper_domain::policy::{Overflow, Policy, SameDevice};
use innkeeper_domain::session::Timestamp;
use innkeeper_engine::EngineError;
use innkeeper_engine::policy::history::{HISTORY_SUBJECTS_MAX, HistoryTrial};
use innkeeper_engine::policy::trial::Trial;

use crate::support::{House, arrival, finish, house, house_with, policy, poll_once};

fn tried(house: &House, policy: &Policy, since: Timestamp) -> Trial {
    match finish(attempt(house, policy, since, HISTORY_SUBJECTS_MAX)).expect("the store is sound") {
        HistoryTrial::Done(trial) => trial,
        other => panic!("{other:?}"),
    }
}

async fn attempt(
    house: &House,
    policy: &Policy,
    since: Timestamp,
    subjects_max: usize,
) -> Result<HistoryTrial, EngineError> {
    let authority = &house.authority;
    authority
        .try_policy_on_history(policy, since, subjects_max)
        .await
}

fn told(trial: &Trial) -> (usize, usize, usize) {
    (trial.sessions, trial.ended, trial.refused)
}

/// The policy that was in force all along has done already what it would have done.
#[test]
fn given_the_policy_in_force_when_tried_on_its_own_history_then_it_ends_and_refuses_nobody() {
    let evicting = policy(2, Overflow::EvictOldest);
    let house = house_with(evicting.clone());
    for _ in 0..6 {
        let last = house.sign_in("alice");
        house.clock.pass(Duration::from_secs(5));
        if house.live("alice") == 2 {
            let _ = house.revoke(last.session.id);
        }
    }
    // Some come to the end of their time, and that is written down.
    let _ = house.sign_in("bob");
    house.clock.pass(Duration::from_hours(13));
    let _ = house.sign_in("bob");
    let _ = house.sign_in("alice");

    let trial = tried(&house, &evicting, Timestamp::ZERO);

    assert_eq!(told(&trial), (9, 0, 0));
    assert_eq!((trial.subjects, trial.subjects_hit), (2, 0));
}

#[test]
fn given_sessions_that_are_over_when_a_stricter_policy_is_tried_then_what_it_would_have_done_counts()
 {
    let house = house();
    for _ in 0..4 {
        let _ = house.sign_in("alice");
    }
    let _ = house.revoke_all("alice", None);
    let _ = house.sign_in("alice");
    let _ = house.sign_in("bob");

    let evicting = tried(&house, &policy(2, Overflow::EvictOldest), Timestamp::ZERO);
    let refusing = tried(&house, &policy(1, Overflow::Refuse), Timestamp::ZERO);

    assert_eq!(told(&evicting), (6, 2, 0));
    assert_eq!(told(&refusing), (6, 0, 3));
    assert_eq!(refusing.histogram, [(1, 1), (4, 1)].into());
    let shown: Vec<_> = refusing
        .examples
        .iter()
        .map(|e| (e.subject.as_str(), e.live, e.ended, e.refused))
        .collect();
    assert_eq!(shown, [("alice", 4, 0, 3)]);
}

#[test]
fn given_a_time_to_begin_at_when_tried_then_only_what_came_after_it_counts() {
    let house = house();
    let _ = house.sign_in("alice");
    let _ = house.sign_in("alice");
    house.clock.pass(Duration::from_mins(5));
    let since = house.now();
    let _ = house.sign_in("alice");

    let trial = tried(&house, &policy(1, Overflow::EvictOldest), since);

    assert_eq!(told(&trial), (1, 1, 0));
}

#[test]
fn given_a_shorter_life_when_tried_then_sessions_that_outlived_it_count() {
    let house = house();
    let long = house.sign_in("alice");
    let short = house.sign_in("bob");
    house.clock.pass(Duration::from_mins(10));
    let _ = house.revoke(short.session.id);
    house.clock.pass(Duration::from_mins(15));
    let _ = house.revoke(long.session.id);
    let _ = house.sign_in("carol");
    let mut shorter = Policy::default();
    shorter.terms.absolute = Duration::from_mins(20);
    shorter.terms.idle = Duration::from_mins(1);

    let trial = tried(&house, &shorter, Timestamp::ZERO);

    // Silence is not to be seen, so only the one that lived for 25 minutes counts.
    assert_eq!(told(&trial), (3, 1, 0));
}

#[test]
fn given_one_device_when_a_policy_that_replaces_is_tried_then_it_is_recognised_in_the_history() {
    let mut counting = Policy::default();
    counting.terms.same_device = SameDevice::Count;
    let house = house_with(counting);
    let first = house.sign_in("alice");
    let tag = first.roster.tag;
    let mut again = arrival("alice");
    again.device = Some(DeviceToken::from_entropy(tag, *first.device.token.secret()));
    let _ = house.answer(again);

    let trial = tried(&house, &Policy::default(), Timestamp::ZERO);

    assert_eq!(told(&trial), (2, 1, 0));
}

/// Each holds a roster of every subject that the journal names, so there is one at a time.
#[test]
fn given_a_trial_under_way_when_another_is_asked_for_then_that_is_said_until_it_is_over() {
    let house = house();
    let _ = house.sign_in("alice");
    let strict = policy(1, Overflow::EvictOldest);
    let attempt = || attempt(&house, &strict, Timestamp::ZERO, HISTORY_SUBJECTS_MAX);
    let mut first = Box::pin(attempt());
    assert!(poll_once(first.as_mut()).is_pending());

    let second = finish(attempt());
    // Whoever gave up waiting leaves nothing behind (S19).
    drop(first);
    let third = finish(attempt());

    assert_eq!(second.expect("the store is sound"), HistoryTrial::UnderWay);
    let Ok(HistoryTrial::Done(trial)) = third else {
        panic!("{third:?}");
    };
    assert_eq!(told(&trial), (1, 0, 0));
}

#[test]
fn given_more_subjects_than_a_trial_holds_when_a_policy_is_tried_then_that_is_said() {
    let house = house();
    for subject in ["alice", "bob", "carol", "alice"] {
        let _ = house.sign_in(subject);
    }
    let strict = policy(1, Overflow::EvictOldest);

    let held = |subjects_max| finish(attempt(&house, &strict, Timestamp::ZERO, subjects_max));

    assert!(matches!(held(2), Ok(HistoryTrial::TooManySubjects)));
    assert!(matches!(held(3), Ok(HistoryTrial::Done(_))));
}
