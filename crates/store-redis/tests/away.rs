//! A server that is away for a while.

use std::sync::Arc;

use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store::{SessionStore, StoreError};
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::proxy::Proxy;
use innkeeper_test_servers::redis::Redis;

/// Were each to try in turn, the last of them would wait as often as there are callers.
#[tokio::test]
async fn given_a_server_that_is_away_when_many_ask_at_once_then_they_share_one_try_and_its_answer()
{
    let server = Redis::start().expect("this test needs Redis");
    let network = Proxy::before(server.socket())
        .await
        .expect("a port is free");
    let clock = Arc::new(ManualClock::at(1_000_000));
    let url = format!("redis://{}", network.address());
    let store = RedisStore::open_on(&url, clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    let world = World { clock, store };
    world.born(tag(1), 1).await;

    network.turn_away(true);
    network.cut();
    while world.store.ready().is_ok() {
        assert!(world.store.read(tag(1), None).await.is_err());
    }
    let before = network.happened().turned_away;
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&world.store);
            tokio::spawn(async move { store.read(tag(1), None).await })
        })
        .collect();
    for caller in callers {
        let refused = caller.await.unwrap();
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    }
    let tries = network.happened().turned_away - before;
    assert!(tries < 5, "50 callers made {tries} tries");

    network.turn_away(false);
    assert_eq!(world.roster(tag(1)).await.sessions.len(), 1, "by itself");
    assert!(world.store.ready().is_ok());
}
