//! Stored forms: what a roster, a journal entry and a remembered key look like at rest.
//!
//! The domain is never serialised. Every record begins with one byte that names its format; a
//! reader that does not know it says so instead of guessing.

mod journal;
mod packed;
mod roster;
mod roster_after;

use std::net::IpAddr;

use innkeeper_domain::device::{DeviceClass, DeviceLabel};
use innkeeper_domain::name::NameError;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{
    AssuranceLevel, EndReason, EndedSession, Ending, Initiator, Origin, Sealed, Session,
    SessionClass, SessionId, Timestamp,
};
use innkeeper_domain::token::RosterTag;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use self::journal::{EntryRecord, PersonalRecord};
pub use self::packed::{Packed, Row};
use self::roster::{EndedRecord, RosterRecord, SessionRecord};
pub use self::roster_after::{decode_roster_after, encode_roster_after};
use crate::journal::{JournalEntry, Personal};
use crate::{KeyDigest, Remembered};

/// The format that this version writes, of every kind of record.
pub const FORMAT: u8 = 1;

/// Why stored bytes cannot be read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There is nothing in it.
    #[error("record is empty")]
    Empty,
    /// It was written by a version that came later.
    #[error("record has format {0}, and this version reads up to {FORMAT}")]
    Newer(u8),
    /// The bytes do not fit the format.
    #[error("record is damaged")]
    Damaged(#[from] postcard::Error),
    /// It has bytes left over.
    #[error("record is followed by {0} stray bytes")]
    Stray(usize),
    /// A name in it is not one.
    #[error("record holds an impossible name")]
    Name(#[from] NameError),
    /// A value in it is out of its range.
    #[error("record holds an impossible {0}")]
    Value(&'static str),
}

/// Writes a roster down.
#[must_use]
pub fn encode_roster(roster: &Roster) -> Vec<u8> {
    encode(&RosterRecord::from(roster))
}

/// Reads a roster back.
pub fn decode_roster(bytes: &[u8]) -> Result<Roster, RecordError> {
    decode::<RosterRecord>(bytes)?.try_into()
}

/// Writes a roster down without its live sessions, for a store that keeps each of them apart.
#[must_use]
pub fn encode_head(roster: &Roster) -> Vec<u8> {
    encode(&RosterRecord::head(roster))
}

/// Writes down one live session.
#[must_use]
pub fn encode_session(session: &Session) -> Vec<u8> {
    encode(&SessionRecord::from(session))
}

/// Reads back a live session of the roster `tag`.
pub fn decode_session(tag: RosterTag, bytes: &[u8]) -> Result<Session, RecordError> {
    decode::<SessionRecord>(bytes)?.revive(tag)
}

/// Writes down sessions that have ended, all of one roster.
#[must_use]
pub fn encode_ended(ended: &[EndedSession]) -> Vec<u8> {
    let records: Vec<_> = ended.iter().map(EndedRecord::from).collect();
    encode(&records)
}

/// Reads back the ended sessions of the roster `tag`.
pub fn decode_ended(tag: RosterTag, bytes: &[u8]) -> Result<Vec<EndedSession>, RecordError> {
    let records: Vec<EndedRecord> = decode(bytes)?;
    records.into_iter().map(|r| r.revive(tag)).collect()
}

/// Writes down the part of a journal entry that is public, and that its hash covers.
#[must_use]
pub fn encode_entry(entry: &JournalEntry) -> Vec<u8> {
    encode(&EntryRecord::from(entry))
}

/// Reads a journal entry back; its personal part lies elsewhere.
pub fn decode_entry(bytes: &[u8]) -> Result<JournalEntry, RecordError> {
    decode::<EntryRecord>(bytes)?.try_into()
}

/// Writes down the personal part of a journal entry.
#[must_use]
pub fn encode_personal(personal: &Personal) -> Vec<u8> {
    encode(&PersonalRecord::from(personal))
}

/// Reads the personal part of a journal entry back.
pub fn decode_personal(bytes: &[u8]) -> Result<Personal, RecordError> {
    decode::<PersonalRecord>(bytes)?.try_into()
}

/// Writes down a remembered answer.
#[must_use]
pub fn encode_remembered(remembered: &Remembered) -> Vec<u8> {
    encode(&RememberedRecord {
        key: remembered.key.0,
        request: remembered.request,
        tag: *remembered.session.tag().as_bytes(),
        serial: *remembered.session.serial(),
        sealed: remembered.sealed.0.to_vec(),
        until: remembered.until.as_millis(),
    })
}

/// Reads a remembered answer back.
pub fn decode_remembered(bytes: &[u8]) -> Result<Remembered, RecordError> {
    let record: RememberedRecord = decode(bytes)?;
    Ok(Remembered {
        key: KeyDigest(record.key),
        request: record.request,
        session: SessionId::from_entropy(RosterTag::from_bytes(record.tag), record.serial),
        sealed: Sealed(record.sealed.into()),
        until: Timestamp::from_millis(record.until),
    })
}

/// Writes down any record, behind the byte that names its format.
#[must_use]
pub fn encode(record: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(record, vec![FORMAT]).expect("a vector takes any record")
}

/// Reads any record back, if it is whole and of a known format.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordError> {
    let (format, body) = bytes.split_first().ok_or(RecordError::Empty)?;
    match *format {
        FORMAT => {}
        0 => return Err(RecordError::Value("format")),
        newer => return Err(RecordError::Newer(newer)),
    }
    let (record, rest) = postcard::take_from_bytes(body)?;
    if rest.is_empty() {
        Ok(record)
    } else {
        Err(RecordError::Stray(rest.len()))
    }
}

#[derive(Deserialize, Serialize)]
struct OriginRecord {
    ip: Option<IpAddr>,
    label: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct EndingRecord {
    at: u64,
    reason: u8,
    initiator: u8,
    asker: Option<u64>,
}

type Serial = [u8; SessionId::SERIAL_LEN];

#[derive(Deserialize, Serialize)]
struct RememberedRecord {
    key: [u8; 32],
    request: [u8; 32],
    tag: [u8; 16],
    serial: Serial,
    sealed: Vec<u8>,
    until: u64,
}

/// Numbers of enum variants at rest: a place in these lists never changes, new ones go last.
const CLASSES: [SessionClass; 3] = [
    SessionClass::Interactive,
    SessionClass::Machine,
    SessionClass::Impersonation,
];
const DEVICE_CLASSES: [DeviceClass; 6] = [
    DeviceClass::Desktop,
    DeviceClass::Mobile,
    DeviceClass::Tablet,
    DeviceClass::Tv,
    DeviceClass::Cli,
    DeviceClass::Other,
];
const REASONS: [EndReason; 14] = [
    EndReason::Logout,
    EndReason::Idle,
    EndReason::Absolute,
    EndReason::Evicted,
    EndReason::Superseded,
    EndReason::RevokedByUser,
    EndReason::RevokedByAdmin,
    EndReason::CredentialChange,
    EndReason::SubjectDisabled,
    EndReason::ReuseDetected,
    EndReason::DeviceMismatch,
    EndReason::Risk,
    EndReason::Federation,
    EndReason::PolicyChange,
];
const INITIATORS: [Initiator; 4] = [
    Initiator::Admin,
    Initiator::Policy,
    Initiator::System,
    Initiator::User,
];

fn number<T: PartialEq>(list: &[T], value: &T) -> u8 {
    let place = list.iter().position(|v| v == value);
    u8::try_from(place.expect("the list names every variant")).expect("the lists are short")
}

fn assurance_level(level: u8) -> Result<AssuranceLevel, RecordError> {
    AssuranceLevel::new(level).ok_or(RecordError::Value("assurance"))
}

fn variant<T: Copy>(list: &[T], number: u8, what: &'static str) -> Result<T, RecordError> {
    list.get(usize::from(number))
        .copied()
        .ok_or(RecordError::Value(what))
}

impl From<&Origin> for OriginRecord {
    fn from(origin: &Origin) -> Self {
        Self {
            ip: origin.ip,
            label: origin.label.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<OriginRecord> for Origin {
    type Error = RecordError;

    fn try_from(record: OriginRecord) -> Result<Self, RecordError> {
        Ok(Self {
            ip: record.ip,
            label: label(record.label)?,
        })
    }
}

fn label(text: Option<String>) -> Result<Option<DeviceLabel>, RecordError> {
    let read = |text: String| DeviceLabel::parse(&text);
    text.map(read)
        .transpose()
        .map_err(|_| RecordError::Value("name of a device"))
}

impl From<Ending> for EndingRecord {
    fn from(ending: Ending) -> Self {
        Self {
            at: ending.at.as_millis(),
            reason: number(&REASONS, &ending.reason),
            initiator: number(&INITIATORS, &ending.initiator),
            asker: ending.asker,
        }
    }
}

impl TryFrom<EndingRecord> for Ending {
    type Error = RecordError;

    fn try_from(record: EndingRecord) -> Result<Self, RecordError> {
        Ok(Self {
            at: Timestamp::from_millis(record.at),
            reason: variant(&REASONS, record.reason, "end reason")?,
            initiator: variant(&INITIATORS, record.initiator, "initiator")?,
            asker: record.asker,
        })
    }
}
