//! The reference store with a bad line to it, for the routes and for the accept loop.

#![allow(dead_code, reason = "each uses what the other does not")]

use std::future::pending;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::register::{Put, Register, Registered};
use innkeeper_store::{
    Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError, Tail,
    Touch, Touched,
};
use parking_lot::Mutex;

/// How the line is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Line {
    /// All is well.
    #[default]
    Well,
    /// Nothing gets through.
    Dead,
    /// What is written is done, and the answer is lost.
    OneWay,
    /// Whoever reads waits for ever.
    Silent,
    /// Whoever reads meets a mistake of ours.
    Broken,
}

#[derive(Debug)]
pub(crate) struct Flaky {
    inner: MemoryStore,
    line: Mutex<Line>,
}

impl Flaky {
    pub(crate) fn new(inner: MemoryStore) -> Self {
        Self {
            inner,
            line: Mutex::default(),
        }
    }

    pub(crate) fn set(&self, line: Line) {
        *self.line.lock() = line;
    }

    fn reach(&self) -> Result<(), StoreError> {
        match *self.line.lock() {
            Line::Well | Line::OneWay => Ok(()),
            Line::Dead | Line::Silent | Line::Broken => Err(StoreError::Unavailable {
                source: "the inner workings of the driver".into(),
            }),
        }
    }

    fn answer<T>(&self, answer: T) -> Result<T, StoreError> {
        match *self.line.lock() {
            Line::Well => Ok(answer),
            Line::Dead | Line::OneWay | Line::Silent | Line::Broken => Err(StoreError::Unknown {
                tag: RosterTag::from_bytes([0; 16]),
            }),
        }
    }
}

#[async_trait]
impl SessionStore for Flaky {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        let line = *self.line.lock();
        match line {
            Line::Silent => pending().await,
            Line::Broken => panic!("a secret mistake"),
            Line::Well | Line::Dead | Line::OneWay => {
                self.reach()?;
                self.inner.read(tag, key).await
            }
        }
    }

    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        self.reach().is_ok() && self.inner.glance(tag, look)
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        self.reach()?;
        let outcome = self.inner.commit(commit).await?;
        self.answer(outcome)
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        self.reach()?;
        let touched = self.inner.touch(touch).await?;
        self.answer(touched)
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        self.inner.tail(after, limit).await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        self.inner.latest().await
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        self.inner.listen(after).await
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        self.inner.trim(through).await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        self.inner.erase(tag, others).await
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        self.inner.walk(after, limit).await
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        self.inner.forget(tag, version).await
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        self.inner.raise_floor().await
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.reach()
    }
}

#[async_trait]
impl Register for Flaky {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        self.reach()?;
        self.inner.get(name).await
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        self.reach()?;
        let put = self.inner.put(name, seen, value).await?;
        self.answer(put)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        self.reach()?;
        self.inner.list(prefix).await
    }
}
