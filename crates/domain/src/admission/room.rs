//! Room for one more: who ends for a newcomer, by the subject's choice or by the policy.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::change::Change;
use crate::policy::{Facts, Overflow, Policy, SessionLimit};
use crate::roster::Roster;
use crate::seats::{FullLimit, Limits, NoSeat, Observed, WayOut};
use crate::session::{AssuranceLevel, EndReason, Initiator, Session, SessionId, Timestamp};

/// Somebody who arrives where sessions are, and what they may do to those.
pub(super) struct Arrival<'a> {
    pub(super) roster: &'a Roster,
    pub(super) policy: &'a Policy,
    pub(super) newcomer: Facts<'a>,
    pub(super) at_limit: Overflow,
    /// How much the newcomer proved.
    pub(super) proof: AssuranceLevel,
    /// The sessions that the subject chose to end.
    pub(super) chosen: &'a [SessionId],
    /// Which sessions the policy does not give up for this newcomer.
    pub(super) protected: &'a dyn Fn(&Session) -> bool,
}

/// A seat, and what it costs.
pub(super) struct Room {
    /// The ends that make it free.
    pub(super) changes: Vec<Change>,
    /// Whose seats are taken by the policy, in the policy's order.
    pub(super) evicted: Vec<SessionId>,
    /// Whether others stay beside the newcomer.
    pub(super) concurrent: bool,
    /// Whether a limit is exceeded that the policy only observes.
    pub(super) over_limit: bool,
}

impl Arrival<'_> {
    /// Ends whom the subject chose, then whom the policy gives up, until there is a seat.
    ///
    /// `present` are the live sessions that do not end for another reason.
    pub(super) fn make_room(
        &self,
        present: &[&Arc<Session>],
        now: Timestamp,
    ) -> Result<Room, NoSeat> {
        let limits = Limits::new(self.roster, self.policy, Observed::Free);
        let (chosen, seated): (Vec<_>, Vec<_>) = present
            .iter()
            .copied()
            .partition(|s| self.chosen.contains(&s.id) && self.may_choose(s, present.len()));
        let full = limits.find_full(&self.newcomer, &seated);
        let has_seat = full.is_none();
        let reason = match (self.at_limit, full) {
            (Overflow::Refuse | Overflow::Ask, Some(_)) => {
                return Err(self.no_seat(&limits, present));
            }
            // The newcomer has a seat; who must go all the same does so by the groups it brought.
            (Overflow::Refuse | Overflow::Ask, None) => EndReason::PolicyChange,
            (Overflow::EvictOldest | Overflow::EvictLeastRecent | Overflow::Observe, _) => {
                EndReason::Evicted
            }
        };
        let newcomer = Some(&self.newcomer);
        let victims = limits.victims(&seated, newcomer, self.at_limit, self.protected);
        // Protection is from the newcomer. What the groups it brought leave no seat goes all the
        // same.
        if !has_seat && victims.iter().any(|s| (self.protected)(s)) {
            return Err(self.no_seat(&limits, present));
        }
        let over_limit = self.at_limit == Overflow::Observe
            && Limits::new(self.roster, self.policy, Observed::Counted)
                .find_full(&self.newcomer, &seated)
                .is_some();

        let by_choice = chosen
            .iter()
            .map(|s| Change::end(s.id, now, EndReason::RevokedByUser, Initiator::User));
        let by_policy = victims
            .iter()
            .map(|s| Change::end(s.id, now, reason, Initiator::Policy));
        Ok(Room {
            changes: by_choice.chain(by_policy).collect(),
            evicted: victims.iter().map(|s| s.id).collect(),
            concurrent: seated.len() > victims.len(),
            over_limit,
        })
    }

    /// Whether a proof of this strength may end `session` to take its seat.
    ///
    /// Where the policy asks, anybody's it does not protect; else those that rest on a proof no
    /// stronger, so that a stolen password ends nothing that was opened with more.
    fn may_end(&self, session: &Session, proof: AssuranceLevel) -> bool {
        let is_given_up = self.at_limit != Overflow::Refuse && !(self.protected)(session);
        is_given_up || session.authentication.assurance <= proof
    }

    /// Whether the newcomer may choose to end `session`, one of those `present`: only what is
    /// counted with it.
    fn may_choose(&self, session: &Session, present: usize) -> bool {
        let counted = session.class == self.newcomer.class || present >= SessionLimit::MAX.get();
        counted && self.may_end(session, self.proof)
    }

    /// The sessions that a proof of this strength may end to get a seat, and whether that is
    /// enough. Those that hold seats of a wider limit are among them only where one is needed.
    fn endable(
        &self,
        limits: &Limits<'_>,
        present: &[&Arc<Session>],
        proof: AssuranceLevel,
    ) -> (BTreeSet<SessionId>, bool) {
        let mut ended = BTreeSet::new();
        for (_, holders) in limits.full(&self.newcomer, present) {
            ended.extend(
                present
                    .iter()
                    .filter(|s| holders.contains(&s.id) && self.may_end(s, proof))
                    .map(|s| s.id),
            );
            let left = present.iter().copied().filter(|s| !ended.contains(&s.id));
            if limits
                .find_full(&self.newcomer, &left.collect::<Vec<_>>())
                .is_none()
            {
                return (ended, true);
            }
        }
        (ended, false)
    }

    /// Why there is no seat, and what may be done about it.
    fn no_seat(&self, limits: &Limits<'_>, present: &[&Arc<Session>]) -> NoSeat {
        let (endable, is_enough) = self.endable(limits, present, self.proof);
        let way_out = if is_enough {
            WayOut::Choose
        } else {
            let least = AssuranceLevel::all().find(|p| self.endable(limits, present, *p).1);
            WayOut::ProveMore(least.expect("the strongest proof may end every session"))
        };
        let full = limits.full(&self.newcomer, present);
        let lacking = |(full, holders): &(FullLimit, Vec<_>)| holders.len() + 1 - full.max.get();
        NoSeat {
            limit: full
                .first()
                .map(|(narrowest, _)| *narrowest)
                .expect("a limit is full, or there was a seat"),
            // What a narrower limit counts, a wider one counts too.
            fewest: full.iter().map(lacking).max().unwrap_or_default(),
            endable: present
                .iter()
                .map(|s| s.id)
                .filter(|id| endable.contains(id))
                .collect(),
            way_out,
        }
    }
}
