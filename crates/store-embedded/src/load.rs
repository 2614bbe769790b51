//! Reading a store back: every record, and whether they are all there.
//!
//! A store is served whole or not at all. Three things are compared. The mark says how far it
//! had come; the tally in the head says what all records add up to;
//! and the journal, read from the beginning, leads to each roster's last entry.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use fjall::Keyspace;
use innkeeper_domain::roster::{EntryHash, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::JournalEntry;
use innkeeper_store::record::{self, RecordError};

use crate::disk::{Disk, Head, Signs, Slot, guarded, read_entry};
use crate::error::{Damage, OpenError};
use crate::keys::Keys;
use crate::mark::Mark;
use crate::resident::{Resident, replace};
use crate::round::Highest;
use crate::tally::{key_share, personal_share, register_share, roster_share};

/// A store as it was read back.
pub(crate) struct Loaded {
    pub(crate) head: Head,
    pub(crate) highest: Highest,
    pub(crate) resident: Resident,
    pub(crate) keys: Keys,
    pub(crate) register: BTreeMap<String, Slot>,
}

/// Reads everything, and compares it.
pub(crate) fn load(disk: &Disk, mark: &Mark, path: &Path) -> Result<Loaded, OpenError> {
    let head = load_head(disk, mark, path)?;
    let mut loaded = Loaded {
        head,
        highest: Highest {
            generation: head.ground.floor.generation,
            version: head.ground.floor.version,
        },
        resident: Resident::new(),
        keys: Keys::default(),
        register: BTreeMap::new(),
    };
    let mut tally = 0_u64;
    let mut count = |share: u64| tally = tally.wrapping_add(share);

    each(path, &disk.rosters, "roster", |key, value| {
        let roster = record::decode_roster(value)?;
        if *key != *roster.tag.as_bytes() {
            return Err(Damage::Contradiction("lies under another tag"));
        }
        count(roster_share(&roster));
        let mut shard = loaded.resident.alone(roster.tag);
        replace(&mut shard, roster.tag, Some(Arc::new(roster)));
        Ok(())
    })?;
    each(path, &disk.heard, "last-seen", |key, value| {
        let signs: Signs = record::decode(value)?;
        let tag = key
            .try_into()
            .map_err(|_| Damage::Contradiction("lies under no tag"))?;
        merge_signs(&loaded.resident, RosterTag::from_bytes(tag), &signs);
        Ok(())
    })?;
    each(path, &disk.keys, "key", |key, value| {
        let remembered = record::decode_remembered(value)?;
        if *key != remembered.key.0 {
            return Err(Damage::Contradiction("lies under another key"));
        }
        count(key_share(&remembered));
        loaded.keys.insert(remembered);
        Ok(())
    })?;
    each(path, &disk.register, "register value", |key, value| {
        let slot: Slot = record::decode(value)?;
        let name = std::str::from_utf8(key)
            .map_err(|_| Damage::Contradiction("has a name that is not text"))?;
        count(register_share(name, &slot));
        loaded.register.insert(name.into(), slot);
        Ok(())
    })?;
    let mut personal = HashMap::new();
    each(path, &disk.personal, "personal part", |key, value| {
        let digest = record::decode_personal(value)?.digest();
        let place = key
            .try_into()
            .map_err(|_| Damage::Contradiction("lies under no place"))?;
        let place = u64::from_be_bytes(place);
        count(personal_share(place, &digest));
        personal.insert(place, digest);
        Ok(())
    })?;
    if tally != head.tally {
        let what = Damage::Contradiction("does not match the records: some are older or missing");
        return Err(OpenError::damaged(path, "the tally of all records", what));
    }
    follow_journal(disk, &loaded, personal, path)?;
    let store = loaded.head.ground.store_generation;
    loaded.resident.come_under(store);
    for roster in loaded.resident.all() {
        loaded.highest.include(&roster);
    }
    Ok(loaded)
}

fn load_head(disk: &Disk, mark: &Mark, path: &Path) -> Result<Head, OpenError> {
    let head = guarded(path, "the head record", || disk.head.get(b"head"))?;
    let head = head
        .ok_or(Damage::Missing)
        .and_then(|bytes| Ok(Head::decode(&bytes)?))
        .map_err(|e| refuse(path, "the head record", e))?;
    let acknowledged = mark
        .get()
        .map_err(|e| OpenError::io(&path.join("store/mark"), e))?
        .ok_or_else(|| {
            let what = Damage::Contradiction("has no slot that can be read back");
            OpenError::damaged(path, "store/mark", what)
        })?;
    if head.batch < acknowledged {
        return Err(OpenError::Lost {
            path: path.into(),
            acknowledged,
            found: head.batch,
        });
    }
    Ok(head)
}

/// Reads the journal from its first kept entry to the last one of each roster.
///
/// What was let go of cannot be read, so a chain may begin in its middle; that its roster is the
/// one that belongs there, the tally says.
fn follow_journal(
    disk: &Disk,
    loaded: &Loaded,
    mut personal: HashMap<u64, [u8; 32]>,
    path: &Path,
) -> Result<(), OpenError> {
    let mut chains: HashMap<RosterTag, (RosterVersion, EntryHash)> = HashMap::new();
    let is_trimmed = loaded.head.is_trimmed();
    let mut place = loaded.head.trimmed;
    each(path, &disk.journal, "journal entry", |key, value| {
        place += 1;
        if *key != place.to_be_bytes() {
            return Err(Damage::Contradiction("does not follow the one before it"));
        }
        let entry = read_entry(value, None)?;
        if personal
            .remove(&place)
            .is_some_and(|digest| digest != entry.personal_digest)
        {
            return Err(Damage::Contradiction("has another personal part"));
        }
        let before = chains.insert(entry.tag, (entry.seq, entry.hash()));
        if follows(&entry, before) || (before.is_none() && is_trimmed) {
            Ok(())
        } else {
            Err(Damage::Contradiction("breaks the chain of its roster"))
        }
    })?;
    if place != loaded.head.place || !personal.is_empty() {
        let what = Damage::Contradiction("ends before its last entry");
        return Err(OpenError::damaged(path, "the journal", what));
    }
    for roster in loaded.resident.all() {
        let ends = match chains.get(&roster.tag) {
            Some(end) => *end == (roster.version, roster.journal_head),
            None => is_trimmed,
        };
        if !ends {
            let what = Damage::Contradiction("does not end where its journal does");
            return Err(OpenError::damaged(
                path,
                format!("roster {}", roster.tag),
                what,
            ));
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

fn merge_signs(resident: &Resident, tag: RosterTag, signs: &Signs) {
    if let Some(roster) = resident.find(tag) {
        roster.failures.grow_to(signs.failures);
        for (serial, millis) in &signs.seen {
            if let Some(session) = roster.sessions.iter().find(|s| s.id.serial() == serial) {
                session.last_seen.advance(Timestamp::from_millis(*millis));
            }
        }
    }
}

/// Hands every record of a kind to `take`, and names the one that it cannot read.
fn each(
    path: &Path,
    records: &Keyspace,
    kind: &str,
    mut take: impl FnMut(&[u8], &[u8]) -> Result<(), Damage>,
) -> Result<(), OpenError> {
    let mut rows = guarded(path, kind, || Ok(records.iter()))?;
    loop {
        let row = guarded(path, kind, || {
            rows.next().map(fjall::Guard::into_inner).transpose()
        })?;
        let Some((key, value)) = row else {
            return Ok(());
        };
        take(&key, &value).map_err(|e| refuse(path, &format!("{kind} {}", hex(&key)), e))?;
    }
}

fn refuse(path: &Path, what: &str, damage: Damage) -> OpenError {
    match damage {
        Damage::Record(RecordError::Newer(found)) => OpenError::Newer {
            path: path.into(),
            found: found.into(),
            known: record::FORMAT.into(),
        },
        damage => OpenError::damaged(path, what, damage),
    }
}

fn hex(key: &[u8]) -> String {
    key.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
