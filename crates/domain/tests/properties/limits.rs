//! Any roster and policy: who goes are the fewest that suffice, and of those the first (S1, S11).
//!
//! The model of the limits ([`within_limits`]) is written from `API.md` section 6 and shares no
//! code with the crate: it knows no greedy choice, only what must hold afterwards.

use innkeeper_domain::admission::{Admission, Refusal, admit};
use innkeeper_domain::policy::{Facts, Limit, Overflow, Per, Policy, SessionLimit};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::seats::surplus;
use innkeeper_domain::session::{Session, SessionId, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::given::{
    NOW, arrival, facts_of_sign_in, newborn, overlapping, policy, resident, roster_of,
};
use crate::modestly;

proptest! {
    #![proptest_config(modestly())]

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
                prop_assert!(matches!(terms.at_limit, Overflow::Refuse | Overflow::Ask));
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

    /// A limit per client and one per class of device each counted some of the other's. Who was let
    /// stay from the latest downwards kept too few: two went where one would have done for both.
    #[test]
    fn given_limits_that_overlap_when_somebody_arrives_or_not_then_the_victims_are_the_fewest(
        policy in overlapping(),
        sessions in vec(resident(), 1..8),
        arrival in arrival(),
    ) {
        let roster = roster_of(&sessions, None);
        let sign_in = arrival.sign_in();
        let newcomer = facts_of_sign_in(&sign_in, &roster.groups);
        let seated: Vec<_> = roster.live(NOW).map(|s| &**s).collect();
        let order = Overflow::EvictLeastRecent;

        let answer = admit(&roster, &sign_in, newborn(99), &policy, NOW);

        let Admission::Admit(admitted) = answer else { panic!("it evicts: {answer:?}") };
        prop_assert_eq!(admitted.evicted, victims(&roster, &policy, &seated, Some(&newcomer), order));
        let going = surplus(&roster, &policy, NOW);
        prop_assert_eq!(going, victims(&roster, &policy, &seated, None, order));
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
}

/// Whether these sessions may be live together.
pub(crate) fn within_limits(
    policy: &Policy,
    own_limit: Option<SessionLimit>,
    seated: &[Facts<'_>],
) -> bool {
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
            let is_like = |p: &&&&Facts<'_>| match limit.per {
                Per::Client => p.client == facts.client,
                Per::DeviceClass => p.device_class == facts.device_class,
            };
            let together = counted.iter().filter(|p| p.class == facts.class);
            together.filter(is_like).count() <= limit.max_sessions.get()
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
