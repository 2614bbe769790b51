//! The form of a copy: frames in a fixed order, and a digest of them all.
//!
//! ```text
//! "innkeeper copy, format 1\n"
//! frame*    length (4 bytes, big end first), kind (1 byte), then that many bytes
//! end       the last frame: how many there were of each kind, then the SHA-256 of all before it
//! ```
//!
//! The kinds come in this order: one head, values of the register by name, rosters by tag, journal
//! entries in the order of the journal, one end. Each frame holds a [record](crate::record). A
//! copy is nothing before its end was read and compared, so a reader acts on none of it earlier.

use std::io::{self, Read};

use innkeeper_domain::roster::{Floor, Generation, Roster, RosterVersion, StoreGeneration};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Slot;
use crate::record::{self, RecordError};
use crate::{Ground, JournalEntry};

const TITLE: &[u8] = b"innkeeper copy, format 1\n";
/// What every format begins with.
const TITLE_START: &[u8] = b"innkeeper copy, format ";
/// A roster of 1,000 sessions with attributes takes a third of it.
const FRAME_MAX: usize = 32 << 20;
/// The largest number that JSON, and arithmetic of ours, keeps exact.
const NUMBER_MAX: u64 = 1 << 53;
/// The last moment that RFC 3339 can write.
const TIME_MAX: Timestamp = Timestamp::from_millis(253_402_300_799_999);
const DIGEST_LEN: usize = 32;

/// One part of a copy.
#[derive(Clone, Debug)]
pub enum Item {
    /// The numbers of the store as a whole; the first part.
    Head(Head),
    /// A value of the register.
    Value(Slot),
    /// A roster.
    Roster(Box<Roster>),
    /// A journal entry.
    Entry(Box<JournalEntry>),
}

/// The numbers of the store as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The store's time when the copy was made.
    pub now: Timestamp,
    /// Where absent rosters began.
    pub ground: Ground,
    /// When the floor had risen last.
    pub floor_rose_at: Timestamp,
    /// Whether the beginning of the journal had been let go of.
    pub is_trimmed: bool,
}

/// How many parts there are of each kind.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Values of the register, removed ones included.
    pub values: u64,
    /// Rosters.
    pub rosters: u64,
    /// Journal entries.
    pub entries: u64,
}

/// Why a copy cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// It is something else.
    #[error("this is not a back-up of innkeeper")]
    Foreign,
    /// It was written by a version that came later.
    #[error("it was made by a newer version of innkeeper: restore it with that one")]
    Newer,
    /// Its end is missing: it was not written whole, or was cut.
    #[error("it ends before its end: it was cut off; use another back-up")]
    Cut,
    /// Its digest is not that of its content.
    #[error("its content was changed after it was made: use another back-up")]
    Altered,
    /// Something in it cannot be.
    #[error("it is damaged: {0}; use another back-up")]
    Damaged(&'static str),
    /// A record in it cannot be read.
    #[error("a record in it cannot be read; use another back-up")]
    Record(#[from] RecordError),
    /// The system cannot read it.
    #[error("it cannot be read")]
    Io(#[source] io::Error),
}

/// Writes a copy down, part by part.
#[derive(Debug)]
pub(super) struct Writer {
    digest: Sha256,
    counts: Counts,
}

impl Writer {
    /// Begins a copy: what to write first is put into `to`.
    pub(super) fn begin(to: &mut Vec<u8>) -> Self {
        let mut writer = Self {
            digest: Sha256::new(),
            counts: Counts::default(),
        };
        to.extend_from_slice(TITLE);
        writer.digest.update(TITLE);
        writer
    }

    pub(super) fn head(&mut self, head: &Head, to: &mut Vec<u8>) {
        self.frame(Kind::Head, &record::encode(&HeadRecord::from(head)), to);
    }

    pub(super) fn value(&mut self, slot: &Slot, to: &mut Vec<u8>) {
        self.counts.values += 1;
        let body = record::encode(&(&slot.name, slot.version, &slot.value));
        self.frame(Kind::Value, &body, to);
    }

    pub(super) fn roster(&mut self, record: &[u8], to: &mut Vec<u8>) {
        self.counts.rosters += 1;
        self.frame(Kind::Roster, record, to);
    }

    pub(super) fn entry(&mut self, entry: &JournalEntry, to: &mut Vec<u8>) {
        self.counts.entries += 1;
        let personal = entry.personal.as_ref().map(record::encode_personal);
        let body = record::encode(&(record::encode_entry(entry), personal));
        self.frame(Kind::Entry, &body, to);
    }

    pub(super) fn end(mut self, to: &mut Vec<u8>) {
        let counts = record::encode(&self.counts);
        let len = counts.len() + DIGEST_LEN;
        let begun = to.len();
        to.extend_from_slice(&frame_start(Kind::End, len));
        to.extend_from_slice(&counts);
        self.digest.update(&to[begun..]);
        to.extend_from_slice(&self.digest.finalize());
    }

    fn frame(&mut self, kind: Kind, body: &[u8], to: &mut Vec<u8>) {
        let begun = to.len();
        to.extend_from_slice(&frame_start(kind, body.len()));
        to.extend_from_slice(body);
        self.digest.update(&to[begun..]);
    }
}

fn frame_start(kind: Kind, len: usize) -> [u8; 5] {
    let mut start = [0; 5];
    let len = u32::try_from(len).expect("a record is far smaller than 4 GiB");
    start[..4].copy_from_slice(&len.to_be_bytes());
    start[4] = kind as u8;
    start
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
enum Kind {
    Head = 1,
    Value = 2,
    Roster = 3,
    Entry = 4,
    End = 5,
}

impl Kind {
    fn of(byte: u8) -> Result<Self, CopyError> {
        Ok(match byte {
            1 => Self::Head,
            2 => Self::Value,
            3 => Self::Roster,
            4 => Self::Entry,
            5 => Self::End,
            _ => return Err(CopyError::Damaged("it has a part of an unknown kind")),
        })
    }
}

/// Reads a copy, part by part. It is whole once `None` was returned after the last one, and
/// nothing before.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    digest: Sha256,
    counts: Counts,
    last: Option<Kind>,
    last_name: Option<String>,
    last_tag: Option<RosterTag>,
    is_over: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the title.
    pub fn open(mut from: R) -> Result<Self, CopyError> {
        let mut title = [0; TITLE.len()];
        from.read_exact(&mut title).map_err(|e| match cut(e) {
            CopyError::Cut => CopyError::Foreign,
            other => other,
        })?;
        if title != *TITLE {
            let is_ours = title.starts_with(TITLE_START);
            return Err(if is_ours {
                CopyError::Newer
            } else {
                CopyError::Foreign
            });
        }
        let mut digest = Sha256::new();
        digest.update(TITLE);
        Ok(Self {
            from,
            digest,
            counts: Counts::default(),
            last: None,
            last_name: None,
            last_tag: None,
            is_over: false,
        })
    }

    /// How many parts were read.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    fn read(&mut self) -> Result<Option<Item>, CopyError> {
        let mut start = [0; 5];
        self.from.read_exact(&mut start).map_err(cut)?;
        let kind = Kind::of(start[4])?;
        let len = u32::from_be_bytes([start[0], start[1], start[2], start[3]]) as usize;
        let may_follow = match (self.last, kind) {
            (None, Kind::Head) => true,
            (None, _) | (Some(_), Kind::Head) => false,
            (Some(last), kind) => last <= kind,
        };
        if !may_follow {
            return Err(CopyError::Damaged("its parts are out of order"));
        }
        if len > FRAME_MAX {
            return Err(CopyError::Damaged("a part of it is too large"));
        }
        // Grows with what is there: a length that lies costs nothing.
        let mut body = Vec::new();
        let taken = self.from.by_ref().take(len as u64).read_to_end(&mut body);
        if taken.map_err(CopyError::Io)? < len {
            return Err(CopyError::Cut);
        }
        self.last = Some(kind);
        self.digest.update(start);
        if kind == Kind::End {
            return self.end(&body).map(|()| None);
        }
        self.digest.update(&body);
        self.item(kind, &body).map(Some)
    }

    fn item(&mut self, kind: Kind, body: &[u8]) -> Result<Item, CopyError> {
        Ok(match kind {
            Kind::Head => Item::Head(record::decode::<HeadRecord>(body)?.try_into()?),
            Kind::Value => {
                self.counts.values += 1;
                let (name, version, value): (String, u64, _) = record::decode(body)?;
                bounded(version)?;
                if self.last_name.as_ref().is_some_and(|last| *last >= name) {
                    return Err(CopyError::Damaged("its values are out of order"));
                }
                self.last_name = Some(name.clone());
                Item::Value(Slot {
                    name,
                    version,
                    value,
                })
            }
            Kind::Roster => {
                self.counts.rosters += 1;
                let roster = record::decode_roster(body)?;
                if self.last_tag.is_some_and(|last| last >= roster.tag) {
                    return Err(CopyError::Damaged("its rosters are out of order"));
                }
                self.last_tag = Some(roster.tag);
                check_numbers(&roster)?;
                Item::Roster(Box::new(roster))
            }
            Kind::Entry => {
                self.counts.entries += 1;
                let (public, personal): (Vec<u8>, Option<Vec<u8>>) = record::decode(body)?;
                let mut entry = record::decode_entry(&public)?;
                let personal = personal.map(|bytes| record::decode_personal(&bytes));
                entry.personal = personal.transpose()?;
                let own = entry.personal.as_ref();
                if own.is_some_and(|p| p.digest() != entry.personal_digest) {
                    return Err(CopyError::Damaged("an entry has another personal part"));
                }
                bounded(entry.seq.0)?;
                Item::Entry(Box::new(entry))
            }
            Kind::End => unreachable!("the end is read apart"),
        })
    }

    fn end(&mut self, body: &[u8]) -> Result<(), CopyError> {
        self.is_over = true;
        let at = body.len().checked_sub(DIGEST_LEN);
        let (counts, digest) = body.split_at(at.ok_or(CopyError::Altered)?);
        self.digest.update(counts);
        if *self.digest.finalize_reset() != *digest {
            return Err(CopyError::Altered);
        }
        if record::decode::<Counts>(counts)? != self.counts {
            return Err(CopyError::Damaged(
                "it does not hold as many parts as it says",
            ));
        }
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(CopyError::Damaged("something follows its end")),
            Err(error) => Err(CopyError::Io(error)),
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Item, CopyError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let item = self.read();
        self.is_over |= item.is_err();
        item.transpose()
    }
}

fn cut(error: io::Error) -> CopyError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CopyError::Cut,
        _ => CopyError::Io(error),
    }
}

/// Refuses numbers with which ours would run over.
fn check_numbers(roster: &Roster) -> Result<(), CopyError> {
    let ours = [
        roster.version.0,
        roster.generation.0,
        roster.floor_epoch,
        roster.policy.0,
        roster.births,
    ];
    ours.into_iter().try_for_each(bounded)?;
    if roster.store_generation >= StoreGeneration::MAX || roster.time_high > TIME_MAX {
        return Err(CopyError::Damaged("a number in it is too large"));
    }
    Ok(())
}

fn bounded(number: u64) -> Result<(), CopyError> {
    if number < NUMBER_MAX {
        Ok(())
    } else {
        Err(CopyError::Damaged("a number in it is too large"))
    }
}

#[derive(Deserialize, Serialize)]
struct HeadRecord {
    now: u64,
    epoch: u64,
    generation: u64,
    generation_before: u64,
    version: u64,
    store_generation: u64,
    floor_rose_at: u64,
    is_trimmed: bool,
}

impl From<&Head> for HeadRecord {
    fn from(head: &Head) -> Self {
        let floor = head.ground.floor;
        Self {
            now: head.now.as_millis(),
            epoch: floor.epoch,
            generation: floor.generation.0,
            generation_before: floor.generation_before.0,
            version: floor.version.0,
            store_generation: head.ground.store_generation.0,
            floor_rose_at: head.floor_rose_at.as_millis(),
            is_trimmed: head.is_trimmed,
        }
    }
}

impl TryFrom<HeadRecord> for Head {
    type Error = CopyError;

    fn try_from(record: HeadRecord) -> Result<Self, CopyError> {
        for number in [record.epoch, record.generation, record.version] {
            bounded(number)?;
        }
        let head = Self {
            now: Timestamp::from_millis(record.now),
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
            is_trimmed: record.is_trimmed,
        };
        let is_fine = head.now <= TIME_MAX
            && head.floor_rose_at <= TIME_MAX
            && head.ground.store_generation < StoreGeneration::MAX;
        is_fine
            .then_some(head)
            .ok_or(CopyError::Damaged("a number in it is too large"))
    }
}
