//! PostgreSQL as a store passes the suite.

mod server;

use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::conformance::{DurableHarness, Harness};
use innkeeper_store_postgres::PostgresStore;

#[derive(Debug)]
struct InDatabase {
    url: String,
}

#[async_trait]
impl Harness for InDatabase {
    type Store = PostgresStore;

    async fn new() -> Self {
        let url = server::database().await;
        Self { url }
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<PostgresStore> {
        let store = PostgresStore::open_on(&self.url, clock).await;
        Arc::new(store.expect("the database is there"))
    }
}

#[async_trait]
impl DurableHarness for InDatabase {
    async fn stop(&mut self, store: Arc<PostgresStore>) {
        store.close().await.expect("the database answers");
    }

    /// A node that crashes says nothing more; the database goes on.
    async fn crash(&mut self, store: Arc<PostgresStore>) {
        drop(store);
    }
}

innkeeper_store::conformance!(InDatabase);
innkeeper_store::durable_conformance!(InDatabase);
