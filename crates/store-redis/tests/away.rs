//! A server that is away for a while.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store::{SessionStore, StoreError};
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::redis::Redis;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// Stands between until it is told to be away: then it cuts what there is, and counts who comes.
async fn between(
    listener: UnixListener,
    server: PathBuf,
    is_away: watch::Receiver<bool>,
    turned_away: Arc<AtomicUsize>,
) {
    while let Ok((mut client, _)) = listener.accept().await {
        if *is_away.borrow() {
            turned_away.fetch_add(1, Ordering::SeqCst);
            continue;
        }
        let mut server = UnixStream::connect(&server).await.expect("it listens");
        let mut is_away = is_away.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                _ = is_away.wait_for(|is_away| *is_away) => {}
            }
        });
    }
}

/// Were each to try in turn, the last of them would wait as often as there are callers.
#[tokio::test]
async fn given_a_server_that_is_away_when_many_ask_at_once_then_they_share_one_try_and_its_answer()
{
    let server = Redis::start().expect("this test needs Redis");
    let path = server.folder().join("between");
    let (tell, is_away) = watch::channel(false);
    let turned_away = Arc::new(AtomicUsize::new(0));
    let listener = UnixListener::bind(&path).unwrap();
    let direct = server.folder().join("socket");
    tokio::spawn(between(listener, direct, is_away, Arc::clone(&turned_away)));
    let clock = Arc::new(ManualClock::at(1_000_000));
    let url = format!("unix://{}", path.display());
    let store = RedisStore::open_on(&url, clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    let world = World { clock, store };
    world.born(tag(1), 1).await;

    tell.send(true).unwrap();
    while world.store.ready().is_ok() {
        assert!(world.store.read(tag(1), None).await.is_err());
    }
    let before = turned_away.load(Ordering::SeqCst);
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
    let tries = turned_away.load(Ordering::SeqCst) - before;
    assert!(tries < 5, "50 callers made {tries} tries");

    tell.send(false).unwrap();
    assert_eq!(world.roster(tag(1)).await.sessions.len(), 1, "by itself");
    assert!(world.store.ready().is_ok());
}
