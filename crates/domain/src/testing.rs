//! Builders that read like speech, for the tests of this crate.

use std::sync::Arc;
use std::time::Duration;

use crate::admission::{Newborn, SignIn};
use crate::change::Change;
use crate::device::{
    Device, DeviceClass, DeviceDigest, DeviceId, DeviceSerial, DeviceToken, DeviceTrust,
};
use crate::federation::FederatedSignIn;
use crate::name::{ClientId, GroupName, Issuer, IssuerSession, IssuerSubject, SubjectId, TenantId};
use crate::policy::{
    Condition, Overflow, Policy, PolicyVersion, Rule, SessionLimit, Setting, Terms,
};
use crate::roster::{Floor, Generation, Roster, StoreGeneration};
use crate::session::{
    AssuranceLevel, AuthenticationEvent, Binding, BoundDevice, EndReason, Initiator, LastSeen,
    Origin, Session, SessionClass, SessionId, Timestamp,
};
use crate::token::{RosterTag, SessionToken, TokenSecret};

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

pub(crate) fn tag() -> RosterTag {
    RosterTag::from_bytes([7; 16])
}

pub(crate) fn id(number: u8) -> SessionId {
    SessionId::from_entropy(tag(), [number; 12])
}

pub(crate) fn client(name: &str) -> ClientId {
    ClientId::parse(name).unwrap()
}

pub(crate) fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

pub(crate) fn groups(names: &[&str]) -> Box<[GroupName]> {
    names.iter().map(|name| group(name)).collect()
}

pub(crate) fn limit(sessions: u64) -> SessionLimit {
    SessionLimit::new(sessions).unwrap()
}

pub(crate) fn level(assurance: u8) -> AssuranceLevel {
    AssuranceLevel::new(assurance).unwrap()
}

pub(crate) fn policy(sessions: u64, at_limit: Overflow) -> Policy {
    Policy {
        terms: Terms {
            max_sessions: limit(sessions),
            at_limit,
            ..Terms::default()
        },
        ..Policy::default()
    }
}

pub(crate) fn evicting_at(sessions: u64) -> Policy {
    policy(sessions, Overflow::EvictLeastRecent)
}

pub(crate) fn when_remembered() -> Condition {
    Condition {
        remember: Some(true),
        ..Condition::default()
    }
}

pub(crate) fn observing() -> Setting {
    Setting {
        at_limit: Some(Overflow::Observe),
        ..Setting::default()
    }
}

/// The policy, with a number and one more rule.
pub(crate) fn ruled(policy: Policy, version: u64, when: Condition, set: Setting) -> Policy {
    let mut policy = policy;
    policy.version = PolicyVersion(version);
    policy.rules.push(Rule {
        when,
        set,
        ..Rule::default()
    });
    policy
}

/// The sessions that `changes` end, each with the reason.
pub(crate) fn ends(changes: &[Change]) -> Vec<(SessionId, EndReason)> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::End { id, ending } => Some((*id, ending.reason)),
            _ => None,
        })
        .collect()
}

pub(crate) fn live_ids(roster: &Roster, seconds: u64) -> Vec<SessionId> {
    roster.live(at(seconds)).map(|s| s.id).collect()
}

/// The token with which session `number` is born.
pub(crate) fn token(number: u8) -> SessionToken {
    SessionToken::new(tag(), TokenSecret::from_entropy([number; 48]))
}

/// A later token of session `number`.
pub(crate) fn later_token(number: u8, fresh: u8) -> SessionToken {
    SessionToken::new(tag(), token(number).secret().successor([fresh; 32]))
}

pub(crate) fn device_id(number: u8) -> DeviceId {
    DeviceId::new(tag(), DeviceSerial([number; 12]))
}

/// The token of device `number`.
pub(crate) fn device_token(number: u8) -> DeviceToken {
    DeviceToken::from_entropy(tag(), [number; 32])
}

/// Device `number`, seen at second 0, on which nobody relies.
pub(crate) fn device(number: u8) -> Device {
    Device {
        id: device_id(number),
        token: device_token(number).digest(),
        label: None,
        class: DeviceClass::Other,
        trust: None,
        first_seen: at(0),
        last_seen: at(0),
    }
}

/// Device `number`, on which its subject relies since `seconds`.
pub(crate) fn trusted(number: u8, seconds: u64) -> Device {
    let (since, by) = (at(seconds), Initiator::User);
    Device {
        trust: Some(DeviceTrust { since, by }),
        ..device(number)
    }
}

pub(crate) fn newborn(number: u8) -> Newborn {
    Newborn {
        id: id(number),
        token: token(number).secret().digest(),
        family: token(number).secret().family(),
        device: DeviceSerial([number; 12]),
        device_token: device_token(number).digest(),
    }
}

/// A sign-in at a provider, which vouches for it until then.
pub(crate) fn federated(vouched_until: Option<Timestamp>) -> FederatedSignIn {
    FederatedSignIn {
        issuer: Issuer::parse("https://id.example").unwrap(),
        subject: IssuerSubject::parse("248289761001").unwrap(),
        session: IssuerSession::parse("s-1").ok(),
        issued_at: at(1),
        vouched_until,
    }
}

pub(crate) fn sign_in() -> SignIn {
    SignIn {
        client: None,
        class: SessionClass::Interactive,
        actor: None,
        remember: false,
        authentication: AuthenticationEvent {
            at: at(0),
            methods: Box::default(),
            assurance: level(1),
        },
        evidence: None,
        groups: None,
        contact: None,
        replaces: None,
        origin: Origin::default(),
        device: None,
        device_class: None,
        attributes: None,
        federation: None,
        end: Box::default(),
    }
}

pub(crate) struct SessionBuilder(Session);

/// Session `number`: born as the `number`th, seen at second 0, idle after an hour.
pub(crate) fn session(number: u8) -> SessionBuilder {
    let newborn = newborn(number);
    SessionBuilder(Session {
        id: newborn.id,
        birth: number.into(),
        generation: Generation(1),
        client: None,
        class: SessionClass::Interactive,
        actor: None,
        remember: false,
        fenced: true,
        created_at: at(0),
        authentication: sign_in().authentication,
        weaker_proofs: None,
        last_seen: LastSeen::new(at(0)),
        idle: Duration::from_hours(1),
        absolute_deadline: at(12 * 3600),
        token: newborn.token,
        token_made_at: at(0),
        family: newborn.family,
        previous: None,
        origin: Origin::default(),
        device: None,
        device_class: DeviceClass::Other,
        binding: Binding::None,
        previous_sign_in: None,
        failures_since: 0,
        attributes: None,
        federation: None,
    })
}

impl SessionBuilder {
    pub(crate) fn seen_at(self, seconds: u64) -> Self {
        self.0.last_seen.advance(at(seconds));
        self
    }

    pub(crate) fn idle_after(mut self, seconds: u64) -> Self {
        self.0.idle = Duration::from_secs(seconds);
        self
    }

    pub(crate) fn deadline(mut self, seconds: u64) -> Self {
        self.0.absolute_deadline = at(seconds);
        self
    }

    pub(crate) fn client(mut self, name: &str) -> Self {
        self.0.client = Some(client(name));
        self
    }

    pub(crate) fn remembered(mut self) -> Self {
        self.0.remember = true;
        self
    }

    pub(crate) fn generation(mut self, generation: u64) -> Self {
        self.0.generation = Generation(generation);
        self
    }

    pub(crate) fn assurance(mut self, assurance: u8) -> Self {
        self.0.authentication.assurance = level(assurance);
        self
    }

    pub(crate) fn acted_by(mut self, actor: &SubjectId) -> Self {
        self.0.class = SessionClass::Impersonation;
        self.0.actor = Some(actor.clone());
        self
    }

    pub(crate) fn class(mut self, class: SessionClass) -> Self {
        self.0.class = class;
        self
    }

    pub(crate) fn on(mut self, device: u8) -> Self {
        self.0.device = Some(DeviceSerial([device; 12]));
        self
    }

    pub(crate) fn of_class(mut self, class: DeviceClass) -> Self {
        self.0.device_class = class;
        self
    }

    pub(crate) fn bound_to(mut self, token: DeviceDigest) -> Self {
        self.0.binding = Binding::DeviceCookie(Box::new(BoundDevice {
            token,
            mismatches: 0,
        }));
        self
    }

    pub(crate) fn assured(mut self, assurance: u8) -> Self {
        self.0.authentication.assurance = level(assurance);
        self
    }

    pub(crate) fn born_at(mut self, seconds: u64) -> Self {
        self.0.created_at = at(seconds);
        self
    }

    pub(crate) fn build(self) -> Session {
        self.0
    }
}

pub(crate) fn empty_roster() -> Roster {
    Roster::absent(
        tag(),
        TenantId::default(),
        SubjectId::parse("alice").unwrap(),
        Floor::FIRST,
        StoreGeneration::default(),
    )
}

pub(crate) fn roster(sessions: impl IntoIterator<Item = SessionBuilder>) -> Roster {
    let mut roster = empty_roster();
    let births: Vec<_> = sessions
        .into_iter()
        .map(|s| Change::Birth(Arc::new(s.build())))
        .collect();
    roster.apply(&births, at(0));
    roster
}

/// A roster that knows these devices and holds these sessions.
pub(crate) fn roster_with(
    devices: impl IntoIterator<Item = Device>,
    sessions: impl IntoIterator<Item = SessionBuilder>,
) -> Roster {
    let mut roster = roster(sessions);
    roster.devices = devices.into_iter().map(Arc::new).collect();
    roster
}
