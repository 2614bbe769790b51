//! Why a database is not opened, and what the store says of a failure afterwards.

use innkeeper_domain::token::RosterTag;
use innkeeper_store::StoreError;
use innkeeper_store::record::RecordError;

/// Why a database cannot be the store of this authority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is not one.
    #[error("the URL of the database is not understood: {0}")]
    Url(tokio_postgres::Error),
    /// It cannot be reached, or does not let us in.
    #[error(
        "the database cannot be reached: {0}; see that the URL, the password and the server are right"
    )]
    Unreachable(String),
    /// It can be reached, and lets nobody in by this name, password or database.
    #[error(
        "the database does not let us in: {0}; see that the account, its password and the name of the database in the URL are right"
    )]
    Account(String),
    /// It is too old.
    #[error("the database is PostgreSQL {0}, and 15 or later is needed")]
    TooOld(i32),
    /// It takes no writes.
    #[error("the database is a read-only standby: name the primary, or promote this one")]
    ReadOnly,
    /// What is there was made by a later version.
    #[error(
        "the database has format {0}, which a later version of innkeeper wrote: use that version"
    )]
    Newer(i32),
    /// It can be reached, and refuses what is needed.
    #[error(
        "the database refuses what is needed: {0}; the account must own the schema `innkeeper` or may create it"
    )]
    Refused(String),
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// The database said no, or the connection broke.
    #[error(transparent)]
    Said(#[from] tokio_postgres::Error),
    /// Nothing was said in time.
    #[error("the database does not answer in time")]
    Silent,
    /// It was done, with a warning: it may not be where it has to be, as on a standby.
    #[error("the database warned when it was to commit")]
    Warned,
}

impl Unanswered {
    /// Whether the database raised this of its own or our accord.
    pub(crate) fn is(&self, state: &str) -> bool {
        match self {
            Self::Said(error) => error.code().is_some_and(|code| code.code() == state),
            Self::Silent | Self::Warned => false,
        }
    }
}

/// Nothing was changed, and nobody can say what is there.
pub(crate) fn unavailable(
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unavailable {
        source: error.into(),
    }
}

/// What is stored of this roster cannot be read back.
pub(crate) fn corrupt(tag: RosterTag) -> impl Fn(RecordError) -> StoreError {
    move |error| StoreError::Corrupt {
        name: format!("roster {tag}"),
        source: error.into(),
    }
}
