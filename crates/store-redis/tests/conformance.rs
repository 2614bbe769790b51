//! Redis as a store passes the suite, seen through leases. Each case has a server of its own.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::{DurableHarness, Harness};
use innkeeper_store::lease::{Leased, Terms};
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::redis::Redis;

#[derive(Debug)]
struct OnServer(
    /// It ends with the process: a store outlives its harness in places.
    ManuallyDrop<Redis>,
);

#[async_trait]
impl Harness for OnServer {
    type Store = Leased<RedisStore>;

    async fn new() -> Self {
        Self(ManuallyDrop::new(
            Redis::start().expect("these tests need Redis"),
        ))
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<Leased<RedisStore>> {
        let store = RedisStore::open_on(&self.0.url(), clock.clone()).await;
        let store = Arc::new(store.expect("the server is there"));
        Arc::new(Leased::new(store, Terms::default(), clock))
    }
}

#[async_trait]
impl DurableHarness for OnServer {
    async fn stop(&mut self, store: Arc<Leased<RedisStore>>) {
        store.flush().await.expect("the server answers");
        store.inner().close().await.expect("the server answers");
        self.0.restart_with(&[]).expect("it starts again");
    }

    /// The node and the server crash together, once nobody waits for an answer: they would be told
    /// that it is gone. Before, as much time has passed as the clock says: what was due is written
    /// down.
    async fn crash(&mut self, store: Arc<Leased<RedisStore>>) {
        store.flush_due().await.expect("the server answers");
        while Arc::strong_count(&store) > 1 {
            tokio::task::yield_now().await;
        }
        self.0.kill().expect("it runs");
        drop(store);
        self.0.again().expect("it starts again");
    }
}

innkeeper_store::conformance!(OnServer);
innkeeper_store::durable_conformance!(OnServer);
