//! A roster packed at rest: in memory, as small as on disk, and a check can read it as it lies.
//!
//! What a check reads stands in front, a row for each session; the rest is the stored form of the
//! roster and of its sessions, without what the rows hold. So every value is there once, and what
//! moves between commits (when sessions were last heard from, how many sign-ins failed) moves
//! here as it does in an open roster.
//!
//! A packed roster is made of an open one, and but for that never changes, so it can be opened.
//! Should memory have failed all the same, that is an error: nobody takes it for a roster without
//! sessions.

use std::fmt;
use std::mem;
use std::time::Duration;

use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::PolicyVersion;
use innkeeper_domain::roster::{FailureCount, Fence, Generation, Roster, StoreGeneration};
use innkeeper_domain::session::{LastSeen, SessionId, Timestamp, TokenDigest, Vitals};
use innkeeper_domain::token::RosterTag;
use serde::{Deserialize, Serialize};
use triomphe::ThinArc;

use super::roster::{RestRecord, RosterRecord, SessionRecord, VitalRecord};
use super::{RecordError, Serial, decode, encode};

/// A roster packed at rest. A clone is the same one.
#[derive(Clone)]
pub struct Packed(ThinArc<Top, Row>);

/// What a check reads of the roster, and what it does not.
struct Top {
    policy: PolicyVersion,
    generation: Generation,
    time_high: Timestamp,
    tenant: TenantId,
    store_generation: StoreGeneration,
    rest: Box<[u8]>,
    failures: FailureCount,
    disabled: bool,
}

/// What a check reads of one session.
pub struct Row {
    token: TokenDigest,
    /// When its holder was last heard from.
    pub last_seen: LastSeen,
    absolute_deadline: Timestamp,
    /// In milliseconds, as on disk.
    idle: u64,
    serial: Serial,
    /// Whether it lives under the generation of the roster.
    is_current: bool,
    is_plain: bool,
}

/// All that no row holds.
#[derive(Deserialize, Serialize)]
struct PackedRecord {
    /// Without its sessions.
    roster: RosterRecord,
    /// A session for each row.
    sessions: Vec<RestRecord>,
}

impl Packed {
    /// Packs a roster as it is now.
    #[must_use]
    pub fn of(roster: &Roster) -> Self {
        let mut record = RosterRecord::from(roster);
        let (mut rows, mut sessions) = (Vec::new(), Vec::new());
        for (session, SessionRecord { vital, rest }) in
            roster.sessions.iter().zip(mem::take(&mut record.sessions))
        {
            rows.push(Row {
                token: TokenDigest(vital.token),
                last_seen: LastSeen::new(Timestamp::from_millis(vital.last_seen)),
                absolute_deadline: Timestamp::from_millis(vital.absolute_deadline),
                idle: vital.idle,
                serial: vital.serial,
                is_current: session.generation == roster.generation,
                is_plain: session.is_plain(),
            });
            sessions.push(rest);
        }
        let top = Top {
            policy: roster.policy,
            generation: roster.generation,
            time_high: roster.time_high,
            tenant: roster.tenant.clone(),
            store_generation: roster.store_generation,
            failures: FailureCount::new(record.failures),
            disabled: roster.disabled,
            rest: compress(&PackedRecord {
                roster: record,
                sessions,
            }),
        };
        Self(ThinArc::from_header_and_iter(top, rows.into_iter()))
    }

    /// Makes the roster again, as it is now.
    pub fn open(&self) -> Result<Roster, RecordError> {
        self.record()?.try_into()
    }

    /// Writes the roster down, as [`encode_roster`](super::encode_roster) would.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        Ok(encode(&self.record()?))
    }

    fn record(&self) -> Result<RosterRecord, RecordError> {
        let PackedRecord {
            mut roster,
            sessions,
        } = decompress(&self.top().rest)?;
        if sessions.len() != self.rows().len() {
            return Err(RecordError::Value("number of sessions"));
        }
        let rows = self.rows().iter().zip(sessions);
        let whole = |(row, rest): (&Row, RestRecord)| SessionRecord {
            vital: VitalRecord {
                serial: row.serial,
                token: row.token.0,
                last_seen: row.last_seen.get().as_millis(),
                idle: row.idle,
                absolute_deadline: row.absolute_deadline.as_millis(),
            },
            rest,
        };
        roster.sessions = rows.map(whole).collect();
        roster.failures = self.failures().get();
        Ok(roster)
    }

    /// The plain session whose token has this digest, if it is live at `now`: its place.
    ///
    /// `None` says nothing: a session that is not [plain](innkeeper_domain::session::Session::is_plain)
    /// is not looked at.
    #[must_use]
    pub fn find_plain(&self, token: TokenDigest, now: Timestamp) -> Option<usize> {
        let is_it = |row: &Row| row.token == token;
        let place = self.rows().iter().position(is_it)?;
        let row = &self.rows()[place];
        (row.is_plain && self.is_live(row, now)).then_some(place)
    }

    /// Whether the session of `row` is live at `now`.
    #[must_use]
    pub fn is_live(&self, row: &Row, now: Timestamp) -> bool {
        let vitals = self.vitals(row);
        vitals.is_some_and(|vitals| self.fence().is_live(&vitals, now))
    }

    /// What decides of the session of `row` whether it is live; `None` if it lives under another
    /// generation than its roster, and so does not.
    #[must_use]
    pub fn vitals(&self, row: &Row) -> Option<Vitals> {
        row.is_current.then(|| Vitals {
            last_seen: row.last_seen.get(),
            idle: Duration::from_millis(row.idle),
            absolute_deadline: row.absolute_deadline,
            generation: self.top().generation,
        })
    }

    /// What decides of this roster whether its sessions are live.
    #[must_use]
    pub fn fence(&self) -> Fence {
        let top = self.top();
        Fence {
            disabled: top.disabled,
            generation: top.generation,
            time_high: top.time_high,
        }
    }

    /// What a check reads of its sessions, in order of birth.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.0.slice
    }

    /// The policy it last obeyed.
    #[must_use]
    pub fn policy(&self) -> PolicyVersion {
        self.top().policy
    }

    /// The tenant of its subject.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.top().tenant
    }

    /// The generation of the store it was written under.
    #[must_use]
    pub fn store_generation(&self) -> StoreGeneration {
        self.top().store_generation
    }

    /// The sign-ins that failed.
    #[must_use]
    pub fn failures(&self) -> &FailureCount {
        &self.top().failures
    }

    /// Whether the other is this very one.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.0.as_ptr(), other.0.as_ptr())
    }

    /// The same roster with bytes in it that no roster packs to: what memory that fails leaves.
    #[cfg(feature = "conformance")]
    #[must_use]
    pub fn damaged(&self) -> Self {
        let top = self.top();
        let damaged = Top {
            policy: top.policy,
            generation: top.generation,
            time_high: top.time_high,
            tenant: top.tenant.clone(),
            store_generation: top.store_generation,
            rest: top.rest[..top.rest.len() / 2].into(),
            failures: top.failures.clone(),
            disabled: top.disabled,
        };
        let row = |row: &Row| Row {
            token: row.token,
            last_seen: row.last_seen.clone(),
            absolute_deadline: row.absolute_deadline,
            idle: row.idle,
            serial: row.serial,
            is_current: row.is_current,
            is_plain: row.is_plain,
        };
        let rows: Vec<_> = self.rows().iter().map(row).collect();
        Self(ThinArc::from_header_and_iter(damaged, rows.into_iter()))
    }

    fn top(&self) -> &Top {
        &self.0.header.header
    }
}

/// Sessions of one subject have much in common: names of browsers, clients and methods, moments,
/// devices.
fn compress(record: &PackedRecord) -> Box<[u8]> {
    // A copy, since an allocator may leave a vector what it has too much of.
    Box::from(&*lz4_flex::compress_prepend_size(&encode(record)))
}

fn decompress(bytes: &[u8]) -> Result<PackedRecord, RecordError> {
    let bytes = lz4_flex::decompress_size_prepended(bytes);
    decode(&bytes.map_err(|_| RecordError::Value("packed form"))?)
}

impl Row {
    /// The name of the session in the roster `tag`.
    #[must_use]
    pub const fn id(&self, tag: RosterTag) -> SessionId {
        SessionId::from_entropy(tag, self.serial)
    }

    /// What tells the session from others of its roster.
    #[must_use]
    pub const fn serial(&self) -> &[u8; SessionId::SERIAL_LEN] {
        &self.serial
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed")
            .field("tenant", self.tenant())
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("token", &self.token)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}
