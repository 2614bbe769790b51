//! A file that is written aside, and put in its place once it is whole and durable.
//!
//! It goes without room rather than take the last of it, which the log needs: a log that cannot
//! be written stops the store, and a file aside can wait. If it is dropped before it is in place,
//! nothing of it stays.

use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{File, Files, remove_if_there};

/// How many bytes are written at a time.
const CHUNK: usize = 1 << 18;

#[derive(Debug)]
pub(crate) struct Aside {
    files: Arc<dyn Files>,
    folder: PathBuf,
    path: PathBuf,
    file: Box<dyn File>,
    waiting: Vec<u8>,
    length: u64,
    /// How much room is left for others.
    reserve: u64,
    is_in_place: bool,
}

impl Aside {
    /// Begins the file `name` in `folder`.
    pub(crate) fn begin(
        files: Arc<dyn Files>,
        folder: &Path,
        name: &str,
        reserve: u64,
    ) -> io::Result<Self> {
        let path = folder.join(name);
        // One that failed and could not be removed then.
        remove_if_there(&*files, &path)?;
        Ok(Self {
            file: files.create(&path)?,
            files,
            folder: folder.into(),
            path,
            waiting: Vec::with_capacity(CHUNK),
            length: 0,
            reserve,
            is_in_place: false,
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.waiting.len() + bytes.len() > CHUNK {
            self.flush()?;
        }
        if bytes.len() >= CHUNK {
            return self.put(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut waiting = mem::take(&mut self.waiting);
        self.put(&waiting)?;
        waiting.clear();
        self.waiting = waiting;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        has_room(&*self.files, &self.folder, length, self.reserve)?;
        self.file.write_at(bytes, self.length)?;
        self.length += length;
        Ok(())
    }

    /// Writes the rest of it, and makes it durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync()
    }

    /// Gives it the name under which it is found. That is durable when its folder is synced.
    pub(crate) fn put_in_place(mut self, place: &Path) -> io::Result<()> {
        self.files.rename(&self.path, place)?;
        self.is_in_place = true;
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.is_in_place {
            // What it took of the disk is needed for the log. Opening removes it at the latest.
            let _ = self.files.remove(&self.path);
        }
    }
}

/// Whether so many bytes can be written to `folder` and leave `reserve` for others.
pub(crate) fn has_room(
    files: &dyn Files,
    folder: &Path,
    bytes: u64,
    reserve: u64,
) -> io::Result<()> {
    let free = files.free(folder)?;
    let needed = bytes.saturating_add(reserve);
    if free >= needed {
        return Ok(());
    }
    let said = format!(
        "{needed} bytes are needed in {}, and {free} are free: make room there",
        folder.display()
    );
    Err(io::Error::new(io::ErrorKind::StorageFull, said))
}
