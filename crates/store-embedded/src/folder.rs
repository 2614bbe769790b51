//! The folder: who may open it, and what lies in it.
//!
//! ```text
//! store/format   which layout this is
//! store/mark     the last batch that was durable
//! store/place    which file the store lies in: see `place`
//! store/data/    the log of all batches and the newest checkpoint: see `log` and `checkpoint`
//! replaced-N/    a store that a restore has put aside, or had not put in place when it was cut off
//! new/           a store that is being made
//! lock           only where the folder itself cannot be locked: held in its stead
//! ```
//!
//! The folder is locked by the process that has the store open.
//! A store is made aside and renamed into place, so that `store` is whole or absent.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::files::{Files, Held, Lock, read_all};
use crate::mark::Mark;
use crate::place::{self, Lies};

/// The layout that this version writes.
const FORMAT: u32 = 1;
const FORMAT_TITLE: &str = "innkeeper store, format ";

/// A folder that this process alone has open.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) files: Arc<dyn Files>,
    path: PathBuf,
    _lock: Lock,
}

/// What lies in a folder.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where the data of the store is.
    pub(crate) data: PathBuf,
    pub(crate) mark: Mark,
    pub(crate) lies: Lies,
}

impl Folder {
    /// Takes the folder at `path` for this process, and makes it if there is none.
    pub(crate) fn take(files: Arc<dyn Files>, path: &Path) -> Result<Self, OpenError> {
        make_durable(&*files, path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => OpenError::NotAFolder { path: path.into() },
            _ => OpenError::io(path, e),
        })?;
        let lock = files.lock(path).map_err(|e| match e {
            TryLockError::WouldBlock => OpenError::InUse { path: path.into() },
            TryLockError::Error(e) => OpenError::io(path, e),
        })?;
        Ok(Self {
            files: Arc::new(Held::new(files, &lock)),
            path: path.into(),
            _lock: lock,
        })
    }

    /// Finds what lies in it, and begins a store first if there is none.
    pub(crate) fn open(&self) -> Result<Found, OpenError> {
        let store = self.store();
        if !self.exists(&store)? {
            self.refuse_to_begin_beside_another()?;
            self.begin(&store)?;
        }
        // Whoever put it in place may have been killed before that was durable.
        self.sync()?;
        self.sync_folder(&store)?;
        self.check_format(&store.join("format"))?;
        let mark = Mark::open(&*self.files, &store.join("mark")).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => self.missing("store/mark"),
            _ => OpenError::io(&store.join("mark"), e),
        })?;
        let data = store.join("data");
        if !self.exists(&data)? {
            return Err(self.missing("store/data"));
        }
        let lies = place::find(&*self.files, &store, &self.path)?;
        Ok(Found { data, mark, lies })
    }

    /// Has the store lie where it is, once it is durable that nothing older in it is valid.
    pub(crate) fn settle(&self) -> Result<(), OpenError> {
        let store = self.store();
        place::settle(&*self.files, &store).map_err(|e| OpenError::io(&store.join("place"), e))
    }

    /// Says of the store that others are served after it.
    pub(crate) fn disown(&self) -> Result<(), OpenError> {
        let store = self.store();
        place::disown(&*self.files, &store).map_err(|e| OpenError::io(&store.join("place"), e))
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
        self.exists(&self.store())
    }

    /// Makes what was renamed in it durable.
    pub(crate) fn sync(&self) -> Result<(), OpenError> {
        self.sync_folder(&self.path)
    }

    fn sync_folder(&self, path: &Path) -> Result<(), OpenError> {
        let synced = self.files.sync_folder(path);
        synced.map_err(|e| OpenError::io(path, e))
    }

    pub(crate) fn exists(&self, path: &Path) -> Result<bool, OpenError> {
        self.files.has(path).map_err(|e| OpenError::io(path, e))
    }

    /// A restore that was cut off, or a person, may have left the only stores there are under other
    /// names: an empty one in their place would know of nobody who was disabled.
    fn refuse_to_begin_beside_another(&self) -> Result<(), OpenError> {
        let names = self.files.list(&self.path);
        let names = names.map_err(|e| OpenError::io(&self.path, e))?;
        // A restore puts nothing aside before this name is there.
        let mut replaced: Vec<_> = names
            .into_iter()
            .filter(|name| name.starts_with("replaced-"))
            .collect();
        replaced.sort_unstable();
        match replaced.pop() {
            None => Ok(()),
            Some(found) => Err(OpenError::NotInPlace {
                path: self.path.clone(),
                found,
            }),
        }
    }

    /// Makes an empty store aside, and puts it in place.
    fn begin(&self, store: &Path) -> Result<(), OpenError> {
        self.make_aside(|data| {
            let made = Disk::create(&self.files, data, &self.path);
            made.map(|()| (Disk::FIRST_BATCH, ()))
        })?;
        let placed = self.files.rename(&self.aside(), store);
        placed.map_err(|e| OpenError::io(store, e))?;
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
        if self.exists(&aside)? {
            self.files.remove_folder(&aside).map_err(io(&aside))?;
        }
        self.files.make_folder(&aside).map_err(io(&aside))?;
        let (batch, made) = fill(&aside.join("data"))?;
        Mark::create(&*self.files, &aside.join("mark"), batch).map_err(io(&aside.join("mark")))?;
        place::settle(&*self.files, &aside).map_err(io(&aside.join("place")))?;
        write_format(&*self.files, &aside.join("format")).map_err(io(&aside.join("format")))?;
        self.sync_folder(&aside)?;
        Ok(made)
    }

    fn check_format(&self, file: &Path) -> Result<(), OpenError> {
        let text = read_all(&*self.files, file).map_err(|e| match e.kind() {
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

/// Makes a folder, and its name durable: without that a power cut could take it with all in it.
fn make_durable(files: &dyn Files, path: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| matches!(files.has(folder), Ok(false));
    let missing = path.ancestors().take_while(is_missing).count();
    files.make_folder(path)?;
    // That of one which is there too: whoever made it may have been killed before this.
    for folder in path.ancestors().skip(1).take(missing.max(1)) {
        let here = Path::new(".");
        let is_here = folder.as_os_str().is_empty();
        match files.sync_folder(if is_here { here } else { folder }) {
            // It was there before us: what we may not read we cannot have made it in.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            synced => synced?,
        }
    }
    Ok(())
}

fn write_format(files: &dyn Files, path: &Path) -> io::Result<()> {
    let file = files.create(path)?;
    file.write_at(format!("{FORMAT_TITLE}{FORMAT}\n").as_bytes(), 0)?;
    file.sync()
}
