//! A store that is closed while somebody is at it keeps what they heard.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store::{Heard, SessionStore};
use innkeeper_store_embedded::EmbeddedStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn given_a_glance_under_way_when_the_store_is_closed_then_the_visit_is_kept() {
    let root = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(1_000_000));
    let open = || Arc::new(EmbeddedStore::open(root.path(), Arc::clone(&clock) as _).unwrap());
    let world = World {
        clock: Arc::clone(&clock),
        store: open(),
    };
    let id = world.born(tag(1), 1).await;
    clock.pass(Duration::from_mins(10));
    world.read(tag(1)).await;

    let mut closing = None;
    let mut visited_at = None;
    let answered = world.store.glance(tag(1), &mut |kept, now| {
        let store = Arc::clone(&world.store);
        closing = Some(tokio::spawn(async move { store.close().await }));
        // Long enough for it to come as far as it can.
        #[expect(clippy::disallowed_methods, reason = "whether it came cannot be seen")]
        thread::sleep(Duration::from_millis(100));
        kept.unwrap().hear(id.serial(), now);
        visited_at = Some(now);
        Heard::Yes
    });
    assert!(answered);
    closing.unwrap().await.unwrap().unwrap();
    drop(Arc::into_inner(world.store));

    let world = World {
        clock: Arc::clone(&clock),
        store: open(),
    };
    let roster = world.roster(tag(1)).await;
    assert_eq!(
        Some(roster.find(id).unwrap().last_seen.get()),
        visited_at,
        "it was heard"
    );
}

/// A visit in the very moment of closing was let in, and was not among those written down: what
/// closing wrote let time go on up to that moment.
#[test]
fn given_a_closed_store_when_looked_at_in_the_moment_of_closing_then_it_hands_out_no_time() {
    let root = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = EmbeddedStore::open(root.path(), Arc::clone(&clock) as _).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(store.close()).unwrap();

    let looked = store.glance(tag(1), &mut |_, _| Heard::No);

    assert!(!looked);
}
