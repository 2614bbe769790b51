//! A roster as a store keeps it in memory: open, or packed at rest.

use std::sync::Arc;

use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::PolicyVersion;
use innkeeper_domain::roster::{FailureCount, Roster};
use innkeeper_domain::session::{LastSeen, SessionId, Timestamp};

use crate::census::LiveCount;
use crate::record::{Packed, RecordError, encode_roster};

/// A roster as a store keeps it in memory.
///
/// Decisions are made from open ones. One that rests may be packed, and answers a check as it
/// lies; a store that packs none shows open ones only.
#[derive(Clone, Debug)]
pub enum Kept {
    /// As decisions read it.
    Open(Arc<Roster>),
    /// At rest.
    Packed(Packed),
}

impl Kept {
    /// The roster, as it is now. That of a packed one is made anew and moves on its own.
    pub fn open(&self) -> Result<Arc<Roster>, RecordError> {
        match self {
            Self::Open(roster) => Ok(Arc::clone(roster)),
            Self::Packed(packed) => packed.open().map(Arc::new),
        }
    }

    /// Writes it down as [`encode_roster`] does.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        match self {
            Self::Open(roster) => Ok(encode_roster(roster)),
            Self::Packed(packed) => packed.encode(),
        }
    }

    /// The tenant of its subject.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Open(roster) => &roster.tenant,
            Self::Packed(packed) => packed.tenant(),
        }
    }

    /// The policy it last obeyed.
    #[must_use]
    pub fn policy(&self) -> PolicyVersion {
        match self {
            Self::Open(roster) => roster.policy,
            Self::Packed(packed) => packed.policy(),
        }
    }

    /// The sign-ins that failed.
    #[must_use]
    pub fn failures(&self) -> &FailureCount {
        match self {
            Self::Open(roster) => &roster.failures,
            Self::Packed(packed) => packed.failures(),
        }
    }

    /// How many sessions it records as live, expired or not.
    #[must_use]
    pub fn recorded(&self) -> usize {
        match self {
            Self::Open(roster) => roster.sessions.len(),
            Self::Packed(packed) => packed.rows().len(),
        }
    }

    /// How many of its sessions are live at `now`, and for how long.
    #[must_use]
    pub fn live(&self, now: Timestamp) -> LiveCount {
        match self {
            Self::Open(roster) => LiveCount::of(roster.live(now).map(|s| s.expires_at())),
            Self::Packed(packed) => {
                let fence = packed.fence();
                let vitals = packed.rows().iter().filter_map(|row| packed.vitals(row));
                let live = vitals.filter(|vitals| fence.is_live(vitals, now));
                LiveCount::of(live.map(|vitals| vitals.expires_at()))
            }
        }
    }

    /// When its sessions were last heard from: serial and moment of each.
    #[must_use]
    pub fn seen(&self) -> Vec<([u8; SessionId::SERIAL_LEN], Timestamp)> {
        match self {
            Self::Open(roster) => {
                let sessions = roster.sessions.iter();
                sessions
                    .map(|s| (*s.id.serial(), s.last_seen.get()))
                    .collect()
            }
            Self::Packed(packed) => {
                let rows = packed.rows().iter();
                rows.map(|row| (*row.serial(), row.last_seen.get()))
                    .collect()
            }
        }
    }

    /// Hears of a visit to the session of this serial, if it is recorded. Says whether it was the
    /// latest so far.
    #[expect(clippy::must_use_candidate, reason = "it is done for what it changes")]
    pub fn hear(&self, serial: &[u8; SessionId::SERIAL_LEN], at: Timestamp) -> bool {
        let last_seen = match self {
            Self::Open(roster) => {
                let session = roster.sessions.iter().find(|s| s.id.serial() == serial);
                session.map(|session| &session.last_seen)
            }
            Self::Packed(packed) => {
                let row = packed.rows().iter().find(|row| row.serial() == serial);
                row.map(|row| &row.last_seen)
            }
        };
        last_seen.is_some_and(|last_seen| last_seen.advance(at))
    }

    /// Takes along what has moved in `other`, the same roster in its other form.
    pub fn catch_up(&self, other: &Self) {
        self.failures().grow_to(other.failures().get());
        for (ours, theirs) in self.visits().iter().zip(other.visits()) {
            ours.advance(theirs.get());
        }
    }

    /// When each of its sessions was last heard from, in order of birth.
    fn visits(&self) -> Vec<&LastSeen> {
        match self {
            Self::Open(roster) => roster.sessions.iter().map(|s| &s.last_seen).collect(),
            Self::Packed(packed) => packed.rows().iter().map(|row| &row.last_seen).collect(),
        }
    }
}
