//! A commit that the server ends with a warning: it stands here, and not where it has to be.

use std::sync::Arc;
use std::thread;

use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, end, tag};
use innkeeper_store::{SessionStore, StoreError};
use innkeeper_store_postgres::{Keeps, PostgresStore, Standbys};
use innkeeper_test_servers::postgres::Postgres;

/// Which standbys a commit waits for.
fn wait_for(server: &Arc<Postgres>, names: &str) {
    let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
    server.ask("postgres", &set).unwrap();
    server.ask("postgres", "SELECT pg_reload_conf()").unwrap();
    // One that writes tells whether it is so by now: the setting reaches each process by itself.
    loop {
        let writing = thread::spawn({
            let server = Arc::clone(server);
            move || server.ask("postgres", "CREATE TEMPORARY TABLE written ()")
        });
        let mut is_waited = false;
        while !writing.is_finished() {
            is_waited |= is_cancelled(server);
        }
        writing.join().unwrap().unwrap();
        if is_waited != names.is_empty() {
            return;
        }
    }
}

fn is_cancelled(server: &Postgres) -> bool {
    let query = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity \
        WHERE wait_event = 'SyncRep'";
    server.ask("postgres", query).unwrap() != "0"
}

/// Cancels what waits for a standby, as an operator might, until something did.
fn cancel(server: &Postgres) {
    while !is_cancelled(server) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_wait_for_a_standby_that_is_cancelled_when_a_session_ends_then_it_is_unknown() {
    let server = Arc::new(Postgres::start().expect("this test needs PostgreSQL"));
    let url = server.database().expect("there is room for a database");
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = PostgresStore::open_on(&url, clock.clone()).await;
    let store = Arc::new(store.expect("the database is there"));
    assert_eq!(
        store.keeps(),
        Keeps {
            disk: true,
            standbys: Standbys::None
        }
    );
    let world = World { clock, store };
    let id = world.born(tag(1), 1).await;
    let now = world.read(tag(1)).await.now;
    let ending = world.commit_of(tag(1), vec![end(id, now)]).await;
    wait_for(&server, "nobody");
    let looked = PostgresStore::look(&url).await.expect("it is there");
    assert_eq!(looked.standbys, Standbys::Synchronous);

    let operator = tokio::task::spawn_blocking({
        let server = Arc::clone(&server);
        move || cancel(&server)
    });
    let unknown = world.store.commit(ending).await;
    operator.await.unwrap();

    assert!(
        matches!(unknown, Err(StoreError::Unknown { .. })),
        "{unknown:?}"
    );
    // It is there, and who repeats it is not told so before it is where it has to be.
    let operator = tokio::task::spawn_blocking({
        let server = Arc::clone(&server);
        move || cancel(&server)
    });
    let refused = world.store.read(tag(1), None).await;
    operator.await.unwrap();
    assert!(
        matches!(refused, Err(StoreError::Unavailable { .. })),
        "{refused:?}"
    );
    wait_for(&server, "");
    assert!(world.roster(tag(1)).await.find(id).is_none());
}
