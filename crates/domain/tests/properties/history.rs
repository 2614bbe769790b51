//! Any operations in any order: every promise holds after each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::admission::{Admission, SignIn, admit};
use innkeeper_domain::amendment::{SubjectPatch, amend, obey};
use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::check::{Check, Presented, Shown, check};
use innkeeper_domain::policy::{Policy, PolicyVersion};
use innkeeper_domain::revocation::{Revocation, disable, enable, revoke, revoke_all};
use innkeeper_domain::roster::{Generation, Roster};
use innkeeper_domain::rotation::{Occasion, Rotation, Successor, grace_end, is_due, rotate};
use innkeeper_domain::session::{
    Binding, EndReason, Initiator, Sealed, Session, SessionId, Timestamp,
};
use innkeeper_domain::token::SessionToken;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::given::{
    Arrival, NOW, arrival_with, empty_roster, groups, id, limit, newborn, policy, proved_again,
    secret, tag,
};
use crate::limits::within_limits;
use crate::modestly;

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
}

/// One subject over time, driven as the engine drives it.
pub(crate) struct World {
    pub(crate) roster: Roster,
    policy: Policy,
    pub(crate) now: Timestamp,
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
    SignIn(Arrival, Belongings),
    Visit(Index),
    Rotate(Index, Index, Occasion),
    Revoke(Index),
    Trust(Index, Option<Initiator>),
    RemoveDevice(Index),
    Mismatch(Index, u8),
    RevokeAll(Option<Index>),
    Disable,
    Enable,
    Amend(SubjectPatch),
    Obey(Policy),
    Wait(u64),
}

/// What somebody who signs in brings.
#[derive(Clone, Debug)]
struct Belongings {
    /// The session whose token the browser held before.
    replaces: Option<Index>,
    /// A device that may be known.
    device: Option<Index>,
    /// Whom the subject chose to end.
    end: Vec<Index>,
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
            Operation::SignIn(arrival, brings) => self.sign_in(&arrival, &brings, delay),
            Operation::Visit(which) => self.visit(which),
            Operation::Trust(which, by) => self.trust(which, by, delay),
            Operation::RemoveDevice(which) => self.remove_device(which, delay),
            Operation::Mismatch(which, times) => self.mismatch(which, times),
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
    pub(crate) fn commit(
        &mut self,
        delay: u64,
        mut decide: impl FnMut(&Self) -> Option<Vec<Change>>,
    ) {
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

    fn sign_in(&mut self, arrival: &Arrival, brings: &Belongings, delay: u64) {
        self.last += 1;
        let number = self.last;
        let sign_in = SignIn {
            replaces: brings
                .replaces
                .and_then(|which| self.pick(which))
                .map(|n| newborn(n).family),
            device: brings
                .device
                .and_then(|which| self.pick_device(which))
                .and_then(|id| Some(self.roster.find_device(id)?.token)),
            end: brings
                .end
                .iter()
                .filter_map(|which| self.pick(*which))
                .map(id)
                .collect(),
            evidence: Some(self.roster.generation),
            ..arrival.sign_in()
        };
        self.commit(delay, |w| {
            match admit(&w.roster, &sign_in, newborn(number), &w.policy, w.now) {
                Admission::Admit(admitted) => {
                    assert!(!admitted.evicted.contains(&id(number)));
                    let mut as_chosen = admitted.changes.iter().filter_map(|change| match change {
                        Change::End { id, ending } => {
                            (ending.reason == EndReason::RevokedByUser).then_some(id)
                        }
                        _ => None,
                    });
                    assert!(as_chosen.all(|id| sign_in.end.contains(id)), "S11");
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
            if is_due(session, self.policy.terms.rotate_every, self.now) {
                let newest = self.issued[&number].len() - 1;
                self.renew(number, self.issued[&number][newest]);
            }
        }
    }

    /// A token that is due is replaced, and that signs nobody out.
    fn renew(&mut self, number: u8, presented: u8) {
        let before = self.roster.version;
        let good = self.good_tokens(number);
        self.rotate_with(number, presented, &Occasion::Renewal, 0);
        assert_eq!(self.roster.version, before.next(), "it was due");
        let still_good = self.good_tokens(number);
        assert!(good.is_subset(&still_good), "a tab is signed out");
    }

    /// The tokens of a session that pass a check.
    fn good_tokens(&self, number: u8) -> BTreeSet<u8> {
        let is_good = |fresh: &u8| {
            let token = SessionToken::new(tag(), secret(number, *fresh));
            matches!(check(&self.roster, &token, self.now), Check::Valid(_))
        };
        let issued = self.issued[&number].iter().copied();
        issued.filter(is_good).collect()
    }

    fn rotate(&mut self, which: Index, token: Index, occasion: &Occasion, delay: u64) {
        let Some(number) = self.pick(which) else {
            return;
        };
        let presented = *token.get(&self.issued[&number]);
        self.rotate_with(number, presented, occasion, delay);
    }

    fn rotate_with(&mut self, number: u8, presented: u8, occasion: &Occasion, delay: u64) {
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
                w.device_of(&token),
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
                Rotation::DeviceMismatch { .. } | Rotation::Refuse => {
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

    /// The device that a token comes with, from its rightful holder.
    fn device_of(&self, token: &SessionToken) -> Shown {
        let family = token.secret().family();
        let session = self.roster.sessions.iter().find(|s| s.family == family);
        match session.map(|s| &s.binding) {
            Some(Binding::DeviceCookie(bound)) => Shown::Device(bound.token),
            Some(Binding::None) | None => Shown::Nothing,
        }
    }

    pub(crate) fn pick(&self, which: Index) -> Option<u8> {
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
        self.keeps_devices_in_bounds();
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

fn occasion() -> impl Strategy<Value = Occasion> {
    prop_oneof![
        4 => Just(Occasion::Renewal),
        2 => (1..3_u8).prop_map(proved_again),
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

prop_compose! {
    fn belongings()(
        replaces in option::weighted(0.2, any::<Index>()),
        device in option::weighted(0.4, any::<Index>()),
        end in vec(any::<Index>(), 0..2),
    ) -> Belongings {
        Belongings { replaces, device, end }
    }
}

fn trusted_by() -> impl Strategy<Value = Option<Initiator>> {
    option::weighted(
        0.8,
        prop_oneof![Just(Initiator::User), Just(Initiator::Admin)],
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    let bringing_groups = arrival_with(option::weighted(0.2, groups()).boxed());
    let which = any::<Index>;
    prop_oneof![
        8 => (bringing_groups, belongings()).prop_map(|(a, b)| Operation::SignIn(a, b)),
        2 => (which(), trusted_by()).prop_map(|(w, by)| Operation::Trust(w, by)),
        1 => which().prop_map(Operation::RemoveDevice),
        2 => (which(), 1..4_u8).prop_map(|(w, times)| Operation::Mismatch(w, times)),
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
