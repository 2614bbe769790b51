//! What the store asks of a file system: the few operations that a crash can come between.
//!
//! [`LocalFiles`] hands each of them to the system. Under simulation they go to files that lose
//! what a crash would lose, and fail where they are told to. What is promised is little, and all
//! that the store may build on: bytes are durable once [`File::sync`] has returned, and names
//! once [`Files::sync_folder`] has.

mod held;
#[cfg(feature = "simulated")]
pub mod simulated;

use std::fmt::Debug;
use std::fs::{self, DirBuilder, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

pub(crate) use held::{Held, is_moved};
use rustix::fs::{CWD, RenameFlags, renameat_with, statvfs};
use rustix::io::Errno;

/// A file system, or what stands for one.
pub trait Files: Debug + Send + Sync {
    /// Makes a folder for its owner alone, with those above it; one that is there will do.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a file for its owner alone, which must not be there yet.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens a file that is there, to be read and written.
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Whether something is there under this name.
    fn has(&self, path: &Path) -> io::Result<bool>;

    /// The names in a folder, in no order.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Gives a file or folder another name in the same folder, in the place of what has that.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Lets two names in the same folder change places, in one step. Some file systems over the
    /// network cannot: [`io::ErrorKind::Unsupported`].
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder with all that is in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes durable which names are in a folder, and what they lead to.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// How many bytes this process may still write where this folder is.
    fn free(&self, folder: &Path) -> io::Result<u64>;

    /// Which file or folder this is, under whatever name.
    fn identify(&self, path: &Path) -> io::Result<Identity>;

    /// Holds a folder against other processes.
    fn lock(&self, folder: &Path) -> Result<Lock, TryLockError>;
}

/// What tells a file or folder from every other there is, and from a copy of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The device it lies on. It has another number after the next start of the machine.
    pub device: u64,
    /// Its own number there, which the next may get once it is gone.
    pub inode: u64,
    /// When it was made, in nanoseconds since the Unix epoch, where the file system knows.
    pub born_at: Option<u64>,
}

/// A file that is open.
pub trait File: Debug + Send + Sync {
    /// How many bytes it has.
    fn length(&self) -> io::Result<u64>;

    /// Reads what lies at `offset`, and says how much it was: 0 at the end.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. After an error some of them may be written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts off what lies behind `length`.
    fn cut(&self, length: u64) -> io::Result<()>;

    /// Makes durable what was written. After an error nobody knows what is, and another sync that
    /// returns proves nothing of what was written before: it has to be written again.
    fn sync(&self) -> io::Result<()>;
}

/// Held until it is dropped, or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    /// What is held, and under which path it was found.
    pub(crate) held: Vec<(PathBuf, Identity)>,
    _kept: Box<dyn Debug + Send + Sync>,
}

impl Lock {
    /// A lock that lasts as long as what is kept of it.
    pub(crate) fn new(
        held: Vec<(PathBuf, Identity)>,
        kept: impl Debug + Send + Sync + 'static,
    ) -> Self {
        let kept = Box::new(kept);
        Self { held, _kept: kept }
    }
}

/// The files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct LocalFiles;

impl Files for LocalFiles {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create_new(true).mode(0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Box::new(file))
    }

    fn has(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // What is not text was not written by us.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            done => Ok(done?),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn free(&self, folder: &Path) -> io::Result<u64> {
        let found = statvfs(folder)?;
        if found.f_blocks == 0 {
            // Some say nothing of their size.
            return Ok(u64::MAX);
        }
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn identify(&self, path: &Path) -> io::Result<Identity> {
        fs::metadata(path).map(|found| identity_of(&found))
    }

    /// The folder itself, since a file in it could be removed by hand. Some file systems over the
    /// network cannot lock a folder, so there it is the file `lock` in it.
    fn lock(&self, folder: &Path) -> Result<Lock, TryLockError> {
        let opened = fs::File::open(folder).map_err(TryLockError::Error)?;
        match lock_at(folder, opened) {
            Err(TryLockError::Error(error)) if cannot_lock_folders(&error) => {
                let path = folder.join("lock");
                let mut options = OpenOptions::new();
                let options = options.create(true).truncate(false).write(true).mode(0o600);
                let file = options.open(&path).map_err(TryLockError::Error)?;
                let mut lock = lock_at(&path, file)?;
                let found = self.identify(folder).map_err(TryLockError::Error)?;
                lock.held.push((folder.into(), found));
                Ok(lock)
            }
            locked => locked,
        }
    }
}

/// Locks what was opened at `path`, if it still lies there.
fn lock_at(path: &Path, file: fs::File) -> Result<Lock, TryLockError> {
    file.try_lock()?;
    let held = file.metadata().map_err(TryLockError::Error)?;
    let held = identity_of(&held);
    let found = LocalFiles.identify(path).map_err(TryLockError::Error)?;
    if found != held {
        // Another was put in its place meanwhile, which is that of somebody else.
        return Err(TryLockError::WouldBlock);
    }
    Ok(Lock::new(vec![(path.into(), held)], file))
}

fn cannot_lock_folders(error: &io::Error) -> bool {
    let known = [Errno::BADF, Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS];
    Errno::from_io_error(error).is_some_and(|errno| known.contains(&errno))
}

fn identity_of(found: &fs::Metadata) -> Identity {
    let born_at = found.created().ok();
    let born_at = born_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Identity {
        device: found.dev(),
        inode: found.ino(),
        born_at: born_at.and_then(|at| u64::try_from(at.as_nanos()).ok()),
    }
}

impl File for fs::File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        // Its length goes with its bytes; of what else is left out nothing is ever asked.
        self.sync_data()
    }
}

/// Reads a file from some place to its end.
#[derive(Debug)]
pub(crate) struct FromHere {
    pub(crate) file: Box<dyn File>,
    pub(crate) offset: u64,
}

impl Read for FromHere {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(into, self.offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    let read = read?;
                    self.offset += read as u64;
                    return Ok(read);
                }
            }
        }
    }
}

/// All bytes of a file.
pub(crate) fn read_all(files: &dyn Files, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = files.open(path)?;
    FromHere { file, offset: 0 }.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes a file if there is one.
pub(crate) fn remove_if_there(files: &dyn Files, path: &Path) -> io::Result<()> {
    match files.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
