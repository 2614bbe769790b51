//! Promises that hold for any roster, policy and sequence of operations.
//!
//! The model of the limits ([`within_limits`]) is written from `API.md` section 6 and shares no
//! code with the crate: it knows no greedy choice, only what must hold afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::admission::{Admission, Newborn, Refusal, SignIn, admit};
use innkeeper_domain::amendment::{SubjectPatch, amend, obey};
use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::check::{Check, Presented, check};
use innkeeper_domain::device::{DeviceClass, DeviceDigest, DeviceSerial};
use innkeeper_domain::name::{ClientId, GroupName, SubjectId, TenantId};
use innkeeper_domain::policy::{
    Condition, Facts, Limit, Overflow, Per, Policy, PolicyVersion, Rule, SessionLimit, Setting,
    Terms,
};
use innkeeper_domain::revocation::{Revocation, disable, enable, revoke, revoke_all};
use innkeeper_domain::roster::{Floor, Generation, Roster, StoreGeneration};
use innkeeper_domain::rotation::{Occasion, Rotation, Successor, grace_end, rotate};
use innkeeper_domain::seats::surplus;
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Binding, EndReason, Initiator, LastSeen, Origin, Sealed,
    Session, SessionClass, SessionId, Timestamp,
};
use innkeeper_domain::token::{ApiKey, RosterTag, SessionToken, TokenSecret};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use unicode_normalization::UnicodeNormalization;

fn modestly() -> ProptestConfig {
    ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(modestly())]

    #[test]
    fn given_any_operations_when_carried_out_then_every_promise_holds_after_each(
        first in policy(),
        operations in vec((operation(), 0..4_u64), 1..40),
    ) {
        let mut world = World::new(first);
        for (operation, delay) in operations {
            world.carry_out(operation, delay);
            world.keeps_its_promises();
        }
    }

    #[test]
    fn given_any_roster_when_somebody_arrives_then_the_victims_are_the_fewest_and_the_first(
        policy in policy(),
        own_limit in option::weighted(0.2, 1..4_u64),
        sessions in vec(resident(), 0..8),
        arrival in arrival(),
    ) {
        let roster = roster_of(&sessions, own_limit);
        let sign_in = arrival.sign_in();
        let newcomer = facts_of_sign_in(&sign_in, &roster.groups);
        let terms = policy.terms(&newcomer);
        let seated: Vec<_> = roster.live(NOW).map(|s| &**s).collect();

        let answer = admit(&roster, &sign_in, newborn(99), &policy, NOW);

        match answer {
            Admission::Refuse(refusal) => {
                prop_assert_eq!(terms.at_limit, Overflow::Refuse);
                let is_about_seats = matches!(refusal, Refusal::SessionLimit { .. });
                prop_assert!(is_about_seats);
                let among_all = victims(&roster, &policy, &seated, Some(&newcomer), terms.at_limit);
                prop_assert!(!among_all.is_empty(), "refused although there was a seat");
            }
            Admission::Admit(admitted) => {
                let expected = victims(&roster, &policy, &seated, Some(&newcomer), terms.at_limit);
                prop_assert_eq!(&admitted.evicted, &expected);
                prop_assert!(!admitted.evicted.contains(&admitted.session.id));
            }
        }
    }

    #[test]
    fn given_any_roster_when_nobody_arrives_then_the_surplus_is_the_fewest_and_the_first(
        policy in policy(),
        own_limit in option::weighted(0.2, 1..4_u64),
        sessions in vec(resident(), 0..8),
    ) {
        let roster = roster_of(&sessions, own_limit);
        let seated: Vec<_> = roster.live(NOW).map(|s| &**s).collect();
        let oldest_first = seated
            .iter()
            .map(|s| policy.terms(&roster.facts(s)).at_limit)
            .all(|at_limit| matches!(at_limit, Overflow::EvictOldest | Overflow::Observe));
        let order = if oldest_first { Overflow::EvictOldest } else { Overflow::EvictLeastRecent };

        let going = surplus(&roster, &policy, NOW);

        prop_assert_eq!(going, victims(&roster, &policy, &seated, None, order));
    }

    #[test]
    fn given_any_text_when_it_is_a_name_then_its_form_is_canonical(
        text in prop_oneof![any::<String>(), "[a-zA-Z\u{300}-\u{345}\u{1100}-\u{11FF}\u{2126}\u{212B}]{0,90}"],
    ) {
        if let Ok(name) = SubjectId::parse(&text) {
            let again = SubjectId::parse(name.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&name));
            let taken_apart: String = text.nfd().collect();
            if taken_apart.len() <= SubjectId::LEN_MAX * 3 {
                prop_assert_eq!(SubjectId::parse(&taken_apart), Ok(name));
            }
        }
    }

    #[test]
    fn given_any_token_when_written_and_read_then_it_is_the_same_and_damaged_it_is_refused(
        tag in any::<[u8; 16]>(),
        secret in vec(any::<u8>(), 48),
        damage in damage(),
    ) {
        let secret: [u8; 48] = secret.try_into().unwrap();
        let token = SessionToken::new(RosterTag::from_bytes(tag), TokenSecret::from_entropy(secret));
        let issued = token.reveal();

        let read = SessionToken::parse(&issued).unwrap();
        prop_assert_eq!(read.tag(), token.tag());
        prop_assert_eq!(read.secret().reveal(), token.secret().reveal());
        let damaged = damage.done_to(&issued);
        prop_assert!(damaged == issued || SessionToken::parse(&damaged).is_err(), "{}", damaged);
    }

    #[test]
    fn given_any_id_or_key_when_written_and_read_then_it_is_the_same_and_never_another_spelling(
        tag in any::<[u8; 16]>(),
        serial in any::<[u8; 12]>(),
        secret in any::<[u8; 32]>(),
        damage in damage(),
    ) {
        let id = SessionId::from_entropy(RosterTag::from_bytes(tag), serial);
        let key = ApiKey::from_entropy(serial, secret);
        let (written, shown) = (id.to_string(), key.reveal());

        prop_assert_eq!(SessionId::parse(&written), Ok(id));
        prop_assert_eq!(ApiKey::parse(&shown).unwrap().digest(), key.digest());
        let (other, damaged) = (damage.done_to(&written), damage.done_to(&shown));
        prop_assert!(other == written || SessionId::parse(&other) != Ok(id), "{}", other);
        prop_assert!(damaged == shown || ApiKey::parse(&damaged).is_err(), "{}", damaged);
        prop_assert!(SessionToken::parse(&written).is_err() && SessionToken::parse(&shown).is_err());
    }
}

/// One subject over time, driven as the engine drives it.
struct World {
    roster: Roster,
    policy: Policy,
    now: Timestamp,
    /// The number of the last session, and of the last token.
    last: u8,
    /// The numbers of all tokens of each session ever born.
    issued: BTreeMap<u8, Vec<u8>>,
    /// Which token each renewal handed out, by session and presented token.
    renewed: BTreeMap<(u8, u8), u8>,
    live_before: BTreeSet<SessionId>,
    dead: BTreeSet<SessionId>,
    generation_before: Generation,
    time_before: Timestamp,
}

#[derive(Clone, Debug)]
enum Operation {
    SignIn(Arrival, Option<Index>),
    Visit(Index),
    Rotate(Index, Index, Occasion),
    Revoke(Index),
    RevokeAll(Option<Index>),
    Disable,
    Enable,
    Amend(SubjectPatch),
    Obey(Policy),
    Wait(u64),
}

impl World {
    fn new(policy: Policy) -> Self {
        let roster = empty_roster();
        Self {
            generation_before: roster.generation,
            time_before: roster.time_high,
            roster,
            policy,
            now: NOW,
            last: 0,
            issued: BTreeMap::new(),
            renewed: BTreeMap::new(),
            live_before: BTreeSet::new(),
            dead: BTreeSet::new(),
        }
    }

    fn carry_out(&mut self, operation: Operation, delay: u64) {
        match operation {
            Operation::SignIn(arrival, replaces) => self.sign_in(&arrival, replaces, delay),
            Operation::Visit(which) => self.visit(which),
            Operation::Rotate(which, token, occasion) => {
                self.rotate(which, token, &occasion, delay);
            }
            Operation::Revoke(which) => {
                let Some(number) = self.pick(which) else {
                    return;
                };
                self.commit(delay, |w| {
                    let (reason, initiator) = (EndReason::RevokedByUser, Initiator::User);
                    match revoke(&w.roster, id(number), reason, initiator, w.now) {
                        Revocation::End(changes) => Some(changes),
                        Revocation::AlreadyEnded | Revocation::Absent => None,
                    }
                });
            }
            Operation::RevokeAll(keep) => {
                let keep = keep.and_then(|k| self.pick(k));
                let keep = keep.map_or(Keep::None, |number| Keep::One(id(number)));
                self.commit(delay, |w| {
                    let (reason, initiator) = (EndReason::CredentialChange, Initiator::User);
                    Some(revoke_all(&w.roster, keep, reason, initiator, w.now))
                });
            }
            Operation::Disable => {
                self.commit(delay, |w| disable(&w.roster, Initiator::Admin, w.now));
            }
            Operation::Enable => self.commit(delay, |w| enable(&w.roster, w.now)),
            Operation::Amend(patch) => {
                self.commit(delay, |w| amend(&w.roster, &patch, &w.policy, w.now));
            }
            Operation::Obey(policy) => {
                let version = PolicyVersion(self.policy.version.0 + 1);
                self.policy = Policy { version, ..policy };
                self.obey();
            }
            Operation::Wait(seconds) => self.now = self.now.plus(Duration::from_secs(seconds)),
        }
    }

    /// Decides, and commits `delay` seconds later unless the decision no longer stands then.
    fn commit(&mut self, delay: u64, mut decide: impl FnMut(&Self) -> Option<Vec<Change>>) {
        for delay in [delay, 0] {
            let before = format!("{:?}", self.roster);
            let decision = decide(self);
            assert_eq!(
                format!("{:?}", self.roster),
                before,
                "a decision changes nothing"
            );
            let Some(changes) = decision else { return };
            let stands_until = self.roster.changes_stand_until(&changes, self.now);
            let moment = self.now.plus(Duration::from_secs(delay));
            self.now = moment;
            if moment < stands_until {
                let version = self.roster.version;
                self.roster.apply(&changes, moment);
                assert_eq!(self.roster.version, version.next());
                return;
            }
        }
        panic!("a decision made now stands now");
    }

    fn obey(&mut self) {
        self.commit(0, |w| obey(&w.roster, &w.policy, w.now));
    }

    fn sign_in(&mut self, arrival: &Arrival, replaces: Option<Index>, delay: u64) {
        self.last += 1;
        let number = self.last;
        let sign_in = SignIn {
            replaces: replaces
                .and_then(|which| self.pick(which))
                .map(|n| newborn(n).family),
            evidence: Some(self.roster.generation),
            ..arrival.sign_in()
        };
        self.commit(delay, |w| {
            match admit(&w.roster, &sign_in, newborn(number), &w.policy, w.now) {
                Admission::Admit(admitted) => {
                    assert!(!admitted.evicted.contains(&id(number)));
                    Some(admitted.changes)
                }
                Admission::Refuse(_) => None,
            }
        });
        if self.roster.find(id(number)).is_some() {
            self.issued.insert(number, vec![0]);
            let lives_on = |s: &Arc<Session>| Some(s.family) == sign_in.replaces;
            assert!(!self.roster.live(self.now).any(lives_on), "CWE-384");
        }
    }

    /// A check that touches, as the store does it.
    fn visit(&mut self, which: Index) {
        let Some(number) = self.pick(which) else {
            return;
        };
        let Some(session) = self.roster.find(id(number)) else {
            return;
        };
        if self.roster.is_live(session, self.now) {
            session.last_seen.advance(self.now);
            let grace = Duration::from_secs(30);
            if let (Some(end), Some(p)) = (grace_end(session, grace, self.now), &session.previous) {
                p.accepted_until.bring_nearer(end);
            }
        }
    }

    fn rotate(&mut self, which: Index, token: Index, occasion: &Occasion, delay: u64) {
        let Some(number) = self.pick(which) else {
            return;
        };
        let presented = *token.get(&self.issued[&number]);
        self.last += 1;
        let fresh = self.last;
        let mut found = None;
        self.commit(delay, |w| {
            let successor = Successor {
                digest: secret(number, fresh).digest(),
                sealed: Sealed([fresh].into()),
            };
            let token = SessionToken::new(tag(), secret(number, presented));
            match rotate(
                &w.roster,
                &token,
                successor,
                occasion.clone(),
                &w.policy,
                w.now,
            ) {
                Rotation::Rotate { changes, .. } => {
                    found = Some(fresh);
                    Some(changes)
                }
                Rotation::Repeat { sealed, .. } => {
                    found = Some(sealed.0[0]);
                    None
                }
                Rotation::Refuse => {
                    found = None;
                    None
                }
            }
        });
        let Some(found) = found else { return };
        let issued = self
            .issued
            .get_mut(&number)
            .expect("it was picked from here");
        if !issued.contains(&found) {
            issued.push(found);
        }
        if matches!(occasion, Occasion::Renewal) {
            let first = *self.renewed.entry((number, presented)).or_insert(found);
            assert_eq!(first, found, "one successor a token");
        }
    }

    fn pick(&self, which: Index) -> Option<u8> {
        let numbers: Vec<_> = self.issued.keys().copied().collect();
        (!numbers.is_empty()).then(|| *which.get(&numbers))
    }

    fn keeps_its_promises(&mut self) {
        self.obey();
        let live: BTreeSet<_> = self.roster.live(self.now).map(|s| s.id).collect();

        let seated: Vec<_> = self
            .roster
            .live(self.now)
            .map(|s| self.roster.facts(s))
            .collect();
        assert!(
            within_limits(&self.policy, self.roster.own_limit, &seated),
            "S1"
        );
        self.dead.extend(self.live_before.difference(&live));
        assert!(self.dead.is_disjoint(&live), "S2");
        assert!(self.roster.generation >= self.generation_before);
        assert!(self.roster.time_high >= self.time_before, "S13");
        assert!(self.roster.ended.len() <= Roster::ENDED_MAX);
        for (number, tokens) in &self.issued {
            self.accepts_at_most_two(*number, tokens, live.contains(&id(*number)));
        }
        self.live_before = live;
        self.generation_before = self.roster.generation;
        self.time_before = self.roster.time_high;
    }

    /// S9, and S5: whatever a token opens is its own session.
    fn accepts_at_most_two(&self, number: u8, tokens: &[u8], is_live: bool) {
        let mut accepted = Vec::new();
        for fresh in tokens {
            let token = SessionToken::new(tag(), secret(number, *fresh));
            if let Check::Valid(valid) = check(&self.roster, &token, self.now) {
                assert_eq!(valid.session.id, id(number));
                accepted.push(valid.presented);
            }
        }
        let of = |kind| accepted.iter().filter(|p| **p == kind).count();
        assert_eq!(of(Presented::Current), usize::from(is_live), "S9");
        assert!(of(Presented::Previous) <= usize::from(is_live), "S9");
    }
}

/// Whether these sessions may be live together.
fn within_limits(policy: &Policy, own_limit: Option<SessionLimit>, seated: &[Facts<'_>]) -> bool {
    let limited: Vec<_> = seated
        .iter()
        .filter(|f| policy.terms(f).at_limit != Overflow::Observe)
        .collect();
    let holds = |facts: &&Facts<'_>| {
        let peers = limited.iter().filter(|p| p.class == facts.class);
        let max = own_limit.unwrap_or(policy.terms(facts).max_sessions);
        peers.count() <= max.get()
    };
    let further = |limit: &Limit| {
        let counted: Vec<_> = limited.iter().filter(|f| limit.when.matches(f)).collect();
        counted.iter().all(|facts| {
            let together = counted
                .iter()
                .filter(|p| p.class == facts.class && p.client == facts.client);
            together.count() <= limit.max_sessions.get()
        })
    };
    limited.iter().all(holds) && policy.limits.iter().all(further)
}

/// The fewest that suffice, and of those the first in the order, by trying every set there is.
fn victims(
    roster: &Roster,
    policy: &Policy,
    seated: &[&Session],
    newcomer: Option<&Facts<'_>>,
    order: Overflow,
) -> Vec<SessionId> {
    let mut ordered = seated.to_vec();
    ordered.sort_by_key(|s| match order {
        Overflow::EvictOldest => (Timestamp::ZERO, s.birth),
        Overflow::EvictLeastRecent | Overflow::Refuse | Overflow::Ask | Overflow::Observe => {
            (s.last_seen.get(), s.birth)
        }
    });
    let suffices = |going: &Vec<usize>| {
        let staying: Vec<_> = (0..ordered.len())
            .filter(|place| !going.contains(place))
            .map(|place| roster.facts(ordered[place]))
            .chain(newcomer.copied())
            .collect();
        within_limits(policy, roster.own_limit, &staying)
    };
    let sets = (0..1_u32 << ordered.len()).map(|set| {
        let chosen = (0..ordered.len()).filter(|place| set & (1 << place) != 0);
        chosen.collect::<Vec<_>>()
    });
    let fewest = sets
        .filter(suffices)
        .min_by_key(|going| (going.len(), going.clone()))
        .expect("with nobody left, every limit holds");
    fewest.into_iter().map(|place| ordered[place].id).collect()
}

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn tag() -> RosterTag {
    RosterTag::from_bytes([7; 16])
}

fn id(number: u8) -> SessionId {
    SessionId::from_entropy(tag(), [number; 12])
}

/// The secret of session `number` made from `fresh`; its first is made from 0.
fn secret(number: u8, fresh: u8) -> TokenSecret {
    TokenSecret::from_entropy([number; 48]).successor([fresh; 32])
}

fn newborn(number: u8) -> Newborn {
    Newborn {
        id: id(number),
        token: secret(number, 0).digest(),
        family: secret(number, 0).family(),
        device: DeviceSerial([number; 12]),
        device_token: DeviceDigest([number; 32]),
    }
}

fn limit(sessions: u64) -> SessionLimit {
    SessionLimit::new(sessions).unwrap()
}

fn empty_roster() -> Roster {
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
fn roster_of(sessions: &[Resident], own_limit: Option<u64>) -> Roster {
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
struct Resident {
    arrival: Arrival,
    seen: u64,
    idle: u64,
}

/// A session that comes.
#[derive(Clone, Debug)]
struct Arrival {
    client: Option<&'static str>,
    class: SessionClass,
    remember: bool,
    groups: Option<Vec<GroupName>>,
}

impl Arrival {
    fn sign_in(&self) -> SignIn {
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
            device_class: None,
            attributes: None,
            end: Box::default(),
        }
    }
}

impl Resident {
    fn session(&self, number: u8) -> Session {
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
            last_seen: LastSeen::new(Timestamp::from_millis(NOW.as_millis() - 1000 * self.seen)),
            idle: Duration::from_secs(self.idle),
            absolute_deadline: Timestamp::MAX,
            token: newborn.token,
            token_made_at: Timestamp::ZERO,
            family: newborn.family,
            previous: None,
            origin: Origin::default(),
            device: None,
            device_class: DeviceClass::Other,
            binding: Binding::None,
            previous_sign_in: None,
            failures_since: 0,
            attributes: None,
        }
    }
}

fn facts_of_sign_in<'a>(sign_in: &'a SignIn, groups: &'a [GroupName]) -> Facts<'a> {
    Facts {
        groups,
        client: sign_in.client.as_ref(),
        class: sign_in.class,
        remember: sign_in.remember,
        device_class: DeviceClass::Other,
    }
}

fn client(name: &str) -> ClientId {
    ClientId::parse(name).unwrap()
}

fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

fn level(assurance: u8) -> AssuranceLevel {
    AssuranceLevel::new(assurance).unwrap()
}

fn proof(assurance: u8) -> AuthenticationEvent {
    AuthenticationEvent {
        at: Timestamp::ZERO,
        methods: Box::default(),
        assurance: level(assurance),
    }
}

fn class() -> impl Strategy<Value = SessionClass> {
    prop_oneof![
        4 => Just(SessionClass::Interactive),
        1 => Just(SessionClass::Machine),
    ]
}

fn groups() -> impl Strategy<Value = Vec<GroupName>> {
    select(vec![
        vec![],
        vec!["staff"],
        vec!["admins", "staff"],
        vec!["staff", "admins"],
    ])
    .prop_map(|names| names.into_iter().map(group).collect())
}

prop_compose! {
    fn arrival_with(groups: BoxedStrategy<Option<Vec<GroupName>>>)(
        client in select(vec![None, Some("web"), Some("tv")]),
        class in class(),
        remember in any::<bool>(),
        groups in groups,
    ) -> Arrival {
        Arrival { client, class, remember, groups }
    }
}

fn arrival() -> impl Strategy<Value = Arrival> {
    arrival_with(Just(None).boxed())
}

prop_compose! {
    fn resident()(arrival in arrival(), seen in 0..6_u64, idle in 4..9_u64) -> Resident {
        Resident { arrival, seen, idle }
    }
}

fn overflow() -> impl Strategy<Value = Overflow> {
    prop_oneof![
        3 => Just(Overflow::EvictLeastRecent),
        3 => Just(Overflow::EvictOldest),
        2 => Just(Overflow::Refuse),
        1 => Just(Overflow::Observe),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
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

prop_compose! {
    fn rule()(
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
    fn policy()(
        max_sessions in 1..6_u64,
        at_limit in overflow(),
        idle in 10..600_u64,
        rules in vec(rule(), 0..3),
        limits in vec((condition(), 1..4_u64), 0..3),
    ) -> Policy {
        let terms = Terms {
            max_sessions: limit(max_sessions),
            at_limit,
            idle: Duration::from_secs(idle),
            absolute: Duration::from_secs(1000),
            ..Terms::default()
        };
        let further = |(when, max)| Limit { per: Per::Client, when, max_sessions: limit(max) };
        let limits = limits.into_iter().map(further).collect();
        Policy { version: PolicyVersion(1), terms, rules, limits, ..Policy::default() }
    }
}

fn occasion() -> impl Strategy<Value = Occasion> {
    prop_oneof![
        4 => Just(Occasion::Renewal),
        2 => (1..3_u8).prop_map(|assurance| Occasion::Reauthentication(proof(assurance))),
        1 => Just(Occasion::CredentialChange),
    ]
}

prop_compose! {
    fn patch()(
        groups in option::of(groups()),
        own_limit in option::of(option::of(1..5_u64)),
    ) -> SubjectPatch {
        SubjectPatch {
            groups: groups.map(Into::into),
            own_limit: own_limit.map(|l| l.map(limit)),
            contact: None,
        }
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let bringing_groups = arrival_with(option::weighted(0.2, groups()).boxed());
    let which = any::<Index>;
    prop_oneof![
        8 => (bringing_groups, option::weighted(0.2, which())).prop_map(|(a, r)| Operation::SignIn(a, r)),
        4 => which().prop_map(Operation::Visit),
        6 => (which(), which(), occasion()).prop_map(|(w, t, o)| Operation::Rotate(w, t, o)),
        2 => which().prop_map(Operation::Revoke),
        1 => option::of(which()).prop_map(Operation::RevokeAll),
        1 => Just(Operation::Disable),
        2 => Just(Operation::Enable),
        2 => patch().prop_map(Operation::Amend),
        1 => policy().prop_map(Operation::Obey),
        3 => (1..120_u64).prop_map(Operation::Wait),
    ]
}

/// What may happen to a text on its way.
#[derive(Clone, Debug)]
enum Damage {
    Replaced(Index, char),
    Inserted(Index, char),
    Removed(Index),
    Swapped(Index, Index),
    Cut(Index),
}

impl Damage {
    fn done_to(&self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let place = |index: &Index| index.index(letters.len());
        match self {
            Self::Replaced(at, with) => {
                let at = place(at);
                letters[at] = *with;
            }
            Self::Inserted(at, with) => {
                let at = place(at);
                letters.insert(at, *with);
            }
            Self::Removed(at) => {
                let at = place(at);
                letters.remove(at);
            }
            Self::Swapped(one, other) => {
                let (one, other) = (place(one), place(other));
                letters.swap(one, other);
            }
            Self::Cut(at) => {
                let at = place(at);
                letters.truncate(at);
            }
        }
        letters.into_iter().collect()
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let letter = || {
        prop_oneof![
            "[A-Za-z0-9_=-]".prop_map(|s| s.chars().next().unwrap()),
            any::<char>()
        ]
    };
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), letter()).prop_map(|(at, with)| Damage::Replaced(at, with)),
        1 => (at(), letter()).prop_map(|(at, with)| Damage::Inserted(at, with)),
        1 => at().prop_map(Damage::Removed),
        1 => (at(), at()).prop_map(|(one, other)| Damage::Swapped(one, other)),
        1 => at().prop_map(Damage::Cut),
    ]
}
