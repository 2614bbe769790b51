//! What the storage library believes without checking: its lists of tables.
//!
//! Each of its trees has a file `current` that names a list of tables, `v7` say, with the
//! checksum of that list, and the library (fjall 3.1, lsm-tree 3.1) does not compare it. A list
//! with one wrong bit makes it abort the process, or read other tables. So it is compared here,
//! before the library sees it. The test of damaged files fails if the library changes this form.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Damage, OpenError};

/// Compares each of the library's trees below `data` with the checksum of its list of tables.
///
/// One that is not there is damage as well: the library would begin it anew, or remove it.
pub(crate) fn check(data: &Path, trees: usize, store: &Path) -> Result<(), OpenError> {
    for number in 0..=trees {
        let tree = format!("keyspaces/{number}");
        check_tree(&data.join(&tree)).map_err(|(file, damage)| {
            OpenError::damaged(store, format!("store/data/{tree}/{file}"), damage)
        })?;
    }
    Ok(())
}

fn check_tree(tree: &Path) -> Result<(), (String, Damage)> {
    let wrong = |file: &str, what| (file.to_owned(), Damage::Contradiction(what));
    let current = read(tree, "current")?;
    // The number of the list, its checksum, and 0 for the kind of checksum.
    let (number, sum) = match &*current {
        [fields @ .., 0] if fields.len() == 24 => fields.split_at(8),
        _ => return Err(wrong("current", "is not of the known form")),
    };
    let number = u64::from_le_bytes(number.try_into().expect("eight bytes"));
    let sum = u128::from_le_bytes(sum.try_into().expect("sixteen bytes"));
    let list = format!("v{number}");
    if xxh3_128(&read(tree, &list)?) == sum {
        Ok(())
    } else {
        Err(wrong(
            &list,
            "does not have the checksum that `current` has for it",
        ))
    }
}

fn read(tree: &Path, file: &str) -> Result<Vec<u8>, (String, Damage)> {
    fs::read(tree.join(file)).map_err(|e| match e.kind() {
        ErrorKind::NotFound => (file.to_owned(), Damage::Missing),
        _ => (file.to_owned(), Damage::Unreadable(e)),
    })
}
