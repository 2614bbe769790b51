//! The mark: beside the data, the number of the last batch that was durable.
//!
//! From the log alone nobody can tell an end that was torn by a crash from one that was lost later.
//! The mark can. It is written after the sync of each batch and before anybody hears of it, so it
//! never runs ahead of the data, and a kill does not set it back. It is synced when a segment has
//! begun, and not for each batch: a power cut may leave it some seconds behind, within a segment,
//! and then it proves that much less.

use std::io;
use std::path::Path;

use crate::files::{File, Files};

/// Two slots, written in turn, so that a torn write leaves the other. Both lie in one sector, which
/// a disk writes as a whole: a power cut leaves what was written last, or something before it.
const SLOT: usize = 16;

#[derive(Debug)]
pub(crate) struct Mark(Box<dyn File>);

impl Mark {
    /// Makes the mark of a new store, whose first batch is `batch`.
    pub(crate) fn create(files: &dyn Files, path: &Path, batch: u64) -> io::Result<()> {
        let mark = Self(files.create(path)?);
        mark.0.write_at(&encode(batch), 0)?;
        mark.0.write_at(&encode(batch), SLOT as u64)?;
        mark.sync()
    }

    /// Opens the mark of a store.
    pub(crate) fn open(files: &dyn Files, path: &Path) -> io::Result<Self> {
        Ok(Self(files.open(path)?))
    }

    /// The last batch that was durable, or `None` if neither slot can be read back.
    pub(crate) fn get(&self) -> io::Result<Option<u64>> {
        let mut bytes = [0; 2 * SLOT];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.0.read_at(&mut bytes[filled..], filled as u64)? {
                0 => break,
                more => filled += more,
            }
        }
        Ok(bytes.chunks_exact(SLOT).filter_map(decode).max())
    }

    /// Notes that `batch` is durable.
    pub(crate) fn set(&self, batch: u64) -> io::Result<()> {
        let place = batch % 2 * SLOT as u64;
        self.0.write_at(&encode(batch), place)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

fn encode(batch: u64) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..8].copy_from_slice(&batch.to_be_bytes());
    let sum = crc32fast::hash(&slot[..8]);
    slot[8..12].copy_from_slice(&sum.to_be_bytes());
    slot
}

fn decode(slot: &[u8]) -> Option<u64> {
    let batch = u64::from_be_bytes(slot[..8].try_into().ok()?);
    (slot == encode(batch)).then_some(batch)
}
