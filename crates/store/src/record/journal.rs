//! Stored forms of a journal entry, and of its personal part, which lies apart.

use innkeeper_domain::device::{DeviceId, DeviceSerial};
use innkeeper_domain::name::{ClientId, SubjectId, TenantId};
use innkeeper_domain::policy::PolicyVersion;
use innkeeper_domain::roster::{EntryHash, Generation, RosterVersion};
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use serde::{Deserialize, Serialize};

use super::{
    CLASSES, DEVICE_CLASSES, EndingRecord, INITIATORS, OriginRecord, RecordError, Serial,
    assurance_level, number, variant,
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
    Opened(Serial, u8, Option<String>, u8, bool, Option<Serial>),
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
    Mismatched(Serial),
    DeviceNew(Serial, u8),
    DeviceTrusted(Serial, u8),
    DeviceDistrusted(Serial),
    DeviceRenamed(Serial),
    DeviceRemoved(Serial),
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
            origin: record.origin.map(TryInto::try_into).transpose()?,
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
                device,
            } => Self::Opened(
                *session.serial(),
                number(&CLASSES, class),
                client.as_ref().map(|c| c.as_str().into()),
                assurance.get(),
                *fenced,
                device.map(|d| d.serial().0),
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
            SessionEvent::Mismatched { session } => Self::Mismatched(*session.serial()),
            SessionEvent::DeviceNew { device, class } => {
                Self::DeviceNew(device.serial().0, number(&DEVICE_CLASSES, class))
            }
            SessionEvent::DeviceTrusted { device, by } => {
                Self::DeviceTrusted(device.serial().0, number(&INITIATORS, by))
            }
            SessionEvent::DeviceDistrusted { device } => Self::DeviceDistrusted(device.serial().0),
            SessionEvent::DeviceRenamed { device } => Self::DeviceRenamed(device.serial().0),
            SessionEvent::DeviceRemoved { device } => Self::DeviceRemoved(device.serial().0),
        }
    }
}

impl EventRecord {
    /// Makes the event of this record again, in the roster `tag`.
    fn revive(self, tag: RosterTag) -> Result<SessionEvent, RecordError> {
        let named = |serial| SessionId::from_entropy(tag, serial);
        let device = |serial| DeviceId::new(tag, DeviceSerial(serial));
        Ok(match self {
            Self::Opened(serial, class, client, assurance, fenced, on) => SessionEvent::Opened {
                session: named(serial),
                class: variant(&CLASSES, class, "class")?,
                client: client.map(|c| ClientId::parse(&c)).transpose()?,
                assurance: assurance_level(assurance)?,
                fenced,
                device: on.map(device),
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
            Self::Mismatched(serial) => SessionEvent::Mismatched {
                session: named(serial),
            },
            Self::DeviceNew(serial, class) => SessionEvent::DeviceNew {
                device: device(serial),
                class: variant(&DEVICE_CLASSES, class, "class of device")?,
            },
            Self::DeviceTrusted(serial, by) => SessionEvent::DeviceTrusted {
                device: device(serial),
                by: variant(&INITIATORS, by, "initiator")?,
            },
            Self::DeviceDistrusted(serial) => SessionEvent::DeviceDistrusted {
                device: device(serial),
            },
            Self::DeviceRenamed(serial) => SessionEvent::DeviceRenamed {
                device: device(serial),
            },
            Self::DeviceRemoved(serial) => SessionEvent::DeviceRemoved {
                device: device(serial),
            },
        })
    }
}
