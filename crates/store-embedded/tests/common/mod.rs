//! What several tests of this crate do with a store's folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of a store as they lie there, in use or not, by their names below its folder.
pub(crate) struct Files(pub(crate) BTreeMap<PathBuf, Vec<u8>>);

impl Files {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        // The mark first: files are not read all at one moment, and it must not run ahead.
        for part in ["store/mark", "store/format", "store/data"] {
            collect(folder, Path::new(part), &mut files);
        }
        Self(files)
    }

    pub(crate) fn write(&self, folder: &Path) {
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
