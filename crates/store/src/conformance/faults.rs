//! What a store on a server promises while the network, or the server, fails: an answer is done,
//! not done or unknown, and a repeat settles it (rules 11 and 12 of the invariants); nothing is
//! answered from memory beyond a lease; and service comes back by itself (V6).

use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::token::RosterTag;
use innkeeper_test_servers::proxy::{Cut, Proxy, Said, Way};
use tokio::task::yield_now;

use super::FaultyHarness;
use super::fixture::{World, commit_for, end, listening, remembered, session, tag};
use crate::lease::Terms;
use crate::{Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError};

/// Signs in under a key once, as an engine does: looks whether the key is known, and commits.
async fn sign_in<S: SessionStore>(
    store: &S,
    tag: RosterTag,
    number: u8,
) -> Result<Outcome, StoreError> {
    let key = KeyDigest([number; 32]);
    let reading = store.read(tag, Some(key)).await?;
    if reading.remembered.is_some() {
        return Ok(Outcome::Stale);
    }
    let newborn = session(tag, number, reading.now);
    let answer = remembered(newborn.id, number, reading.now);
    let mut commit = commit_for(tag, &reading, vec![Change::Birth(newborn.into())]);
    commit.remember = vec![answer];
    store.commit(commit).await
}

/// The next reading that is answered.
async fn answered<S: SessionStore>(store: &S, tag: RosterTag) -> Reading {
    loop {
        if let Ok(reading) = store.read(tag, None).await {
            return reading;
        }
        yield_now().await;
    }
}

/// Repeats a sign-in until it is known to be done, and checks that it is done once.
async fn settled<S: SessionStore>(world: &World<S>, tag: RosterTag, number: u8) {
    while !matches!(
        sign_in(&*world.store, tag, number).await,
        Ok(Outcome::Stale)
    ) {
        yield_now().await;
    }
    let roster = world.roster(tag).await;
    assert_eq!(roster.sessions.len(), 1, "signed in once");
    assert_eq!(world.agreed(tag).await.0, 1);
}

/// A roster that is there, as memory answers of it; none if the store has to be asked.
fn glanced<S: SessionStore>(world: &World<S>, tag: RosterTag) -> Option<Arc<Roster>> {
    let mut seen = None;
    world.store.glance(tag, &mut |kept: Option<&Kept>, _| {
        seen = kept.map(|kept| kept.open().expect("it is whole"));
        Heard::No
    });
    seen
}

/// A commit whose connection is cut is unknown, and its key tells whether it stands.
pub async fn given_a_commit_whose_connection_is_cut_when_repeated_with_its_key_then_it_is_done_once<
    H: FaultyHarness,
>(
    harness: H,
) {
    let world = World::of(&harness).await;
    let network = harness.network();
    for (number, cut, stands) in [
        (1, Cut::Before, false),
        (2, Cut::After(0), true),
        (3, Cut::After(1), true),
    ] {
        answered(&*world.store, tag(number)).await;
        network.cut_at(Said::Word(H::COMMIT), cut);
        let unknown = sign_in(&*world.store, tag(number), number).await;
        assert!(
            matches!(unknown, Err(StoreError::Unknown { .. })),
            "{cut:?}: {unknown:?}"
        );
        assert_eq!(network.happened().sprung, number.into());
        let roster = answered(&*world.store, tag(number)).await.roster;
        assert_eq!(roster.is_some(), stands, "{cut:?}");
        settled(&world, tag(number), number).await;
    }
}

/// Wherever a connection is cut, what was answered as not done was not, and a repeat is done once.
pub async fn given_a_cut_at_anything_said_when_a_sign_in_is_repeated_then_it_is_done_once(
    harness: impl FaultyHarness,
) {
    let world = World::of(&harness).await;
    let network = harness.network();
    let mut number = 0;
    for cut in [Cut::Before, Cut::After(0), Cut::After(1)] {
        let mut others = 0;
        loop {
            number += 1;
            answered(&*world.store, tag(number)).await;
            let before = network.happened().sprung;
            network.cut_at(Said::After(others), cut);
            let outcome = sign_in(&*world.store, tag(number), number).await;
            network.cut_at_nothing();
            let is_cut = network.happened().sprung > before;
            let roster = answered(&*world.store, tag(number)).await.roster;
            match outcome {
                Ok(Outcome::Done(_)) => assert!(roster.is_some(), "{cut:?} after {others}"),
                Err(StoreError::Unavailable { .. }) => {
                    assert!(roster.is_none(), "{cut:?} after {others}: not done");
                }
                Err(StoreError::Unknown { .. }) => {}
                other => panic!("{cut:?} after {others}: {other:?}"),
            }
            settled(&world, tag(number), number).await;
            if !is_cut {
                break;
            }
            others += 1;
        }
        assert!(others > 1, "it was cut in the middle");
    }
}

/// An end whose answer was lost stands: nobody finds the session live again.
pub async fn given_an_end_whose_answer_is_cut_when_read_afterwards_then_it_stands<
    H: FaultyHarness,
>(
    harness: H,
) {
    let world = World::of(&harness).await;
    listening(&*world.store).await;
    let id = world.born(tag(1), 1).await;
    let ending = end(id, world.read(tag(1)).await.now);
    let ending = world.commit_of(tag(1), vec![ending]).await;
    harness.network().cut_at(Said::Word(H::END), Cut::After(0));

    let unknown = world.store.commit(ending).await;

    assert!(
        matches!(unknown, Err(StoreError::Unknown { .. })),
        "{unknown:?}"
    );
    let in_memory = glanced(&world, tag(1));
    assert!(in_memory.is_none_or(|roster| roster.find(id).is_none()));
    let roster = answered(&*world.store, tag(1)).await.roster.unwrap();
    assert!(roster.find(id).is_none());
    assert_eq!(world.agreed(tag(1)).await.0, 2);
}

/// A node that hears nothing answers from memory until B has passed, and not later.
pub async fn given_notices_that_do_not_come_when_another_node_ends_a_session_then_b_bounds_it(
    harness: impl FaultyHarness,
) {
    let world = World::of(&harness).await;
    let other = World {
        clock: Arc::clone(&world.clock),
        store: harness.beside(Arc::clone(&world.clock)).await,
    };
    let id = world.born(tag(1), 1).await;
    while glanced(&world, tag(1)).is_none() {
        world.read(tag(1)).await;
    }
    harness.network().to_client(Way::Lost);

    other.ended(id).await;

    let span = Terms::default().span;
    world.clock.pass(span / 2);
    // Within B it may still be let in; the notice was thrown away, so it is.
    let in_memory = glanced(&world, tag(1)).expect("it is within the lease");
    assert!(in_memory.find(id).is_some());
    world.clock.pass(span / 2);
    assert!(glanced(&world, tag(1)).is_none(), "B has passed");
    let refused = world.store.read(tag(1), None).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable { .. })),
        "{refused:?}"
    );

    harness.network().to_client(Way::Open);
    let roster = answered(&*world.store, tag(1)).await.roster.unwrap();
    assert!(roster.find(id).is_none());
    listening(&*world.store).await;
}

/// Whatever is swallowed, of one side or both, nothing is told that is not so, and service comes
/// back without anybody's help.
pub async fn given_a_network_that_swallows_when_asked_then_nothing_is_told_and_it_comes_back(
    harness: impl FaultyHarness,
) {
    let world = World::of(&harness).await;
    let network = harness.network();
    for (number, to_server, to_client) in [(1, Way::Lost, Way::Open), (2, Way::Lost, Way::Lost)] {
        answered(&*world.store, tag(number)).await;
        network.to_server(to_server);
        network.to_client(to_client);
        let refused = sign_in(&*world.store, tag(number), number).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable { .. })),
            "{refused:?}"
        );
        assert!(world.store.ready().is_err(), "it says so of itself");
        network.to_server(Way::Open);
        network.to_client(Way::Open);
        assert!(answered(&*world.store, tag(number)).await.roster.is_none());
        settled(&world, tag(number), number).await;
        assert!(world.store.ready().is_ok());
    }
    assert!(network.happened().lost > 0);
}

/// Connections of which one side was told that nothing more comes are left for others.
pub async fn given_connections_half_closed_when_asked_again_then_it_goes_on_by_itself(
    harness: impl FaultyHarness,
) {
    let world = World::of(&harness).await;
    let network = harness.network();
    for (number, close) in [(1, Proxy::to_server as fn(_, _)), (2, Proxy::to_client)] {
        listening(&*world.store).await;
        let id = world.born(tag(number), 9).await;
        assert!(glanced(&world, tag(number)).is_some());
        let before = network.happened().closed;
        close(network, Way::Closed);
        network.until(|happened| happened.closed > before).await;
        close(network, Way::Open);

        // Sooner or later it notices, and no notices are no leases.
        let roster = answered(&*world.store, tag(number)).await.roster.unwrap();
        assert!(roster.find(id).is_some());
        let other = tag(number + 100);
        settled(&world, other, number).await;
        listening(&*world.store).await;
    }
}

/// What was on its way when the network began to hold things back is answered once it does not.
pub async fn given_a_network_that_is_slow_when_it_is_quick_again_then_what_was_asked_is_answered(
    harness: impl FaultyHarness,
) {
    let world = World::of(&harness).await;
    let network = harness.network();
    world.born(tag(1), 1).await;
    network.to_client(Way::Held);
    let store = Arc::clone(&world.store);
    let asking = tokio::spawn(async move { sign_in(&*store, tag(2), 2).await });
    // Others are not held up by it.
    let other = harness.beside(Arc::clone(&world.clock)).await;
    assert!(other.read(tag(1), None).await.unwrap().roster.is_some());
    assert!(!asking.is_finished());

    network.to_client(Way::Open);

    let done = asking.await.unwrap();
    assert!(matches!(done, Ok(Outcome::Done(_))), "{done:?}");
    settled(&world, tag(2), 2).await;
}

/// A server that stands still for longer than anybody waits makes no answer of any kind; what it
/// was asked may be carried out when it goes on, once.
pub async fn given_a_server_that_is_stopped_when_it_goes_on_then_a_repeat_settles_what_was_asked(
    harness: impl FaultyHarness,
) {
    let world = World::of(&harness).await;
    let id = world.born(tag(1), 1).await;
    let now = world.read(tag(1)).await.now;
    let ending = world.commit_of(tag(1), vec![end(id, now)]).await;
    harness.pause();
    let (ended, signed_in) = tokio::join!(
        world.store.commit(ending),
        sign_in(&*world.store, tag(2), 2)
    );
    harness.go_on();
    for outcome in [&ended, &signed_in] {
        assert!(
            matches!(
                outcome,
                Err(StoreError::Unavailable { .. } | StoreError::Unknown { .. })
            ),
            "{outcome:?}"
        );
    }
    settled(&world, tag(2), 2).await;
    let roster = answered(&*world.store, tag(1)).await.roster.unwrap();
    if roster.find(id).is_some() {
        world.ended(id).await;
    }
    assert_eq!(world.agreed(tag(1)).await.0, 2, "the end stands once");
}

/// Sign-ins that were under way when the server was killed are done once each, and none that was
/// acknowledged is missing.
pub async fn given_a_server_that_crashes_under_way_when_it_is_back_then_a_repeat_settles_all(
    mut harness: impl FaultyHarness,
) {
    let world = World::of(&harness).await;
    let subjects = 1..=30;
    let asking: Vec<_> = subjects
        .clone()
        .map(|number| {
            let store = Arc::clone(&world.store);
            tokio::spawn(async move { sign_in(&*store, tag(number), number).await })
        })
        .collect();
    while world.read(tag(1)).await.roster.is_none() {
        yield_now().await;
    }

    harness.crash();

    for (number, asking) in subjects.zip(asking) {
        let outcome = asking.await.unwrap();
        let roster = answered(&*world.store, tag(number)).await.roster;
        match outcome {
            Ok(Outcome::Done(_)) => assert!(roster.is_some(), "{number} was acknowledged"),
            Err(StoreError::Unavailable { .. }) => assert!(roster.is_none(), "{number}"),
            Err(StoreError::Unknown { .. }) => {}
            other => panic!("{number}: {other:?}"),
        }
        settled(&world, tag(number), number).await;
    }
}
