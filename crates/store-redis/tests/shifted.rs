//! A connection on which an answer comes that nobody asked for.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, tag};
use innkeeper_store::{SessionStore, StoreError};
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::redis::Redis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// Stands between, and says what the server says; once, when it is asked to, it first says again
/// what was said before.
async fn between(listener: UnixListener, server: std::path::PathBuf, again: Arc<AtomicBool>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = UnixStream::connect(&server).await.expect("it listens");
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        let again = Arc::clone(&again);
        tokio::spawn(async move {
            let mut before = Vec::new();
            let mut said = vec![0; 65536];
            while let Ok(count @ 1..) = from_server.read(&mut said).await {
                if again.swap(false, Ordering::SeqCst) {
                    to_client.write_all(&before).await.expect("it reads");
                }
                before = said[..count].to_vec();
                if to_client.write_all(&before).await.is_err() {
                    break;
                }
            }
        });
    }
}

/// Once shifted, each call would get the answer to the one before it: one subject's roster for
/// another's.
#[tokio::test(flavor = "multi_thread")]
async fn given_an_answer_too_many_when_rosters_are_read_then_none_is_taken_for_another() {
    let server = Redis::start().expect("this test needs Redis");
    let direct = server.folder().join("socket");
    let path = server.folder().join("between");
    let again = Arc::new(AtomicBool::new(false));
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(between(listener, direct, Arc::clone(&again)));
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = RedisStore::open_on(&url(&path), clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    let world = World { clock, store };
    for number in 1..=4 {
        world.born(tag(number), number).await;
    }

    // The answer about another roster, and an older one about the same.
    for (before, asked) in [(1, 2), (2, 2), (1, 3)] {
        world.read(tag(before)).await;
        again.store(true, Ordering::SeqCst);
        let shifted = world.store.read(tag(asked), None).await;
        assert!(
            matches!(shifted, Err(StoreError::Unavailable { .. })),
            "{shifted:?}"
        );
        for number in 1..=4 {
            let roster = world.roster(tag(number)).await;
            assert_eq!(roster.tag, tag(number));
        }
        again.store(true, Ordering::SeqCst);
        let commit = world.store.latest().await;
        assert!(commit.is_err());
    }
}

fn url(path: &Path) -> String {
    format!("unix://{}", path.display())
}
