//! Why a server is not opened, and what the store says of a failure afterwards.

use std::error::Error;

use innkeeper_domain::token::RosterTag;
use innkeeper_store::StoreError;
use innkeeper_store::record::RecordError;
use redis::{ErrorKind, RedisError};

use crate::server::Keeps;

/// Why a server cannot be the store of this authority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is not one, or asks for what is not built.
    #[error(
        "the URL of the server is not understood: write redis://account:password@host:6379 or \
         unix:///path/of/the.socket, and where replicas may take over the URL of each, with commas \
         between; TLS (rediss://) is not built yet"
    )]
    Url,
    /// It cannot be reached, or is not ready.
    #[error(
        "the server cannot be reached: {0}; see that the URL is right and that the server runs"
    )]
    Unreachable(String),
    /// It lets nobody in by this name and password.
    #[error(
        "the server does not let us in: {0}; see that the account and the password in the URL are right"
    )]
    Account(String),
    /// It is too old to have functions.
    #[error("the server is Redis {0}, and 7.0 or later is needed (or Valkey)")]
    TooOld(String),
    /// It copies from another.
    #[error("the server is a replica, which shows what was true a while ago: name its primary")]
    Replica,
    /// Several of those that are named take writes.
    #[error(
        "{0} of the servers in the URL are primaries, and each has what the others have not: make \
         all but the right one its replicas"
    )]
    Primaries(usize),
    /// It is one of a Cluster.
    #[error(
        "the server is part of a Redis Cluster, which is not supported yet: name a single server \
         (cluster-enabled no)"
    )]
    Cluster,
    /// It throws data away when its memory is full.
    #[error(
        "the server has maxmemory-policy {0}, and would throw sessions away when its memory is \
         full: set maxmemory-policy noeviction"
    )]
    Evicts(String),
    /// It keeps snapshots, which bring ended sessions back.
    #[error(
        "the server keeps snapshots only, and after a crash sessions that had ended minutes ago \
         would be live again: set appendonly yes and appendfsync always; or turn snapshots off \
         (save \"\"), and all sessions end with the server; or accept it with \
         store.allow_snapshots = true"
    )]
    SnapshotsOnly,
    /// It leaves syncing to the system.
    #[error(
        "the server has appendfsync {0}, which promises nothing about when an end is on disk: set \
         appendfsync always, or everysec"
    )]
    Unsynced(String),
    /// What is there was made by a later version.
    #[error(
        "the server has format {0}, which a later version of innkeeper wrote: use that version"
    )]
    Newer(u64),
    /// It can be reached, and refuses what is needed.
    #[error(
        "the server refuses what is needed: {0}; docs/stores.md has the account that innkeeper needs"
    )]
    Refused(String),
    /// What this node knew is not there any more.
    #[error(
        "the server has lost the store, or holds another one: every session on it is over; start \
         innkeeper again to begin anew there"
    )]
    Lost,
    /// It no longer keeps what it kept when we started.
    #[error("the server kept \"{0}\" when innkeeper started, and now keeps \"{1}\": set it back")]
    Weaker(Keeps, Keeps),
}

impl OpenError {
    /// What the server or the network said while it was being opened.
    pub(crate) fn of(error: &RedisError) -> Self {
        let said = error.to_string();
        match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
                Self::Account(said)
            }
            (ErrorKind::InvalidClientConfig, _) => Self::Url,
            (_, Some("LOADING" | "MASTERDOWN" | "BUSY")) => Self::Unreachable(said),
            (ErrorKind::Server(_) | ErrorKind::Extension, _) => Self::Refused(said),
            _ => Self::Unreachable(said),
        }
    }

    /// What went wrong in a call while it was being opened.
    pub(crate) fn in_call(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotDone(why) => Self::Refused(why.to_string()),
            Trouble::Lost(why) => Self::Unreachable(why.to_string()),
        }
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It was refused, or never sent: nothing has changed.
    NotDone(Box<dyn Error + Send + Sync>),
    /// It may have been done.
    Lost(Box<dyn Error + Send + Sync>),
}

impl Trouble {
    /// What a caller is told whose call settles nothing that a repeat does not.
    pub(crate) fn unavailable(self) -> StoreError {
        let (Self::NotDone(source) | Self::Lost(source)) = self;
        StoreError::Unavailable { source }
    }

    /// What is told of a commit to this roster.
    pub(crate) fn at_commit(self, tag: RosterTag) -> StoreError {
        match self {
            Self::NotDone(source) => StoreError::Unavailable { source },
            Self::Lost(_) => StoreError::Unknown { tag },
        }
    }
}

/// Whether the server said no before it did anything.
pub(crate) fn is_refusal(error: &RedisError) -> bool {
    let code = error.code();
    let of_the_server = [
        "OOM",
        "READONLY",
        "MISCONF",
        "NOPERM",
        "LOADING",
        "BUSY",
        "NOREPLICAS",
        "NOAUTH",
        "WRONGPASS",
        "MASTERDOWN",
        "CLUSTERDOWN",
        "MOVED",
        "ASK",
        "CROSSSLOT",
    ];
    code.is_some_and(|code| of_the_server.contains(&code)) || is_unknown_function(error)
}

/// Whether the server is, or has become, a replica.
pub(crate) fn is_replica(error: &RedisError) -> bool {
    matches!(error.code(), Some("READONLY" | "MASTERDOWN"))
}

/// Whether the server does not have our functions.
pub(crate) fn is_unknown_function(error: &RedisError) -> bool {
    let detail = error.detail().unwrap_or_default();
    detail.contains("Function not found")
}

/// An answer that is not of the form that it should have.
pub(crate) fn malformed() -> StoreError {
    StoreError::Corrupt {
        name: "answer of the server".into(),
        source: "it is not of the form that our functions give it".into(),
    }
}

/// What is stored of this roster cannot be read back.
pub(crate) fn corrupt(tag: RosterTag) -> impl Fn(RecordError) -> StoreError {
    move |error| StoreError::Corrupt {
        name: format!("roster {tag}"),
        source: error.into(),
    }
}

/// Nothing was changed, and nobody can say what is there.
pub(crate) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable {
        source: error.into(),
    }
}
