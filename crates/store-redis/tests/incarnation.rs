//! A server that comes back: with all that it acknowledged, or without.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::StoreGeneration;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, session, tag};
use innkeeper_store::{Outcome, Reading, SessionStore};
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::redis::Redis;

async fn node(server: &Redis) -> World<RedisStore> {
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = RedisStore::open_on(&server.url(), clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    World { clock, store }
}

/// The next reading that is answered: those on a broken connection are not.
async fn answered(world: &World<RedisStore>) -> Reading {
    loop {
        if let Ok(reading) = world.store.read(tag(1), None).await {
            return reading;
        }
    }
}

fn live(reading: &Reading) -> usize {
    let roster = reading.roster.as_ref();
    roster.map_or(0, |roster| roster.live(reading.now).count())
}

fn generation(reading: &Reading) -> StoreGeneration {
    reading.ground.store_generation
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Ends one of two sessions, and has the server forget that.
async fn forgotten(server: &mut Redis, world: &World<RedisStore>) {
    let ends = world.born(tag(1), 1).await;
    world.born(tag(1), 2).await;
    let [files, aside] = ["appendonlydir", "aside"].map(|name| server.folder().join(name));
    copy(&files, &aside);
    world.ended(ends).await;
    assert_eq!(live(&world.read(tag(1)).await), 1);
    server.kill().unwrap();
    copy(&aside, &files);
    server.again().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_server_that_lost_nothing_when_it_is_back_then_everybody_is_still_in() {
    let mut server = Redis::start().expect("this test needs Redis");
    let world = node(&server).await;
    world.born(tag(1), 1).await;
    world
        .store
        .trim(&world.store.latest().await.unwrap().unwrap())
        .await
        .unwrap();
    let before = generation(&world.read(tag(1)).await);

    for _ in 0..2 {
        server.kill().unwrap();
        server.again().unwrap();
        let reading = answered(&world).await;
        assert_eq!((live(&reading), generation(&reading)), (1, before));
    }
    world.born(tag(1), 2).await;
    assert_eq!(live(&answered(&world).await), 2);
}

/// The end of a session was acknowledged, and the server forgot it: serving first and looking later
/// would let that session in again.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_server_that_lost_an_end_when_it_is_back_then_no_session_is_live_in_any_answer() {
    let mut server = Redis::start().expect("this test needs Redis");
    let world = node(&server).await;
    let other = node(&server).await;
    let before = generation(&world.read(tag(1)).await);
    forgotten(&mut server, &world).await;

    let reading = answered(&world).await;

    assert!(generation(&reading) > before);
    assert_eq!(live(&reading), 0);
    let told = answered(&other).await;
    assert_eq!((live(&told), generation(&told)), (0, generation(&reading)));
    let started = node(&server).await;
    assert_eq!(live(&answered(&started).await), 0);
    // It goes on, and what is new lives and stays.
    let mut newborn = session(tag(1), 3, reading.now);
    newborn.generation = reading.roster.expect("it is there").generation;
    world
        .done(tag(1), vec![Change::Birth(newborn.into())])
        .await;
    assert_eq!(live(&answered(&started).await), 1);
    server.kill().unwrap();
    server.again().unwrap();
    for node in [&world, &other, &started] {
        assert_eq!(live(&answered(node).await), 1);
    }
}

/// Numbers alone would not show it: by the time that this node is back, others have written as many
/// entries as were lost, and more.
#[tokio::test(flavor = "multi_thread")]
async fn given_others_that_wrote_on_after_a_loss_when_a_node_is_back_then_it_still_notices() {
    let mut server = Redis::start().expect("this test needs Redis");
    let world = node(&server).await;
    let before = generation(&world.read(tag(1)).await);
    forgotten(&mut server, &world).await;
    let started = node(&server).await;
    for _ in 0..3 {
        let commit = started.commit_of(tag(2), Vec::new()).await;
        assert!(matches!(started.outcome(commit).await, Outcome::Done(_)));
    }

    let reading = answered(&world).await;

    assert!(generation(&reading) > before);
    assert_eq!(live(&reading), 0);
    assert_eq!(live(&answered(&started).await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_server_that_lost_everything_when_it_is_back_then_the_store_has_failed() {
    let mut server = Redis::start().expect("this test needs Redis");
    let world = node(&server).await;
    world.born(tag(1), 1).await;

    server.kill().unwrap();
    server.anew().unwrap();
    while world.store.read(tag(1), None).await.is_ok() {}
    // The first call may only find the connection broken.
    assert!(world.store.read(tag(1), None).await.is_err());
    world.store.failed().await;

    let started = node(&server).await;
    assert_eq!(live(&answered(&started).await), 0);
    assert!(world.store.read(tag(1), None).await.is_err(), "for good");
}
