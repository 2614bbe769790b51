//! What nodes hear of each other.

use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store::lease::Shared;
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::redis::Redis;

async fn node(url: &str) -> World<RedisStore> {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = RedisStore::open_on(url, clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    World { clock, store }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_node_that_listens_when_another_commits_then_it_hears_of_just_that() {
    let server = Redis::start().expect("this test needs Redis");
    let [one, other] = [node(&server.url()).await, node(&server.url()).await];
    let elsewhere = server.url() + "?db=1";
    let stranger = node(&elsewhere).await;
    let mut heard = other.store.watch().await.expect("the server is there");

    // Another authority on the same server, whose rosters have the names of ours.
    stranger.done(tag(1), Vec::new()).await;
    stranger.done(tag(1), Vec::new()).await;
    for of in [1, 2, 1] {
        let roster = one.done(tag(of), vec![Change::Disabled(true)]).await;
        let next = heard.next().await.expect("the channel is open");
        assert_eq!(next, (tag(of), roster.version));
    }
}

/// Whoever answers from memory must not go on with it when the server has come back older.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_node_that_listens_when_all_has_changed_or_the_server_goes_then_the_channel_ends() {
    let mut server = Redis::start().expect("this test needs Redis");
    let world = node(&server.url()).await;
    world.done(tag(1), Vec::new()).await;
    let mut heard = world.store.watch().await.expect("the server is there");
    let id = server.ask(&["HGET", "innkeeper:store", "id"]).unwrap();
    let told = server.ask(&["PUBLISH", &format!("innkeeper:{id}"), "all"]);
    assert_eq!(told.unwrap(), "1");
    assert!(heard.next().await.is_err());

    let mut heard = world.store.watch().await.expect("the server is there");
    server.kill().unwrap();
    assert!(heard.next().await.is_err());
    assert!(world.store.watch().await.is_err());
    server.again().unwrap();
    while world.store.watch().await.is_err() {}
}
