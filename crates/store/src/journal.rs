//! The journal: one entry a commit, chained per subject, and the only source of events.
//!
//! The hash of an entry covers what is public in it and a salted digest of the personal part,
//! which is kept apart: a subject can be erased without breaking its own chain (D7).

use innkeeper_domain::change::Change;
use innkeeper_domain::device::{DeviceClass, DeviceId};
use innkeeper_domain::name::{ClientId, SubjectId, TenantId};
use innkeeper_domain::policy::PolicyVersion;
use innkeeper_domain::roster::{EntryHash, Generation, Roster, RosterVersion};
use innkeeper_domain::session::{
    AssuranceLevel, Ending, Initiator, Origin, SessionClass, SessionId, Timestamp,
};
use innkeeper_domain::token::RosterTag;
use sha2::{Digest, Sha256};

use crate::record;

/// A place in the journal, as its store names it. Opaque to everybody else.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Cursor(pub Box<[u8]>);

/// What there is in the journal after a cursor.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Tail {
    /// These entries, each with its cursor; none if it ends there.
    Page(Vec<(Cursor, JournalEntry)>),
    /// Nobody can say: what came next was let go of, or the cursor is of another journal.
    Gone,
}

impl Tail {
    /// The entries, if there is an answer.
    #[must_use]
    pub fn page(self) -> Option<Vec<(Cursor, JournalEntry)>> {
        match self {
            Self::Page(page) => Some(page),
            Self::Gone => None,
        }
    }
}

/// What one commit did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JournalEntry {
    /// The roster.
    pub tag: RosterTag,
    /// The tenant of its subject. It stays when the personal part is erased, so that whoever may
    /// read the journal of one tenant never has to guess.
    pub tenant: TenantId,
    /// The version that the commit made: numbered without gaps.
    pub seq: RosterVersion,
    /// When it was decided.
    pub at: Timestamp,
    /// The hash of the entry before it in this roster.
    pub previous: EntryHash,
    /// What happened, in order.
    pub events: Vec<SessionEvent>,
    /// The salted digest of the personal part, there or erased.
    pub personal_digest: [u8; 32],
    /// Who it was and from where; `None` once erased.
    pub personal: Option<Personal>,
}

/// One change of a journal entry, for those who listen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SessionEvent {
    /// A session was opened.
    Opened {
        /// Its name.
        session: SessionId,
        /// Its class.
        class: SessionClass,
        /// The application it is for.
        client: Option<ClientId>,
        /// How strongly identity was proved.
        assurance: AssuranceLevel,
        /// Whether the sign-in said which generation it was made under.
        fenced: bool,
        /// The device it was opened on.
        device: Option<DeviceId>,
    },
    /// A session got its next token.
    Rotated {
        /// Its name.
        session: SessionId,
    },
    /// Identity was proved again within a session.
    Reauthenticated {
        /// Its name.
        session: SessionId,
        /// How strongly.
        assurance: AssuranceLevel,
    },
    /// A session ended.
    Ended {
        /// Its name.
        session: SessionId,
        /// How.
        ending: Ending,
    },
    /// A stricter policy shortened the time of a session.
    Shortened {
        /// Its name.
        session: SessionId,
    },
    /// The fence of the subject rose.
    GenerationRaised {
        /// To this.
        to: Generation,
    },
    /// The subject was disabled.
    Disabled,
    /// The subject was enabled.
    Enabled,
    /// The groups of the subject changed.
    GroupsChanged,
    /// The subject's own limit changed.
    LimitChanged,
    /// How to reach the subject changed.
    ContactChanged,
    /// The roster obeys a newer policy.
    PolicyObeyed {
        /// This one.
        policy: PolicyVersion,
    },
    /// The subject was deleted: what was known of the person is gone.
    Erased,
    /// The token of a bound session came without its device, and was refused.
    Mismatched {
        /// The session.
        session: SessionId,
    },
    /// The subject signed in from a device for the first time.
    DeviceNew {
        /// Its name. What it is called is personal, and lies with the origin of the session.
        device: DeviceId,
        /// What kind it is.
        class: DeviceClass,
    },
    /// A device is relied on.
    DeviceTrusted {
        /// Its name.
        device: DeviceId,
        /// Who said so.
        by: Initiator,
    },
    /// A device is relied on no longer.
    DeviceDistrusted {
        /// Its name.
        device: DeviceId,
    },
    /// A device is called something else.
    DeviceRenamed {
        /// Its name.
        device: DeviceId,
    },
    /// A device is no longer recognised.
    DeviceRemoved {
        /// Its name.
        device: DeviceId,
    },
}

/// The part of an entry that can be erased.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Personal {
    /// Random, so that the digest does not give the rest away.
    pub salt: [u8; 16],
    /// Who.
    pub subject: SubjectId,
    /// From where the session that was opened came.
    pub origin: Option<Origin>,
    /// Who acts as the subject in that session, if somebody else does.
    pub actor: Option<SubjectId>,
}

impl JournalEntry {
    /// Writes down a decision about `roster` that was made at `at`.
    #[must_use]
    pub fn of(roster: &Roster, changes: &[Change], at: Timestamp, salt: [u8; 16]) -> Self {
        let born = changes.iter().find_map(|change| match change {
            Change::Birth(session) => Some(session),
            _ => None,
        });
        let personal = Personal {
            salt,
            subject: roster.subject.clone(),
            origin: born.map(|s| s.origin.clone()),
            actor: born.and_then(|s| s.actor.clone()),
        };
        Self {
            tag: roster.tag,
            tenant: roster.tenant.clone(),
            seq: roster.version.next(),
            at,
            previous: roster.journal_head,
            events: changes.iter().filter_map(event_of).collect(),
            personal_digest: personal.digest(),
            personal: Some(personal),
        }
    }

    /// The hash that the next entry of this roster carries.
    #[must_use]
    pub fn hash(&self) -> EntryHash {
        EntryHash(Sha256::digest(record::encode_entry(self)).into())
    }

    /// This in its stored form, with its hash: for a store that has it made by whoever commits,
    /// and not where all wait for one another.
    #[must_use]
    pub fn written(&self) -> WrittenEntry {
        let public = record::encode_entry(self);
        WrittenEntry {
            hash: EntryHash(Sha256::digest(&public).into()),
            public,
            personal: self.personal.as_ref().map(record::encode_personal),
        }
    }
}

/// A journal entry in its stored form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenEntry {
    /// What the next entry of its roster carries.
    pub hash: EntryHash,
    /// The record of its public part.
    pub public: Vec<u8>,
    /// The record of its personal part, unless that was erased.
    pub personal: Option<Vec<u8>>,
}

impl Personal {
    /// What the chain covers of this.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(record::encode_personal(self)).into()
    }
}

fn event_of(change: &Change) -> Option<SessionEvent> {
    Some(match change {
        Change::Birth(session) => SessionEvent::Opened {
            session: session.id,
            class: session.class,
            client: session.client.clone(),
            assurance: session.authentication.assurance,
            fenced: session.fenced,
            device: session.device_id(),
        },
        Change::Rotation { id, .. } => SessionEvent::Rotated { session: *id },
        Change::Reauthentication { id, event, .. } => SessionEvent::Reauthenticated {
            session: *id,
            assurance: event.assurance,
        },
        Change::End { id, ending } => SessionEvent::Ended {
            session: *id,
            ending: *ending,
        },
        Change::Shortening { id, .. } => SessionEvent::Shortened { session: *id },
        Change::Generation { to, .. } => SessionEvent::GenerationRaised { to: *to },
        Change::Disabled(true) => SessionEvent::Disabled,
        Change::Disabled(false) => SessionEvent::Enabled,
        Change::Groups(_) => SessionEvent::GroupsChanged,
        Change::OwnLimit(_) => SessionEvent::LimitChanged,
        Change::Contact(_) => SessionEvent::ContactChanged,
        Change::Policy(policy) => SessionEvent::PolicyObeyed { policy: *policy },
        Change::Erasure => SessionEvent::Erased,
        Change::Mismatch { id } => SessionEvent::Mismatched { session: *id },
        Change::DeviceBirth(device) => SessionEvent::DeviceNew {
            device: device.id,
            class: device.class,
        },
        Change::DeviceTrust {
            id,
            trust: Some(trust),
        } => SessionEvent::DeviceTrusted {
            device: *id,
            by: trust.by,
        },
        Change::DeviceTrust { id, trust: None } => SessionEvent::DeviceDistrusted { device: *id },
        Change::DeviceName { id, .. } => SessionEvent::DeviceRenamed { device: *id },
        Change::DeviceEnd { id } => SessionEvent::DeviceRemoved { device: *id },
        // Told by the birth beside it, or by the ends; whose erasure it is, in a roster of its own.
        Change::SignIn(_) | Change::DeviceVisit { .. } | Change::ActorErasure(_) => return None,
    })
}
