//! Stored forms: what a roster, a journal entry and a remembered key look like at rest.
//!
//! The domain is never serialised. Every record begins with one byte that names its format; a
//! reader that does not know it says so instead of guessing. `spec/formats` keeps one record of
//! every format ever released.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::name::{
    AuthenticationMethod, ClientId, GroupName, NameError, SubjectId, TenantId,
};
use innkeeper_domain::policy::{PolicyVersion, SessionLimit};
use innkeeper_domain::roster::{
    Contact, EntryHash, Generation, LastSignIn, Roster, RosterVersion, StoreGeneration,
};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, EndReason, EndedSession, Ending, FamilyDigest, GraceEnd,
    Initiator, LastSeen, Origin, PreviousToken, Sealed, Session, SessionClass, SessionId,
    Timestamp, TokenDigest,
};
use innkeeper_domain::token::RosterTag;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::journal::{JournalEntry, Personal, SessionEvent};
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
    let record: PersonalRecord = decode(bytes)?;
    Ok(Personal {
        salt: record.salt,
        tenant: TenantId::parse(&record.tenant)?,
        subject: SubjectId::parse(&record.subject)?,
        origin: record.origin.map(Into::into),
    })
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
struct RosterRecord {
    tag: [u8; 16],
    tenant: String,
    subject: String,
    version: u64,
    generation: u64,
    store_generation: u64,
    floor_epoch: u64,
    time_high: u64,
    disabled: bool,
    groups: Vec<String>,
    own_limit: Option<u16>,
    contact: ContactRecord,
    policy: u64,
    births: u64,
    sessions: Vec<SessionRecord>,
    ended: Vec<(SessionRecord, EndingRecord)>,
    last_sign_in: Option<(u64, OriginRecord)>,
    journal_head: [u8; 32],
}

#[derive(Deserialize, Serialize)]
struct ContactRecord {
    email: Option<String>,
    locale: Option<String>,
    time_zone: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct SessionRecord {
    serial: [u8; SessionId::SERIAL_LEN],
    birth: u64,
    generation: u64,
    client: Option<String>,
    class: u8,
    remember: bool,
    fenced: bool,
    created_at: u64,
    authenticated_at: u64,
    methods: Vec<String>,
    assurance: u8,
    last_seen: u64,
    idle: u64,
    absolute_deadline: u64,
    token: [u8; 32],
    token_made_at: u64,
    family: [u8; 32],
    previous: Option<PreviousRecord>,
    origin: OriginRecord,
    previous_sign_in: Option<(u64, OriginRecord)>,
    attributes: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct PreviousRecord {
    digest: [u8; 32],
    accepted_until: u64,
    repeatable_until: u64,
    sealed_successor: Vec<u8>,
}

#[derive(Deserialize, Serialize)]
struct OriginRecord {
    ip: Option<IpAddr>,
    user_agent: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct EndingRecord {
    at: u64,
    reason: u8,
    initiator: u8,
}

#[derive(Deserialize, Serialize)]
struct EntryRecord {
    tag: [u8; 16],
    seq: u64,
    at: u64,
    previous: [u8; 32],
    events: Vec<EventRecord>,
    personal_digest: [u8; 32],
}

type Serial = [u8; SessionId::SERIAL_LEN];

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
}

#[derive(Deserialize, Serialize)]
struct PersonalRecord {
    salt: [u8; 16],
    tenant: String,
    subject: String,
    origin: Option<OriginRecord>,
}

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

fn variant<T: Copy>(list: &[T], number: u8, what: &'static str) -> Result<T, RecordError> {
    list.get(usize::from(number))
        .copied()
        .ok_or(RecordError::Value(what))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn sign_in_record(last: &LastSignIn) -> (u64, OriginRecord) {
    (last.at.as_millis(), (&last.origin).into())
}

fn sign_in((at, origin): (u64, OriginRecord)) -> Arc<LastSignIn> {
    Arc::new(LastSignIn {
        at: Timestamp::from_millis(at),
        origin: origin.into(),
    })
}

impl From<&Roster> for RosterRecord {
    fn from(roster: &Roster) -> Self {
        Self {
            tag: *roster.tag.as_bytes(),
            tenant: roster.tenant.as_str().into(),
            subject: roster.subject.as_str().into(),
            version: roster.version.0,
            generation: roster.generation.0,
            store_generation: roster.store_generation.0,
            floor_epoch: roster.floor_epoch,
            time_high: roster.time_high.as_millis(),
            disabled: roster.disabled,
            groups: roster.groups.iter().map(|g| g.as_str().into()).collect(),
            own_limit: roster
                .own_limit
                .map(|l| u16::try_from(l.get()).expect("a limit is at most 1,000")),
            contact: ContactRecord {
                email: roster.contact.email.as_deref().map(Into::into),
                locale: roster.contact.locale.as_deref().map(Into::into),
                time_zone: roster.contact.time_zone.as_deref().map(Into::into),
            },
            policy: roster.policy.0,
            births: roster.births,
            sessions: roster.sessions.iter().map(|s| (&**s).into()).collect(),
            ended: roster
                .ended
                .iter()
                .map(|e| ((&*e.session).into(), e.ending.into()))
                .collect(),
            last_sign_in: roster.last_sign_in.as_deref().map(sign_in_record),
            journal_head: roster.journal_head.0,
        }
    }
}

impl TryFrom<RosterRecord> for Roster {
    type Error = RecordError;

    fn try_from(record: RosterRecord) -> Result<Self, RecordError> {
        let tag = RosterTag::from_bytes(record.tag);
        let own_limit = record
            .own_limit
            .map(|l| SessionLimit::new(l.into()).ok_or(RecordError::Value("limit")))
            .transpose()?;
        Ok(Self {
            tag,
            tenant: TenantId::parse(&record.tenant)?,
            subject: SubjectId::parse(&record.subject)?,
            version: RosterVersion(record.version),
            generation: Generation(record.generation),
            store_generation: StoreGeneration(record.store_generation),
            floor_epoch: record.floor_epoch,
            time_high: Timestamp::from_millis(record.time_high),
            disabled: record.disabled,
            groups: record
                .groups
                .iter()
                .map(|g| GroupName::parse(g))
                .collect::<Result<_, _>>()?,
            own_limit,
            contact: Contact {
                email: record.contact.email.map(Into::into),
                locale: record.contact.locale.map(Into::into),
                time_zone: record.contact.time_zone.map(Into::into),
            },
            policy: PolicyVersion(record.policy),
            births: record.births,
            sessions: record
                .sessions
                .into_iter()
                .map(|s| s.revive(tag).map(Arc::new))
                .collect::<Result<_, _>>()?,
            ended: record
                .ended
                .into_iter()
                .map(|(session, ending)| {
                    Ok(EndedSession {
                        session: Arc::new(session.revive(tag)?),
                        ending: ending.try_into()?,
                    })
                })
                .collect::<Result<_, RecordError>>()?,
            last_sign_in: record.last_sign_in.map(sign_in),
            journal_head: EntryHash(record.journal_head),
        })
    }
}

impl From<&Session> for SessionRecord {
    fn from(session: &Session) -> Self {
        Self {
            serial: *session.id.serial(),
            birth: session.birth,
            generation: session.generation.0,
            client: session.client.as_ref().map(|c| c.as_str().into()),
            class: number(&CLASSES, &session.class),
            remember: session.remember,
            fenced: session.fenced,
            created_at: session.created_at.as_millis(),
            authenticated_at: session.authentication.at.as_millis(),
            methods: session
                .authentication
                .methods
                .iter()
                .map(|m| m.as_str().into())
                .collect(),
            assurance: session.authentication.assurance.0,
            last_seen: session.last_seen.get().as_millis(),
            idle: millis(session.idle),
            absolute_deadline: session.absolute_deadline.as_millis(),
            token: session.token.0,
            token_made_at: session.token_made_at.as_millis(),
            family: session.family.0,
            previous: session.previous.as_ref().map(|p| PreviousRecord {
                digest: p.digest.0,
                accepted_until: p.accepted_until.get().as_millis(),
                repeatable_until: p.repeatable_until.as_millis(),
                sealed_successor: p.sealed_successor.0.to_vec(),
            }),
            origin: (&session.origin).into(),
            previous_sign_in: session.previous_sign_in.as_deref().map(sign_in_record),
            attributes: session.attributes.as_deref().map(Into::into),
        }
    }
}

impl SessionRecord {
    /// Makes the session of this record again, in the roster `tag`.
    fn revive(self, tag: RosterTag) -> Result<Session, RecordError> {
        Ok(Session {
            id: SessionId::from_entropy(tag, self.serial),
            birth: self.birth,
            generation: Generation(self.generation),
            client: self.client.map(|c| ClientId::parse(&c)).transpose()?,
            class: variant(&CLASSES, self.class, "class")?,
            remember: self.remember,
            fenced: self.fenced,
            created_at: Timestamp::from_millis(self.created_at),
            authentication: AuthenticationEvent {
                at: Timestamp::from_millis(self.authenticated_at),
                methods: self
                    .methods
                    .iter()
                    .map(|m| AuthenticationMethod::parse(m))
                    .collect::<Result<_, _>>()?,
                assurance: AssuranceLevel(self.assurance),
            },
            last_seen: LastSeen::new(Timestamp::from_millis(self.last_seen)),
            idle: Duration::from_millis(self.idle),
            absolute_deadline: Timestamp::from_millis(self.absolute_deadline),
            token: TokenDigest(self.token),
            token_made_at: Timestamp::from_millis(self.token_made_at),
            family: FamilyDigest(self.family),
            previous: self.previous.map(|p| {
                Box::new(PreviousToken {
                    digest: TokenDigest(p.digest),
                    accepted_until: GraceEnd::new(Timestamp::from_millis(p.accepted_until)),
                    repeatable_until: Timestamp::from_millis(p.repeatable_until),
                    sealed_successor: Sealed(p.sealed_successor.into()),
                })
            }),
            origin: self.origin.into(),
            previous_sign_in: self.previous_sign_in.map(sign_in),
            attributes: self.attributes.map(Into::into),
        })
    }
}

impl From<&Origin> for OriginRecord {
    fn from(origin: &Origin) -> Self {
        Self {
            ip: origin.ip,
            user_agent: origin.user_agent.as_deref().map(Into::into),
        }
    }
}

impl From<OriginRecord> for Origin {
    fn from(record: OriginRecord) -> Self {
        Self {
            ip: record.ip,
            user_agent: record.user_agent.map(Into::into),
        }
    }
}

impl From<Ending> for EndingRecord {
    fn from(ending: Ending) -> Self {
        Self {
            at: ending.at.as_millis(),
            reason: number(&REASONS, &ending.reason),
            initiator: number(&INITIATORS, &ending.initiator),
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
        })
    }
}

impl From<&Personal> for PersonalRecord {
    fn from(personal: &Personal) -> Self {
        Self {
            salt: personal.salt,
            tenant: personal.tenant.as_str().into(),
            subject: personal.subject.as_str().into(),
            origin: personal.origin.as_ref().map(Into::into),
        }
    }
}

impl From<&JournalEntry> for EntryRecord {
    fn from(entry: &JournalEntry) -> Self {
        Self {
            tag: *entry.tag.as_bytes(),
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
                assurance.0,
                *fenced,
            ),
            SessionEvent::Rotated { session } => Self::Rotated(*session.serial()),
            SessionEvent::Reauthenticated { session, assurance } => {
                Self::Reauthenticated(*session.serial(), assurance.0)
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
                assurance: AssuranceLevel(assurance),
                fenced,
            },
            Self::Rotated(serial) => SessionEvent::Rotated {
                session: named(serial),
            },
            Self::Reauthenticated(serial, assurance) => SessionEvent::Reauthenticated {
                session: named(serial),
                assurance: AssuranceLevel(assurance),
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
        })
    }
}
