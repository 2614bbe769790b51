//! A server that syncs once a second and can be asked what is on disk. The Redis of the system's
//! packages cannot (7.2 and later can), so that part of it is played by whoever stands between.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use innkeeper_domain::change::Change;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, end, tag};
use innkeeper_store::{Outcome, SessionStore, StoreError};
use innkeeper_store_redis::{Durability, RedisStore};
use innkeeper_test_servers::redis::Redis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// What is asked, and what is played.
#[derive(Debug, Default)]
struct Played {
    /// How often it was waited for the disk.
    waits: AtomicUsize,
    /// How many disks have what was written: one, or none in time.
    disks: AtomicUsize,
}

async fn between(listener: UnixListener, server: PathBuf, played: Arc<Played>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = UnixStream::connect(&server).await.expect("it listens");
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
        let of_server = tell.clone();
        tokio::spawn(async move {
            let mut said = vec![0; 65536];
            while let Ok(count @ 1..) = from_server.read(&mut said).await {
                let _ = of_server.send(said[..count].to_vec());
            }
        });
        tokio::spawn(async move {
            while let Some(said) = told.recv().await {
                if to_client.write_all(&said).await.is_err() {
                    break;
                }
            }
        });
        let played = Arc::clone(&played);
        tokio::spawn(async move {
            let mut asked = vec![0; 65536];
            while let Ok(count @ 1..) = from_client.read(&mut asked).await {
                let asked = &asked[..count];
                let Some(rest) = asked.strip_prefix(b"*4\r\n$7\r\nWAITAOF\r\n") else {
                    if to_server.write_all(asked).await.is_err() {
                        break;
                    }
                    continue;
                };
                // For one disk; at start it is asked for none, to see whether it is known.
                let is_wait = rest.starts_with(b"$1\r\n1\r\n");
                played
                    .waits
                    .fetch_add(usize::from(is_wait), Ordering::SeqCst);
                let disks = played.disks.load(Ordering::SeqCst);
                let _ = tell.send(format!("*2\r\n:{disks}\r\n:0\r\n").into_bytes());
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_a_server_that_can_be_waited_for_when_a_session_ends_then_its_end_is_on_disk_or_unknown()
 {
    let server = Redis::start_with(&["--appendfsync", "everysec"]).expect("this test needs Redis");
    let path = server.folder().join("between");
    let played = Arc::new(Played::default());
    played.disks.store(1, Ordering::SeqCst);
    let listener = UnixListener::bind(&path).unwrap();
    let direct = server.folder().join("socket");
    tokio::spawn(between(listener, direct, Arc::clone(&played)));
    let clock = Arc::new(ManualClock::at(1_000_000));
    let url = format!("unix://{}", path.display());
    let store = RedisStore::open_on(&url, clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    assert_eq!(store.keeps().durability, Durability::Waited);
    let world = World { clock, store };

    let mut born = Vec::new();
    for number in 1..=3 {
        born.push(world.born(tag(1), number).await);
    }
    assert_eq!(
        played.waits.load(Ordering::SeqCst),
        0,
        "a birth may be lost"
    );
    world.ended(born[0]).await;
    assert_eq!(played.waits.load(Ordering::SeqCst), 1);
    world.done(tag(1), vec![Change::Disabled(false)]).await;
    assert_eq!(played.waits.load(Ordering::SeqCst), 1);

    played.disks.store(0, Ordering::SeqCst);
    let now = world.read(tag(1)).await.now;
    let ending = world.commit_of(tag(1), vec![end(born[1], now)]).await;
    let unknown = world.store.commit(ending).await;
    assert!(
        matches!(unknown, Err(StoreError::Unknown { .. })),
        "{unknown:?}"
    );

    // It stands, unless the server loses it: nothing that builds on it is told before it is kept.
    let refused = world.store.read(tag(1), None).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable { .. })),
        "{refused:?}"
    );
    played.disks.store(1, Ordering::SeqCst);
    assert_eq!(played.waits.load(Ordering::SeqCst), 3);
    assert!(world.roster(tag(1)).await.find(born[1]).is_none());
    let now = world.read(tag(1)).await.now;
    let ending = world.commit_of(tag(1), vec![end(born[2], now)]).await;
    assert!(matches!(world.outcome(ending).await, Outcome::Done(_)));
    assert_eq!(played.waits.load(Ordering::SeqCst), 5);
}
