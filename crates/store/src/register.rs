//! What a store keeps besides sessions: keys, policy versions, users, cursors.

use std::fmt;

use async_trait::async_trait;

use crate::StoreError;

/// Under this name, which is nobody's, a store keeps the highest version that a removed value had.
///
/// A name that has no value begins above it. So no version comes back, and nothing is left that
/// says what was removed: it may have been called after a person.
pub const REMOVED: &str = "";

/// Named values, read and replaced against their version. Nothing here says whether a session
/// lives.
#[async_trait]
pub trait Register: fmt::Debug + Send + Sync {
    /// Reads one value.
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError>;

    /// Replaces one value, if it still has the version the caller saw; `None` for none.
    ///
    /// # Contract
    ///
    /// - A value that was replaced meanwhile is [`Put::Stale`], and stays.
    /// - A value that is done survives a crash.
    /// - Versions of one name never come back, even after the value was removed.
    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError>;

    /// Lists the values whose names begin with `prefix`, in the order of their names.
    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError>;
}

/// A value and its version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registered {
    /// Which version of it this is.
    pub version: u64,
    /// The value.
    pub value: Vec<u8>,
}

/// What became of a replacement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Put {
    /// It is done; the value now has this version.
    Done(u64),
    /// Another came first: read again.
    Stale,
}
