//! A store that can be made to answer nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::{
    Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError, Tail,
    Touch, Touched,
};

#[derive(Debug)]
pub(crate) struct Breakable {
    inner: Arc<MemoryStore>,
    is_broken: AtomicBool,
}

impl Breakable {
    pub(crate) fn over(inner: Arc<MemoryStore>) -> Self {
        Self {
            inner,
            is_broken: AtomicBool::new(false),
        }
    }

    pub(crate) fn break_down(&self) {
        self.is_broken.store(true, Ordering::Release);
    }

    pub(crate) fn mend(&self) {
        self.is_broken.store(false, Ordering::Release);
    }

    fn works(&self) -> Result<(), StoreError> {
        if self.is_broken.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable {
                source: "the disk is on fire".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Breakable {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        self.works()?;
        self.inner.read(tag, key).await
    }

    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        self.works().is_ok() && self.inner.glance(tag, look)
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        self.works()?;
        self.inner.commit(commit).await
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        self.works()?;
        self.inner.touch(touch).await
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
        self.works()
    }
}
