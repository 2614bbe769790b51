//! Following the chains of the journal: whether each leads to its roster (D7).
//!
//! Opening has no need of it, since whatever was written is numbered and has a checksum. What
//! comes from elsewhere, as a back-up does, was perhaps never written by a store.

use std::collections::HashMap;
use std::path::Path;

use innkeeper_domain::roster::{EntryHash, RosterVersion};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::JournalEntry;

use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::load::Loaded;

/// How many entries are read at a time.
const PAGE: usize = 4096;

/// Reads the journal from its first kept entry to the last one of each roster.
///
/// What was let go of cannot be read, so a chain may begin in its middle.
pub(crate) fn follow(disk: &Disk, loaded: &Loaded, store: &Path) -> Result<(), OpenError> {
    let head = loaded.head;
    let refuse = |what: String, damage| OpenError::damaged(store, what, damage);
    let mut chains: HashMap<RosterTag, (RosterVersion, EntryHash)> = HashMap::new();
    let mut place = head.trimmed;
    while place < head.place {
        let page = disk.entries(place, head.place, PAGE);
        let page = page.map_err(|(place, e)| refuse(format!("journal entry {place}"), e))?;
        for (found, entry) in page {
            place = found;
            let before = chains.insert(entry.tag, (entry.seq, entry.hash()));
            let may_begin_here = before.is_none() && head.is_trimmed();
            if !may_begin_here && !follows(&entry, before) {
                let what = Damage::Contradiction("breaks the chain of its roster");
                return Err(refuse(format!("journal entry {place}"), what));
            }
        }
    }
    for (tag, kept) in loaded.resident.all() {
        let roster = kept.open();
        let roster = roster.map_err(|e| refuse(format!("roster {tag}"), e.into()))?;
        let ends = match chains.get(&roster.tag) {
            Some(end) => *end == (roster.version, roster.journal_head),
            None => head.is_trimmed(),
        };
        if !ends {
            let what = Damage::Contradiction("does not end where its journal does");
            return Err(refuse(format!("roster {}", roster.tag), what));
        }
    }
    Ok(())
}

/// Whether an entry goes on from the one before it, or begins a roster that was absent.
fn follows(entry: &JournalEntry, before: Option<(RosterVersion, EntryHash)>) -> bool {
    let begins = entry.previous == EntryHash::default();
    match before {
        None => begins,
        Some((seq, hash)) => {
            (entry.previous == hash && entry.seq == seq.next()) || (begins && entry.seq > seq)
        }
    }
}
