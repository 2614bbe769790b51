//! Stored forms of a journal entry, and of its personal part, which lies apart.

use innkeeper_domain::name::{ClientId, SubjectId, TenantId};
use innkeeper_domain::policy::PolicyVersion;
use innkeeper_domain::roster::{EntryHash, Generation, RosterVersion};
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use serde::{Deserialize, Serialize};

use super::{
    CLASSES, EndingRecord, OriginRecord, RecordError, Serial, assurance_level, number, variant,
};
use crate::journal::{JournalEntry, Personal, SessionEvent};

#[derive(Deserialize, Serialize)]
pub(super) struct EntryRecord {
    tag: [u8; 16],
    tenant: String,
    seq: u64,
    at: u64,
    previous: [u8; 32],
    events: Vec<EventRecord>,
    personal_digest: [u8; 32],
}

#[derive(Deserialize, Serialize)]
enum EventRecord {
    Opened(Serial, u8, Option<String>, u8, bool),
    Rotated(Serial),
    Reauthenticated(Serial, u8),
    Ended(Serial, EndingRecord),
    Shortened(Serial),
    GenerationRaised(u64),
    Disabled,
    Enabled,
    GroupsChanged,
    LimitChanged,
    ContactChanged,
    PolicyObeyed(u64),
    Erased,
}

#[derive(Deserialize, Serialize)]
pub(super) struct PersonalRecord {
    salt: [u8; 16],
    subject: String,
    origin: Option<OriginRecord>,
    actor: Option<String>,
}

impl From<&Personal> for PersonalRecord {
    fn from(personal: &Personal) -> Self {
        Self {
            salt: personal.salt,
            subject: personal.subject.as_str().into(),
            origin: personal.origin.as_ref().map(Into::into),
            actor: personal.actor.as_ref().map(|a| a.as_str().into()),
        }
    }
}

impl TryFrom<PersonalRecord> for Personal {
    type Error = RecordError;

    fn try_from(record: PersonalRecord) -> Result<Self, RecordError> {
        Ok(Self {
            salt: record.salt,
            subject: SubjectId::parse(&record.subject)?,
            origin: record.origin.map(Into::into),
            actor: record.actor.map(|a| SubjectId::parse(&a)).transpose()?,
        })
    }
}

impl From<&JournalEntry> for EntryRecord {
    fn from(entry: &JournalEntry) -> Self {
        Self {
            tag: *entry.tag.as_bytes(),
            tenant: entry.tenant.as_str().into(),
            seq: entry.seq.0,
            at: entry.at.as_millis(),
            previous: entry.previous.0,
            events: entry.events.iter().map(Into::into).collect(),
            personal_digest: entry.personal_digest,
        }
    }
}

impl TryFrom<EntryRecord> for JournalEntry {
    type Error = RecordError;

    fn try_from(record: EntryRecord) -> Result<Self, RecordError> {
        let tag = RosterTag::from_bytes(record.tag);
        Ok(Self {
            tag,
            tenant: TenantId::parse(&record.tenant)?,
            seq: RosterVersion(record.seq),
            at: Timestamp::from_millis(record.at),
            previous: EntryHash(record.previous),
            events: record
                .events
                .into_iter()
                .map(|e| e.revive(tag))
                .collect::<Result<_, _>>()?,
            personal_digest: record.personal_digest,
            personal: None,
        })
    }
}

impl From<&SessionEvent> for EventRecord {
    fn from(event: &SessionEvent) -> Self {
        match event {
            SessionEvent::Opened {
                session,
                class,
                client,
                assurance,
                fenced,
            } => Self::Opened(
                *session.serial(),
                number(&CLASSES, class),
                client.as_ref().map(|c| c.as_str().into()),
                assurance.get(),
                *fenced,
            ),
            SessionEvent::Rotated { session } => Self::Rotated(*session.serial()),
            SessionEvent::Reauthenticated { session, assurance } => {
                Self::Reauthenticated(*session.serial(), assurance.get())
            }
            SessionEvent::Ended { session, ending } => {
                Self::Ended(*session.serial(), (*ending).into())
            }
            SessionEvent::Shortened { session } => Self::Shortened(*session.serial()),
            SessionEvent::GenerationRaised { to } => Self::GenerationRaised(to.0),
            SessionEvent::Disabled => Self::Disabled,
            SessionEvent::Enabled => Self::Enabled,
            SessionEvent::GroupsChanged => Self::GroupsChanged,
            SessionEvent::LimitChanged => Self::LimitChanged,
            SessionEvent::ContactChanged => Self::ContactChanged,
            SessionEvent::PolicyObeyed { policy } => Self::PolicyObeyed(policy.0),
            SessionEvent::Erased => Self::Erased,
        }
    }
}

impl EventRecord {
    /// Makes the event of this record again, in the roster `tag`.
    fn revive(self, tag: RosterTag) -> Result<SessionEvent, RecordError> {
        let named = |serial| SessionId::from_entropy(tag, serial);
        Ok(match self {
            Self::Opened(serial, class, client, assurance, fenced) => SessionEvent::Opened {
                session: named(serial),
                class: variant(&CLASSES, class, "class")?,
                client: client.map(|c| ClientId::parse(&c)).transpose()?,
                assurance: assurance_level(assurance)?,
                fenced,
            },
            Self::Rotated(serial) => SessionEvent::Rotated {
                session: named(serial),
            },
            Self::Reauthenticated(serial, assurance) => SessionEvent::Reauthenticated {
                session: named(serial),
                assurance: assurance_level(assurance)?,
            },
            Self::Ended(serial, ending) => SessionEvent::Ended {
                session: named(serial),
                ending: ending.try_into()?,
            },
            Self::Shortened(serial) => SessionEvent::Shortened {
                session: named(serial),
            },
            Self::GenerationRaised(to) => SessionEvent::GenerationRaised { to: Generation(to) },
            Self::Disabled => SessionEvent::Disabled,
            Self::Enabled => SessionEvent::Enabled,
            Self::GroupsChanged => SessionEvent::GroupsChanged,
            Self::LimitChanged => SessionEvent::LimitChanged,
            Self::ContactChanged => SessionEvent::ContactChanged,
            Self::PolicyObeyed(policy) => SessionEvent::PolicyObeyed {
                policy: PolicyVersion(policy),
            },
            Self::Erased => SessionEvent::Erased,
        })
    }
}
