//! The folder: who may open it, and what lies in it.
//!
//! ```text
//! lock           held by the process that has the store open
//! store/format   which layout this is
//! store/mark     the last batch that was durable
//! store/data/    the log of all batches and the newest checkpoint: see `log` and `checkpoint`
//! replaced-N/    a store that a restore has put aside
//! ```
//!
//! A store is made aside and renamed into place, so that `store` is whole or absent.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::mark::Mark;

/// The layout that this version writes.
const FORMAT: u32 = 1;
const FORMAT_TITLE: &str = "innkeeper store, format ";

#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Released by the system when the process ends, however it ends.
    _lock: File,
}

impl Folder {
    /// Takes the folder at `path` for this process, and makes it if there is none.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        make_private(path, true).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => OpenError::NotAFolder { path: path.into() },
            _ => OpenError::io(path, e),
        })?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|e| OpenError::io(&lock_path, e))?;
        lock.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => OpenError::InUse { path: path.into() },
            TryLockError::Error(e) => OpenError::io(&lock_path, e),
        })?;
        Ok(Self {
            path: path.into(),
            _lock: lock,
        })
    }

    /// Finds what lies in it, and begins a store first if there is none. Says where its data is.
    pub(crate) fn open(&self) -> Result<(PathBuf, Mark), OpenError> {
        let store = self.store();
        if !exists(&store)? {
            self.begin(&store)?;
        }
        // Whoever put it in place may have been killed before that was durable.
        self.sync()?;
        self.check_format(&store.join("format"))?;
        let mark = Mark::open(&store.join("mark")).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => self.missing("store/mark"),
            _ => OpenError::io(&store.join("mark"), e),
        })?;
        let data = store.join("data");
        if !exists(&data)? {
            return Err(self.missing("store/data"));
        }
        Ok((data, mark))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the store lies.
    pub(crate) fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// Where one is made before it is put in place.
    pub(crate) fn aside(&self) -> PathBuf {
        self.path.join("new")
    }

    pub(crate) fn has_store(&self) -> Result<bool, OpenError> {
        exists(&self.store())
    }

    /// Makes what was renamed in it durable.
    pub(crate) fn sync(&self) -> Result<(), OpenError> {
        sync_folder(&self.path).map_err(|e| OpenError::io(&self.path, e))
    }

    /// Makes an empty store aside, and puts it in place.
    fn begin(&self, store: &Path) -> Result<(), OpenError> {
        self.make_aside(|data| Disk::create(data, &self.path).map(|()| (Disk::FIRST_BATCH, ())))?;
        fs::rename(self.aside(), store).map_err(|e| OpenError::io(store, e))?;
        self.sync()
    }

    /// Makes a store aside. `fill` makes what lies in its data, and says which batch was the last.
    pub(crate) fn make_aside<T, E: From<OpenError>>(
        &self,
        fill: impl FnOnce(&Path) -> Result<(u64, T), E>,
    ) -> Result<T, E> {
        let aside = self.aside();
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |e| OpenError::io(&path, e)
        };
        // Left by a process that was killed here before: nobody was told of it.
        if exists(&aside)? {
            fs::remove_dir_all(&aside).map_err(io(&aside))?;
        }
        make_private(&aside, false).map_err(io(&aside))?;
        let (batch, made) = fill(&aside.join("data"))?;
        Mark::create(&aside.join("mark"), batch).map_err(io(&aside.join("mark")))?;
        write_format(&aside.join("format")).map_err(io(&aside.join("format")))?;
        sync_folder(&aside).map_err(io(&aside))?;
        Ok(made)
    }

    fn check_format(&self, file: &Path) -> Result<(), OpenError> {
        let text = fs::read(file).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => self.missing("store/format"),
            _ => OpenError::io(file, e),
        })?;
        let found = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.strip_prefix(FORMAT_TITLE)?.strip_suffix('\n'))
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| {
                let what = Damage::Contradiction("does not name a format");
                OpenError::damaged(&self.path, "store/format", what)
            })?;
        match found {
            FORMAT => Ok(()),
            found => Err(OpenError::Newer {
                path: self.path.clone(),
                found,
                known: FORMAT,
            }),
        }
    }

    fn missing(&self, what: &str) -> OpenError {
        OpenError::damaged(&self.path, what, Damage::Missing)
    }
}

fn make_private(path: &Path, with_parents: bool) -> io::Result<()> {
    DirBuilder::new()
        .recursive(with_parents)
        .mode(0o700)
        .create(path)
}

fn write_format(path: &Path) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    writeln!(file, "{FORMAT_TITLE}{FORMAT}")?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn exists(path: &Path) -> Result<bool, OpenError> {
    path.try_exists().map_err(|e| OpenError::io(path, e))
}
