//! Any full roster: what may be chosen to end is enough, and no more than it must be (V4).
//!
//! The model knows no limit by limit and no step by step, only what must hold of the list.

use std::sync::Arc;

use innkeeper_domain::admission::{Admission, Refusal, SignIn, admit};
use innkeeper_domain::change::Change;
use innkeeper_domain::device::{
    Device, DeviceClass, DeviceDigest, DeviceId, DeviceSerial, DeviceTrust,
};
use innkeeper_domain::policy::{Facts, Limit, Overflow, Per, Policy};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::seats::{NoSeat, WayOut};
use innkeeper_domain::session::{EndReason, Initiator, Session, SessionId, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::given::{
    NOW, Resident, arrival, facts_of_sign_in, newborn, policy, proof, resident, roster_of, tag,
};
use crate::modestly;

proptest! {
    #![proptest_config(modestly())]

    #[test]
    fn given_any_roster_when_there_is_no_seat_then_the_list_is_enough_and_no_longer_than_it_must_be(
        policy in policy(),
        guests in vec((resident(), 0..4_u8, 1..4_u8), 1..8),
        arrival in arrival(),
        assurance in 1..4_u8,
    ) {
        let roster = house(&guests);
        let sign_in = SignIn {
            authentication: proof(assurance),
            ..arrival.sign_in()
        };
        let newcomer = facts_of_sign_in(&sign_in, &roster.groups);
        let door = Door { roster: &roster, policy: &policy, newcomer };
        let Some(no_seat) = turned_away(&roster, &sign_in, &policy) else {
            return Ok(());
        };

        prop_assert!(!door.has_seat_without(|_| false));
        let is_listed = |s: &Session| no_seat.endable.contains(&s.id);
        for session in roster.live(NOW).filter(|s| is_listed(s)) {
            let shield = shield(session);
            prop_assert!(door.opens(session, assurance));
            let less = |s: &Session| self::shield(s) < shield && door.opens(s, assurance);
            prop_assert!(shield == 0 || !door.has_seat_without(less), "others were enough");
        }
        match no_seat.way_out {
            WayOut::Choose => {
                prop_assert!(door.has_seat_without(is_listed));
                let chosen = SignIn { end: no_seat.endable.clone().into(), ..sign_in.clone() };
                let Admission::Admit(admitted) = admit(&roster, &chosen, newborn(99), &policy, NOW) else {
                    panic!("all that was listed is enough");
                };
                prop_assert_eq!(ended_by_choice(&admitted.changes), no_seat.endable.clone());
            }
            WayOut::ProveMore(least) => {
                let least = least.get();
                prop_assert!(!door.has_seat_without(is_listed));
                prop_assert!(door.has_seat_without(|s| door.opens(s, least)));
                prop_assert!(!door.has_seat_without(|s| door.opens(s, least - 1)));
            }
            WayOut::Wait => panic!("nobody waits for a seat of its own"),
        }
        for other in roster.live(NOW).filter(|s| !is_listed(s)) {
            let mut end = no_seat.endable.clone();
            end.push(other.id);
            let greedy = SignIn { end: end.into(), ..sign_in.clone() };
            prop_assert_eq!(turned_away(&roster, &greedy, &policy), Some(no_seat.clone()));
        }
    }
}

/// Whoever wants in, and what holds there.
struct Door<'a> {
    roster: &'a Roster,
    policy: &'a Policy,
    newcomer: Facts<'a>,
}

impl Door<'_> {
    /// Whether a proof of this strength may end a session at all.
    fn opens(&self, session: &Session, assurance: u8) -> bool {
        let is_given_up = self.policy.terms(&self.newcomer).at_limit != Overflow::Refuse;
        (is_given_up && shield(session) == 0) || session.authentication.assurance.get() <= assurance
    }

    /// Whether the newcomer has a seat once these are gone.
    fn has_seat_without(&self, gone: impl Fn(&Session) -> bool) -> bool {
        let (roster, newcomer) = (self.roster, &self.newcomer);
        let staying = roster.live(NOW).filter(|s| !gone(s));
        let staying: Vec<_> = staying.map(|s| roster.facts(s)).collect();
        let is_limited = |f: &&Facts<'_>| self.policy.terms(f).at_limit != Overflow::Observe;
        let limited: Vec<_> = staying.iter().filter(is_limited).collect();
        let peers = || limited.iter().filter(|p| p.class == newcomer.class);
        let max = |f: &Facts<'_>| {
            let own = roster.own_limit;
            own.unwrap_or(self.policy.terms(f).max_sessions).get()
        };
        let lowest = peers().map(|p| max(p)).chain([max(newcomer)]).min();
        let has_room = |limit: &Limit| {
            let is_like = |p: &&&Facts<'_>| match limit.per {
                Per::Client => p.client == newcomer.client,
                Per::DeviceClass => p.device_class == newcomer.device_class,
            };
            let counted = peers().filter(|p| limit.when.matches(p));
            !limit.when.matches(newcomer)
                || counted.filter(is_like).count() < limit.max_sessions.get()
        };
        lowest.is_some_and(|lowest| peers().count() < lowest)
            && self.policy.limits.iter().all(has_room)
    }
}

/// The device that an administrator trusts, one that its subject has just trusted, and another.
const BY_ADMIN: u8 = 1;
const JUST_NOW: u8 = 2;

/// How well a session is shielded from somebody on a device that nobody knows.
fn shield(session: &Session) -> u8 {
    match session.device.map(|serial| serial.0[0]) {
        Some(BY_ADMIN) => 2,
        Some(JUST_NOW) => 1,
        _ => 0,
    }
}

/// A roster of sessions on these devices, 0 being none, by proofs of this strength.
fn house(guests: &[(Resident, u8, u8)]) -> Roster {
    let residents: Vec<_> = guests
        .iter()
        .map(|(resident, ..)| resident.clone())
        .collect();
    let mut roster = roster_of(&residents, None);
    roster.devices = (1..4_u8)
        .map(|number| {
            let trusted_by = |by| DeviceTrust { since: NOW, by };
            Arc::new(Device {
                id: DeviceId::new(tag(), DeviceSerial([number; 12])),
                token: DeviceDigest([number; 32]),
                label: None,
                class: DeviceClass::Other,
                trust: match number {
                    BY_ADMIN => Some(trusted_by(Initiator::Admin)),
                    JUST_NOW => Some(trusted_by(Initiator::User)),
                    _ => None,
                },
                first_seen: Timestamp::ZERO,
                last_seen: Timestamp::ZERO,
            })
        })
        .collect();
    for (session, (_, device, assurance)) in roster.sessions.iter_mut().zip(guests) {
        let session = Arc::make_mut(session);
        session.device = (*device > 0).then_some(DeviceSerial([*device; 12]));
        session.authentication = proof(*assurance);
    }
    roster
}

fn turned_away(roster: &Roster, sign_in: &SignIn, policy: &Policy) -> Option<NoSeat> {
    match admit(roster, sign_in, newborn(99), policy, NOW) {
        Admission::Refuse(Refusal::SessionLimit(no_seat)) => Some(no_seat),
        Admission::Refuse(other) => panic!("{other:?}"),
        Admission::Admit(_) => None,
    }
}

fn ended_by_choice(changes: &[Change]) -> Vec<SessionId> {
    let ends = changes.iter().filter_map(|change| match change {
        Change::End { id, ending } if ending.reason == EndReason::RevokedByUser => Some(*id),
        _ => None,
    });
    ends.collect()
}
