//! Redis as a store, behind a network that fails by hand, and as a server that does. Each case has
//! a server of its own.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::{FaultyHarness, Harness};
use innkeeper_store::lease::{Leased, Terms};
use innkeeper_store_redis::RedisStore;
use innkeeper_test_servers::proxy::Proxy;
use innkeeper_test_servers::redis::Redis;

#[derive(Debug)]
struct BehindProxy {
    server: Redis,
    /// It ends with the process: a store outlives its harness in places.
    network: ManuallyDrop<Proxy>,
}

async fn node(url: &str, clock: Arc<ManualClock>) -> Arc<Leased<RedisStore>> {
    let store = RedisStore::open_on(url, clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    Arc::new(Leased::new(store, Terms::default(), clock))
}

#[async_trait]
impl Harness for BehindProxy {
    type Store = Leased<RedisStore>;

    async fn new() -> Self {
        let server = Redis::start().expect("these tests need Redis");
        let network = Proxy::before(server.socket()).await;
        Self {
            network: ManuallyDrop::new(network.expect("a port is free")),
            server,
        }
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<Self::Store> {
        node(&format!("redis://{}", self.network.address()), clock).await
    }
}

#[async_trait]
impl FaultyHarness for BehindProxy {
    const COMMIT: &'static str = "innkeeper_commit";
    const END: &'static str = "innkeeper_end";

    fn network(&self) -> &Proxy {
        &self.network
    }

    async fn beside(&self, clock: Arc<ManualClock>) -> Arc<Self::Store> {
        node(&self.server.url(), clock).await
    }

    fn pause(&self) {
        self.server.pause();
    }

    fn go_on(&self) {
        self.server.go_on();
    }

    fn crash(&mut self) {
        self.server.kill().expect("it runs");
        self.server.again().expect("it starts again");
    }
}

innkeeper_store::faulty_conformance!(BehindProxy);
