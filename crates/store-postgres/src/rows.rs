//! What the database says of a roster, as the domain has it.

use std::sync::Arc;

use innkeeper_domain::roster::{Floor, Generation, Roster, RosterVersion, StoreGeneration};
use innkeeper_domain::session::{Session, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::record::{self, RecordError};
use innkeeper_store::{Ground, KeyDigest, Reading, Remembered, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSqlOwned, Type};

use crate::error::{corrupt, unavailable};
use crate::link::Argument;

/// Asks for a roster: see `innkeeper.look`.
pub(crate) const LOOK: &str = "SELECT * FROM innkeeper.look($1, $2, $3, $4)";

/// The arguments of [`LOOK`].
pub(crate) struct Look {
    tag: Vec<u8>,
    lock: i64,
    is_alone: bool,
    keys: Vec<Vec<u8>>,
}

impl Look {
    /// Looks at a roster while nobody changes it.
    pub(crate) fn at(tag: RosterTag, keys: impl IntoIterator<Item = KeyDigest>) -> Self {
        let bytes = *tag.as_bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&bytes[..8]);
        Self {
            tag: bytes.to_vec(),
            lock: i64::from_be_bytes(first),
            is_alone: false,
            keys: keys.into_iter().map(|key| key.0.to_vec()).collect(),
        }
    }

    /// Looks at it, and keeps all others away until the transaction is over.
    pub(crate) fn alone(self) -> Self {
        Self {
            is_alone: true,
            ..self
        }
    }

    pub(crate) fn arguments(&self) -> [Argument<'_>; 4] {
        [
            (&self.tag, Type::BYTEA),
            (&self.lock, Type::INT8),
            (&self.is_alone, Type::BOOL),
            (&self.keys, Type::BYTEA_ARRAY),
        ]
    }
}

/// What [`LOOK`] answered.
#[derive(Debug)]
pub(crate) struct Looked {
    /// What the server's clock said.
    pub(crate) clock: u64,
    pub(crate) ground: Ground,
    pub(crate) roster: Option<Arc<Roster>>,
    /// The slot of each session, in the order of the roster.
    pub(crate) slots: Vec<i16>,
    pub(crate) keys: Vec<Remembered>,
    held_until: Vec<i64>,
}

impl Looked {
    pub(crate) fn read(tag: RosterTag, rows: &[Row]) -> Result<Self, StoreError> {
        let row = rows.first().ok_or_else(|| unavailable("no row came"))?;
        let ground = ground(row)?;
        let records: Option<Vec<Vec<u8>>> = get(row, "records")?;
        let seen: Option<Vec<i64>> = get(row, "seen")?;
        let graces: Option<Vec<Option<i64>>> = get(row, "graces")?;
        let sessions = records
            .unwrap_or_default()
            .iter()
            .zip(seen.unwrap_or_default())
            .zip(graces.unwrap_or_default())
            .map(|((record, seen), grace)| session(tag, record, seen, grace).map(Arc::new))
            .collect::<Result<Vec<_>, _>>()
            .map_err(corrupt(tag))?;
        let head: Option<Vec<u8>> = get(row, "head")?;
        let roster = match head {
            None => None,
            Some(head) => {
                let mut roster = record::decode_roster(&head).map_err(corrupt(tag))?;
                let version: Option<i64> = get(row, "version")?;
                if roster.tag != tag || version.map(number) != Some(roster.version.0) {
                    return Err(corrupt(tag)(RecordError::Value("place")));
                }
                roster.sessions = sessions;
                let failures: Option<i32> = get(row, "failures")?;
                let failures = failures.map_or(0, i32::unsigned_abs);
                roster.failures.grow_to(failures);
                Some(Arc::new(roster).under(ground.store_generation))
            }
        };
        let keys: Option<Vec<Vec<u8>>> = get(row, "keys")?;
        let keys = keys.unwrap_or_default();
        let keys = keys.iter().map(|key| record::decode_remembered(key));
        let now: i64 = get(row, "now")?;
        let slots: Option<Vec<i16>> = get(row, "slots")?;
        let held_until: Option<Vec<i64>> = get(row, "held_until")?;
        Ok(Self {
            clock: number(now),
            ground,
            roster,
            slots: slots.unwrap_or_default(),
            keys: keys.collect::<Result<_, _>>().map_err(corrupt(tag))?,
            held_until: held_until.unwrap_or_default(),
        })
    }

    /// The reading of this look, at the store's time `now`.
    pub(crate) fn reading(self, now: Timestamp) -> Reading {
        let held = self.held_until.iter();
        Reading {
            now,
            ground: self.ground,
            remembered: self.keys.into_iter().find(|key| now < key.until),
            keys_held: held.filter(|u| now.as_millis() < number(**u)).count(),
            roster: self.roster,
        }
    }
}

/// A session of its record and what moved since.
fn session(
    tag: RosterTag,
    record: &[u8],
    seen: i64,
    grace: Option<i64>,
) -> Result<Session, RecordError> {
    let session = record::decode_session(tag, record)?;
    session
        .last_seen
        .advance(Timestamp::from_millis(number(seen)));
    if let (Some(end), Some(previous)) = (grace, &session.previous) {
        let end = Timestamp::from_millis(number(end));
        previous.accepted_until.bring_nearer(end);
    }
    Ok(session)
}

/// The ground of a row that has the columns of `innkeeper.store`.
pub(crate) fn ground(row: &Row) -> Result<Ground, StoreError> {
    let column = |name| get::<i64>(row, name).map(number);
    Ok(Ground {
        store_generation: StoreGeneration(column("store_generation")?),
        floor: Floor {
            epoch: column("floor_epoch")?,
            generation: Generation(column("floor_generation")?),
            generation_before: Generation(column("floor_before")?),
            version: RosterVersion(column("floor_version")?),
        },
    })
}

/// One column; another type than expected is a schema that somebody changed.
pub(crate) fn get<T: FromSqlOwned>(row: &Row, name: &str) -> Result<T, StoreError> {
    row.try_get(name).map_err(|error| StoreError::Corrupt {
        name: format!("column {name}"),
        source: error.into(),
    })
}

/// A number as the database holds it. What is counted here stays far below 2^63.
pub(crate) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The number of a column; none that we write is negative.
pub(crate) fn number(column: i64) -> u64 {
    column.unsigned_abs()
}
