//! A folder that is held: nothing below it is used by its name unless its path still leads to it.
//!
//! A folder can be moved away and another put in its place while a process has it open. What that
//! process then made, removed or renamed by path would be done to the other, which may be a store
//! that somebody else serves.

use std::error::Error;
use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{File, Files, Identity, Lock};

/// The files below a folder, as long as it lies where it was locked.
#[derive(Debug)]
pub(crate) struct Held {
    files: Arc<dyn Files>,
    held: Vec<(PathBuf, Identity)>,
}

/// Something else lies now where the folder was locked.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is no longer what this process has locked: it was moved, removed or replaced meanwhile; \
     put it back before the next start",
    .0.display()
)]
struct Moved(PathBuf);

/// Whether this is the error of a folder that was moved.
pub(crate) fn is_moved(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn Error + Send + Sync>::is::<Moved>)
}

impl Held {
    pub(crate) fn new(files: Arc<dyn Files>, lock: &Lock) -> Self {
        let held = lock.held.clone();
        Self { files, held }
    }

    /// The files, if all that is held lies where it did.
    fn here(&self) -> io::Result<&dyn Files> {
        for (path, held) in &self.held {
            match self.files.identify(path) {
                Ok(found) if found == *held => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(_) | Err(_) => return Err(io::Error::other(Moved(path.clone()))),
            }
        }
        Ok(&*self.files)
    }
}

impl Files for Held {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.here()?.make_folder(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.here()?.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.here()?.open(path)
    }

    fn has(&self, path: &Path) -> io::Result<bool> {
        self.here()?.has(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.here()?.list(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.here()?.rename(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.here()?.exchange(one, other)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.here()?.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.here()?.remove_folder(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.here()?.sync_folder(path)
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        self.here()?.free(folder)
    }

    fn identify(&self, path: &Path) -> io::Result<Identity> {
        self.here()?.identify(path)
    }

    fn lock(&self, folder: &Path) -> Result<Lock, TryLockError> {
        let files = self.here().map_err(TryLockError::Error)?;
        files.lock(folder)
    }
}
