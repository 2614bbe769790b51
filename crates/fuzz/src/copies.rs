//! Copies: what is restored, or imported, was made by anybody.

use std::sync::Arc;

use innkeeper_domain::session::Timestamp;
use innkeeper_store::archive::{CopyError, Counts, Item, Reader};
use innkeeper_store::{SessionStore, record};
use innkeeper_store_embedded::Onto;
use innkeeper_store_embedded::files::simulated::SimulatedFiles;
use innkeeper_store_embedded::restore::restore_on;
use sha2::{Digest, Sha256};

use crate::Tally;
use crate::house::{FOLDER, done, open};

const TITLE: &[u8] = b"innkeeper copy, format 1\n";
const END: u8 = 5;
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The parts of a copy, between its title and its end. It is read as it is, and once more behind
/// a title and before an end that fits, as somebody would make it who wants it believed.
pub fn copy(data: &[u8], tally: &mut Tally) {
    if let Ok(reader) = Reader::open(data) {
        let _ = reader.count();
    }
    let mut copy = TITLE.to_vec();
    copy.extend_from_slice(data);
    let mut parts = Reader::open(&copy[..]).expect("the title is right");
    let _ = parts.by_ref().take_while(Result::is_ok).count();
    copy.extend(end(&copy, parts.counts()));
    restore(&copy, tally);
}

/// The end of a copy of these counts.
fn end(copy: &[u8], counts: Counts) -> Vec<u8> {
    let counts = record::encode(&counts);
    let len = u32::try_from(counts.len() + 32).expect("it is short");
    let mut end = len.to_be_bytes().to_vec();
    end.push(END);
    end.extend_from_slice(&counts);
    let digest = Sha256::new()
        .chain_update(copy)
        .chain_update(&end)
        .finalize();
    end.extend_from_slice(&digest);
    end
}

/// The parts of a whole copy: what [`copy`] makes one of.
pub(crate) fn parts_of(copy: &[u8]) -> Vec<u8> {
    let mut reader = Reader::open(copy).expect("it is a copy");
    assert!(reader.by_ref().all(|part| part.is_ok()), "it is whole");
    let end = end(&[], reader.counts()).len();
    copy[TITLE.len()..copy.len() - end].to_vec()
}

/// What is taken opens as a store in which nobody is live (S20).
fn restore(copy: &[u8], tally: &mut Tally) {
    let files = SimulatedFiles::new(7);
    let reader = Reader::open(copy).expect("the title is right");
    let onto = Onto::Nothing;
    let restored = restore_on(Arc::new(files.clone()), FOLDER.as_ref(), onto, reader, NOW);
    let were_live = restored
        .as_ref()
        .map_or(0, |_| live_in(copy).expect("what was restored can be read"));
    tally.add("sessions that were live", were_live);
    if tally.read("copies", restored).is_none() {
        return;
    }
    let store = open(&files);
    let tags = done(&store, store.walk(None, usize::MAX)).expect("memory answers");
    tally.add("rosters", tags.len());
    for tag in tags {
        let reading = done(&store, store.read(tag, None)).expect("memory answers");
        let roster = reading.roster.expect("it is there");
        assert_eq!(roster.live(reading.now).count(), 0, "S20");
    }
}

/// How many sessions a copy holds that were live when it was made.
fn live_in(copy: &[u8]) -> Result<usize, CopyError> {
    let (mut now, mut live) = (Timestamp::from_millis(0), 0);
    for part in Reader::open(copy)? {
        match part? {
            Item::Head(head) => now = head.now,
            Item::Roster(roster) => live += roster.live(now).count(),
            Item::Value(_) | Item::Entry(_) => {}
        }
    }
    Ok(live)
}
