//! PostgreSQL as a store passes the suite, seen through leases.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::fixture::listening;
use innkeeper_store::conformance::{DurableHarness, Harness};
use innkeeper_store::lease::{Leased, Terms};
use innkeeper_store_postgres::PostgresStore;
use innkeeper_test_servers::postgres::Postgres;

static SERVER: LazyLock<Postgres> =
    LazyLock::new(|| Postgres::start().expect("these tests need PostgreSQL"));

#[derive(Debug)]
struct InDatabase {
    url: String,
}

#[async_trait]
impl Harness for InDatabase {
    type Store = Leased<PostgresStore>;

    async fn new() -> Self {
        let url = SERVER.database().expect("there is room for a database");
        Self { url }
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<Leased<PostgresStore>> {
        let store = PostgresStore::open_on(&self.url, clock.clone()).await;
        let store = Arc::new(store.expect("the database is there"));
        let leased = Leased::new(store, Terms::default(), clock);
        listening(&leased).await;
        Arc::new(leased)
    }
}

#[async_trait]
impl DurableHarness for InDatabase {
    async fn stop(&mut self, store: Arc<Leased<PostgresStore>>) {
        store.flush().await.expect("the database answers");
        store.inner().close().await.expect("the database answers");
    }

    /// A node that crashes says nothing more; the database goes on. Before, as much time has
    /// passed as the clock says: what was due is written down.
    async fn crash(&mut self, store: Arc<Leased<PostgresStore>>) {
        store.flush_due().await.expect("the database answers");
        drop(store);
    }
}

innkeeper_store::conformance!(InDatabase);
innkeeper_store::durable_conformance!(InDatabase);
