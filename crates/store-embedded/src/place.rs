//! The place: which file a store lies in, by which a copy of it is known for one (S20).
//!
//! A copy of the folder may be older than the store it was made of, and nothing in it says so. But
//! its files are other files. So the file `place` says which file it is itself: its own number, and
//! when it was born. At each opening another one takes its place, so that a copy is known also if
//! it was written over the files of the store, unless that was not opened between the two.
//!
//! The device is left out, since it has another number after the next start of the machine. A
//! snapshot of the disk beneath keeps both, and is not known for one.

use std::io;
use std::path::Path;

use crate::error::{Damage, OpenError};
use crate::files::{Files, Identity, read_all, remove_if_there};

const NAME: &str = "place";
const ASIDE: &str = "place.new";
/// The number, the moment and their checksum.
const LENGTH: usize = 20;

/// Where a store lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lies {
    /// In the files in which it was served last.
    InPlace,
    /// In others: it was copied, or put aside by a restore, and may be older than what was served.
    Elsewhere,
}

/// Says that the store in the folder `store` lies in these files, and makes that durable.
pub(crate) fn settle(files: &dyn Files, store: &Path) -> io::Result<()> {
    write(files, store, Lies::InPlace)
}

/// Says that whatever files it lies in, others were served after it.
pub(crate) fn disown(files: &dyn Files, store: &Path) -> io::Result<()> {
    write(files, store, Lies::Elsewhere)
}

fn write(files: &dyn Files, store: &Path, lies: Lies) -> io::Result<()> {
    let aside = store.join(ASIDE);
    remove_if_there(files, &aside)?;
    let file = files.create(&aside)?;
    let said = match lies {
        Lies::InPlace => encode(files.identify(&aside)?),
        // No file has the number 0.
        Lies::Elsewhere => encode(Identity {
            device: 0,
            inode: 0,
            born_at: None,
        }),
    };
    file.write_at(&said, 0)?;
    file.sync()?;
    files.rename(&aside, &store.join(NAME))?;
    files.sync_folder(store)
}

/// Looks where the store in the folder `store` lies; `path` is what messages name.
pub(crate) fn find(files: &dyn Files, store: &Path, path: &Path) -> Result<Lies, OpenError> {
    let (file, what) = (store.join(NAME), "store/place");
    let bytes = read_all(files, &file).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => OpenError::damaged(path, what, Damage::Missing),
        _ => OpenError::io(&file, e),
    })?;
    let said = decode(&bytes).ok_or_else(|| {
        let damage = Damage::Contradiction("cannot be read back");
        OpenError::damaged(path, what, damage)
    })?;
    let found = files.identify(&file).map_err(|e| OpenError::io(&file, e))?;
    Ok(if is_same(said, found) {
        Lies::InPlace
    } else {
        Lies::Elsewhere
    })
}

fn is_same((inode, born_at): (u64, Option<u64>), found: Identity) -> bool {
    // After a change of the system beneath, one may know what the other did not.
    let times = born_at.zip(found.born_at);
    inode == found.inode && times.is_none_or(|(said, found)| said == found)
}

fn encode(identity: Identity) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(&identity.inode.to_be_bytes());
    bytes[8..16].copy_from_slice(&identity.born_at.unwrap_or_default().to_be_bytes());
    let sum = crc32fast::hash(&bytes[..16]);
    bytes[16..].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The number and the moment, if it is known.
fn decode(bytes: &[u8]) -> Option<(u64, Option<u64>)> {
    let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
    let (said, sum) = bytes.split_at(16);
    if crc32fast::hash(said).to_be_bytes() != sum {
        return None;
    }
    let number = |at: usize| said[at..at + 8].try_into().map(u64::from_be_bytes).ok();
    Some((number(0)?, number(8).filter(|at| *at > 0)))
}
