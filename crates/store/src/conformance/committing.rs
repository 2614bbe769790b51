//! What [`SessionStore::commit`] promises, one caller at a time.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::policy::Seats;
use innkeeper_domain::roster::RosterVersion;

use super::Harness;
use super::fixture::{IDLE, World, drop_after, end, remembered, session, tag};
use crate::{KeyDigest, Outcome, SessionStore, Touch, Touched};

/// A commit made for another version than the roster has is `Stale`, and changes nothing.
pub async fn given_another_version_when_committed_for_then_it_is_stale_and_changes_nothing(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let for_absent = world.commit_of(tag(1), vec![Change::Disabled(true)]).await;
    let id = world.born(tag(1), 1).await;
    let for_first = world.commit_of(tag(1), vec![Change::Disabled(true)]).await;
    let before = world.born(tag(1), 2).await;
    let mut for_next = world.commit_of(tag(1), vec![Change::Disabled(true)]).await;
    for_next.version = for_next.version.next();

    for stale in [for_absent, for_first, for_next] {
        assert!(matches!(world.outcome(stale).await, Outcome::Stale));
    }

    let roster = world.roster(tag(1)).await;
    assert!(!roster.disabled);
    assert!(roster.find(id).is_some() && roster.find(before).is_some());
    assert_eq!(world.agreed(tag(1)).await, RosterVersion(2));
}

/// A commit whose moment has passed by the store's own clock, read in that step, is `Stale`, and
/// changes nothing.
pub async fn given_a_moment_that_has_passed_when_committed_then_it_is_stale_and_changes_nothing(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    world.born(tag(1), 1).await;
    let mut stands = world.commit_of(tag(1), vec![Change::Disabled(true)]).await;
    stands.stands_until = world.read(tag(1)).await.now.plus(Duration::from_secs(10));

    world.clock.pass(Duration::from_secs(10));
    assert!(matches!(
        world.outcome(stands.clone()).await,
        Outcome::Stale
    ));
    world.clock.step_wall(Duration::ZERO);
    assert!(matches!(
        world.outcome(stands.clone()).await,
        Outcome::Stale
    ));
    assert!(!world.roster(tag(1)).await.disabled);
    assert_eq!(world.agreed(tag(1)).await, RosterVersion(1));

    let now = world.read(tag(1)).await.now;
    stands.stands_until = now.plus(Duration::from_millis(1));
    assert!(
        matches!(world.outcome(stands).await, Outcome::Done(_)),
        "not yet passed"
    );
}

/// A commit whose key is remembered already, for whichever roster, is `Stale`, and changes
/// nothing.
pub async fn given_a_key_that_is_remembered_when_committed_again_then_it_is_stale_and_changes_nothing(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let now = world.read(tag(1)).await.now;
    let birth = |of, number| {
        let newborn = session(tag(of), number, now);
        (
            remembered(newborn.id, 5, now),
            vec![Change::Birth(newborn.into())],
        )
    };
    let (first, births) = birth(1, 1);
    let mut commit = world.commit_of(tag(1), births).await;
    commit.remember = vec![first.clone()];
    assert!(matches!(world.outcome(commit).await, Outcome::Done(_)));

    for of in [1, 2] {
        let (again, births) = birth(of, 2);
        let mut commit = world.commit_of(tag(of), births).await;
        commit.remember = vec![again];
        assert!(matches!(world.outcome(commit).await, Outcome::Stale));
    }
    assert_eq!(world.agreed(tag(1)).await, RosterVersion(1));
    assert_eq!(world.agreed(tag(2)).await, RosterVersion(0));
    let held = world.store.read(tag(2), Some(first.key)).await.unwrap();
    assert_eq!(held.remembered, Some(first), "the first answer stands");

    world.clock.pass(Duration::from_mins(1));
    let (later, births) = birth(2, 2);
    let mut commit = world.commit_of(tag(2), births).await;
    commit.remember = vec![later];
    assert!(
        matches!(world.outcome(commit).await, Outcome::Done(_)),
        "it had ended"
    );
}

/// A commit with several keys is remembered under each, and stale if any of them was used.
pub async fn given_a_commit_with_two_keys_when_either_comes_again_then_it_is_stale(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let now = world.read(tag(1)).await.now;
    let with_keys = async |of, number, keys: &[u8]| {
        let newborn = session(tag(of), number, now);
        let remember = keys.iter().map(|key| remembered(newborn.id, *key, now));
        let remember: Vec<_> = remember.collect();
        let birth = vec![Change::Birth(newborn.into())];
        let mut commit = world.commit_of(tag(of), birth).await;
        commit.remember = remember;
        world.outcome(commit).await
    };
    assert!(matches!(with_keys(1, 1, &[5, 6]).await, Outcome::Done(_)));

    for keys in [&[5][..], &[6], &[7, 6], &[5, 7]] {
        assert!(matches!(with_keys(2, 2, keys).await, Outcome::Stale));
    }

    let reading = world.read(tag(1)).await;
    assert_eq!(reading.keys_held, 2);
    for key in [5, 6] {
        let key = KeyDigest([key; 32]);
        let held = world.store.read(tag(2), Some(key)).await.unwrap();
        assert_eq!(held.remembered.unwrap().key, key);
    }
    assert!(matches!(with_keys(2, 2, &[7]).await, Outcome::Done(_)));
}

/// It has exactly one journal entry, numbered without gaps in its roster.
pub async fn given_commits_done_and_stale_when_counted_then_each_done_one_has_one_entry_without_gaps(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for number in 1..=5 {
        let late = world.commit_of(tag(1), vec![Change::Disabled(false)]).await;
        let id = world.born(tag(1), number).await;
        let _ = world.outcome(late).await;
        world.born(tag(2), number).await;
        world.ended(id).await;
    }

    assert_eq!(world.agreed(tag(1)).await, RosterVersion(10));
    assert_eq!(world.agreed(tag(2)).await, RosterVersion(5));
    assert_eq!(world.journal().await.len(), 15);
}

/// Dropping the future leaves it wholly done or wholly not done.
pub async fn given_a_future_dropped_at_commit_when_all_is_quiet_then_it_is_wholly_done_or_not_done(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for round in 0..40 {
        let id = world.born(tag(1), round).await;
        let now = world.read(tag(1)).await.now;
        let ending = world.commit_of(tag(1), vec![end(id, now)]).await;
        let before = ending.version;

        drop_after(usize::from(round % 4), world.store.commit(ending)).await;

        // Once another commit is done, the dropped one is done before it or stale for ever.
        let settled = loop {
            let next = world.commit_of(tag(1), vec![Change::Disabled(false)]).await;
            if let Outcome::Done(roster) = world.outcome(next).await {
                break roster;
            }
        };
        let done = settled.find(id).is_none();
        let commits = settled.version.0 - before.0;
        assert_eq!(commits, if done { 2 } else { 1 }, "wholly or not at all");
        assert_eq!(world.agreed(tag(1)).await, settled.version);
        if !done {
            let still: Arc<_> = world.roster(tag(1)).await;
            assert!(still.find(id).is_some());
            world.ended(id).await;
        }
    }
}

/// A commit with a bound on the sessions of its tenant is `Full`, and changes nothing, if it adds
/// one and would leave more of them live than that, as they are in that step.
pub async fn given_a_bound_on_a_tenant_when_seats_are_freed_or_not_then_just_so_many_more_are_live(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let seated = async |place: u8, seats: u64| {
        let reading = world.read(tag(place)).await;
        let newborn = session(tag(place), place, reading.now);
        let mut commit = world
            .commit_of(tag(place), vec![Change::Birth(newborn.into())])
            .await;
        commit.seats = Seats::new(seats);
        matches!(world.outcome(commit).await, Outcome::Done(_))
    };
    let first = world.born(tag(1), 1).await;
    world.clock.pass(IDLE / 2);
    world.born(tag(2), 2).await;

    assert!(!seated(3, 2).await, "two are live");
    assert!(world.read(tag(3)).await.roster.is_none());
    assert!(seated(3, 3).await);
    assert!(!seated(4, 3).await, "three are live");
    // Whoever was heard from holds the seat beyond the deadline there was.
    let visit = Touch {
        session: first,
        grace_ends_at: None,
    };
    assert!(matches!(
        world.store.touch(visit).await,
        Ok(Touched::Live(_))
    ));
    world
        .clock
        .pass(IDLE.saturating_sub(Duration::from_secs(1)));
    assert!(!seated(4, 3).await, "the second expires in half an hour");
    world.clock.pass(Duration::from_secs(2));
    assert!(seated(4, 3).await, "the first has expired by now");
}
