//! What is given: rosters, policies and sign-ins of every kind.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::admission::{Newborn, SignIn};
use innkeeper_domain::change::Change;
use innkeeper_domain::device::{DeviceClass, DeviceDigest, DeviceSerial};
use innkeeper_domain::name::{AuthenticationMethod, ClientId, GroupName, SubjectId, TenantId};
use innkeeper_domain::policy::{
    BindTo, Condition, Facts, Limit, Overflow, Per, Policy, PolicyVersion, Rule, SessionLimit,
    Setting, Terms,
};
use innkeeper_domain::roster::{Floor, Generation, Roster, StoreGeneration};
use innkeeper_domain::rotation::{Occasion, Reauthentication};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Binding, LastSeen, Origin, Session, SessionClass,
    SessionId, Timestamp,
};
use innkeeper_domain::token::{RosterTag, TokenSecret};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_000_000);

pub(crate) fn tag() -> RosterTag {
    RosterTag::from_bytes([7; 16])
}

pub(crate) fn id(number: u8) -> SessionId {
    SessionId::from_entropy(tag(), [number; 12])
}

/// The secret of session `number` made from `fresh`; its first is made from 0.
pub(crate) fn secret(number: u8, fresh: u8) -> TokenSecret {
    TokenSecret::from_entropy([number; 48]).successor([fresh; 32])
}

pub(crate) fn newborn(number: u8) -> Newborn {
    Newborn {
        id: id(number),
        token: secret(number, 0).digest(),
        family: secret(number, 0).family(),
        device: DeviceSerial([number; 12]),
        device_token: DeviceDigest([number; 32]),
    }
}

pub(crate) fn limit(sessions: u64) -> SessionLimit {
    SessionLimit::new(sessions).unwrap()
}

pub(crate) fn empty_roster() -> Roster {
    let subject = SubjectId::parse("alice").unwrap();
    Roster::absent(
        tag(),
        TenantId::default(),
        subject,
        Floor::FIRST,
        StoreGeneration(1),
    )
}

/// A roster that says it obeys the policy and need not, with sessions born in this order.
pub(crate) fn roster_of(sessions: &[Resident], own_limit: Option<u64>) -> Roster {
    let mut roster = empty_roster();
    roster.groups = [group("staff")].into();
    roster.own_limit = own_limit.map(limit);
    roster.policy = PolicyVersion(1);
    let births: Vec<_> = sessions
        .iter()
        .zip(1..)
        .map(|(resident, number)| Change::Birth(Arc::new(resident.session(number))))
        .collect();
    roster.apply(&births, NOW);
    roster
}

/// A session that is there.
#[derive(Clone, Debug)]
pub(crate) struct Resident {
    pub(crate) arrival: Arrival,
    pub(crate) seen: u64,
    pub(crate) idle: u64,
}

/// A session that comes.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) client: Option<&'static str>,
    pub(crate) class: SessionClass,
    pub(crate) remember: bool,
    /// What kind of device it is on.
    pub(crate) on: DeviceClass,
    pub(crate) groups: Option<Vec<GroupName>>,
}

impl Arrival {
    pub(crate) fn sign_in(&self) -> SignIn {
        SignIn {
            client: self.client.map(client),
            class: self.class,
            actor: None,
            remember: self.remember,
            authentication: proof(1),
            evidence: None,
            groups: self.groups.clone().map(Into::into),
            contact: None,
            replaces: None,
            origin: Origin::default(),
            device: None,
            device_class: Some(self.on),
            attributes: None,
            federation: None,
            end: Box::default(),
        }
    }
}

impl Resident {
    pub(crate) fn session(&self, number: u8) -> Session {
        let newborn = newborn(number);
        Session {
            id: newborn.id,
            birth: number.into(),
            generation: Generation(1),
            client: self.arrival.client.map(client),
            class: self.arrival.class,
            actor: None,
            remember: self.arrival.remember,
            fenced: true,
            created_at: Timestamp::ZERO,
            authentication: proof(1),
            weaker_proofs: None,
            last_seen: LastSeen::new(Timestamp::from_millis(NOW.as_millis() - 1000 * self.seen)),
            idle: Duration::from_secs(self.idle),
            absolute_deadline: Timestamp::MAX,
            token: newborn.token,
            token_made_at: Timestamp::ZERO,
            family: newborn.family,
            previous: None,
            origin: Origin::default(),
            device: None,
            device_class: self.arrival.on,
            binding: Binding::None,
            previous_sign_in: None,
            failures_since: 0,
            attributes: None,
            federation: None,
        }
    }
}

pub(crate) fn facts_of_sign_in<'a>(sign_in: &'a SignIn, groups: &'a [GroupName]) -> Facts<'a> {
    Facts {
        groups,
        client: sign_in.client.as_ref(),
        class: sign_in.class,
        remember: sign_in.remember,
        device_class: sign_in.device_class.unwrap_or_default(),
    }
}

pub(crate) fn client(name: &str) -> ClientId {
    ClientId::parse(name).unwrap()
}

pub(crate) fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

pub(crate) fn level(assurance: u8) -> AssuranceLevel {
    AssuranceLevel::new(assurance).unwrap()
}

pub(crate) fn proof(assurance: u8) -> AuthenticationEvent {
    AuthenticationEvent {
        at: Timestamp::ZERO,
        methods: Box::default(),
        assurance: level(assurance),
    }
}

pub(crate) fn proved_again(assurance: u8) -> Occasion {
    let method = AuthenticationMethod::parse("pwd").unwrap();
    let proof = Reauthentication::new([method].into(), level(assurance));
    Occasion::Reauthentication(proof.unwrap())
}

pub(crate) fn class() -> impl Strategy<Value = SessionClass> {
    prop_oneof![
        4 => Just(SessionClass::Interactive),
        1 => Just(SessionClass::Machine),
    ]
}

pub(crate) fn groups() -> impl Strategy<Value = Vec<GroupName>> {
    select(vec![
        vec![],
        vec!["staff"],
        vec!["admins", "staff"],
        vec!["staff", "admins"],
    ])
    .prop_map(|names| names.into_iter().map(group).collect())
}

prop_compose! {
    pub(crate) fn arrival_with(groups: BoxedStrategy<Option<Vec<GroupName>>>)(
        client in select(vec![None, Some("web"), Some("tv")]),
        class in class(),
        remember in any::<bool>(),
        on in select(vec![DeviceClass::Desktop, DeviceClass::Mobile]),
        groups in groups,
    ) -> Arrival {
        Arrival { client, class, remember, on, groups }
    }
}

pub(crate) fn arrival() -> impl Strategy<Value = Arrival> {
    arrival_with(Just(None).boxed())
}

prop_compose! {
    pub(crate) fn resident()(arrival in arrival(), seen in 0..6_u64, idle in 4..9_u64) -> Resident {
        Resident { arrival, seen, idle }
    }
}

pub(crate) fn overflow() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        3 => Just(Overflow::EvictLeastRecent),
        3 => Just(Overflow::EvictOldest),
        2 => Just(Overflow::Refuse),
        2 => Just(Overflow::Ask),
        1 => Just(Overflow::Observe),
    ]
}

pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    let clients = option::weighted(0.4, select(vec!["web", "tv"]));
    let groups = option::weighted(0.3, select(vec!["staff", "admins"]));
    let classes = option::weighted(0.2, class());
    let remember = option::weighted(0.4, any::<bool>());
    (clients, groups, classes, remember).prop_map(|(c, g, class, remember)| Condition {
        groups: g.map(group).into_iter().collect(),
        clients: c.map(client).into_iter().collect(),
        classes: class.into_iter().collect(),
        remember,
    })
}

/// A policy that evicts, whose limits overlap.
pub(crate) fn overlapping() -> impl Strategy<Value = Policy> {
    let row = |per| (Just(per), condition(), 1..4_u64);
    let rows = (
        row(Per::Client),
        row(Per::DeviceClass),
        row(Per::DeviceClass),
        2..7_u64,
    );
    rows.prop_map(|(one, two, three, max)| {
        let limits = [one, two, three].map(|(per, when, max)| Limit {
            per,
            when,
            max_sessions: limit(max),
        });
        let terms = Terms {
            max_sessions: limit(max),
            ..Terms::default()
        };
        Policy {
            version: PolicyVersion(1),
            terms,
            limits: limits.into(),
            ..Policy::default()
        }
    })
}

fn per() -> impl Strategy<Value = Per> {
    select(vec![Per::Client, Per::DeviceClass])
}

prop_compose! {
    pub(crate) fn rule()(
        when in condition(),
        max_sessions in option::of(1..6_u64),
        at_limit in option::weighted(0.3, overflow()),
        idle in option::weighted(0.3, 1..60_u64),
        absolute in option::weighted(0.3, 1..200_u64),
    ) -> Rule {
        let set = Setting {
            max_sessions: max_sessions.map(limit),
            at_limit,
            idle: idle.map(Duration::from_secs),
            absolute: absolute.map(Duration::from_secs),
            ..Setting::default()
        };
        Rule { when, set, ..Rule::default() }
    }
}

prop_compose! {
    pub(crate) fn policy()(
        max_sessions in 1..6_u64,
        at_limit in overflow(),
        idle in 10..600_u64,
        rotate_every in option::of(10..300_u64),
        binding in select(&[BindTo::Nothing, BindTo::Device][..]),
        rules in vec(rule(), 0..3),
        limits in vec((per(), condition(), 1..4_u64), 0..4),
    ) -> Policy {
        let terms = Terms {
            max_sessions: limit(max_sessions),
            at_limit,
            idle: Duration::from_secs(idle),
            absolute: Duration::from_secs(1000),
            rotate_every: rotate_every.map(Duration::from_secs),
            binding,
            ..Terms::default()
        };
        let further = |(per, when, max)| Limit { per, when, max_sessions: limit(max) };
        let limits = limits.into_iter().map(further).collect();
        Policy { version: PolicyVersion(1), terms, rules, limits, ..Policy::default() }
    }
}
