//! Seats: whom the limits have room for, and who must go where they have not.
//!
//! Several limits hold at once: one a class, those per client, and the cap over everything. What
//! is chosen here is only who: that somebody arrives, or that a policy changed, and what becomes
//! of those who go, is the business of [`admission`](crate::admission) and
//! [`amendment`](crate::amendment).

mod fewest;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::device::DeviceClass;
use crate::name::ClientId;
use crate::policy::{Facts, Overflow, Per, Policy, SessionLimit};
use crate::protection::is_on_trusted;
use crate::roster::Roster;
use crate::session::{AssuranceLevel, Session, SessionClass, SessionId, Timestamp};
use fewest::fewest;

/// What a limit counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All sessions of one class of the subject.
    Subject,
    /// Those of one client.
    Client,
    /// Those on one class of device.
    DeviceClass,
    /// All sessions of all subjects of the tenant.
    Tenant,
}

/// A limit that has no seat left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FullLimit {
    /// What it counts.
    pub scope: Scope,
    /// How many it allows.
    pub max: usize,
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

/// How a newcomer without a seat gets one. Where seats are the subject's own there always is a
/// way: no refusal is a dead end (V4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WayOut {
    /// The subject chooses whom to end.
    Choose,
    /// With a proof at least this strong, the subject may choose.
    ProveMore(AssuranceLevel),
    /// Others hold all seats of the tenant, and the subject has none to give up.
    Wait,
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
    /// How many of one class there may be at most, whatever the policy says.
    most: Option<(SessionClass, SessionLimit)>,
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
            most: None,
        }
    }

    /// These, with at most so many of one class.
    pub(crate) const fn at_most(self, most: Option<(SessionClass, SessionLimit)>) -> Self {
        Self { most, ..self }
    }

    /// What a session with these facts takes; `None` if no limit is in force for it.
    fn claim(&self, facts: &Facts<'_>) -> Option<Claim> {
        let terms = self.policy.terms(facts);
        if terms.at_limit == Overflow::Observe && self.observed == Observed::Free {
            return None;
        }
        let max = self.roster.own_limit.unwrap_or(terms.max_sessions);
        let most = self.most.filter(|(class, _)| *class == facts.class);
        let seats = self.policy.limits.iter().enumerate();
        Some(Claim {
            class: facts.class,
            max: most.map_or(max, |(_, most)| most.min(max)),
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
        let limit = |scope, max: SessionLimit, holders: Vec<SessionId>| {
            let max = max.get();
            (FullLimit { scope, max }, holders)
        };
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
            .filter(|(full, holders)| holders.len() >= full.max)
            .collect()
    }
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
    use crate::change::Change;
    use crate::policy::{Condition, Limit, Setting};
    use crate::testing::{
        at, empty_roster, evicting_at, id, limit, observing, policy, roster, ruled, session, tag,
        when_remembered,
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

    /// Far more than can be tried: what is found in a bounded time is enough all the same.
    #[test]
    fn given_a_thousand_under_limits_that_overlap_when_lowered_then_enough_go() {
        let classes = [DeviceClass::Desktop, DeviceClass::Mobile, DeviceClass::Tv];
        let clients = ["web", "tv", "mail", "shop"];
        let seated = (0..1000_u16).map(|n| {
            let mut session = session(0)
                .client(clients[usize::from(n / 3) % 4])
                .of_class(classes[usize::from(n % 3)])
                .seen_at(u64::from(n % 17))
                .build();
            let [high, low] = n.to_be_bytes();
            let mut serial = [0; 12];
            serial[..2].copy_from_slice(&[high, low]);
            session.id = SessionId::from_entropy(tag(), serial);
            session.birth = u64::from(n) + 1;
            Change::Birth(Arc::new(session))
        });
        let mut roster = empty_roster();
        roster.apply(&seated.collect::<Vec<_>>(), at(0));
        let row = |per, max| Limit {
            per,
            when: Condition::default(),
            max_sessions: limit(max),
        };
        let mut policy = evicting_at(900);
        policy.limits = vec![row(Per::Client, 7), row(Per::DeviceClass, 8)];

        let going = surplus(&roster, &policy, at(20));

        let staying: Vec<_> = roster
            .live(at(20))
            .filter(|s| !going.contains(&s.id))
            .collect();
        for client in clients {
            let of_it =
                |s: &&&Arc<Session>| s.client.as_ref().is_some_and(|c| c.as_str() == client);
            assert!(staying.iter().filter(of_it).count() <= 7);
        }
        for class in classes {
            assert!(staying.iter().filter(|s| s.device_class == class).count() <= 8);
        }
        assert_eq!(staying.len(), 24, "each class of device is full");
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
