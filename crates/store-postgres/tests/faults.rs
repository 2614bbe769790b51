//! PostgreSQL as a store, behind a network that fails by hand, and as a server that does. Each case has
//! a server of its own.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::{FaultyHarness, Harness};
use innkeeper_store::lease::{Leased, Terms};
use innkeeper_store_postgres::PostgresStore;
use innkeeper_test_servers::postgres::Postgres;
use innkeeper_test_servers::proxy::Proxy;

#[derive(Debug)]
struct BehindProxy {
    server: Postgres,
    url: String,
    /// It ends with the process: a store outlives its harness in places.
    network: ManuallyDrop<Proxy>,
}

async fn node(url: &str, clock: Arc<ManualClock>) -> Arc<Leased<PostgresStore>> {
    let store = PostgresStore::open_on(url, clock.clone()).await;
    let store = Arc::new(store.expect("the server is there"));
    Arc::new(Leased::new(store, Terms::default(), clock))
}

#[async_trait]
impl Harness for BehindProxy {
    type Store = Leased<PostgresStore>;

    async fn new() -> Self {
        let server = Postgres::start().expect("these tests need PostgreSQL");
        let network = Proxy::before(server.socket()).await;
        Self {
            network: ManuallyDrop::new(network.expect("a port is free")),
            url: server.database().expect("there is room for a database"),
            server,
        }
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<Self::Store> {
        let url = Postgres::seen_through(self.network.address(), &self.url);
        node(&url, clock).await
    }
}

#[async_trait]
impl FaultyHarness for BehindProxy {
    /// Each transaction also begins with READ COMMITTED.
    const COMMIT: &'static str = "COMMIT\0";

    fn network(&self) -> &Proxy {
        &self.network
    }

    async fn beside(&self, clock: Arc<ManualClock>) -> Arc<Self::Store> {
        node(&self.url, clock).await
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
