//! The journal, read in the order of its transactions.
//!
//! An entry lies at the number of its transaction and its place in the table. The number of a
//! transaction is given out after the roster's lock is taken, so within a roster it grows from
//! commit to commit. A reader stops before the oldest transaction that is still open: what that
//! may yet write comes before all that is not shown.

use innkeeper_domain::roster::StoreGeneration;
use innkeeper_store::record::{decode_entry, decode_personal};
use innkeeper_store::{Cursor, JournalEntry, StoreError};
use tokio_postgres::Row;

use crate::error::unavailable;
use crate::rows::{column, get, number};

/// Entries after a place, as far as no open transaction can write before them.
pub(crate) const TAIL: &str = "SELECT xid, place, entry, personal FROM innkeeper.journal \
    WHERE (xid, place) > ($1, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
    ORDER BY xid, place LIMIT $3";
/// The last entry that can be read, and the last that was let go of.
pub(crate) const ENDS: &str = "SELECT s.store_generation, s.trimmed_xid, s.trimmed_place, \
    j.xid, j.place FROM innkeeper.store s LEFT JOIN LATERAL (SELECT xid, place \
    FROM innkeeper.journal WHERE xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
    ORDER BY xid DESC, place DESC LIMIT 1) j ON true";
/// Whether anything is written that cannot be read yet.
pub(crate) const IS_PENDING: &str = "SELECT EXISTS (SELECT FROM innkeeper.journal \
    WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint) AS pending";

/// Where an entry lies: the number of its transaction, and its place in the table.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    pub(crate) xid: i64,
    pub(crate) place: i64,
}

impl Place {
    /// The cursor of this place in the journal of a store generation.
    pub(crate) fn cursor(self, of: StoreGeneration) -> Cursor {
        let numbers = [of.0, number(self.xid), number(self.place)];
        Cursor(numbers.map(u64::to_be_bytes).concat().into())
    }

    /// The place of a cursor, and of which store generation it is.
    pub(crate) fn of(cursor: &Cursor) -> Result<(StoreGeneration, Self), StoreError> {
        let bytes = <&[u8; 24]>::try_from(&*cursor.0).map_err(|_| StoreError::Corrupt {
            name: "cursor".into(),
            source: "it does not come from this store".into(),
        })?;
        let mut numbers = bytes.chunks_exact(8).map(|chunk| {
            let mut number = [0; 8];
            number.copy_from_slice(chunk);
            u64::from_be_bytes(number)
        });
        let mut next = || numbers.next().unwrap_or_default();
        let of = StoreGeneration(next());
        let [xid, place] = [next(), next()].map(column);
        Ok((of, Self { xid, place }))
    }
}

/// Where the journal begins and ends, as far as it can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) generation: StoreGeneration,
    pub(crate) trimmed: Place,
    /// The last entry, kept or not.
    pub(crate) last: Place,
}

impl Ends {
    pub(crate) fn read(rows: &[Row]) -> Result<Self, StoreError> {
        let row = rows.first().ok_or_else(|| unavailable("no row came"))?;
        let trimmed = Place {
            xid: get(row, "trimmed_xid")?,
            place: get(row, "trimmed_place")?,
        };
        let xid: Option<i64> = get(row, "xid")?;
        let place: Option<i64> = get(row, "place")?;
        let last = xid.zip(place).map(|(xid, place)| Place { xid, place });
        Ok(Self {
            generation: StoreGeneration(number(get(row, "store_generation")?)),
            trimmed,
            last: last.unwrap_or_default().max(trimmed),
        })
    }
}

/// An entry and where it lies.
pub(crate) fn entry(row: &Row) -> Result<(Place, JournalEntry), StoreError> {
    let place = Place {
        xid: get(row, "xid")?,
        place: get(row, "place")?,
    };
    let corrupt = |error: innkeeper_store::record::RecordError| StoreError::Corrupt {
        name: format!("journal entry {} of transaction {}", place.place, place.xid),
        source: error.into(),
    };
    let bytes: Vec<u8> = get(row, "entry")?;
    let mut entry = decode_entry(&bytes).map_err(corrupt)?;
    let personal: Option<Vec<u8>> = get(row, "personal")?;
    let personal = personal.map(|bytes| decode_personal(&bytes)).transpose();
    entry.personal = personal.map_err(corrupt)?;
    Ok((place, entry))
}
