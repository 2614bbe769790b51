//! The one place that knows the storage library: which records there are, and how a batch of
//! them becomes durable.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fjall::config::FilterPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, UserValue};
use innkeeper_domain::roster::{Floor, Generation, Roster, RosterVersion, StoreGeneration};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::record::{self, RecordError};
use innkeeper_store::{Ground, JournalEntry, KeyDigest, Remembered};
use serde::{Deserialize, Serialize};

use crate::error::{Damage, OpenError};

/// Memory for what is not yet in a table, per kind of record. Nothing is read from it while the
/// store is open except the journal, so it need not be large.
const MEMTABLE: u64 = 16 << 20;
const CACHE: u64 = 8 << 20;

/// The records of a store, by kind.
#[derive(Clone)]
pub(crate) struct Disk {
    database: Database,
    /// The one [`Head`].
    pub(crate) head: Keyspace,
    /// Rosters, by tag.
    pub(crate) rosters: Keyspace,
    /// When the sessions of a roster were last heard from, by tag.
    pub(crate) heard: Keyspace,
    /// Remembered answers, by key digest.
    pub(crate) keys: Keyspace,
    /// The public parts of journal entries, by place.
    pub(crate) journal: Keyspace,
    /// The personal parts, by place: apart, so that they can be erased.
    pub(crate) personal: Keyspace,
    /// The register, by name.
    pub(crate) register: Keyspace,
}

/// The numbers of the store as a whole. Every batch writes them anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    /// How many batches there were.
    pub(crate) batch: u64,
    /// The place of the last journal entry; the first is 1.
    pub(crate) place: u64,
    /// After which place the journal began: 0, or where that of a restored store goes on.
    pub(crate) begun: u64,
    /// The place of the last journal entry that was let go of, or where it began.
    pub(crate) trimmed: u64,
    /// What all records add up to: see [`tally`](crate::tally).
    pub(crate) tally: u64,
    /// Time is used up to here.
    pub(crate) ceiling: Timestamp,
    pub(crate) ground: Ground,
    pub(crate) floor_rose_at: Timestamp,
}

impl Disk {
    /// How many kinds of records there are.
    pub(crate) const KINDS: usize = 7;
    /// The number of the batch with which a store begins.
    pub(crate) const FIRST_BATCH: u64 = 1;

    /// Makes the files of an empty store.
    pub(crate) fn create(data: &Path, store: &Path) -> Result<(), OpenError> {
        let disk = Self::open(data, store)?;
        let head = Head {
            batch: Self::FIRST_BATCH,
            place: 0,
            begun: 0,
            trimmed: 0,
            tally: 0,
            ceiling: Timestamp::ZERO,
            ground: Ground {
                floor: Floor::FIRST,
                store_generation: StoreGeneration::default(),
            },
            floor_rose_at: Timestamp::ZERO,
        };
        let mut batch = disk.batch();
        batch.head(&head);
        batch
            .commit()
            .map_err(|e| OpenError::storage(store, "store/data", e))
    }

    /// Opens the files at `data`, which belong to the store at `store`.
    pub(crate) fn open(data: &Path, store: &Path) -> Result<Self, OpenError> {
        guarded(store, "store/data", || {
            let database = Database::builder(data)
                .cache_size(CACHE)
                .worker_threads(1)
                .open()?;
            let keyspace = |name| {
                database.keyspace(name, || {
                    // Records are read in order, so a filter for single keys would only be one
                    // more thing that can be damaged.
                    KeyspaceCreateOptions::default()
                        .max_memtable_size(MEMTABLE)
                        .filter_policy(FilterPolicy::disabled())
                })
            };
            Ok(Self {
                head: keyspace("head")?,
                rosters: keyspace("rosters")?,
                heard: keyspace("heard")?,
                keys: keyspace("keys")?,
                journal: keyspace("journal")?,
                personal: keyspace("personal")?,
                register: keyspace("register")?,
                database,
            })
        })
    }

    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch {
            disk: self,
            rows: self
                .database
                .batch()
                .durability(Some(PersistMode::SyncData)),
        }
    }

    /// The journal entries after the place `after`, up to `last`, at most `limit`.
    pub(crate) fn entries(
        &self,
        after: u64,
        last: u64,
        limit: usize,
    ) -> Result<Vec<(u64, JournalEntry)>, (u64, Damage)> {
        let snapshot = self.database.snapshot();
        let rows = |kind| {
            let after = Bound::Excluded(after.to_be_bytes());
            let last = Bound::Included(last.to_be_bytes());
            snapshot.range(kind, (after, last)).map(placed)
        };
        let mut personal = rows(&self.personal).peekable();
        let mut page = Vec::new();
        for (expected, row) in (after.saturating_add(1)..).zip(rows(&self.journal).take(limit)) {
            let named = |damage| (expected, damage);
            let (place, public) = row.map_err(named)?;
            if place != expected {
                return Err(named(Damage::Missing));
            }
            let own = |row: &Result<(u64, _), _>| row.as_ref().map_or(true, |(p, _)| *p == place);
            let personal = personal.next_if(own).transpose().map_err(named)?;
            let personal = personal.as_ref().map(|(_, bytes)| &**bytes);
            page.push((place, read_entry(&public, personal).map_err(named)?));
        }
        Ok(page)
    }
}

fn placed(row: fjall::Guard) -> Result<(u64, UserValue), Damage> {
    let (key, value) = row.into_inner()?;
    let key = (*key)
        .try_into()
        .map_err(|_| Damage::Contradiction("lies under no place"))?;
    Ok((u64::from_be_bytes(key), value))
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

/// Puts the two parts of a journal entry together again.
pub(crate) fn read_entry(public: &[u8], personal: Option<&[u8]>) -> Result<JournalEntry, Damage> {
    let mut entry = record::decode_entry(public)?;
    if let Some(bytes) = personal {
        let personal = record::decode_personal(bytes)?;
        if personal.digest() != entry.personal_digest {
            return Err(Damage::Contradiction("has another personal part"));
        }
        entry.personal = Some(personal);
    }
    Ok(entry)
}

/// Runs `work` on the library's files; what it cannot read, it may well panic at.
pub(crate) fn guarded<T>(
    store: &Path,
    what: &str,
    work: impl FnOnce() -> Result<T, fjall::Error>,
) -> Result<T, OpenError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|e| OpenError::storage(store, what, e)),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("without a word");
            Err(OpenError::damaged(
                store,
                what,
                Damage::Panicked(said.into()),
            ))
        }
    }
}

/// Records that become durable together, or not at all.
pub(crate) struct Batch<'a> {
    disk: &'a Disk,
    rows: fjall::OwnedWriteBatch,
}

impl Batch<'_> {
    pub(crate) fn head(&mut self, head: &Head) {
        let bytes = record::encode(&HeadRecord::from(head));
        self.rows.insert(&self.disk.head, b"head", bytes);
    }

    pub(crate) fn roster(&mut self, tag: RosterTag, roster: Option<&Roster>) {
        if let Some(roster) = roster {
            let bytes = record::encode_roster(roster);
            self.rows.insert(&self.disk.rosters, tag.as_bytes(), bytes);
        } else {
            self.rows.remove(&self.disk.rosters, tag.as_bytes());
            self.rows.remove(&self.disk.heard, tag.as_bytes());
        }
    }

    pub(crate) fn heard(&mut self, tag: RosterTag, signs: &Signs) {
        let bytes = record::encode(signs);
        self.rows.insert(&self.disk.heard, tag.as_bytes(), bytes);
    }

    pub(crate) fn entry(&mut self, place: u64, entry: &JournalEntry) {
        let key = place.to_be_bytes();
        let bytes = record::encode_entry(entry);
        self.rows.insert(&self.disk.journal, key, bytes);
        if let Some(personal) = &entry.personal {
            let bytes = record::encode_personal(personal);
            self.rows.insert(&self.disk.personal, key, bytes);
        }
    }

    pub(crate) fn forget_entry(&mut self, place: u64) {
        let key = place.to_be_bytes();
        self.rows.remove(&self.disk.journal, key);
        self.rows.remove(&self.disk.personal, key);
    }

    pub(crate) fn remember(&mut self, remembered: &Remembered) {
        let bytes = record::encode_remembered(remembered);
        self.rows.insert(&self.disk.keys, remembered.key.0, bytes);
    }

    pub(crate) fn forget_key(&mut self, key: KeyDigest) {
        self.rows.remove(&self.disk.keys, key.0);
    }

    pub(crate) fn register(&mut self, name: &str, slot: &Slot) {
        let bytes = record::encode(slot);
        self.rows.insert(&self.disk.register, name, bytes);
    }

    /// Writes all of it and syncs once. After an error, what the disk holds is unknown.
    pub(crate) fn commit(self) -> Result<(), fjall::Error> {
        self.rows.commit()
    }
}

/// What moves in a roster between commits.
#[derive(Deserialize, Serialize)]
pub(crate) struct Signs {
    /// When sessions were last heard from: serial and milliseconds.
    pub(crate) seen: Vec<([u8; 12], u64)>,
    /// How many sign-ins have failed.
    pub(crate) failures: u32,
}

/// A register value at rest. What was removed leaves its version behind, so that none comes back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Slot {
    pub(crate) version: u64,
    pub(crate) value: Option<Vec<u8>>,
}

#[derive(Deserialize, Serialize)]
struct HeadRecord {
    batch: u64,
    place: u64,
    begun: u64,
    trimmed: u64,
    tally: u64,
    ceiling: u64,
    epoch: u64,
    generation: u64,
    generation_before: u64,
    version: u64,
    store_generation: u64,
    floor_rose_at: u64,
}

impl From<&Head> for HeadRecord {
    fn from(head: &Head) -> Self {
        let floor = head.ground.floor;
        Self {
            batch: head.batch,
            place: head.place,
            begun: head.begun,
            trimmed: head.trimmed,
            tally: head.tally,
            ceiling: head.ceiling.as_millis(),
            epoch: floor.epoch,
            generation: floor.generation.0,
            generation_before: floor.generation_before.0,
            version: floor.version.0,
            store_generation: head.ground.store_generation.0,
            floor_rose_at: head.floor_rose_at.as_millis(),
        }
    }
}

impl Head {
    /// Whether the beginning of the journal was let go of.
    pub(crate) fn is_trimmed(&self) -> bool {
        self.trimmed > self.begun
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: HeadRecord = record::decode(bytes)?;
        Ok(Self {
            batch: record.batch,
            place: record.place,
            begun: record.begun,
            trimmed: record.trimmed,
            tally: record.tally,
            ceiling: Timestamp::from_millis(record.ceiling),
            ground: Ground {
                floor: Floor {
                    epoch: record.epoch,
                    generation: Generation(record.generation),
                    generation_before: Generation(record.generation_before),
                    version: RosterVersion(record.version),
                },
                store_generation: StoreGeneration(record.store_generation),
            },
            floor_rose_at: Timestamp::from_millis(record.floor_rose_at),
        })
    }
}
