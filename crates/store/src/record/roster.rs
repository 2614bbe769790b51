//! Stored forms of a roster and of the sessions in it.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::device::{Device, DeviceDigest, DeviceId, DeviceSerial, DeviceTrust};
use innkeeper_domain::federation::FederatedSignIn;
use innkeeper_domain::name::{
    AuthenticationMethod, ClientId, GroupName, Issuer, IssuerSession, IssuerSubject, SubjectId,
    TenantId,
};
use innkeeper_domain::policy::{PolicyVersion, SessionLimit};
use innkeeper_domain::roster::{
    Contact, EntryHash, FailureCount, Generation, LastSignIn, Roster, RosterVersion,
    StoreGeneration,
};
use innkeeper_domain::session::{
    AuthenticationEvent, Binding, BoundDevice, EndedSession, FamilyDigest, GraceEnd, LastSeen,
    PreviousToken, Replacement, Sealed, Session, SessionClass, SessionId, Timestamp, TokenDigest,
    WeakerProofs,
};
use innkeeper_domain::token::RosterTag;
use serde::{Deserialize, Serialize};

use super::{
    CLASSES, DEVICE_CLASSES, EndingRecord, INITIATORS, OriginRecord, RecordError, Serial,
    assurance_level, label, number, variant,
};

#[derive(Deserialize, Serialize)]
pub(super) struct RosterRecord {
    pub(super) tag: [u8; 16],
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
    devices: Vec<DeviceRecord>,
    pub(super) sessions: Vec<SessionRecord>,
    ended: Vec<EndedRecord>,
    last_sign_in: Option<SignInRecord>,
    pub(super) failures: u32,
    journal_head: [u8; 32],
}

#[derive(Deserialize, Serialize)]
struct ContactRecord {
    email: Option<String>,
    locale: Option<String>,
    time_zone: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct DeviceRecord {
    serial: [u8; 12],
    token: [u8; 32],
    label: Option<String>,
    class: u8,
    trust: Option<(u64, u8)>,
    first_seen: u64,
    last_seen: u64,
}

#[derive(Deserialize, Serialize)]
pub(super) struct SessionRecord {
    pub(super) vital: VitalRecord,
    pub(super) rest: RestRecord,
}

/// What a check reads of a session, and what tells it from others.
#[derive(Deserialize, Serialize)]
pub(super) struct VitalRecord {
    pub(super) serial: Serial,
    pub(super) token: [u8; 32],
    pub(super) last_seen: u64,
    pub(super) idle: u64,
    pub(super) absolute_deadline: u64,
}

/// All else of a session.
#[derive(Deserialize, Serialize)]
pub(super) struct RestRecord {
    birth: u64,
    generation: u64,
    client: Option<String>,
    class: u8,
    actor: Option<String>,
    remember: bool,
    fenced: bool,
    created_at: u64,
    authentication: AuthenticationRecord,
    weaker_proofs: Option<[u64; WeakerProofs::LEVELS]>,
    token_made_at: u64,
    family: [u8; 32],
    previous: Option<PreviousRecord>,
    origin: OriginRecord,
    device: Option<[u8; 12]>,
    device_class: u8,
    binding: BindingRecord,
    previous_sign_in: Option<SignInRecord>,
    failures_since: u32,
    attributes: Option<String>,
    federation: Option<FederationRecord>,
}

#[derive(Deserialize, Serialize)]
struct FederationRecord {
    issuer: String,
    subject: String,
    session: Option<String>,
    issued_at: u64,
    vouched_until: Option<u64>,
}

#[derive(Deserialize, Serialize)]
struct SignInRecord {
    at: u64,
    origin: OriginRecord,
    failures_before: u32,
}

#[derive(Deserialize, Serialize)]
enum BindingRecord {
    None,
    DeviceCookie([u8; 32], u8),
}
#[derive(Deserialize, Serialize)]
pub(super) struct EndedRecord(SessionRecord, EndingRecord);

#[derive(Deserialize, Serialize)]
struct PreviousRecord {
    digest: [u8; 32],
    accepted_until: u64,
    repeatable_until: u64,
    sealed_successor: Vec<u8>,
    replaced_by: ReplacementRecord,
}

#[derive(Deserialize, Serialize)]
enum ReplacementRecord {
    Renewal,
    Reauthentication(AuthenticationRecord),
    CredentialChange,
}

#[derive(Deserialize, Serialize)]
struct AuthenticationRecord {
    at: u64,
    methods: Vec<String>,
    assurance: u8,
}

impl From<&Roster> for RosterRecord {
    fn from(roster: &Roster) -> Self {
        Self::with(
            roster,
            roster.devices.iter(),
            roster.sessions.iter(),
            roster.ended.iter(),
        )
    }
}

impl RosterRecord {
    /// The roster without its live sessions.
    pub(super) fn head(roster: &Roster) -> Self {
        Self::with(
            roster,
            roster.devices.iter(),
            [].into_iter(),
            roster.ended.iter(),
        )
    }

    /// The roster with these of its devices and sessions.
    pub(super) fn with<'a>(
        roster: &Roster,
        devices: impl Iterator<Item = &'a Arc<Device>>,
        sessions: impl Iterator<Item = &'a Arc<Session>>,
        ended: impl Iterator<Item = &'a EndedSession>,
    ) -> Self {
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
            devices: devices.map(|d| (&**d).into()).collect(),
            sessions: sessions.map(|s| (&**s).into()).collect(),
            ended: ended.map(Into::into).collect(),
            last_sign_in: roster.last_sign_in.as_deref().map(Into::into),
            failures: roster.failures.get(),
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
        let mut roster = Self {
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
            devices: record
                .devices
                .into_iter()
                .map(|d| d.revive(tag).map(Arc::new))
                .collect::<Result<_, _>>()?,
            sessions: record
                .sessions
                .into_iter()
                .map(|s| s.revive(tag).map(Arc::new))
                .collect::<Result<_, _>>()?,
            ended: record
                .ended
                .into_iter()
                .map(|e| e.revive(tag))
                .collect::<Result<_, _>>()?,
            last_sign_in: record.last_sign_in.map(sign_in).transpose()?,
            failures: FailureCount::new(record.failures),
            journal_head: EntryHash(record.journal_head),
        };
        share_labels(&mut roster);
        Ok(roster)
    }
}

/// Lets sessions have the name of their device from the device: kept once, as when it was made.
fn share_labels(roster: &mut Roster) {
    let devices = &roster.devices;
    for session in &mut roster.sessions {
        let device = session.device_id();
        let device = devices.iter().find(|d| Some(d.id) == device);
        if let Some(device) = device.filter(|d| d.label == session.origin.label) {
            Arc::make_mut(session)
                .origin
                .label
                .clone_from(&device.label);
        }
    }
}

impl From<&Device> for DeviceRecord {
    fn from(device: &Device) -> Self {
        Self {
            serial: device.id.serial().0,
            token: device.token.0,
            label: device.label.as_ref().map(ToString::to_string),
            class: number(&DEVICE_CLASSES, &device.class),
            trust: device
                .trust
                .map(|t| (t.since.as_millis(), number(&INITIATORS, &t.by))),
            first_seen: device.first_seen.as_millis(),
            last_seen: device.last_seen.as_millis(),
        }
    }
}

impl DeviceRecord {
    /// Makes the device of this record again, in the roster `tag`.
    fn revive(self, tag: RosterTag) -> Result<Device, RecordError> {
        let trust = |(since, by)| {
            Ok::<_, RecordError>(DeviceTrust {
                since: Timestamp::from_millis(since),
                by: variant(&INITIATORS, by, "initiator")?,
            })
        };
        Ok(Device {
            id: DeviceId::new(tag, DeviceSerial(self.serial)),
            token: DeviceDigest(self.token),
            label: label(self.label)?,
            class: variant(&DEVICE_CLASSES, self.class, "class of device")?,
            trust: self.trust.map(trust).transpose()?,
            first_seen: Timestamp::from_millis(self.first_seen),
            last_seen: Timestamp::from_millis(self.last_seen),
        })
    }
}

impl From<&Binding> for BindingRecord {
    fn from(binding: &Binding) -> Self {
        match binding {
            Binding::None => Self::None,
            Binding::DeviceCookie(bound) => Self::DeviceCookie(bound.token.0, bound.mismatches),
        }
    }
}

impl From<BindingRecord> for Binding {
    fn from(record: BindingRecord) -> Self {
        match record {
            BindingRecord::None => Self::None,
            BindingRecord::DeviceCookie(token, mismatches) => {
                Self::DeviceCookie(Box::new(BoundDevice {
                    token: DeviceDigest(token),
                    mismatches,
                }))
            }
        }
    }
}

impl From<&Session> for SessionRecord {
    fn from(session: &Session) -> Self {
        let vital = VitalRecord {
            serial: *session.id.serial(),
            token: session.token.0,
            last_seen: session.last_seen.get().as_millis(),
            idle: millis(session.idle),
            absolute_deadline: session.absolute_deadline.as_millis(),
        };
        let rest = RestRecord {
            birth: session.birth,
            generation: session.generation.0,
            client: session.client.as_ref().map(|c| c.as_str().into()),
            class: number(&CLASSES, &session.class),
            actor: session.actor.as_ref().map(|a| a.as_str().into()),
            remember: session.remember,
            fenced: session.fenced,
            created_at: session.created_at.as_millis(),
            authentication: (&session.authentication).into(),
            weaker_proofs: session
                .weaker_proofs
                .as_ref()
                .map(|w| w.0.map(Timestamp::as_millis)),
            token_made_at: session.token_made_at.as_millis(),
            family: session.family.0,
            previous: session.previous.as_ref().map(|p| PreviousRecord {
                digest: p.digest.0,
                accepted_until: p.accepted_until.get().as_millis(),
                repeatable_until: p.repeatable_until.as_millis(),
                sealed_successor: p.sealed_successor.0.to_vec(),
                replaced_by: (&p.replaced_by).into(),
            }),
            origin: (&session.origin).into(),
            device: session.device.map(|d| d.0),
            device_class: number(&DEVICE_CLASSES, &session.device_class),
            binding: (&session.binding).into(),
            previous_sign_in: session.previous_sign_in.as_deref().map(Into::into),
            failures_since: session.failures_since,
            attributes: session.attributes.as_deref().map(Into::into),
            federation: session.federation.as_deref().map(Into::into),
        };
        Self { vital, rest }
    }
}

impl From<&EndedSession> for EndedRecord {
    fn from(ended: &EndedSession) -> Self {
        Self((&*ended.session).into(), ended.ending.into())
    }
}

impl EndedRecord {
    /// Makes the ended session of this record again, in the roster `tag`.
    pub(super) fn revive(self, tag: RosterTag) -> Result<EndedSession, RecordError> {
        Ok(EndedSession {
            session: Arc::new(self.0.revive(tag)?),
            ending: self.1.try_into()?,
        })
    }
}

impl SessionRecord {
    /// Makes the session of this record again, in the roster `tag`.
    pub(super) fn revive(self, tag: RosterTag) -> Result<Session, RecordError> {
        let (vital, rest) = (self.vital, self.rest);
        let class = variant(&CLASSES, rest.class, "class")?;
        let actor = rest.actor.map(|a| SubjectId::parse(&a)).transpose()?;
        // Ended sessions of somebody who was erased name nobody any more.
        if actor.is_some() && class != SessionClass::Impersonation {
            return Err(RecordError::Value("actor"));
        }
        Ok(Session {
            id: SessionId::from_entropy(tag, vital.serial),
            birth: rest.birth,
            generation: Generation(rest.generation),
            client: rest.client.map(|c| ClientId::parse(&c)).transpose()?,
            class,
            actor,
            remember: rest.remember,
            fenced: rest.fenced,
            created_at: Timestamp::from_millis(rest.created_at),
            authentication: rest.authentication.try_into()?,
            weaker_proofs: rest
                .weaker_proofs
                .map(|w| Box::new(WeakerProofs(w.map(Timestamp::from_millis)))),
            last_seen: LastSeen::new(Timestamp::from_millis(vital.last_seen)),
            idle: Duration::from_millis(vital.idle),
            absolute_deadline: Timestamp::from_millis(vital.absolute_deadline),
            token: TokenDigest(vital.token),
            token_made_at: Timestamp::from_millis(rest.token_made_at),
            family: FamilyDigest(rest.family),
            previous: rest.previous.map(PreviousRecord::revive).transpose()?,
            origin: rest.origin.try_into()?,
            device: rest.device.map(DeviceSerial),
            device_class: variant(&DEVICE_CLASSES, rest.device_class, "class of device")?,
            binding: rest.binding.into(),
            previous_sign_in: rest.previous_sign_in.map(sign_in).transpose()?,
            failures_since: rest.failures_since,
            attributes: rest.attributes.map(Into::into),
            federation: rest
                .federation
                .map(|f| f.try_into().map(Box::new))
                .transpose()?,
        })
    }
}

impl From<&FederatedSignIn> for FederationRecord {
    fn from(sign_in: &FederatedSignIn) -> Self {
        Self {
            issuer: sign_in.issuer.as_str().into(),
            subject: sign_in.subject.as_str().into(),
            session: sign_in.session.as_ref().map(|s| s.as_str().into()),
            issued_at: sign_in.issued_at.as_millis(),
            vouched_until: sign_in.vouched_until.map(Timestamp::as_millis),
        }
    }
}

impl TryFrom<FederationRecord> for FederatedSignIn {
    type Error = RecordError;

    fn try_from(record: FederationRecord) -> Result<Self, RecordError> {
        Ok(Self {
            issuer: Issuer::parse(&record.issuer)?,
            subject: IssuerSubject::parse(&record.subject)?,
            session: record
                .session
                .map(|s| IssuerSession::parse(&s))
                .transpose()?,
            issued_at: Timestamp::from_millis(record.issued_at),
            vouched_until: record.vouched_until.map(Timestamp::from_millis),
        })
    }
}

impl PreviousRecord {
    fn revive(self) -> Result<Box<PreviousToken>, RecordError> {
        Ok(Box::new(PreviousToken {
            digest: TokenDigest(self.digest),
            accepted_until: GraceEnd::new(Timestamp::from_millis(self.accepted_until)),
            repeatable_until: Timestamp::from_millis(self.repeatable_until),
            sealed_successor: Sealed(self.sealed_successor.into()),
            replaced_by: self.replaced_by.try_into()?,
        }))
    }
}

impl From<&Replacement> for ReplacementRecord {
    fn from(replacement: &Replacement) -> Self {
        match replacement {
            Replacement::Renewal => Self::Renewal,
            Replacement::Reauthentication(proof) => Self::Reauthentication((&**proof).into()),
            Replacement::CredentialChange => Self::CredentialChange,
        }
    }
}

impl TryFrom<ReplacementRecord> for Replacement {
    type Error = RecordError;

    fn try_from(record: ReplacementRecord) -> Result<Self, RecordError> {
        Ok(match record {
            ReplacementRecord::Renewal => Self::Renewal,
            ReplacementRecord::Reauthentication(proof) => {
                Self::Reauthentication(Box::new(proof.try_into()?))
            }
            ReplacementRecord::CredentialChange => Self::CredentialChange,
        })
    }
}

impl From<&AuthenticationEvent> for AuthenticationRecord {
    fn from(event: &AuthenticationEvent) -> Self {
        Self {
            at: event.at.as_millis(),
            methods: event.methods.iter().map(|m| m.as_str().into()).collect(),
            assurance: event.assurance.get(),
        }
    }
}

impl TryFrom<AuthenticationRecord> for AuthenticationEvent {
    type Error = RecordError;

    fn try_from(record: AuthenticationRecord) -> Result<Self, RecordError> {
        let methods = record.methods.iter();
        Ok(Self {
            at: Timestamp::from_millis(record.at),
            methods: methods
                .map(|m| AuthenticationMethod::parse(m))
                .collect::<Result<_, _>>()?,
            assurance: assurance_level(record.assurance)?,
        })
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl From<&LastSignIn> for SignInRecord {
    fn from(last: &LastSignIn) -> Self {
        Self {
            at: last.at.as_millis(),
            origin: (&last.origin).into(),
            failures_before: last.failures_before,
        }
    }
}

fn sign_in(record: SignInRecord) -> Result<Arc<LastSignIn>, RecordError> {
    Ok(Arc::new(LastSignIn {
        at: Timestamp::from_millis(record.at),
        origin: record.origin.try_into()?,
        failures_before: record.failures_before,
    }))
}
