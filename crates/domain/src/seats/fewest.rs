//! The fewest of one class who must go, and of those the first in the order.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Claim, Counted, Seat};
use crate::policy::SessionLimit;

/// How many arrangements of a class are looked at where limits overlap. Beyond that what was found
/// by then stands: enough go, though perhaps not the fewest. Sign-ins take a handful.
const LOOKED_MAX: usize = 10_000;

/// What a choice costs, the cheapest first: protected sessions, sessions, and their order.
type Cost = (usize, usize, Vec<usize>);

fn cost(going: Vec<usize>, first_protected: usize) -> Cost {
    let protected = going.iter().filter(|place| **place >= first_protected);
    (protected.count(), going.len(), going)
}

/// The fewest members of one class that must go, by their places in the order.
///
/// The lowest limit among those who stay holds, so one session with a low limit may cost several
/// others their seats, or its own. Each limit there is gets tried as that lowest one; what it
/// leaves is a counting problem.
///
/// Those from `first_protected` on go only where there is no other way.
pub(super) fn fewest(
    members: &[(usize, &Claim)],
    newcomer: Option<&Claim>,
    first_protected: usize,
) -> Vec<usize> {
    // The newcomer stays, and with it its limit.
    let highest = newcomer.map_or(SessionLimit::MAX, |n| n.max);
    let mut lowest: Vec<_> = members
        .iter()
        .map(|(_, claim)| claim.max.min(highest))
        .collect();
    lowest.sort_unstable();
    lowest.dedup();
    let share = LOOKED_MAX / lowest.len().max(1);
    lowest
        .into_iter()
        .map(|lowest| {
            let going = unseated(members, newcomer, lowest);
            let going = cost(going, first_protected);
            if members.iter().any(|(_, claim)| may_overlap(claim)) {
                Search::of(members, newcomer, lowest, first_protected).best_of(going, share)
            } else {
                going
            }
        })
        .min()
        .map(|(_, _, going)| going)
        .unwrap_or_default()
}

/// Who is left without a seat if `lowest` is the limit of the class, and nobody with a lower one
/// may stay.
///
/// The newcomer is seated first. Then, from the session most worth keeping downwards, each keeps
/// its seat if every limit still has room for it. Where the sets that limits count lie inside each
/// other or apart, this greedy choice keeps the most.
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

/// Whether a limit of this claim may count some of what another one counts, and neither all of the
/// other's.
///
/// Limits per client never do, since of one class and client only `remember` differs. Those per
/// class of device overlap with them, and with one another where they name clients.
fn may_overlap(claim: &Claim) -> bool {
    let by_device = |(seat, _): &(Seat, _)| matches!(seat.counted, Counted::DeviceClass(_));
    claim.seats.len() > 1 && claim.seats.iter().any(by_device)
}

/// The search for the cheapest choice where limits overlap: as long as a limit is exceeded, one of
/// those whom it counts has to go. Who that is gets tried in turn; among sessions that no limit
/// tells apart it is always the first in the order.
struct Search {
    /// Those who go whatever is chosen: their own limit is lower.
    lost: Vec<usize>,
    /// The others, by what counts them.
    kinds: Vec<Kind>,
    /// By how much each limit is exceeded. The first is that of the class.
    over: Vec<isize>,
    /// The kinds that each limit counts.
    counted: Vec<Vec<usize>>,
    first_protected: usize,
    /// How many more arrangements may be looked at.
    left: usize,
    seen: HashSet<Vec<usize>>,
}

/// Sessions that no limit tells apart.
struct Kind {
    limits: Vec<usize>,
    /// Their places in the order.
    places: Vec<usize>,
}

impl Search {
    fn of(
        members: &[(usize, &Claim)],
        newcomer: Option<&Claim>,
        lowest: SessionLimit,
        first_protected: usize,
    ) -> Self {
        let (staying, lost): (Vec<_>, Vec<_>) = members.iter().partition(|m| m.1.max >= lowest);
        let mut over = vec![-room(lowest)];
        let mut limits: HashMap<&Seat, usize> = HashMap::new();
        let mut kinds: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        let staying = staying.iter().map(|(place, claim)| (Some(*place), *claim));
        for (place, claim) in newcomer.map(|c| (None, c)).into_iter().chain(staying) {
            let mut counting = vec![0];
            for (seat, max) in &claim.seats {
                counting.push(*limits.entry(seat).or_insert_with(|| {
                    over.push(-room(*max));
                    over.len() - 1
                }));
            }
            for limit in &counting {
                over[*limit] += 1;
            }
            if let Some(place) = place {
                kinds.entry(counting).or_default().push(place);
            }
        }
        let kinds: Vec<_> = kinds
            .into_iter()
            .map(|(limits, places)| Kind { limits, places })
            .collect();
        let counted = (0..over.len()).map(|limit| {
            let of_it = kinds.iter().enumerate();
            let of_it = of_it.filter(|(_, kind)| kind.limits.contains(&limit));
            of_it.map(|(number, _)| number).collect()
        });
        Self {
            counted: counted.collect(),
            lost: lost.iter().map(|(place, _)| *place).collect(),
            kinds,
            over,
            first_protected,
            left: 0,
            seen: HashSet::new(),
        }
    }

    fn best_of(mut self, known: Cost, looked_max: usize) -> Cost {
        self.left = looked_max;
        let mut gone = vec![0; self.kinds.len()];
        let mut best = known;
        self.look(&mut gone, &mut best);
        best
    }

    /// Looks at what these leave, of each kind so many, and at all that goes on from there.
    fn look(&mut self, gone: &mut Vec<usize>, best: &mut Cost) {
        if self.left == 0 || !self.seen.insert(gone.clone()) {
            return;
        }
        self.left -= 1;
        let (protected, going) = self.counts(gone);
        let most = self.over.iter().copied().max().unwrap_or_default();
        let still = usize::try_from(most).unwrap_or_default();
        if (protected, going + still) > (best.0, best.1) {
            return;
        }
        if still == 0 {
            *best = best
                .clone()
                .min(cost(self.going(gone), self.first_protected));
            return;
        }
        let exceeded = (0..self.over.len()).filter(|limit| self.over[*limit] > 0);
        let narrowest = exceeded.min_by_key(|limit| self.counted[*limit].len());
        let Some(narrowest) = narrowest else { return };
        let mut next: Vec<_> = self.counted[narrowest]
            .iter()
            .filter_map(|kind| Some((*self.kinds[*kind].places.get(gone[*kind])?, *kind)))
            .collect();
        next.sort_unstable();
        for (_, kind) in next {
            self.shift(kind, -1);
            gone[kind] += 1;
            self.look(gone, best);
            gone[kind] -= 1;
            self.shift(kind, 1);
        }
    }

    /// How many protected ones these are, and how many in all.
    fn counts(&self, gone: &[usize]) -> (usize, usize) {
        let protected = |places: &[usize]| {
            let open = places.partition_point(|place| *place < self.first_protected);
            places.len() - open
        };
        let chosen = self.kinds.iter().zip(gone);
        chosen.fold(
            (protected(&self.lost), self.lost.len()),
            |(shielded, going), (kind, gone)| {
                (shielded + protected(&kind.places[..*gone]), going + gone)
            },
        )
    }

    /// Who these are, in their order.
    fn going(&self, gone: &[usize]) -> Vec<usize> {
        let chosen = self.kinds.iter().zip(gone);
        let chosen = chosen.flat_map(|(kind, gone)| &kind.places[..*gone]);
        let mut going: Vec<_> = chosen.chain(&self.lost).copied().collect();
        going.sort_unstable();
        going
    }

    fn shift(&mut self, kind: usize, by: isize) {
        for limit in &self.kinds[kind].limits {
            self.over[*limit] += by;
        }
    }
}

fn room(max: SessionLimit) -> isize {
    isize::try_from(max.get()).unwrap_or(isize::MAX)
}
