//! A small disk of its own, which can be filled and emptied.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// How much it holds, in bytes: enough for thousands of sign-ins, and filled in no time.
const SIZE: u64 = 192 << 20;

/// A file system in memory, mounted on a folder for as long as this lives. What was on it is then
/// in the folder `NAME.left` beside that, since it goes with the memory.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it. This takes the rights of root.
    pub(crate) fn mount(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={SIZE}"), "innkeeper"])
            .arg(folder)
            .status()?;
        if !done.success() {
            return Err(io::Error::other(
                "no small disk to fill: rounds with a full disk mount a tmpfs, which takes the \
                 rights of root; run this as root, or without them: --full-every 0",
            ));
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Leaves no room, to the last byte.
    pub(crate) fn fill(&self) -> io::Result<()> {
        let mut balloon = File::options()
            .create(true)
            .append(true)
            .open(self.balloon())?;
        let mut size = 1 << 20;
        let air = vec![0; size];
        while size > 0 {
            match balloon.write_all(&air[..size]) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => size /= 2,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes room again.
    pub(crate) fn empty(&self) -> io::Result<()> {
        fs::remove_file(self.balloon())
    }

    fn balloon(&self) -> PathBuf {
        self.folder.join("balloon")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.empty();
        if let Err(error) = copy(&self.folder, &self.folder.with_extension("left")) {
            eprintln!("what was on the small disk is lost: {error}");
        }
        let _ = Command::new("umount").arg(&self.folder).status();
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
