//! What the server says of a roster, as the domain has it.

use std::sync::Arc;

use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{Session, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::record::{self, RecordError};
use innkeeper_store::{Ground, Reading, Remembered, StoreError};
use redis::Value;

use crate::ask::Reply;
use crate::error::corrupt;
use crate::value::{bytes, list, maybe, parsed};

/// What `innkeeper_read` answered.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) now: Timestamp,
    pub(crate) ground: Ground,
    pub(crate) roster: Option<Arc<Roster>>,
    /// The answers of this roster that may have to be given again: the digest of each key, as the
    /// server names it, and until when.
    pub(crate) keys: Vec<(Vec<u8>, Timestamp)>,
    /// Whether it was written under another generation of the store.
    pub(crate) is_raised: bool,
    remembered: Option<Remembered>,
}

impl Looked {
    pub(crate) fn read(tag: RosterTag, reply: Reply) -> Result<Self, StoreError> {
        let (now, ground) = (reply.now, reply.seen.ground);
        let [fields, answer] = reply.just()?;
        let mut fields = Fields::read(list(fields)?)?;
        let remembered = maybe(answer)?.map(|answer| remembered(tag, &answer));
        let mut keys = Vec::new();
        for (digest, until) in std::mem::take(&mut fields.keys) {
            keys.push((digest, Timestamp::from_millis(parsed(&until)?)));
        }
        let written = fields.roster(tag)?;
        let roster = written.as_ref().map(|r| r.under(ground.store_generation));
        let is_raised =
            written.is_some_and(|roster| roster.store_generation != ground.store_generation);
        Ok(Self {
            now,
            ground,
            roster,
            keys,
            is_raised,
            remembered: remembered.transpose()?,
        })
    }

    pub(crate) fn reading(self) -> Reading {
        let now = self.now;
        Reading {
            now,
            ground: self.ground,
            remembered: self.remembered.filter(|answer| now < answer.until),
            keys_held: self.keys.iter().filter(|(_, until)| now < *until).count(),
            roster: self.roster,
        }
    }
}

/// A roster as it lies: named fields, by their kinds.
#[derive(Debug, Default)]
struct Fields {
    version: Option<Vec<u8>>,
    record: Option<Vec<u8>>,
    high: Option<Vec<u8>>,
    failures: Option<Vec<u8>>,
    sessions: Vec<(Vec<u8>, Vec<u8>)>,
    visits: Vec<(Vec<u8>, Vec<u8>)>,
    keys: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Fields {
    fn read(fields: Vec<Value>) -> Result<Self, StoreError> {
        let mut read = Self::default();
        let mut fields = fields.into_iter();
        while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
            let (name, value) = (bytes(name)?, bytes(value)?);
            let of_many = match name.get(..2) {
                Some(b"s:") => Some(&mut read.sessions),
                Some(b"v:") => Some(&mut read.visits),
                Some(b"k:") => Some(&mut read.keys),
                _ => None,
            };
            if let Some(many) = of_many {
                many.push((name[2..].to_vec(), value));
                continue;
            }
            match &*name {
                b"version" => read.version = Some(value),
                b"record" => read.record = Some(value),
                b"high" => read.high = Some(value),
                b"failures" => read.failures = Some(value),
                // What only the functions read.
                _ => {}
            }
        }
        Ok(read)
    }

    fn roster(self, tag: RosterTag) -> Result<Option<Arc<Roster>>, StoreError> {
        let Some(record) = &self.record else {
            return Ok(None);
        };
        let mut roster = record::decode_roster(record).map_err(corrupt(tag))?;
        let number = |field: &Option<Vec<u8>>| field.as_deref().map(parsed).transpose();
        if roster.tag != tag || number(&self.version)? != Some(roster.version.0) {
            return Err(corrupt(tag)(RecordError::Value("place")));
        }
        let high = Timestamp::from_millis(number(&self.high)?.unwrap_or_default());
        roster.time_high = roster.time_high.max(high);
        let failures = number(&self.failures)?.unwrap_or_default();
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        roster.failures.grow_to(failures);
        for (serial, record) in &self.sessions {
            let visit = self.visits.iter().find(|(of, _)| of == serial);
            let visit = visit.ok_or_else(|| corrupt(tag)(RecordError::Value("visit")))?;
            let session = session(tag, record, &visit.1)?;
            if session.id.serial()[..] != serial[..] {
                return Err(corrupt(tag)(RecordError::Value("place of a session")));
            }
            roster.sessions.push(Arc::new(session));
        }
        roster.sessions.sort_by_key(|session| session.birth);
        Ok(Some(Arc::new(roster)))
    }
}

/// A session of its record and what moved since.
pub(crate) fn session(tag: RosterTag, record: &[u8], visit: &[u8]) -> Result<Session, StoreError> {
    let session = record::decode_session(tag, record).map_err(corrupt(tag))?;
    let mut numbers = visit.split(|byte| *byte == b' ');
    let seen = parsed(numbers.next().unwrap_or_default())?;
    session.last_seen.advance(Timestamp::from_millis(seen));
    let grace = numbers.next_back().unwrap_or_default();
    if let Some(previous) = session.previous.as_ref().filter(|_| grace != b"-") {
        let end = Timestamp::from_millis(parsed(grace)?);
        previous.accepted_until.bring_nearer(end);
    }
    Ok(session)
}

/// A remembered answer, behind the moment until which it is.
fn remembered(tag: RosterTag, answer: &[u8]) -> Result<Remembered, StoreError> {
    let place = answer.iter().position(|byte| *byte == b' ');
    let record = place.map(|place| &answer[place + 1..]);
    record::decode_remembered(record.unwrap_or_default()).map_err(corrupt(tag))
}
