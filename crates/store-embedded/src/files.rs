//! What the store asks of a file system: the few operations that a crash can come between.
//!
//! [`LocalFiles`] hands each of them to the system. Under simulation they go to files that lose
//! what a crash would lose, and fail where they are told to. What is promised is little, and all
//! that the store may build on: bytes are durable once [`File::sync`] has returned, and names
//! once [`Files::sync_folder`] has.

#[cfg(feature = "simulated")]
pub mod simulated;

use std::fmt::Debug;
use std::fs::{self, DirBuilder, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with, statvfs};

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

    /// Holds the file at `path`, which is made if it is not there, against other processes.
    fn lock(&self, path: &Path) -> Result<Lock, TryLockError>;
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
pub struct Lock(#[expect(dead_code, reason = "it is held, not used")] Option<fs::File>);

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

    fn lock(&self, path: &Path) -> Result<Lock, TryLockError> {
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(path).map_err(TryLockError::Error)?;
        file.try_lock()?;
        Ok(Lock(Some(file)))
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
