//! A file that is there whole or not at all: written aside, synced, then given its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::exit::Failure;

/// A file under way, for this user only. Dropping it leaves nothing behind.
#[derive(Debug)]
pub(super) struct NewFile {
    target: PathBuf,
    aside: PathBuf,
    file: File,
    replace: bool,
    kept: bool,
}

impl NewFile {
    /// Begins a file that will be called `target`.
    pub(super) fn create(target: &Path, replace: bool) -> Result<Self, Failure> {
        let name = target
            .file_name()
            .ok_or_else(|| Failure::usage(format!("{} is no name of a file", target.display())))?;
        // Before the work, so that nobody waits for a refusal; and again at its end.
        if !replace && target.symlink_metadata().is_ok() {
            return Err(taken(target));
        }
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}.part", std::process::id()));
        let aside = target.with_file_name(part);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            // Follows no link, and takes nobody else's file.
            .create_new(true)
            .mode(0o600)
            .open(&aside)
            .map_err(|error| {
                Failure::cannot_run(&format!("{} cannot be written", aside.display()), error)
            })?;
        Ok(Self {
            target: target.to_owned(),
            aside,
            file,
            replace,
            kept: false,
        })
    }

    /// Where it is while it is being written.
    pub(super) fn path(&self) -> &Path {
        &self.aside
    }

    /// Makes it durable, and gives it its name. Says how many bytes it has.
    pub(super) fn keep(mut self) -> Result<u64, Failure> {
        let failed = |error: io::Error| {
            Failure::cannot_run(&format!("{} cannot be kept", self.target.display()), error)
        };
        self.file.sync_all().map_err(failed)?;
        let bytes = self.file.metadata().map_err(failed)?.len();
        if self.replace {
            // Replaces a link, and not what it leads to.
            fs::rename(&self.aside, &self.target).map_err(failed)?;
        } else {
            match renameat_with(CWD, &self.aside, CWD, &self.target, RenameFlags::NOREPLACE) {
                Ok(()) => {}
                Err(rustix::io::Errno::EXIST) => return Err(taken(&self.target)),
                Err(error) => return Err(failed(error.into())),
            }
        }
        self.kept = true;
        let folder = match self.target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(failed)?;
        Ok(bytes)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing to be done about it here; the name says what it is.
            let _ = fs::remove_file(&self.aside);
        }
    }
}

fn taken(target: &Path) -> Failure {
    Failure::unsafe_to(format!(
        "{} is there already: name another file, or replace it with --replace",
        target.display()
    ))
}
