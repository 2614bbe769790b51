//! Seats: whom the limits have room for, and who must go where they have not.
//!
//! Several limits hold at once: one a class, those per client, and the cap over everything. What
//! is chosen here is only who: that somebody arrives, or that a policy changed, and what becomes
//! of those who go, is the business of [`admission`](crate::admission) and
//! [`amendment`](crate::amendment).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::device::DeviceClass;
use crate::name::ClientId;
use crate::policy::{Facts, Overflow, Per, Policy, SessionLimit};
use crate::protection::is_on_trusted;
use crate::roster::Roster;
use crate::session::{AssuranceLevel, Session, SessionClass, SessionId, Timestamp};

/// What a limit counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All sessions of one class of the subject.
    Subject,
    /// Those of one client.
    Client,
    /// Those on one class of device.
    DeviceClass,
}

/// A limit that has no seat left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FullLimit {
    /// What it counts.
    pub scope: Scope,
    /// How many it allows.
    pub max: SessionLimit,
}

/// Why a newcomer finds no seat, and what it may do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoSeat {
    /// The narrowest limit that is full.
    pub limit: FullLimit,
    /// The sessions that the newcomer's proof may end to get one, in order of birth.
    pub endable: Vec<SessionId>,
    /// How many have to go at least.
    pub fewest: usize,
    /// Whether enough of them may be ended.
    pub way_out: WayOut,
}

/// How a newcomer without a seat gets one. There always is a way: no refusal is a dead end (V4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WayOut {
    /// The subject chooses whom to end.
    Choose,
    /// With a proof at least this strong, the subject may choose.
    ProveMore(AssuranceLevel),
}

/// Chooses who must go so that the limits hold among the live sessions, with nobody arriving.
///
/// The oldest go first where `evict-oldest` holds for every session that has a limit; any other
/// policy, and any mixture, gives up the least recent first. Those on trusted devices go last,
/// where they are protected. Under `observe` no limit is in force.
#[must_use]
pub fn surplus(roster: &Roster, policy: &Policy, now: Timestamp) -> Vec<SessionId> {
    let seated: Vec<_> = roster.live(now).collect();
    let mut named = seated
        .iter()
        .map(|s| policy.terms(&roster.facts(s)).at_limit)
        .filter(|at_limit| *at_limit != Overflow::Observe);
    let order = if named.all(|at_limit| at_limit == Overflow::EvictOldest) {
        Overflow::EvictOldest
    } else {
        Overflow::EvictLeastRecent
    };
    let is_protected = |s: &Session| {
        let terms = policy.terms(&roster.facts(s));
        !terms.protect_trusted_for.is_zero() && is_on_trusted(roster, s)
    };
    Limits::new(roster, policy, Observed::Free)
        .victims(&seated, None, order, &is_protected)
        .iter()
        .map(|s| s.id)
        .collect()
}

/// The limits that a policy puts on a roster.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    roster: &'a Roster,
    policy: &'a Policy,
    observed: Observed,
}

/// Whether sessions under [`Overflow::Observe`] are held to the limits.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Observed {
    /// No limit is in force for them: they hold no seat, and lack none.
    Free,
    /// As if the policy enforced them, to tell what it would have done.
    Counted,
}

/// What a session takes while it lives.
struct Claim {
    class: SessionClass,
    /// The most sessions of its class among which it may live.
    max: SessionLimit,
    /// Its seats under further limits, each with how many there are.
    seats: Vec<(Seat, SessionLimit)>,
}

/// What a further limit counts together.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Seat {
    /// The place of the limit in the policy.
    limit: usize,
    class: SessionClass,
    counted: Counted,
}

/// What the sessions of a seat have in common.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Counted {
    Client(Option<ClientId>),
    DeviceClass(DeviceClass),
}

impl Counted {
    const fn scope(&self) -> Scope {
        match self {
            Self::Client(_) => Scope::Client,
            Self::DeviceClass(_) => Scope::DeviceClass,
        }
    }
}

impl<'a> Limits<'a> {
    pub(crate) const fn new(roster: &'a Roster, policy: &'a Policy, observed: Observed) -> Self {
        Self {
            roster,
            policy,
            observed,
        }
    }

    /// What a session with these facts takes; `None` if no limit is in force for it.
    fn claim(&self, facts: &Facts<'_>) -> Option<Claim> {
        let terms = self.policy.terms(facts);
        if terms.at_limit == Overflow::Observe && self.observed == Observed::Free {
            return None;
        }
        let seats = self.policy.limits.iter().enumerate();
        Some(Claim {
            class: facts.class,
            max: self.roster.own_limit.unwrap_or(terms.max_sessions),
            seats: seats
                .filter(|(_, limit)| limit.when.matches(facts))
                .map(|(place, limit)| {
                    let seat = Seat {
                        limit: place,
                        class: facts.class,
                        counted: match limit.per {
                            Per::Client => Counted::Client(facts.client.cloned()),
                            Per::DeviceClass => Counted::DeviceClass(facts.device_class),
                        },
                    };
                    (seat, limit.max_sessions)
                })
                .collect(),
        })
    }

    /// Chooses who must go, the first to go first: as few of those that are `protected` as can
    /// be, then the fewest.
    ///
    /// Each class is counted apart; only the cap over everything spans them.
    pub(crate) fn victims<'s>(
        &self,
        seated: &[&'s Arc<Session>],
        newcomer: Option<&Facts<'_>>,
        order: Overflow,
        protected: &dyn Fn(&Session) -> bool,
    ) -> Vec<&'s Arc<Session>> {
        let ordered = in_order(seated, order, protected);
        let first_protected = ordered.partition_point(|s| !protected(s));
        let claims: Vec<_> = ordered
            .iter()
            .map(|s| self.claim(&self.roster.facts(s)))
            .collect();
        let arriving = newcomer.and_then(|facts| self.claim(facts));
        let classes: BTreeSet<_> = claims.iter().flatten().map(|c| c.class).collect();

        let mut going = BTreeSet::new();
        for class in classes {
            let members: Vec<_> = claims
                .iter()
                .enumerate()
                .filter_map(|(place, claim)| Some((place, claim.as_ref()?)))
                .filter(|(_, claim)| claim.class == class)
                .collect();
            going.extend(fewest(
                &members,
                arriving.as_ref().filter(|c| c.class == class),
                first_protected,
            ));
        }
        let room = SessionLimit::MAX.get() - usize::from(newcomer.is_some());
        let too_many = (ordered.len() - going.len()).saturating_sub(room);
        let capped: Vec<_> = (0..ordered.len())
            .filter(|place| !going.contains(place))
            .take(too_many)
            .collect();
        going.extend(capped);
        going.into_iter().map(|place| ordered[place]).collect()
    }

    /// The narrowest limit that leaves the newcomer no seat, if there is one.
    pub(crate) fn find_full(
        &self,
        newcomer: &Facts<'_>,
        seated: &[&Arc<Session>],
    ) -> Option<FullLimit> {
        self.full(newcomer, seated).into_iter().next().map(|f| f.0)
    }

    /// The limits that leave the newcomer no seat, the narrowest first, each with who holds its
    /// seats.
    pub(crate) fn full(
        &self,
        newcomer: &Facts<'_>,
        seated: &[&Arc<Session>],
    ) -> Vec<(FullLimit, Vec<SessionId>)> {
        let Some(arriving) = self.claim(newcomer) else {
            return Vec::new();
        };
        let held: Vec<_> = seated
            .iter()
            .filter_map(|s| Some((s.id, self.claim(&self.roster.facts(s))?)))
            .collect();
        let limit = |scope, max, holders: Vec<SessionId>| (FullLimit { scope, max }, holders);
        let holders_of = |seat: &Seat| {
            held.iter()
                .filter(|(_, claim)| claim.seats.iter().any(|(held, _)| held == seat))
                .map(|(id, _)| *id)
                .collect()
        };
        let peers: Vec<_> = held
            .iter()
            .filter(|(_, claim)| claim.class == arriving.class)
            .collect();
        let lowest = peers.iter().map(|(_, c)| c.max).min();
        let lowest = lowest.map_or(arriving.max, |max| max.min(arriving.max));

        let further = arriving.seats.iter().rev();
        let of_class = peers.iter().map(|(id, _)| *id).collect();
        let of_all = seated.iter().map(|s| s.id).collect();
        further
            .map(|(seat, max)| limit(seat.counted.scope(), *max, holders_of(seat)))
            .chain([
                limit(Scope::Subject, lowest, of_class),
                limit(Scope::Subject, SessionLimit::MAX, of_all),
            ])
            .filter(|(full, holders)| holders.len() >= full.max.get())
            .collect()
    }
}

/// The fewest members of one class that must go, by their places in the order.
///
/// The lowest limit among those who stay holds, so one session with a low limit may cost several
/// others their seats, or its own. Each limit there is gets tried as that lowest one; what it
/// leaves is a plain counting problem.
///
/// Those from `first_protected` on go only where there is no other way.
fn fewest(
    members: &[(usize, &Claim)],
    newcomer: Option<&Claim>,
    first_protected: usize,
) -> Vec<usize> {
    // The newcomer stays, and with it its limit.
    let highest = newcomer.map_or(SessionLimit::MAX, |n| n.max);
    let lowest: BTreeSet<_> = members
        .iter()
        .map(|(_, claim)| claim.max.min(highest))
        .collect();
    lowest
        .into_iter()
        .map(|lowest| unseated(members, newcomer, lowest))
        .min_by_key(|going| {
            let protected = going.iter().filter(|place| **place >= first_protected);
            (protected.count(), going.len(), going.clone())
        })
        .unwrap_or_default()
}

/// Who is left without a seat if `lowest` is the limit of the class, and nobody with a lower one
/// may stay.
///
/// The newcomer is seated first. Then, from the session most worth keeping downwards, each keeps
/// its seat if every limit still has room for it. The sets that limits count lie inside each
/// other or apart, and for such sets this greedy choice keeps the most.
fn unseated(
    members: &[(usize, &Claim)],
    newcomer: Option<&Claim>,
    lowest: SessionLimit,
) -> Vec<usize> {
    let mut seated = 0;
    let mut taken: HashMap<&Seat, usize> = HashMap::new();
    let mut unseated = Vec::new();
    let downwards = members.iter().rev().map(|(place, c)| (Some(*place), *c));
    for (place, claim) in newcomer.map(|c| (None, c)).into_iter().chain(downwards) {
        let has_room = claim.max >= lowest
            && seated < lowest.get()
            && claim
                .seats
                .iter()
                .all(|(seat, max)| taken.get(seat).copied().unwrap_or(0) < max.get());
        if has_room {
            seated += 1;
            for (seat, _) in &claim.seats {
                *taken.entry(seat).or_default() += 1;
            }
        } else {
            unseated.extend(place);
        }
    }
    unseated.reverse();
    unseated
}

/// The sessions in the order in which they would have to go, the protected ones last.
///
/// Last-seen may move while we look, so each is read once.
fn in_order<'s>(
    seated: &[&'s Arc<Session>],
    order: Overflow,
    protected: &dyn Fn(&Session) -> bool,
) -> Vec<&'s Arc<Session>> {
    let mut ordered = seated.to_vec();
    ordered.sort_by_cached_key(|s| {
        let seen = match order {
            Overflow::EvictOldest => Timestamp::ZERO,
            Overflow::EvictLeastRecent | Overflow::Refuse | Overflow::Ask | Overflow::Observe => {
                s.last_seen.get()
            }
        };
        (protected(s), seen, s.birth, s.id)
    });
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Setting;
    use crate::testing::{
        at, evicting_at, id, observing, policy, roster, ruled, session, when_remembered,
    };

    #[test]
    fn given_a_lower_limit_when_nobody_arrives_then_the_least_recent_are_surplus() {
        let roster = roster([
            session(1).seen_at(9),
            session(2).seen_at(3),
            session(3).seen_at(5),
        ]);

        assert_eq!(
            surplus(&roster, &policy(2, Overflow::Refuse), at(20)),
            [id(2)]
        );
        assert_eq!(
            surplus(&roster, &policy(1, Overflow::EvictOldest), at(20)),
            [id(1), id(2)]
        );
        assert!(surplus(&roster, &policy(1, Overflow::Observe), at(20)).is_empty());
    }

    #[test]
    fn given_a_first_session_under_observe_when_the_others_have_a_limit_then_it_holds_for_them() {
        let roster = roster([session(1).remembered(), session(2), session(3)]);
        let policy = ruled(evicting_at(1), 0, when_remembered(), observing());

        assert_eq!(surplus(&roster, &policy, at(20)), [id(2)]);
    }

    #[test]
    fn given_mixed_orders_when_nobody_arrives_then_the_least_recent_go_first() {
        let roster = roster([
            session(1).remembered().seen_at(9),
            session(2).seen_at(3),
            session(3).seen_at(5),
        ]);
        let oldest = Setting {
            at_limit: Some(Overflow::EvictOldest),
            ..Setting::default()
        };
        let policy = ruled(evicting_at(2), 0, when_remembered(), oldest);

        assert_eq!(surplus(&roster, &policy, at(20)), [id(2)]);
    }
}
