//! What is promised across the end of a process, proper or not.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::roster::{Generation, RosterVersion};
use innkeeper_domain::session::Timestamp;

use super::fixture::{World, commit_for, drop_after, end, remembered, rotation, session, tag};
use super::glancing::visit;
use super::{DurableHarness, Harness};
use crate::register::{Put, Register};
use crate::{Heard, Kept, Outcome, SessionStore, Tail, Touch};

/// What is read was durable before it was handed out; no reader sees a commit that a crash could
/// still undo.
pub async fn given_a_reading_when_the_store_crashes_then_what_it_showed_is_still_there(
    mut harness: impl DurableHarness,
) {
    let mut world = World::of(&harness).await;
    for _ in 0..5 {
        let before = world.read(tag(1)).await.roster.map_or(0, |r| r.version.0);
        let store = Arc::clone(&world.store);
        let writer = tokio::spawn(async move {
            for _ in 0..20 {
                let reading = store.read(tag(1), None).await.unwrap();
                let commit = commit_for(tag(1), &reading, vec![Change::Disabled(false)]);
                let _ = store.commit(commit).await.unwrap();
            }
        });
        let seen = loop {
            let version = world.read(tag(1)).await.roster.map_or(0, |r| r.version.0);
            if version > before {
                break version;
            }
            tokio::task::yield_now().await;
        };

        world = crash(&mut harness, world).await;

        writer.await.unwrap();
        assert!(world.agreed(tag(1)).await >= RosterVersion(seen));
    }
}

/// `now` never falls across a reopening after a crash.
pub async fn given_times_handed_out_when_the_store_crashes_then_time_has_not_fallen(
    mut harness: impl DurableHarness,
) {
    let mut world = World::of(&harness).await;
    for passed in [0, 300, 900, 1500, 5000] {
        world.clock.pass(Duration::from_millis(passed));
        let last = world.read(tag(1)).await.now;
        world.clock.step_wall(Duration::from_secs(10));

        world = crash(&mut harness, world).await;

        let now = world.read(tag(1)).await.now;
        assert!(now >= last, "time fell: {last:?}, then {now:?}");
        assert!(
            now <= last.plus(Duration::from_secs(2)),
            "the ceiling is near"
        );
    }
}

/// `now` never falls across a proper reopening, and goes on exactly where it was.
pub async fn given_times_handed_out_when_the_store_is_stopped_then_time_has_not_fallen(
    mut harness: impl DurableHarness,
) {
    let mut world = World::of(&harness).await;
    for passed in [0, 300, 900, 1500, 5000] {
        world.clock.pass(Duration::from_millis(passed));
        let last = world.read(tag(1)).await.now;
        world.clock.step_wall(Duration::from_secs(10));

        world = stop(&mut harness, world).await;

        assert_eq!(world.read(tag(1)).await.now, last);
    }
}

/// If a quick look heard from a session, its last-seen reaches the disk in the end: with a proper
/// stop, at once.
pub async fn given_a_visit_during_a_glance_when_the_store_is_stopped_then_it_is_kept(
    mut harness: impl DurableHarness,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    world.clock.pass(Duration::from_mins(10));
    let at = visit(&world, id).await;

    let world = stop(&mut harness, world).await;

    assert_eq!(
        world.roster(tag(1)).await.find(id).unwrap().last_seen.get(),
        at
    );
}

/// If a quick look counted a failed sign-in, the count reaches the disk in the end, with commits
/// between or without.
pub async fn given_failures_counted_during_glances_when_the_store_is_stopped_then_they_are_kept(
    mut harness: impl DurableHarness,
) {
    let world = World::of(&harness).await;
    let _ = world.born(tag(1), 1).await;
    count_failure(&world).await;
    world.done(tag(1), Vec::new()).await;
    count_failure(&world).await;
    assert_eq!(world.roster(tag(1)).await.failures.get(), 2);

    let world = stop(&mut harness, world).await;
    assert_eq!(world.roster(tag(1)).await.failures.get(), 2);
    count_failure(&world).await;
    let world = stop(&mut harness, world).await;

    assert_eq!(world.roster(tag(1)).await.failures.get(), 3);
}

/// What was erased stays so after a crash, and what the store takes afterwards is not erased.
pub async fn given_an_erased_roster_when_the_store_crashes_then_its_person_does_not_come_back(
    mut harness: impl DurableHarness,
) {
    let world = World::of(&harness).await;
    for number in 1..=3 {
        let _ = world.born(tag(1), number).await;
        let _ = world.born(tag(2), number).await;
    }
    world.store.erase(tag(1), &[]).await.unwrap();
    let _ = world.born(tag(1), 4).await;

    let world = crash(&mut harness, world).await;

    let journal = world.journal().await;
    let of = |of| journal.iter().filter(move |e| e.tag == tag(of));
    let named: Vec<_> = of(1).map(|e| e.personal.is_some()).collect();
    assert_eq!(named, [false, false, false, true]);
    assert!(of(2).all(|e| e.personal.is_some()));
    assert_eq!(world.agreed(tag(1)).await, RosterVersion(4));
    assert_eq!(world.roster(tag(1)).await.sessions.len(), 4);
}

async fn count_failure<S: SessionStore>(world: &World<S>) {
    let mut count = |kept: Option<&Kept>, _| {
        kept.expect("it is there").failures().add();
        Heard::Yes
    };
    while !world.store.glance(tag(1), &mut count) {
        let _ = world.read(tag(1)).await;
    }
}

/// If a quick look heard from a session, its last-seen reaches the disk in the end: without any
/// stop, soon.
pub async fn given_a_visit_during_a_glance_when_time_passes_and_the_store_crashes_then_it_is_kept(
    mut harness: impl DurableHarness,
) {
    let world = World::of(&harness).await;
    let ids = [world.born(tag(1), 1).await, world.born(tag(2), 1).await];
    world.clock.pass(Duration::from_mins(10));
    let mut seen = Vec::new();
    for id in ids {
        seen.push(visit(&world, id).await);
    }
    for _ in 0..2 {
        world.clock.pass(Duration::from_secs(30));
        world.done(tag(2), Vec::new()).await;
    }

    let world = crash(&mut harness, world).await;

    for (id, at) in ids.into_iter().zip(seen) {
        let roster = world.roster(id.tag()).await;
        assert_eq!(roster.find(id).unwrap().last_seen.get(), at);
    }
}

/// A commit that is done survives a crash, with all that was done before it.
pub async fn given_commits_that_were_done_when_the_store_crashes_then_they_are_all_there(
    mut harness: impl DurableHarness,
) {
    let mut world = World::of(&harness).await;
    for round in 1..=4 {
        let stays = world.born(tag(round), round).await;
        let ends = world.born(tag(round), round + 100).await;
        let before = world.ended(ends).await;

        world = crash(&mut harness, world).await;

        let after = world.roster(tag(round)).await;
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        assert!(after.find(stays).is_some() && after.find(ends).is_none());
        for earlier in 1..=round {
            assert_eq!(world.agreed(tag(earlier)).await, RosterVersion(3));
        }
    }
}

/// A key is in the same step as its commit, and survives with it.
pub async fn given_a_remembered_key_when_the_store_crashes_then_it_is_still_remembered(
    mut harness: impl DurableHarness,
) {
    let world = World::of(&harness).await;
    let now = world.read(tag(1)).await.now;
    let newborn = session(tag(1), 1, now);
    let answer = remembered(newborn.id, 5, now);
    let birth = vec![Change::Birth(newborn.into())];
    let mut commit = world.commit_of(tag(1), birth).await;
    commit.remember = vec![answer.clone()];
    let _ = world.outcome(commit.clone()).await;

    let world = crash(&mut harness, world).await;

    let reading = world.store.read(tag(1), Some(answer.key)).await.unwrap();
    assert_eq!(reading.remembered, Some(answer));
    assert_eq!(reading.keys_held, 1);
    world.clock.pass(Duration::from_mins(2));
    world.born(tag(1), 2).await;
    let world = crash(&mut harness, world).await;
    assert_eq!(world.read(tag(1)).await.keys_held, 0, "it has ended");
}

/// A grace that a visit brings nearer is durable before it returns.
pub async fn given_a_grace_brought_nearer_when_the_store_crashes_then_it_is_as_near(
    mut harness: impl DurableHarness,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    let now = world.read(tag(1)).await.now;
    world.done(tag(1), vec![rotation(id, now)]).await;
    let near = now.plus(Duration::from_secs(5));
    let (session, grace_ends_at) = (id, Some(near));
    let touch = Touch {
        session,
        grace_ends_at,
    };
    world.store.touch(touch).await.unwrap();

    let world = crash(&mut harness, world).await;

    let roster = world.roster(tag(1)).await;
    let previous = roster.find(id).unwrap().previous.as_ref().unwrap();
    assert_eq!(previous.accepted_until.get(), near);
    assert_eq!(world.agreed(tag(1)).await, RosterVersion(2));
}

/// What was let go of does not come back.
pub async fn given_a_forgotten_roster_when_the_store_crashes_then_it_is_still_absent(
    mut harness: impl DurableHarness,
) {
    let world = World::of(&harness).await;
    let version = world.done(tag(1), Vec::new()).await.version;
    world.done(tag(2), vec![Change::Disabled(true)]).await;
    for _ in 0..2 {
        world.clock.pass(Duration::from_hours(24));
        world.store.raise_floor().await.unwrap();
    }
    world.store.forget(tag(1), version).await.unwrap();

    let world = crash(&mut harness, world).await;

    assert!(world.read(tag(1)).await.roster.is_none());
    assert_eq!(world.store.walk(None, 10).await.unwrap(), [tag(2)]);
    let again = world.done(tag(1), Vec::new()).await;
    assert!(again.version > version);
    let world = crash(&mut harness, world).await;
    assert_eq!(world.roster(tag(1)).await.version, again.version);
}

/// Neither the generation nor the version of the floor ever falls, across a crash too.
pub async fn given_a_risen_floor_when_the_store_crashes_then_it_has_not_fallen(
    mut harness: impl DurableHarness,
) {
    let mut world = World::of(&harness).await;
    for to in [5, 3, 9] {
        let (to, keep) = (Generation(to), Keep::None);
        world
            .done(tag(1), vec![Change::Generation { to, keep }])
            .await;
        world.clock.pass(Duration::from_hours(24));
        let floor = world.store.raise_floor().await.unwrap();

        world = crash(&mut harness, world).await;

        assert_eq!(world.read(tag(2)).await.ground.floor, floor);
        assert_eq!(
            world.store.raise_floor().await.unwrap(),
            floor,
            "at most daily"
        );
    }
}

/// A register value that is done survives a crash, and so does the version of a removed one.
pub async fn given_register_values_that_were_done_when_the_store_crashes_then_they_are_there(
    mut harness: impl DurableHarness,
) {
    let world = World::of(&harness).await;
    let put = |name, seen, value: Option<&[u8]>| {
        let store = Arc::clone(&world.store);
        let value = value.map(<[u8]>::to_vec);
        async move { store.put(name, seen, value).await.unwrap() }
    };
    assert_eq!(put("kept", None, Some(b"1")).await, Put::Done(1));
    assert_eq!(put("kept", Some(1), Some(b"2")).await, Put::Done(2));
    assert_eq!(put("gone", None, Some(b"1")).await, Put::Done(1));
    assert_eq!(put("gone", Some(1), None).await, Put::Done(2));

    let world = crash(&mut harness, world).await;

    let listed = world.store.list("").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].1.version, &*listed[0].1.value), (2, &b"2"[..]));
    let again = world
        .store
        .put("gone", None, Some(b"3".into()))
        .await
        .unwrap();
    assert_eq!(again, Put::Done(3), "its versions do not come back");
}

/// Dropping the future leaves it wholly done or wholly not done, across a crash too.
pub async fn given_a_future_dropped_at_commit_when_the_store_crashes_then_roster_and_journal_agree(
    mut harness: impl DurableHarness,
) {
    let mut world = World::of(&harness).await;
    for round in 0..8 {
        let id = world.born(tag(1), round).await;
        let ending = world
            .commit_of(tag(1), vec![end(id, Timestamp::ZERO)])
            .await;
        let before = ending.version;
        drop_after(usize::from(round % 4), world.store.commit(ending)).await;

        world = crash(&mut harness, world).await;

        let done = world.roster(tag(1)).await.find(id).is_none();
        let version = world.agreed(tag(1)).await;
        assert_eq!(version.0 - before.0, u64::from(done));
        let next = world
            .commit_of(tag(1), vec![end(id, Timestamp::ZERO)])
            .await;
        assert!(matches!(world.outcome(next).await, Outcome::Done(_)));
    }
}

/// What was let go of stays gone, what came after it is still there, and the store opens whole.
pub async fn given_a_journal_that_was_trimmed_when_the_store_crashes_then_it_is_as_short_and_whole(
    mut harness: impl DurableHarness,
) {
    let mut world = World::of(&harness).await;
    for number in 1..=9 {
        world.born(tag(number % 3), number).await;
    }
    let whole = world.store.tail(None, 50).await.unwrap().page().unwrap();
    let versions: Vec<_> = whole.iter().map(|(_, entry)| entry.seq).collect();

    // The last time nothing is left, though every roster is still there.
    for through in [0, 3, 8] {
        world.store.trim(&whole[through].0).await.unwrap();

        world = crash(&mut harness, world).await;
        world = stop(&mut harness, world).await;

        let kept = world.store.tail(None, 50).await.unwrap().page().unwrap();
        assert_eq!(kept, whole[through + 1..]);
        let before = world.store.tail(Some(&whole[0].0), 5).await.unwrap();
        assert_eq!(before == Tail::Gone, through > 0);
        let latest = world.store.latest().await.unwrap();
        assert_eq!(latest.as_ref(), Some(&whole[8].0));
    }
    world.born(tag(1), 10).await;
    world = crash(&mut harness, world).await;
    let kept = world.journal().await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].seq.0, 4);
    assert_eq!(versions.iter().filter(|v| v.0 == 3).count(), 3);
}

async fn crash<H: DurableHarness>(harness: &mut H, world: World<H::Store>) -> World<H::Store> {
    harness.crash(world.store).await;
    again(harness, world.clock).await
}

async fn stop<H: DurableHarness>(harness: &mut H, world: World<H::Store>) -> World<H::Store> {
    harness.stop(world.store).await;
    again(harness, world.clock).await
}

async fn again<H: Harness>(harness: &H, clock: Arc<crate::clock::ManualClock>) -> World<H::Store> {
    let store = harness.open(Arc::clone(&clock)).await;
    World { clock, store }
}
