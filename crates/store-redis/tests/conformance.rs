//! Redis as a store passes the suite, seen through leases, with the account that the manual names.
//! Each case has a server of its own.

use std::mem::ManuallyDrop;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::listening;
use innkeeper_store::conformance::{DurableHarness, Harness};
use innkeeper_store::lease::{Leased, Terms};
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::redis::Redis;

/// As an option of the server.
static ACCOUNT: LazyLock<String> = LazyLock::new(|| {
    let page = include_str!("../../../docs/stores.md");
    let mut lines = page.lines();
    let line = lines.find(|line| line.starts_with("user innkeeper on >secret "));
    format!("--{}", line.expect("the manual names an account"))
});

#[derive(Debug)]
struct OnServer(
    /// It ends with the process: a store outlives its harness in places.
    ManuallyDrop<Redis>,
);

#[async_trait]
impl Harness for OnServer {
    type Store = Leased<RedisStore>;

    async fn new() -> Self {
        let account: Vec<_> = ACCOUNT.split(' ').collect();
        let server = Redis::start_with(&account).expect("these tests need Redis");
        Self(ManuallyDrop::new(server))
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<Leased<RedisStore>> {
        let url = self.0.url_of("innkeeper", "secret");
        let store = RedisStore::open_on(&url, clock.clone()).await;
        let store = Arc::new(store.expect("the server is there"));
        let leased = Leased::new(store, Terms::default(), clock);
        listening(&leased).await;
        Arc::new(leased)
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
