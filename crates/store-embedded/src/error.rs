//! Why a folder cannot be opened, and why an open store may stop.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use innkeeper_store::StoreError;
use innkeeper_store::record::RecordError;

/// Why the store in a folder was not opened. Each variant says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process holds the folder.
    #[error("{} is in use by another process: stop that one, or name another folder", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },

    /// The path leads to something else than a folder.
    #[error("{} is not a folder: name a folder, or a path at which one may be made", .path.display())]
    NotAFolder {
        /// What was named.
        path: PathBuf,
    },

    /// This process may not write there.
    #[error("{} cannot be written: give this user the right to, or name another folder", .path.display())]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// There is no room left.
    #[error("{} is full: make room on that disk, then start again", .path.display())]
    Full {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// It was written by a version that came later.
    #[error(
        "{} holds store format {found}, and this version reads up to {known}: run the newer version",
        .path.display()
    )]
    Newer {
        /// The folder.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format this version reads.
        known: u32,
    },

    /// A file or record cannot be read back, or does not fit the others.
    #[error(
        "the store in {} is damaged at {what}: keep a copy of the folder, and restore a back-up",
        .path.display()
    )]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// Which file or record.
        what: String,
        /// What is wrong with it.
        source: Damage,
    },

    /// Changes that were acknowledged are no longer there.
    #[error(
        "the store in {} has lost acknowledged changes: it ends at batch {found}, and batch \
         {acknowledged} was acknowledged: keep a copy of the folder, and restore a back-up",
        .path.display()
    )]
    Lost {
        /// The folder.
        path: PathBuf,
        /// The last batch that the mark knows to have been durable.
        acknowledged: u64,
        /// The last batch that is there.
        found: u64,
    },

    /// There is no store, but one that a restore has put aside.
    #[error(
        "{} holds no store, but {found}, which a restore put aside: restore a back-up again, or rename \
         {found} to store to have that one back; to begin anew, move it elsewhere",
        .path.display()
    )]
    NotInPlace {
        /// The folder.
        path: PathBuf,
        /// What is there.
        found: String,
    },

    /// The system refused for another reason.
    #[error("{} cannot be opened", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What is wrong with a file or record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// It does not fit the others.
    #[error("it {0}")]
    Contradiction(&'static str),
    /// The system cannot read it.
    #[error(transparent)]
    Unreadable(io::Error),
    /// It cannot be decoded.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl OpenError {
    /// Names a failure of the system at `path`.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            io::ErrorKind::NotADirectory => Self::NotAFolder { path },
            _ if lacks_room(&source) => Self::Full { path, source },
            _ => Self::Io { path, source },
        }
    }

    /// Names the damaged file or record `what` of the store at `path`.
    pub(crate) fn damaged(path: &Path, what: impl Into<String>, source: impl Into<Damage>) -> Self {
        Self::Damaged {
            path: path.to_path_buf(),
            what: what.into(),
            source: source.into(),
        }
    }
}

/// Whether what the system refused needs nothing but room.
fn lacks_room(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Why a batch did not become durable.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// There was no room for it. Nothing of it is left, so the next may be tried.
    NoRoom(io::Error),
    /// What the disk holds of it is unknown.
    InDoubt(io::Error),
}

impl Unwritten {
    /// What it means that the system refused to write, before any sync. `undo` takes away what
    /// there may be of it.
    pub(crate) fn after(error: io::Error, undo: impl FnOnce() -> io::Result<()>) -> Self {
        if lacks_room(&error) && undo().is_ok() {
            Self::NoRoom(error)
        } else {
            Self::InDoubt(error)
        }
    }
}

impl From<Unwritten> for io::Error {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::NoRoom(error) | Unwritten::InDoubt(error) => error,
        }
    }
}

/// Why an open store takes no change.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Stopped {
    /// A write or a sync failed. What the disk holds of it is unknown, and trying again could
    /// make it look written when it is not.
    #[error("a write failed, so no change is tried again before the store is opened anew")]
    Failed(#[source] Arc<WriteError>),
    /// There is no room for it. Nothing of it is kept, and the next is tried.
    #[error("there is no room on the disk: as soon as there is, changes are taken again")]
    NoRoom(#[source] Arc<WriteError>),
    /// It was closed.
    #[error("the store is closed")]
    Closed,
    /// More changes are waiting than it queues.
    #[error("too many changes are waiting")]
    Busy,
}

/// What failed beneath a batch.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("the batch was not written")]
    Batch(#[source] io::Error),
    #[error("there was no room for the batch, and nothing of it is left")]
    NoRoom(#[source] io::Error),
    #[error("the mark was not written")]
    Mark(#[source] io::Error),
    #[error("nothing can be written beside the log any more")]
    Moved(#[source] io::Error),
    #[error("the committing thread panicked")]
    Panicked,
}

impl WriteError {
    /// What a first write that failed means for who wanted to open the store at `path`.
    pub(crate) fn at_opening(self, path: &Path) -> OpenError {
        match self {
            Self::Batch(source) | Self::NoRoom(source) | Self::Moved(source) => {
                OpenError::io(&path.join("store/data"), source)
            }
            Self::Mark(source) => OpenError::io(&path.join("store/mark"), source),
            Self::Panicked => {
                let what = Damage::Contradiction("made the committing thread panic");
                OpenError::damaged(path, "store/data", what)
            }
        }
    }
}

impl From<Stopped> for StoreError {
    fn from(stopped: Stopped) -> Self {
        Self::Unavailable {
            source: Box::<dyn Error + Send + Sync>::from(stopped),
        }
    }
}
