//! A passage: a way to a store on which calls are held up, refused and lost, or answered from
//! something else. Every call goes through [`Passage::pass`], so whoever makes one says once what
//! befalls it there.

use std::fmt;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;

use crate::register::{Put, Register, Registered};
use crate::{
    AnswerBy, Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError,
    Tail, Touch, Touched,
};

/// A way to a store, which is a store to whoever calls it.
#[async_trait]
pub trait Passage: fmt::Debug + Send + Sync {
    /// What lies at its end.
    type Store: SessionStore + Register + ?Sized;

    /// The store at its end.
    fn behind(&self) -> &Self::Store;

    /// Lets a call through, or not.
    fn pass<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// As [`SessionStore::read`].
    async fn pass_read(
        &self,
        tag: RosterTag,
        key: Option<KeyDigest>,
    ) -> Result<Reading, StoreError> {
        self.pass(self.behind().read(tag, key)).await
    }

    /// As [`SessionStore::glance`].
    fn pass_glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        self.behind().glance(tag, look)
    }

    /// As [`SessionStore::commit`].
    async fn pass_commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        self.pass(self.behind().commit(commit)).await
    }

    /// As [`SessionStore::touch`].
    async fn pass_touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        self.pass(self.behind().touch(touch)).await
    }

    /// As [`SessionStore::forget`].
    async fn pass_forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        self.pass(self.behind().forget(tag, version)).await
    }

    /// As [`SessionStore::answer_by`].
    fn pass_by(&self) -> AnswerBy {
        self.behind().answer_by()
    }
}

#[async_trait]
impl<P: Passage> SessionStore for P {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        self.pass_read(tag, key).await
    }

    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        self.pass_glance(tag, look)
    }

    fn answer_by(&self) -> AnswerBy {
        self.pass_by()
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        self.pass_commit(commit).await
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        self.pass_touch(touch).await
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        self.pass(self.behind().tail(after, limit)).await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        self.pass(self.behind().latest()).await
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        self.pass(self.behind().listen(after)).await
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        self.pass(self.behind().trim(through)).await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        self.pass(self.behind().erase(tag, others)).await
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        self.pass(self.behind().walk(after, limit)).await
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        self.pass_forget(tag, version).await
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        self.pass(self.behind().raise_floor()).await
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.behind().ready()
    }
}

#[async_trait]
impl<P: Passage> Register for P {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        self.pass(self.behind().get(name)).await
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        self.pass(self.behind().put(name, seen, value)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        self.pass(self.behind().list(prefix)).await
    }
}
