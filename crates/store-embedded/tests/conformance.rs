//! The embedded store passes the suite, also across crashes.

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_domain::session::Timestamp;
use innkeeper_store::archive::Reader;
use innkeeper_store::clock::{Clock, ManualClock};
use innkeeper_store::conformance::{DurableHarness, Harness, RestoringHarness};
use innkeeper_store_embedded::{EmbeddedStore, Onto, restore};
use tempfile::TempDir;

#[derive(Debug)]
struct InFolder {
    root: TempDir,
    lives: u32,
}

impl InFolder {
    fn path(&self) -> PathBuf {
        self.root.path().join(self.lives.to_string())
    }
}

#[async_trait]
impl Harness for InFolder {
    type Store = EmbeddedStore;

    async fn new() -> Self {
        let root = tempfile::tempdir().expect("there is room for a folder");
        Self { root, lives: 0 }
    }

    async fn open(&self, clock: Arc<ManualClock>) -> Arc<EmbeddedStore> {
        Arc::new(EmbeddedStore::open(self.path(), clock).expect("the store is whole"))
    }
}

#[async_trait]
impl DurableHarness for InFolder {
    async fn stop(&mut self, store: Arc<EmbeddedStore>) {
        store.close().await.expect("there is room to close");
        drop(Arc::into_inner(store).expect("nobody else holds it"));
    }

    /// Takes the files as they lie there while the store goes on, which is what a kill leaves.
    async fn crash(&mut self, store: Arc<EmbeddedStore>) {
        let before = self.path();
        self.lives += 1;
        let after = self.path();
        common::Files::read(&before).leave_in(&after);
        drop(store);
    }
}

#[async_trait]
impl RestoringHarness for InFolder {
    async fn restored(copy: &[u8], clock: Arc<ManualClock>) -> Self {
        let place = <Self as Harness>::new().await;
        let copy = Reader::open(copy).expect("it is a copy");
        let now = Timestamp::from_millis(clock.wall().as_secs() * 1000);
        restore(place.path(), Onto::Nothing, copy, now).expect("it is whole");
        place
    }
}

innkeeper_store::conformance!(InFolder);
innkeeper_store::restoring_conformance!(InFolder);
innkeeper_store::durable_conformance!(InFolder);
