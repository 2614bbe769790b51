//! The one place that knows which records there are, and how a batch of them becomes durable.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use innkeeper_domain::roster::{Floor, Generation, Roster, RosterVersion, StoreGeneration};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::journal::WrittenEntry;
use innkeeper_store::record::{self, RecordError};
use innkeeper_store::{Ground, JournalEntry, KeyDigest, Remembered};
use serde::{Deserialize, Serialize};

use crate::checkpoint;
use crate::error::{Damage, OpenError, Unwritten};
use crate::files::Files;
use crate::log::row::{self, Kind};
use crate::log::{Begun, Enough, Log, Scanned, Sizes, frame};

/// What lies on disk of a store that is open.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) folder: PathBuf,
    pub(crate) log: Log,
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
    /// Time is used up to here.
    pub(crate) ceiling: Timestamp,
    pub(crate) ground: Ground,
    pub(crate) floor_rose_at: Timestamp,
}

impl Disk {
    /// The number of the batch with which a store begins.
    pub(crate) const FIRST_BATCH: u64 = 1;

    /// Makes the files of an empty store in `data`, which belongs to the store at `store`.
    pub(crate) fn create(
        files: &Arc<dyn Files>,
        data: &Path,
        store: &Path,
    ) -> Result<(), OpenError> {
        let head = Head {
            batch: Self::FIRST_BATCH,
            place: 0,
            begun: 0,
            trimmed: 0,
            ceiling: Timestamp::ZERO,
            ground: Ground {
                floor: Floor::FIRST,
                store_generation: StoreGeneration::default(),
            },
            floor_rose_at: Timestamp::ZERO,
        };
        let disk = Self::begin(files, data, head.batch).map_err(|e| OpenError::io(store, e))?;
        let mut batch = disk.batch();
        batch.head(&head);
        batch.commit().map_err(|e| OpenError::io(store, e.into()))?;
        Ok(())
    }

    /// Makes the files of a store whose first batch is yet to be written.
    pub(crate) fn begin(files: &Arc<dyn Files>, data: &Path, first: u64) -> io::Result<Self> {
        files.make_folder(data)?;
        Ok(Self {
            files: Arc::clone(files),
            folder: data.into(),
            log: Log::create(Arc::clone(files), data, first, Sizes::default())?,
        })
    }

    /// Goes on with the files of a store that was read back whole.
    pub(crate) fn resume(
        files: &Arc<dyn Files>,
        data: &Path,
        scanned: Scanned,
        sizes: Sizes,
    ) -> io::Result<Self> {
        // Nothing goes before that is durable for which it goes.
        files.sync_folder(data)?;
        checkpoint::clear(&**files, data)?;
        Ok(Self {
            files: Arc::clone(files),
            folder: data.into(),
            log: Log::resume(Arc::clone(files), data, scanned, sizes)?,
        })
    }

    pub(crate) fn batch(&self) -> Batch<'_> {
        let mut frame = Vec::new();
        frame::begin(&mut frame);
        Batch {
            disk: self,
            frame,
            number: 0,
            place: None,
        }
    }

    /// The journal entries after the place `after`, up to `last`, at most `limit`.
    pub(crate) fn entries(
        &self,
        after: u64,
        last: u64,
        limit: usize,
    ) -> Result<Vec<(u64, JournalEntry)>, (u64, Damage)> {
        let most = usize::try_from(last.saturating_sub(after)).unwrap_or(usize::MAX);
        let limit = limit.min(most);
        let mut page: Vec<(u64, JournalEntry)> = Vec::new();
        if limit == 0 {
            return Ok(page);
        }
        let mut expected = after + 1;
        let read = self.log.entries(after, |kind, place, value| {
            if kind == Kind::Personal {
                // It lies behind its entry.
                let Some((_, entry)) = page.last_mut().filter(|(of, _)| *of == place) else {
                    return Err(Damage::Contradiction(
                        "has a personal part and no public one",
                    ));
                };
                let personal = record::decode_personal(value)?;
                if personal.digest() != entry.personal_digest {
                    return Err(Damage::Contradiction("has another personal part"));
                }
                entry.personal = Some(personal);
                return Ok(Enough::No);
            }
            if page.len() == limit {
                return Ok(Enough::Yes);
            }
            if place != expected {
                return Err(Damage::Missing);
            }
            expected += 1;
            page.push((place, record::decode_entry(value)?));
            Ok(Enough::No)
        });
        read.map_err(|damage| (expected, damage))?;
        if page.len() < limit {
            return Err((expected, Damage::Missing));
        }
        Ok(page)
    }
}

/// Records that become durable together, or not at all.
pub(crate) struct Batch<'a> {
    disk: &'a Disk,
    frame: Vec<u8>,
    number: u64,
    /// Where its first journal entry lies.
    place: Option<u64>,
}

impl Batch<'_> {
    pub(crate) fn head(&mut self, head: &Head) {
        self.number = head.batch;
        self.row(Kind::Head, b"", &record::encode(&HeadRecord::from(head)));
    }

    /// Writes what is in `after` beyond `before`, which the disk holds.
    pub(crate) fn roster(
        &mut self,
        tag: RosterTag,
        before: Option<&Roster>,
        after: Option<&Roster>,
    ) {
        match (before, after) {
            (Some(before), Some(after)) => {
                let bytes = record::encode_roster_after(before, after);
                self.row(Kind::RosterAfter, tag.as_bytes(), &bytes);
            }
            (None, Some(after)) => {
                let bytes = record::encode_roster(after);
                self.row(Kind::Roster, tag.as_bytes(), &bytes);
            }
            (_, None) => self.row(Kind::RosterGone, tag.as_bytes(), b""),
        }
    }

    pub(crate) fn heard(&mut self, tag: RosterTag, signs: &Signs) {
        self.row(Kind::Heard, tag.as_bytes(), &record::encode(signs));
    }

    pub(crate) fn entry(&mut self, place: u64, entry: &WrittenEntry) {
        self.place.get_or_insert(place);
        let key = place.to_be_bytes();
        self.row(Kind::Entry, &key, &entry.public);
        if let Some(personal) = &entry.personal {
            self.row(Kind::Personal, &key, personal);
        }
    }

    pub(crate) fn remember(&mut self, remembered: &Remembered) {
        let bytes = record::encode_remembered(remembered);
        self.row(Kind::Key, &remembered.key.0, &bytes);
    }

    pub(crate) fn forget_key(&mut self, key: KeyDigest) {
        self.row(Kind::KeyGone, &key.0, b"");
    }

    pub(crate) fn register(&mut self, name: &str, slot: &Slot) {
        // The name is in the value too: it may be longer than a key can be.
        let bytes = record::encode(&(name, slot));
        self.row(Kind::Register, b"", &bytes);
    }

    fn row(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        row::write(&mut self.frame, kind, key, value);
    }

    /// Writes all of it and syncs once.
    pub(crate) fn commit(&mut self) -> Result<Begun, Unwritten> {
        frame::seal(&mut self.frame, self.number).map_err(Unwritten::InDoubt)?;
        self.disk.log.append(&self.frame, self.number, self.place)
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
pub(crate) struct HeadRecord {
    batch: u64,
    place: u64,
    begun: u64,
    trimmed: u64,
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
