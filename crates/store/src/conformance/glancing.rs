//! What [`SessionStore::glance`] promises.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;

use super::Harness;
use super::fixture::{World, tag};
use crate::{Heard, Kept, SessionStore};

/// What it shows is what a reading would have shown.
pub async fn given_a_roster_when_glanced_at_then_it_is_what_a_reading_shows(harness: impl Harness) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    world.ended(id).await;
    world.born(tag(1), 2).await;

    let read = world.read(tag(1)).await;
    let (seen, now) = glance(&world, tag(1)).await;

    assert!(Arc::ptr_eq(&seen.unwrap(), &read.roster.unwrap()));
    assert_eq!(now, read.now, "the clock stands still here");
    assert!(glance(&world, tag(2)).await.0.is_none());
}

/// A visit that a glance records is there for the readings after it.
pub async fn given_a_visit_during_a_glance_when_read_afterwards_then_the_session_was_heard_from(
    harness: impl Harness,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    world.clock.pass(Duration::from_mins(10));

    let at = visit(&world, id).await;
    world.born(tag(1), 2).await;

    assert_eq!(
        world.roster(tag(1)).await.find(id).unwrap().last_seen.get(),
        at
    );
}

/// Looks quickly, after as many readings as the store needs to allow it.
pub(super) async fn glance<S: SessionStore>(
    world: &World<S>,
    tag: RosterTag,
) -> (Option<Arc<Roster>>, Timestamp) {
    loop {
        let mut seen = None;
        let mut look = |kept: Option<&Kept>, now| {
            seen = Some((kept.map(|kept| kept.open().expect("it is whole")), now));
            Heard::No
        };
        let answered = world.store.glance(tag, &mut look);
        assert_eq!(
            answered,
            seen.is_some(),
            "it calls `look` if and only if it says so"
        );
        match seen {
            Some(seen) => return seen,
            None => drop(world.read(tag).await),
        }
    }
}

/// Hears from a session in a quick look, and says when.
pub(super) async fn visit<S: SessionStore>(world: &World<S>, id: SessionId) -> Timestamp {
    loop {
        let mut at = None;
        let mut look = |kept: Option<&Kept>, now| {
            let kept = kept.expect("it is there");
            kept.hear(id.serial(), now);
            at = Some(now);
            Heard::Yes
        };
        world.store.glance(id.tag(), &mut look);
        match at {
            Some(at) => return at,
            None => drop(world.read(id.tag()).await),
        }
    }
}
