//! Room for one more: who ends for a newcomer, by the subject's choice or by the policy.
//!
//! Whom the subject may choose is a list that widens only as far as it must (V4). A stolen
//! password proves as much as the owner's, so the list must not be what the thief needs: whoever
//! signed in with it and called those devices trusted, until every seat was protected, would be
//! given the owner's session to end as well. So sessions that are not protected come first; then
//! those whose protection rests on trust that is itself too young to be believed; and those that
//! the owner has relied on for long only where all of these together free no seat.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::change::Change;
use crate::policy::{Facts, Overflow, Policy, SessionLimit};
use crate::protection::{Protection, Shield};
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
    pub(super) protection: Protection<'a>,
    /// How many of its class there may be with it, where nobody else's seat is left to take.
    pub(super) most: Option<SessionLimit>,
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
        let limits = Limits::new(self.roster, self.policy, Observed::Free)
            .at_most(self.most.map(|most| (self.newcomer.class, most)));
        let may_choose = self.choosable(&limits, present)?;
        let (chosen, seated): (Vec<_>, Vec<_>) = present
            .iter()
            .copied()
            .partition(|s| self.chosen.contains(&s.id) && may_choose.contains(&s.id));
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
        let victims = limits.victims(&seated, newcomer, self.at_limit, &|s| {
            self.protection.covers(s)
        });
        // Protection is from the newcomer. What the groups it brought leave no seat goes all the
        // same.
        if !has_seat && victims.iter().any(|s| self.protection.covers(s)) {
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

    /// What shields `session` from a proof of this strength that may end it to take its seat;
    /// `None` if it may not.
    ///
    /// Where the policy asks, anybody's that is not protected; else those that rest on a proof no
    /// stronger, so that a stolen password ends nothing that was opened with more.
    fn shield_opened(&self, session: &Session, proof: AssuranceLevel) -> Option<Shield> {
        let shield = self.protection.shield(session);
        let is_given_up = self.at_limit != Overflow::Refuse && shield == Shield::None;
        (is_given_up || session.authentication.assurance <= proof).then_some(shield)
    }

    /// The sessions among which the newcomer may choose, or why it may not choose as it did.
    ///
    /// Where it has a seat without choosing, nobody has to go: what it chose ends all the same, if
    /// that is counted with it and not protected. Else it may choose what is listed, and whoever
    /// names anything else that lives is shown the list again.
    fn choosable(
        &self,
        limits: &Limits<'_>,
        present: &[&Arc<Session>],
    ) -> Result<BTreeSet<SessionId>, NoSeat> {
        if self.chosen.is_empty() {
            return Ok(BTreeSet::new());
        }
        if limits.find_full(&self.newcomer, present).is_none() {
            let counted = present.iter().filter(|s| s.class == self.newcomer.class);
            let open = counted.filter(|s| self.shield_opened(s, self.proof) == Some(Shield::None));
            return Ok(open.map(|s| s.id).collect());
        }
        let (listed, _) = self.endable(limits, present, self.proof);
        let is_listed = |s: &&Arc<Session>| !self.chosen.contains(&s.id) || listed.contains(&s.id);
        if present.iter().all(is_listed) {
            Ok(listed)
        } else {
            Err(self.no_seat(limits, present))
        }
    }

    /// The sessions that a proof of this strength may end to get a seat, and whether that is
    /// enough.
    ///
    /// Limit by limit, the narrowest first, and of those who hold its seats the least shielded
    /// first: others are among them only where ending all of these leaves that limit full.
    fn endable(
        &self,
        limits: &Limits<'_>,
        present: &[&Arc<Session>],
        proof: AssuranceLevel,
    ) -> (BTreeSet<SessionId>, bool) {
        let mut listed = BTreeSet::new();
        let mut left = present.to_vec();
        loop {
            let full = limits.full(&self.newcomer, &left);
            let Some((_, holders)) = full.first() else {
                return (listed, true);
            };
            let opened: Vec<_> = left
                .iter()
                .filter(|s| holders.contains(&s.id))
                .filter_map(|s| Some((self.shield_opened(s, proof)?, s.id)))
                .collect();
            let Some(least) = opened.iter().map(|(shield, _)| *shield).min() else {
                return (listed, false);
            };
            let next = opened.iter().filter(|(shield, _)| *shield == least);
            listed.extend(next.map(|(_, id)| *id));
            left.retain(|s| !listed.contains(&s.id));
        }
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
        let lacking = |(full, holders): &(FullLimit, Vec<_>)| holders.len() + 1 - full.max;
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
