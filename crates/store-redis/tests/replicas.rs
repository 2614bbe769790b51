//! A primary, and a replica that takes its place: what is promised of both, and what is not.

use std::sync::Arc;

use innkeeper_domain::roster::StoreGeneration;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::{World, end, tag};
use innkeeper_store::{Reading, SessionStore, StoreError, Tail};
use innkeeper_store_redis::{OpenError, RedisStore, Replicas, Snapshots};
use innkeeper_test_servers::proxy::{Proxy, Way};
use innkeeper_test_servers::redis::Redis;

/// No change is taken without a replica, and each end waits for it.
const ASKED: &[&str] = &["--min-replicas-to-write", "1"];

struct Pair {
    primary: Redis,
    /// What the replica hears of the primary.
    between: Proxy,
    replica: Redis,
}

impl Pair {
    async fn start(options: &[&str]) -> Self {
        let primary = Redis::start_with(options).expect("this test needs Redis");
        let between = Proxy::before(primary.socket()).await;
        let between = between.expect("a port is free");
        let replica = Redis::replica_of(between.address(), options).expect("this test needs Redis");
        while !link_is_up(&replica) {}
        Self {
            primary,
            between,
            replica,
        }
    }

    async fn node(&self) -> World<RedisStore> {
        let clock = Arc::new(ManualClock::at(1_000_000));
        let store = RedisStore::open_on(&self.urls(), clock.clone()).await;
        let store = Arc::new(store.expect("one of them is a primary"));
        World { clock, store }
    }

    fn urls(&self) -> String {
        format!("{},{}", self.replica.url(), self.primary.url())
    }

    /// Waits until the replica has all that the primary has.
    fn in_step(&self) {
        let newest = |server: &Redis| server.ask(&["HGET", "innkeeper:store", "newest"]).unwrap();
        while newest(&self.primary) != newest(&self.replica) {}
    }

    /// The primary goes, and the replica takes its place.
    fn fail_over(&mut self) {
        self.primary.kill().unwrap();
        self.promote();
    }

    fn promote(&self) {
        let said = self.replica.ask(&["REPLICAOF", "NO", "ONE"]);
        assert_eq!(said.unwrap(), "OK");
    }
}

fn link_is_up(replica: &Redis) -> bool {
    let said = replica.ask(&["INFO", "replication"]);
    said.unwrap().contains("master_link_status:up")
}

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

/// The plain row of the table: an end that the replica had not received comes back with it, unless
/// a node is there that knew of it.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_replica_that_nobody_waits_for_when_it_takes_over_then_an_end_comes_back_as_the_table_says()
 {
    let mut pair = Pair::start(&[]).await;
    let world = pair.node().await;
    assert_eq!(world.store.keeps().replicas, Replicas::Unasked);
    let ends = world.born(tag(1), 1).await;
    world.born(tag(1), 2).await;
    pair.in_step();
    pair.between.to_client(Way::Held);
    world.ended(ends).await;

    pair.fail_over();

    let started = pair.node().await;
    let shown = answered(&started).await;
    assert_eq!(live(&shown), 2, "this is what is not promised");
    let noticed = answered(&world).await;
    assert_eq!(live(&noticed), 0, "a node that knew of it ends all");
    assert!(generation(&noticed) > generation(&shown));
    assert_eq!(live(&answered(&started).await), 0);
}

/// The row with `WAIT`: an end is acknowledged once the replica has it, and nothing that builds on
/// it is told before; the replica takes over, and nobody who need not is signed out.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_replica_that_is_waited_for_when_it_takes_over_then_each_acknowledged_end_stands() {
    let mut pair = Pair::start(ASKED).await;
    let world = pair.node().await;
    assert_eq!(world.store.keeps().replicas, Replicas::Asked(1));
    let ends = world.born(tag(1), 1).await;
    let other = world.born(tag(1), 2).await;
    let before = world.read(tag(1)).await;
    pair.between.to_client(Way::Held);
    let ending = end(ends, before.now);
    let ending = world.commit_of(tag(1), vec![ending]).await;

    let unknown = world.store.commit(ending).await;

    assert!(
        matches!(unknown, Err(StoreError::Unknown { .. })),
        "{unknown:?}"
    );
    // It is there, and a repeat that found it so would be told that it is done.
    let repeat = world.store.read(tag(1), None).await;
    assert!(
        matches!(repeat, Err(StoreError::Unavailable { .. })),
        "{repeat:?}"
    );
    pair.between.to_client(Way::Open);
    assert_eq!(live(&answered(&world).await), 1);

    pair.fail_over();
    // Without a replica of its own the new primary takes no changes, so neither do we.
    let refused = world.store.read(tag(1), None).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable { .. })),
        "{refused:?}"
    );
    let back = Proxy::before(pair.replica.socket()).await.unwrap();
    let [host, port] = [
        back.address().ip().to_string(),
        back.address().port().to_string(),
    ];
    let of = ["--replicaof", host.as_str(), port.as_str()];
    pair.primary.again_with(&of).unwrap();

    let after = answered(&world).await;
    assert_eq!(generation(&after), generation(&before));
    let roster = after.roster.expect("it is there");
    assert!(roster.find(ends).is_none());
    assert!(roster.find(other).is_some(), "nobody else was signed out");
    world.ended(other).await;
    assert_eq!(live(&answered(&pair.node().await).await), 0);
}

/// A birth is not waited for: who was let in last signs in again, and all others stay.
#[tokio::test(flavor = "multi_thread")]
async fn given_births_that_the_replica_had_not_when_it_takes_over_then_only_they_are_gone() {
    let mut pair = Pair::start(&[]).await;
    let world = pair.node().await;
    let ended = world.born(tag(1), 1).await;
    world.born(tag(1), 2).await;
    world.ended(ended).await;
    pair.in_step();
    let before = world.read(tag(1)).await;
    pair.between.to_client(Way::Held);
    let lost = world.born(tag(1), 3).await;
    let seen = world.store.latest().await.unwrap();

    pair.fail_over();

    let after = answered(&world).await;
    assert_eq!(generation(&after), generation(&before));
    assert_eq!(live(&after), 1);
    assert!(after.roster.unwrap().find(lost).is_none());
    for number in 4..6 {
        world.born(tag(1), number).await;
    }
    assert_eq!(live(&answered(&world).await), 3);
    assert_eq!(world.agreed(tag(1)).await.0, 5);
    // No later entry takes the place of one that was lost: whoever read that is told.
    let tail = world.store.tail(seen.as_ref(), 10).await.unwrap();
    assert!(matches!(tail, Tail::Gone), "{tail:?}");
}

/// A primary that lost its replica, as one does that is cut off from the rest, stops by itself.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_primary_that_is_cut_off_from_its_replica_when_a_while_has_passed_then_it_answers_nothing()
 {
    let options = [ASKED, &["--min-replicas-max-lag", "2"]].concat();
    let pair = Pair::start(&options).await;
    let world = pair.node().await;
    world.born(tag(1), 1).await;
    pair.between.to_client(Way::Held);
    pair.between.to_server(Way::Held);

    while world.store.read(tag(1), None).await.is_ok() {}

    pair.between.to_client(Way::Open);
    pair.between.to_server(Way::Open);
    assert_eq!(live(&answered(&world).await), 1);
}

/// Each of two primaries has what the other has not.
#[tokio::test(flavor = "multi_thread")]
async fn given_two_primaries_when_opened_then_neither_is_chosen() {
    let pair = Pair::start(&[]).await;
    drop(pair.node().await);
    pair.promote();
    let clock = Arc::new(ManualClock::at(1_000_000));
    let refused = RedisStore::open_on(&pair.urls(), clock).await;
    assert!(
        matches!(refused, Err(OpenError::Primaries(2))),
        "{refused:?}"
    );
}

/// What asks for fewer replicas than at the start keeps less than was said.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_primary_that_asks_for_no_replica_any_more_when_looked_at_again_then_it_will_not_do()
 {
    let pair = Pair::start(ASKED).await;
    let world = pair.node().await;
    let set = |count| {
        let set = pair
            .primary
            .ask(&["CONFIG", "SET", "min-replicas-to-write", count]);
        assert_eq!(set.unwrap(), "OK");
    };
    set("0");
    let looked = world.store.look_again().await;
    assert!(matches!(looked, Err(OpenError::Weaker(..))), "{looked:?}");
    assert!(world.store.read(tag(1), None).await.is_err());
    set("1");
    world.store.look_again().await.expect("it was set back");

    let keeps = RedisStore::look(&pair.urls(), Snapshots::Refused).await;
    assert_eq!(
        keeps.unwrap().to_string(),
        "appendonly yes, appendfsync always, min-replicas-to-write 1"
    );
}
