//! The journal: a stream, each entry at the generation of the store and a place that only grows.
//!
//! A cursor is a list of places, one a stream. A single server has one stream; a Cluster will have
//! one a shard.

use innkeeper_store::record::{RecordError, decode_entry, decode_personal};
use innkeeper_store::{Cursor, JournalEntry, StoreError};
use redis::Value;

use crate::value::{bytes, just, maybe};

/// Where an entry lies in its stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// The generation of the store that it was written under.
    pub(crate) generation: u64,
    /// How many were written before and with it.
    pub(crate) place: u64,
}

impl Place {
    /// As the stream names it.
    pub(crate) fn id(self) -> String {
        format!("{}-{}", self.generation, self.place)
    }

    /// The place of an id.
    pub(crate) fn parse(id: &[u8]) -> Option<Self> {
        let (generation, place) = std::str::from_utf8(id).ok()?.split_once('-')?;
        Some(Self {
            generation: generation.parse().ok()?,
            place: place.parse().ok()?,
        })
    }

    /// The cursor of a journal of one stream, whose place this is.
    pub(crate) fn cursor(self) -> Cursor {
        let numbers = [self.generation, self.place];
        Cursor(numbers.map(u64::to_be_bytes).concat().into())
    }

    /// The place of a cursor; `None` if it is of a journal of more streams than one.
    pub(crate) fn of(cursor: &Cursor) -> Result<Option<Self>, StoreError> {
        let (places, rest) = cursor.0.as_chunks::<16>();
        if places.is_empty() || !rest.is_empty() {
            return Err(StoreError::Corrupt {
                name: "cursor".into(),
                source: "it does not come from this store".into(),
            });
        }
        let [place] = places else { return Ok(None) };
        let (numbers, _) = place.as_chunks::<8>();
        let [generation, place] = [0, 1].map(|i| u64::from_be_bytes(numbers[i]));
        Ok(Some(Self { generation, place }))
    }
}

/// An entry and where it lies.
pub(crate) fn entry(found: Value) -> Result<(Cursor, JournalEntry), StoreError> {
    let [id, public, personal] = just(found)?;
    let id = bytes(id)?;
    let corrupt = |error: RecordError| StoreError::Corrupt {
        name: format!("journal entry {}", String::from_utf8_lossy(&id)),
        source: error.into(),
    };
    let place = Place::parse(&id).ok_or_else(|| corrupt(RecordError::Value("place")))?;
    let mut entry = decode_entry(&bytes(public)?).map_err(corrupt)?;
    let personal = maybe(personal)?.map(|bytes| decode_personal(&bytes));
    entry.personal = personal.transpose().map_err(corrupt)?;
    Ok((place.cursor(), entry))
}
