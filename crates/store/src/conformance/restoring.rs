//! What [`Archive::snapshot`] promises, and what is left of a copy when it is brought back (S20).

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::Generation;
use innkeeper_domain::session::{EndReason, SessionId};

use super::RestoringHarness;
use super::fixture::{World, commit_for, remembered, rotation, session, tag};
use crate::archive::{Archive, Copying};
use crate::register::{Put, Register};
use crate::{Heard, Outcome, SessionStore, Tail, Touch, Touched};

/// After older data comes back, nothing is valid: not to a reading, a glance, a touch or a commit.
pub async fn given_a_copy_when_brought_back_then_no_session_in_it_is_live<H: RestoringHarness>(
    harness: H,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    let written = world.roster(tag(1)).await;

    let (_place, world) = brought_back::<H>(world).await;

    let reading = world.read(tag(1)).await;
    let roster = reading.roster.clone().expect("it is there");
    let kept = roster.find(id).expect("it is recorded until its end is");
    assert_eq!(roster.live(reading.now).count(), 0);
    let end = roster
        .unrecorded_end(kept, reading.now)
        .expect("it is over");
    assert_eq!(end.reason, EndReason::RevokedByAdmin);
    assert_eq!(roster.store_generation, reading.ground.store_generation);
    let looked = world.store.glance(tag(1), &mut |kept, now| {
        assert_eq!(kept.expect("it is there").live(now).live, 0);
        Heard::No
    });
    assert!(looked, "nothing is under way");
    let touch = Touch {
        session: id,
        grace_ends_at: None,
    };
    let touched = world.store.touch(touch).await.unwrap();
    assert!(matches!(touched, Touched::Dead));
    let late = commit_for(
        tag(1),
        &crate::Reading {
            roster: Some(written),
            ..reading
        },
        vec![rotation(id, reading.now)],
    );
    let outcome = world.outcome(late).await;
    assert!(matches!(outcome, Outcome::Stale), "decided before");
    let ends = roster.expiries(reading.now);
    let after = world.done(tag(1), ends).await;
    assert!(after.sessions.is_empty() && after.find_ended(id, reading.now).is_some());
    world.agreed(tag(1)).await;
}

/// No session is born from evidence older than the restore, of whomever: a generation that was
/// handed out between the copy and the restore means nothing either.
pub async fn given_a_copy_when_brought_back_then_no_evidence_from_before_is_of_any_generation<
    H: RestoringHarness,
>(
    harness: H,
) {
    let world = World::of(&harness).await;
    world.born(tag(1), 1).await;
    let copy = copied(&world).await;
    for to in 2..20 {
        let change = Change::Generation {
            to: Generation(to),
            keep: innkeeper_domain::change::Keep::None,
        };
        world.done(tag(1), vec![change]).await;
    }
    let last = world.roster(tag(1)).await.generation;

    let (_place, world) = bring_back::<H>(&copy, world.clock).await;

    let there = world.read(tag(1)).await;
    assert!(there.roster.expect("it is there").generation > last);
    let floor = world.read(tag(2)).await.ground.floor;
    assert!(floor.generation > last, "absent rosters too");
    for evidence in 0..=last.0 {
        let evidence = Generation(evidence);
        assert_ne!(floor.lift(evidence), floor.generation);
    }
}

/// All that was acknowledged before the copy is in it, and it comes back as it was.
pub async fn given_a_copy_when_brought_back_then_all_else_is_as_it_was<H: RestoringHarness>(
    harness: H,
) {
    let world = World::of(&harness).await;
    let id: SessionId = world.born(tag(1), 1).await;
    world.ended(id).await;
    let now = world.read(tag(2)).await.now;
    let newborn = session(tag(2), 2, now);
    let answer = remembered(newborn.id, 5, now);
    let birth = vec![Change::Birth(newborn.into()), Change::Disabled(true)];
    let mut commit = world.commit_of(tag(2), birth).await;
    commit.remember = vec![answer.clone()];
    let _ = world.outcome(commit).await;
    let put = |name, seen, value: Option<&[u8]>| {
        let store = Arc::clone(&world.store);
        let value = value.map(<[u8]>::to_vec);
        async move { store.put(name, seen, value).await.unwrap() }
    };
    assert_eq!(put("kept", None, Some(b"1")).await, Put::Done(1));
    assert_eq!(put("gone", None, Some(b"1")).await, Put::Done(1));
    assert_eq!(put("gone", Some(1), None).await, Put::Done(2));
    let journal = world.journal().await;
    let latest = world.store.latest().await.unwrap().expect("it has entries");
    let first = world.store.tail(None, 1).await.unwrap().page().unwrap();
    let (first, _) = first.into_iter().next().expect("it has entries");
    world.clock.pass(Duration::from_mins(3));
    let last = world.read(tag(1)).await.now;
    let copy = copied(&world).await;
    world.clock.step_wall(Duration::from_secs(10));

    let (_place, world) = bring_back::<H>(&copy, world.clock).await;

    assert_eq!(world.journal().await, journal);
    for cursor in [Some(&latest), Some(&first)] {
        let tail = world.store.tail(cursor, 10).await.unwrap();
        assert_eq!(tail, Tail::Gone, "another journal goes on there");
    }
    assert!(world.read(tag(1)).await.now >= last, "time has not fallen");
    let ended = world.roster(tag(1)).await;
    assert!(ended.find_ended(id, last).is_some(), "its holder is told");
    assert!(world.roster(tag(2)).await.disabled);
    let listed = world.store.list("").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&*listed[0].0, &*listed[0].1.value), ("kept", &b"1"[..]));
    let again = world.store.put("gone", None, Some(b"3".into())).await;
    assert_eq!(again.unwrap(), Put::Done(3), "versions do not come back");
    let reading = world.store.read(tag(2), Some(answer.key)).await.unwrap();
    assert_eq!(reading.remembered, None, "no answer speaks of the dead");
    for number in [1, 2] {
        world.agreed(tag(number)).await;
    }
}

/// A commit is in the copy whole or not at all, with all that was acknowledged before it was sent.
pub async fn given_commits_under_way_when_copied_then_the_copy_is_of_one_point<
    H: RestoringHarness,
>(
    harness: H,
) {
    let world = World::of(&harness).await;
    let store = Arc::clone(&world.store);
    let writer = tokio::spawn(async move {
        for number in 0..200 {
            let of = tag(1 + number % 3);
            let reading = store.read(of, None).await.unwrap();
            let commit = commit_for(of, &reading, vec![Change::Disabled(false)]);
            let _ = store.commit(commit).await.unwrap();
        }
    });
    let mut copies = Vec::new();
    while !writer.is_finished() && copies.len() < 5 {
        copies.push(copied(&world).await);
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    copies.push(copied(&world).await);

    for copy in copies {
        let (_place, world) = bring_back::<H>(&copy, Arc::clone(&world.clock)).await;
        let mut versions = Vec::new();
        for number in 1..=3 {
            versions.push(world.agreed(tag(number)).await.0);
        }
        let round = versions[0];
        assert!(
            versions.iter().all(|v| *v == round || *v + 1 == round),
            "they were written in turn: {versions:?}"
        );
        assert!(versions.is_sorted_by(|before, after| before >= after));
    }
}

/// A journal whose beginning was let go of is copied from where it begins, and goes on from there.
pub async fn given_a_journal_that_was_trimmed_when_brought_back_then_it_begins_where_it_began<
    H: RestoringHarness,
>(
    harness: H,
) {
    let world = World::of(&harness).await;
    for number in 1..=4 {
        world.done(tag(number), vec![Change::Disabled(true)]).await;
    }
    let page = world.store.tail(None, 3).await.unwrap().page().unwrap();
    world.store.trim(&page[2].0).await.unwrap();
    let journal = world.journal().await;
    assert_eq!(journal.len(), 1);

    let (_place, world) = brought_back::<H>(world).await;

    assert_eq!(world.journal().await, journal);
    for number in 1..=4 {
        world.done(tag(number), vec![Change::Disabled(false)]).await;
    }
    assert_eq!(world.journal().await.len(), 5);
    let (_place, world) = brought_back::<H>(world).await;
    assert_eq!(world.journal().await.len(), 5);
}

/// What was restored can be copied and restored again, each time as another store generation.
pub async fn given_a_restored_store_when_copied_and_restored_again_then_its_sessions_are_dead_too<
    H: RestoringHarness,
>(
    harness: H,
) {
    let mut world = World::of(&harness).await;
    let mut place = harness;
    let mut before = world.read(tag(1)).await.ground.store_generation;
    for number in 1..=3 {
        let reading = world.read(tag(1)).await;
        let mut newborn = session(tag(1), number, reading.now);
        let floor = reading.ground.floor.generation;
        newborn.generation = reading.roster.map_or(floor, |r| r.generation);
        let birth = vec![Change::Birth(newborn.into())];
        let roster = world.done(tag(1), birth).await;
        assert_eq!(roster.live(reading.now).count(), 1, "the newborn lives");

        (place, world) = brought_back::<H>(world).await;

        let reading = world.read(tag(1)).await;
        assert!(reading.ground.store_generation > before);
        before = reading.ground.store_generation;
        let roster = reading.roster.expect("it is there");
        assert_eq!(roster.live(reading.now).count(), 0);
    }
    drop(place);
}

async fn brought_back<H: RestoringHarness>(world: World<H::Store>) -> (H, World<H::Store>) {
    let copy = copied(&world).await;
    bring_back::<H>(&copy, world.clock).await
}

/// The place with the copy in it, and the store that is open there.
async fn bring_back<H: RestoringHarness>(
    copy: &[u8],
    clock: Arc<crate::clock::ManualClock>,
) -> (H, World<H::Store>) {
    let harness = H::restored(copy, Arc::clone(&clock)).await;
    let store = harness.open(Arc::clone(&clock)).await;
    (harness, World { clock, store })
}

async fn copied<S: Archive + 'static>(world: &World<S>) -> Vec<u8> {
    let store = Arc::clone(&world.store);
    let mut copying = Copying::begin(store).await.expect("the store answers");
    let mut copy = Vec::new();
    while let Some(piece) = copying.next().await.expect("the store answers") {
        copy.extend(piece);
    }
    copy
}
