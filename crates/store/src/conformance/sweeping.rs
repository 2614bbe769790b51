//! What [`SessionStore::walk`], [`SessionStore::forget`] and [`SessionStore::raise_floor`]
//! promise.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::roster::{Generation, Roster};
use innkeeper_domain::session::SessionId;

use super::Harness;
use super::fixture::{World, session, tag};
use crate::{Outcome, SessionStore};

const DAY: Duration = Duration::from_hours(24);

/// Every roster that is there throughout a walk is named in it once.
pub async fn given_rosters_that_come_and_go_when_walked_then_each_that_stays_is_named_once(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let mut stay: Vec<_> = (0..40).map(|number| tag(number * 2)).collect();
    for tag in &stay {
        world.done(*tag, vec![Change::Disabled(true)]).await;
    }

    for limit in [1, 7, 40, 100] {
        let mut named = Vec::new();
        let mut after = None;
        let mut newcomer = 1;
        loop {
            let page = world.store.walk(after, limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else {
                break;
            };
            assert!(after < Some(*last), "a walk goes on");
            after = Some(*last);
            named.extend(page);
            if newcomer < 80 {
                world
                    .done(tag(newcomer), vec![Change::Disabled(true)])
                    .await;
                newcomer += 2;
            }
        }
        assert!(named.is_sorted(), "in the order of their tags");
        named.dedup();
        stay.sort_unstable();
        named.retain(|tag| stay.contains(tag));
        assert_eq!(named, stay);
    }
}

/// One that is not forgettable stays.
pub async fn given_a_roster_that_would_be_missed_when_forgotten_then_it_stays(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let alive = world.born(tag(1), 1).await;
    world.done(tag(2), vec![Change::Disabled(true)]).await;
    let id = world.born(tag(3), 1).await;
    world.ended(id).await;
    world.done(tag(4), Vec::new()).await;

    for of in 1..=4 {
        forget(&world, of).await;
        assert!(
            world.read(tag(of)).await.roster.is_some(),
            "its floor has not risen twice"
        );
    }
    rise_twice(&world).await;
    let version = world.roster(tag(4)).await.version;
    world.store.forget(tag(4), version.next()).await.unwrap();
    assert!(
        world.read(tag(4)).await.roster.is_some(),
        "it has another version"
    );
    for of in 1..=2 {
        forget(&world, of).await;
        assert!(
            world.read(tag(of)).await.roster.is_some(),
            "something is left in it"
        );
    }
    assert!(world.roster(tag(1)).await.find(alive).is_some());
    world.store.forget(tag(9), version).await.unwrap();
}

/// Afterwards the roster reads as absent, and every verdict is as before (S18).
pub async fn given_a_roster_with_nothing_left_when_forgotten_then_every_verdict_is_as_before(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let id: SessionId = world.born(tag(1), 1).await;
    world.ended(id).await;
    let (to, keep) = (Generation(7), Keep::None);
    let raised = world
        .done(tag(1), vec![Change::Generation { to, keep }])
        .await;
    rise_twice(&world).await;

    forget(&world, 1).await;

    let reading = world.read(tag(1)).await;
    assert!(reading.roster.is_none());
    assert_eq!(world.store.walk(None, 10).await.unwrap(), []);
    assert!(
        reading.ground.floor.generation > raised.generation,
        "old evidence stays old"
    );
    assert!(reading.ground.floor.lift(raised.generation) == raised.generation);
    assert!(
        reading.ground.floor.version >= raised.version,
        "numbers do not come back"
    );
    let again: std::sync::Arc<Roster> = world.done(tag(1), Vec::new()).await;
    assert!(again.version > raised.version);
    let entries = world.journal().await;
    assert_eq!(entries.len(), 4, "what happened stays in the journal");
}

/// Neither the generation nor the version of the floor ever falls.
pub async fn given_commits_between_when_the_floor_rises_then_neither_of_its_numbers_falls(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let mut last = world.read(tag(1)).await.ground.floor;
    for to in [3, 9, 4, 20] {
        let (to, keep) = (Generation(to), Keep::None);
        world
            .done(tag(1), vec![Change::Generation { to, keep }])
            .await;
        let reached = world.roster(tag(1)).await;
        world.clock.pass(DAY);

        let floor = world.store.raise_floor().await.unwrap();

        assert_eq!(floor.epoch, last.epoch + 1);
        assert!(floor.generation > last.generation && floor.version >= last.version);
        assert!(
            floor.generation > reached.generation,
            "above everything that was reached"
        );
        assert!(floor.version >= reached.version);
        assert_eq!(floor.generation_before, last.generation);
        assert_eq!(
            world.store.raise_floor().await.unwrap(),
            floor,
            "at most daily"
        );
        assert_eq!(world.read(tag(2)).await.ground.floor, floor);
        last = floor;
    }
}

async fn rise_twice<S: SessionStore>(world: &World<S>) {
    for _ in 0..2 {
        world.clock.pass(DAY);
        world.store.raise_floor().await.unwrap();
    }
}

async fn forget<S: SessionStore>(world: &World<S>, of: u8) {
    let version = world.roster(tag(of)).await.version;
    world.store.forget(tag(of), version).await.unwrap();
}

/// A commit made for a roster that was absent is `Stale` once the floor has risen.
///
/// A sign-in read the floor, the floor rose, and the commit came after: the version of an absent
/// roster was still the same, but the newborn was of a generation below the new floor. The store
/// answered done, and no session was there.
pub async fn given_a_commit_for_an_absent_roster_when_the_floor_rises_first_then_it_is_stale(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let now = world.read(tag(1)).await.now;
    let birth = Change::Birth(Arc::new(session(tag(1), 1, now)));
    let late = world.commit_of(tag(1), vec![birth]).await;
    world.clock.pass(DAY);
    world.store.raise_floor().await.unwrap();

    let outcome = world.outcome(late).await;

    assert!(matches!(outcome, Outcome::Stale));
    assert!(world.read(tag(1)).await.roster.is_none());
}
