//! What several tests of this crate do with a store's folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The files of a store as they lie there, in use or not, by their names below its folder.
pub(crate) struct Files(pub(crate) BTreeMap<PathBuf, Vec<u8>>);

impl Files {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        // The mark first: files are not read all at one moment, and it must not run ahead.
        for part in ["store/mark", "store/format", "store/place", "store/data"] {
            collect(folder, Path::new(part), &mut files);
        }
        Self(files)
    }

    /// Puts them down as if they had never lain elsewhere: as a kill or a crash leaves them.
    pub(crate) fn leave_in(&self, folder: &Path) {
        self.copy_to(folder);
        let place = folder.join("store/place");
        let mut bytes = fs::read(&place).expect("it is there");
        let found = fs::metadata(&place).expect("it is there");
        bytes[..8].copy_from_slice(&found.ino().to_be_bytes());
        // When it was born is not known.
        bytes[8..16].fill(0);
        let sum = crc32fast::hash(&bytes[..16]);
        bytes[16..].copy_from_slice(&sum.to_be_bytes());
        fs::write(&place, bytes).expect("there is room");
    }

    /// Copies them, as a person does.
    pub(crate) fn copy_to(&self, folder: &Path) {
        for (name, bytes) in &self.0 {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("there is room");
            fs::write(path, bytes).expect("there is room");
        }
    }
}

fn collect(folder: &Path, name: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let path = folder.join(name);
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("it is a folder") {
            let entry = entry.expect("it can be listed");
            collect(folder, &name.join(entry.file_name()), files);
        }
    } else if let Ok(bytes) = fs::read(path) {
        files.insert(name.to_path_buf(), bytes);
    }
}
