//! What several tests of this crate do with a store's folder.

use std::fs;
use std::path::Path;

/// Copies a store as its files lie there, in use or not.
pub(crate) fn copy_store(from: &Path, to: &Path) {
    // The mark first: files are not copied all at one moment, and it must not run ahead.
    for part in ["store/mark", "store/format", "store/data"] {
        copy(&from.join(part), &to.join(part));
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("there is room");
        for entry in fs::read_dir(from).expect("it is a folder") {
            let entry = entry.expect("it can be listed");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else if let Ok(bytes) = fs::read(from) {
        fs::create_dir_all(to.parent().expect("it lies in a folder")).expect("there is room");
        // Journals are 64 MiB of holes: as long, but not as large.
        let used = bytes
            .iter()
            .rposition(|b| *b != 0)
            .map_or(0, |last| last + 1);
        fs::write(to, &bytes[..used]).expect("there is room");
        let file = fs::File::options()
            .write(true)
            .open(to)
            .expect("it was just made");
        file.set_len(bytes.len() as u64).expect("there is room");
    }
}
