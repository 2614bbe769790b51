//! A server that somebody sets otherwise while nodes run.

use std::sync::Arc;

use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store::{SessionStore, StoreError};
use innkeeper_store_redis::{OpenError, RedisStore};
use innkeeper_test_servers::redis::Redis;

async fn node(server: &Redis) -> World<RedisStore> {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = RedisStore::open_on(&server.url(), clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    World { clock, store }
}

fn set(server: &Redis, name: &str, value: &str) {
    let set = server.ask(&["CONFIG", "SET", name, value]);
    assert_eq!(set.expect("it answers"), "OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn given_settings_that_will_not_do_when_looked_at_again_then_nothing_is_answered_until_set_back()
 {
    let server = Redis::start().expect("this test needs Redis");
    let world = node(&server).await;
    world.born(tag(1), 1).await;
    let each = [
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
        ("appendfsync", "everysec", "always"),
        ("appendonly", "no", "yes"),
    ];
    for (name, bad, good) in each {
        set(&server, name, bad);
        let looked = world.store.look_again().await;
        assert!(looked.is_err(), "{name} {bad}");

        let refused = world.store.read(tag(1), None).await;
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
        assert!(world.store.ready().is_err());

        set(&server, name, good);
        world.store.look_again().await.expect("it was set back");
        assert_eq!(world.roster(tag(1)).await.sessions.len(), 1);
        assert!(world.store.ready().is_ok());
    }
}

/// A primary that somebody makes a replica keeps its connections, and would go on to show what it
/// has.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_primary_that_becomes_a_replica_when_asked_then_it_answers_nothing_any_more() {
    let server = Redis::start().expect("this test needs Redis");
    let world = node(&server).await;
    world.born(tag(1), 1).await;
    let made = server.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(made.unwrap(), "OK");

    let refused = world.store.read(tag(1), None).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    let looked = world.store.look_again().await;
    assert!(matches!(looked, Err(OpenError::Replica)), "{looked:?}");

    assert_eq!(server.ask(&["REPLICAOF", "NO", "ONE"]).unwrap(), "OK");
    world
        .store
        .look_again()
        .await
        .expect("it is a primary again");
    assert_eq!(world.roster(tag(1)).await.sessions.len(), 1);
}
