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
use std::sync::Arc;

use innkeeper_domain::name::TenantId;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;

/// The counts of those tenants that were asked about.
#[derive(Debug, Default)]
pub struct Census {
    tenants: HashMap<TenantId, Tally>,
}

#[derive(Debug, Default)]
struct Tally {
    live: usize,
    rosters: HashMap<RosterTag, Noted>,
    due: BTreeSet<(Timestamp, RosterTag)>,
}

/// What is known of a roster with live sessions.
#[derive(Clone, Copy, Debug)]
struct Noted {
    live: usize,
    /// Before this moment none of them expires.
    until: Timestamp,
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
        rosters: impl IntoIterator<Item = Arc<Roster>>,
        now: Timestamp,
    ) {
        let mut tally = Tally::default();
        for roster in rosters.into_iter().filter(|r| r.tenant == *tenant) {
            tally.note(&roster, now);
        }
        self.tenants.insert(tenant.clone(), tally);
    }

    /// Notes how a commit leaves a roster, if its tenant is counted.
    pub fn note(&mut self, roster: &Roster, now: Timestamp) {
        if let Some(tally) = self.tenants.get_mut(&roster.tenant) {
            tally.note(roster, now);
        }
    }

    /// How many sessions of a tenant are live at `now` in all rosters but one; `look` shows a
    /// roster as it is.
    pub fn live_beside(
        &mut self,
        tenant: &TenantId,
        tag: RosterTag,
        now: Timestamp,
        look: impl FnMut(RosterTag) -> Option<Arc<Roster>>,
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
    fn note(&mut self, roster: &Roster, now: Timestamp) {
        self.strike(roster.tag);
        let noted = Noted {
            live: roster.live(now).count(),
            until: roster
                .live(now)
                .map(|s| s.expires_at())
                .min()
                .unwrap_or(Timestamp::MAX),
        };
        if noted.live > 0 {
            self.live += noted.live;
            self.due.insert((noted.until, roster.tag));
            self.rosters.insert(roster.tag, noted);
        }
    }

    fn strike(&mut self, tag: RosterTag) {
        if let Some(noted) = self.rosters.remove(&tag) {
            self.live -= noted.live;
            self.due.remove(&(noted.until, tag));
        }
    }

    /// Looks again at whom time may have ended.
    fn settle(&mut self, now: Timestamp, mut look: impl FnMut(RosterTag) -> Option<Arc<Roster>>) {
        while let Some((_, tag)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            match look(tag) {
                Some(roster) => self.note(&roster, now),
                None => self.strike(tag),
            }
        }
    }
}
