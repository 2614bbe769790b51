//! A server whose memory is full still ends sessions.

use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, rotation, session, tag};
use innkeeper_store::{Outcome, Register, SessionStore, StoreError, Touch, Touched};
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::redis::Redis;

#[tokio::test(flavor = "multi_thread")]
async fn given_a_server_without_room_when_asked_then_it_ends_and_checks_and_takes_nobody_in() {
    let server = Redis::start().expect("this test needs Redis");
    let clock = Arc::new(ManualClock::at(1_000_000));
    let store = RedisStore::open_on(&server.url(), clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    let world = World { clock, store };
    let version = world.store.put("key", None, Some(b"1".to_vec())).await;
    assert!(version.is_ok());
    let mut born = Vec::new();
    for number in 0..3 {
        born.push(world.born(tag(number), number).await);
    }
    let used = server.ask(&["INFO", "memory"]).unwrap();
    let used = used
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let most = used.unwrap().trim().parse::<u64>().unwrap() + 200_000;
    let set = server.ask(&["CONFIG", "SET", "maxmemory", &most.to_string()]);
    assert_eq!(set.unwrap(), "OK");

    // It is filled by what fills it: sign-ins.
    let refused = loop {
        let number = u8::try_from(born.len() % 250).unwrap();
        let now = world.read(tag(number)).await.now;
        let mut newborn = session(tag(number), number, now);
        newborn.id = innkeeper_domain::session::SessionId::from_entropy(
            tag(number),
            u128::try_from(born.len()).unwrap().to_be_bytes()[4..]
                .try_into()
                .unwrap(),
        );
        newborn.birth = born.len() as u64;
        let id = newborn.id;
        let commit = world.commit_of(tag(number), vec![Change::Birth(newborn.into())]);
        match world.store.commit(commit.await).await {
            Ok(Outcome::Done(_)) if born.len() < 10_000 => born.push(id),
            Ok(other) => panic!("nobody disturbs this: {other:?}"),
            Err(error) => break error,
        }
    };
    // It is known that nothing was done.
    assert!(
        matches!(refused, StoreError::Unavailable { .. }),
        "{refused:?}"
    );
    assert!(born.len() > 10, "it had room for some");

    // What is small might still fit in; soon nothing does.
    let set = server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(set.unwrap(), "OK");
    let id = born[1];
    let now = world.read(id.tag()).await.now;
    let visit = Touch {
        session: id,
        grace_ends_at: None,
    };
    let touched = world.store.touch(visit).await.unwrap();
    assert!(matches!(touched, Touched::Live(_)));
    let rotating = world.commit_of(id.tag(), vec![rotation(id, now)]).await;
    assert!(world.store.commit(rotating).await.is_err(), "it takes room");
    assert!(
        world
            .store
            .put("key", Some(1), Some(b"2".to_vec()))
            .await
            .is_err()
    );
    assert!(world.store.put("key", Some(1), None).await.is_ok());
    for id in born {
        let ended = world.ended(id).await;
        assert!(ended.find(id).is_none());
    }
    let touched = world.store.touch(visit).await.unwrap();
    assert!(matches!(touched, Touched::Dead));
}
