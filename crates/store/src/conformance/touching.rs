//! What [`SessionStore::touch`] promises.

use std::time::Duration;

use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::session::{SessionId, Timestamp};

use super::Harness;
use super::fixture::{ABSOLUTE, IDLE, World, rotation, session, tag};
use crate::{SessionStore, Touch, Touched};

/// A session that was ended stays as it is.
///
/// The dangerous order is the ordinary one: a slow request reads a session, an administrator
/// ends it, and the slow request finishes by recording its visit. A store that writes the whole
/// record back has just let the visitor in again.
pub async fn given_an_ended_session_when_a_slow_request_touches_it_then_it_stays_ended(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    let read_before = world.roster(tag(1)).await;
    let ended = world.ended(id).await;
    world.clock.pass(Duration::from_secs(30));

    assert!(read_before.find(id).is_some(), "the slow request holds it");
    assert!(matches!(touch(&world, id).await, Touched::Dead));

    let roster = world.roster(tag(1)).await;
    assert!(roster.find(id).is_none());
    let now = world.read(tag(1)).await.now;
    let kept = roster.find_ended(id, now).unwrap();
    let was = ended.find_ended(id, now).unwrap();
    assert_eq!(kept.ending, was.ending);
    assert_eq!(kept.session.last_seen.get(), was.session.last_seen.get());
}

/// A session that had expired by the store's clock stays as it is. A visit never brings a
/// session back.
pub async fn given_an_expired_session_when_touched_then_it_stays_as_it_is(harness: impl Harness) {
    let world = World::of(&harness).await;
    let idle = world.born(tag(1), 1).await;
    let busy = world.born(tag(2), 2).await;
    let seen = world.read(tag(1)).await.now;

    world.clock.pass(IDLE);
    assert!(
        matches!(touch(&world, idle).await, Touched::Dead),
        "at its deadline"
    );
    world.clock.step_wall(Duration::ZERO);
    assert!(matches!(touch(&world, idle).await, Touched::Dead));
    let session = world.roster(tag(1)).await;
    assert_eq!(session.find(idle).unwrap().last_seen.get(), seen);

    world
        .clock
        .step_wall(Duration::from_millis(seen.as_millis()) + ABSOLUTE);
    let before = world
        .roster(tag(2))
        .await
        .find(busy)
        .unwrap()
        .last_seen
        .get();
    assert!(matches!(touch(&world, busy).await, Touched::Dead));
    assert_eq!(
        world
            .roster(tag(2))
            .await
            .find(busy)
            .unwrap()
            .last_seen
            .get(),
        before
    );
}

/// `last_seen` never moves backwards, in whatever order visits arrive, nor beyond the store's
/// clock.
pub async fn given_visits_under_any_clock_when_recorded_then_last_seen_never_falls_nor_runs_ahead(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    let mut last = Timestamp::ZERO;

    for step in [1_000_100, 1_000_050, 0, 1_000_200, 1_000_100] {
        world.clock.step_wall(Duration::from_secs(step));
        world.clock.pass(Duration::from_secs(4));
        let Touched::Live(session) = touch(&world, id).await else {
            panic!("it is live");
        };
        let seen = session.last_seen.get();
        assert!(last < seen, "it was heard from");
        assert!(seen <= world.read(tag(1)).await.now);
        assert_eq!(
            world.roster(tag(1)).await.find(id).unwrap().last_seen.get(),
            seen
        );
        last = seen;
    }
}

/// An unknown id is [`Touched::Dead`], and nothing is created.
pub async fn given_an_unknown_id_when_touched_then_it_is_dead_and_nothing_is_created(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    world.born(tag(1), 1).await;
    let now = world.read(tag(1)).await.now;

    for unknown in [session(tag(1), 2, now).id, session(tag(2), 1, now).id] {
        let soon = Some(now.plus(Duration::from_secs(1)));
        for grace_ends_at in [None, soon] {
            let session = unknown;
            let touch = Touch {
                session,
                grace_ends_at,
            };
            assert!(matches!(
                world.store.touch(touch).await.unwrap(),
                Touched::Dead
            ));
        }
    }

    assert_eq!(world.store.walk(None, 10).await.unwrap(), [tag(1)]);
    assert_eq!(world.roster(tag(1)).await.sessions.len(), 1);
    assert_eq!(world.agreed(tag(1)).await, RosterVersion(1));
}

/// It makes no journal entry and no new version.
pub async fn given_a_visit_when_recorded_then_there_is_no_entry_and_no_new_version(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    let now = world.read(tag(1)).await.now;
    world.done(tag(1), vec![rotation(id, now)]).await;
    let decided_before = world.commit_of(tag(1), Vec::new()).await;

    for after in [40, 20, 30] {
        world.clock.pass(Duration::from_millis(500));
        let grace_ends_at = Some(now.plus(Duration::from_secs(after)));
        let session = id;
        let touch = Touch {
            session,
            grace_ends_at,
        };
        assert!(matches!(
            world.store.touch(touch).await.unwrap(),
            Touched::Live(_)
        ));
    }

    assert_eq!(world.agreed(tag(1)).await, RosterVersion(2));
    let outcome = world.outcome(decided_before).await;
    assert!(
        matches!(outcome, crate::Outcome::Done(_)),
        "a visit outdates no decision"
    );
}

/// A grace only ever comes nearer.
pub async fn given_a_grace_when_a_visit_brings_it_nearer_then_it_never_moves_away_again(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    let now = world.read(tag(1)).await.now;
    world.done(tag(1), vec![rotation(id, now)]).await;

    for (asked, expected) in [(90, 60), (40, 40), (50, 40), (5, 5), (10, 5)] {
        let grace_ends_at = Some(now.plus(Duration::from_secs(asked)));
        let session = id;
        let touch = Touch {
            session,
            grace_ends_at,
        };
        let Touched::Live(touched) = world.store.touch(touch).await.unwrap() else {
            panic!("it is live");
        };
        world.born(tag(1), u8::try_from(asked).unwrap()).await;
        let read = world.roster(tag(1)).await;
        for session in [&touched, read.find(id).unwrap()] {
            let until = session.previous.as_ref().unwrap().accepted_until.get();
            assert_eq!(until, now.plus(Duration::from_secs(expected)));
        }
    }
}

async fn touch<S: SessionStore>(world: &World<S>, session: SessionId) -> Touched {
    let grace_ends_at = None;
    let touch = Touch {
        session,
        grace_ends_at,
    };
    world.store.touch(touch).await.expect("the store answers")
}
