//! A census: how many sessions of a tenant are live, kept from commit to commit.
//!
//! A store whose commits follow one upon the other keeps one, so that it need not look at every
//! roster to know whether a tenant has a seat left. It is counted from the rosters themselves:
//! each commit notes the roster that it leaves. What expires by the clock makes no commit, so for
//! each roster the first moment is noted at which one of its sessions could: a visit only moves
//! that away. Once it has come, the roster is looked at again. So no seat is ever counted twice or
//! missed, and one is free at the deadline of who held it (S12, V1).
//!
//! Tenants that nobody asks about are not counted, and cost nothing.

use std::collections::{BTreeSet, HashMap};

use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;

use crate::Kept;

/// The counts of those tenants that were asked about.
#[derive(Debug, Default)]
pub struct Census {
    tenants: HashMap<TenantId, Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    live: usize,
    rosters: HashMap<RosterTag, LiveCount>,
    due: BTreeSet<(Timestamp, RosterTag)>,
}

/// How many sessions of a roster are live, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LiveCount {
    /// How many.
    pub live: usize,
    /// Before this moment none of them expires.
    pub until: Timestamp,
}

impl LiveCount {
    /// Counts live sessions by when they expire unless they are heard from.
    pub fn of(expiries: impl Iterator<Item = Timestamp>) -> Self {
        let none = Self {
            live: 0,
            until: Timestamp::MAX,
        };
        expiries.fold(none, |count, expires_at| Self {
            live: count.live + 1,
            until: count.until.min(expires_at),
        })
    }
}

impl Census {
    /// Whether this tenant is counted already.
    #[must_use]
    pub fn counts(&self, tenant: &TenantId) -> bool {
        self.tenants.contains_key(tenant)
    }

    /// Begins to count a tenant, from all rosters there are.
    pub fn begin(
        &mut self,
        tenant: &TenantId,
        rosters: impl IntoIterator<Item = (RosterTag, Kept)>,
        now: Timestamp,
    ) {
        let mut tally = Tally::default();
        let rosters = rosters.into_iter();
        for (tag, kept) in rosters.filter(|(_, kept)| kept.tenant() == tenant) {
            tally.note(tag, kept.live(now));
        }
        self.tenants.insert(tenant.clone(), tally);
    }

    /// Notes how a commit leaves a roster, if its tenant is counted.
    pub fn note(&mut self, tag: RosterTag, kept: &Kept, now: Timestamp) {
        if let Some(tally) = self.tenants.get_mut(kept.tenant()) {
            tally.note(tag, kept.live(now));
        }
    }

    /// How many sessions of a tenant are live at `now` in all rosters but one; `look` shows a
    /// roster as it is.
    pub fn live_beside(
        &mut self,
        tenant: &TenantId,
        tag: RosterTag,
        now: Timestamp,
        look: impl FnMut(RosterTag) -> Option<Kept>,
    ) -> usize {
        let Some(tally) = self.tenants.get_mut(tenant) else {
            return 0;
        };
        tally.settle(now, look);
        let here = tally.rosters.get(&tag).map_or(0, |noted| noted.live);
        tally.live - here
    }
}

impl Tally {
    fn note(&mut self, tag: RosterTag, noted: LiveCount) {
        self.strike(tag);
        if noted.live > 0 {
            self.live += noted.live;
            self.due.insert((noted.until, tag));
            self.rosters.insert(tag, noted);
        }
    }

    fn strike(&mut self, tag: RosterTag) {
        if let Some(noted) = self.rosters.remove(&tag) {
            self.live -= noted.live;
            self.due.remove(&(noted.until, tag));
        }
    }

    /// Looks again at whom time may have ended.
    fn settle(&mut self, now: Timestamp, mut look: impl FnMut(RosterTag) -> Option<Kept>) {
        while let Some((_, tag)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            match look(tag) {
                Some(kept) => self.note(tag, kept.live(now)),
                None => self.strike(tag),
            }
        }
    }
}
