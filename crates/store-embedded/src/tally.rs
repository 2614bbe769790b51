//! The tally: one number that all records add up to, save signs of life.
//!
//! The head holds it, and every batch writes the head. So a record that comes back older than
//! its neighbours, or not at all, shows at opening, whatever happened beneath. It is a sum, so
//! that it can be kept up row by row and needs no order.

use innkeeper_domain::roster::Roster;
use innkeeper_store::{Remembered, record};
use sha2::{Digest, Sha256};

use crate::disk::Slot;

/// What a roster adds to the tally. All else in it follows from its place in the journal.
pub(crate) fn roster_share(roster: &Roster) -> u64 {
    share(&[
        b"roster",
        roster.tag.as_bytes(),
        &roster.version.0.to_be_bytes(),
        &roster.journal_head.0,
    ])
}

/// What the personal part of a journal entry adds to the tally, as long as it is not erased. The
/// public parts are chained.
pub(crate) fn personal_share(place: u64, digest: &[u8; 32]) -> u64 {
    share(&[b"personal", &place.to_be_bytes(), digest])
}

/// What a remembered answer adds to the tally.
pub(crate) fn key_share(remembered: &Remembered) -> u64 {
    share(&[b"key", &record::encode_remembered(remembered)])
}

/// What a register value adds to the tally.
pub(crate) fn register_share(name: &str, slot: &Slot) -> u64 {
    share(&[
        b"register",
        &(name.len() as u64).to_be_bytes(),
        name.as_bytes(),
        &record::encode(slot),
    ])
}

fn share(parts: &[&[u8]]) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let bytes: [u8; 32] = digest.finalize().into();
    u64::from_be_bytes(bytes[..8].try_into().expect("eight of them"))
}
