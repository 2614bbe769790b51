//! What [`SessionStore::read`] promises.

use std::time::Duration;

use innkeeper_domain::change::Change;

use super::Harness;
use super::fixture::{World, remembered, session, tag};
use crate::{KeyDigest, SessionStore};

/// `now` never falls, from one reading to the next.
pub async fn given_a_clock_that_steps_back_when_read_again_then_now_has_not_fallen(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let mut last = world.read(tag(1)).await.now;

    for step in [999_000, 500, 1_000_300, 0, 2_000_000, 1_000_000] {
        world.clock.step_wall(Duration::from_secs(step));
        for _ in 0..3 {
            world.clock.pass(Duration::from_millis(700));
            let now = world.read(tag(1)).await.now;
            assert!(
                now > last,
                "time stood still or fell: {last:?}, then {now:?}"
            );
            last = now;
        }
    }
}

/// An absent roster is `None`, and reading makes none.
pub async fn given_an_absent_roster_when_read_then_it_is_none_and_stays_so(harness: impl Harness) {
    let world = World::of(&harness).await;

    let first = world.read(tag(1)).await;
    let again = world.read(tag(1)).await;

    assert!(first.roster.is_none() && again.roster.is_none());
    assert_eq!(world.store.walk(None, 10).await.unwrap(), []);
    assert!(world.journal().await.is_empty());
}

/// With a key, what is remembered under it comes along, whichever roster it belongs to.
pub async fn given_a_key_of_another_roster_when_read_with_it_then_what_is_remembered_comes_along(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let now = world.read(tag(1)).await.now;
    let newborn = session(tag(1), 1, now);
    let answer = remembered(newborn.id, 5, now);
    let birth = vec![Change::Birth(newborn.into())];
    let mut commit = world.commit_of(tag(1), birth).await;
    commit.remember = vec![answer.clone()];
    let _ = world.outcome(commit).await;

    for of in [tag(1), tag(2)] {
        let with_it = world
            .store
            .read(of, Some(KeyDigest([5; 32])))
            .await
            .unwrap();
        let with_another = world
            .store
            .read(of, Some(KeyDigest([6; 32])))
            .await
            .unwrap();
        assert_eq!(with_it.remembered.as_ref(), Some(&answer));
        assert_eq!(with_another.remembered, None);
        assert_eq!(world.read(of).await.remembered, None, "nobody asked");
    }
}

/// What is remembered is so until its end, and [`keys_held`](crate::Reading::keys_held) counts
/// what a roster has at `now`.
pub async fn given_remembered_keys_when_they_end_then_they_are_neither_found_nor_counted(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    for number in 1..=3 {
        let now = world.read(tag(1)).await.now;
        let newborn = session(tag(1), number, now);
        let answer = remembered(newborn.id, number, now);
        let birth = vec![Change::Birth(newborn.into())];
        let mut commit = world.commit_of(tag(1), birth).await;
        commit.remember = vec![answer];
        let _ = world.outcome(commit).await;
        world.clock.pass(Duration::from_secs(20));
    }
    assert_eq!(
        world.read(tag(1)).await.keys_held,
        2,
        "the first has just ended"
    );
    assert_eq!(world.read(tag(2)).await.keys_held, 0);

    let key = |number| Some(KeyDigest([number; 32]));
    let first = world.store.read(tag(1), key(1)).await.unwrap();
    let second = world.store.read(tag(1), key(2)).await.unwrap();
    assert!(first.remembered.is_none() && second.remembered.is_some());

    world.clock.pass(Duration::from_secs(20));
    assert_eq!(world.read(tag(1)).await.keys_held, 1);
    world.clock.pass(Duration::from_secs(20));
    assert_eq!(world.read(tag(1)).await.keys_held, 0);
}
