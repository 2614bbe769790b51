//! Sweep: record expiries that no commit has recorded yet, and let go of what is empty.
//!
//! Neutral to every verdict (S18): an expired session is dead whether or not it was swept. It
//! makes the journal tell of each expiry within a minute, and keeps the store small.

use std::sync::Arc;

use innkeeper_domain::roster::{Floor, Roster};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{Heard, Kept};

use crate::settle::Step;
use crate::{Authority, EngineError};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// How many expiries it recorded.
    pub expired: usize,
    /// How many rosters it looked at.
    pub rosters: usize,
}

/// A store may look at more than a page to find one, so pages are long.
const PAGE: usize = 4096;

/// What a sweep has to do at a roster.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// It holds ends that no commit has recorded.
    to_record: bool,
    /// Nothing is left in it.
    to_forget: bool,
    /// How many sessions live in it.
    live: u64,
}

impl Authority {
    /// Walks all rosters once.
    pub async fn sweep(&self) -> Result<Swept, EngineError> {
        let floor = self.store.raise_floor().await?;
        let mut swept = Swept::default();
        let (mut after, mut live) = (None, 0);
        loop {
            let page = self.store.walk(after, PAGE).await?;
            let Some(last) = page.last().copied() else {
                self.metrics.live(live);
                return Ok(swept);
            };
            for tag in page {
                swept.rosters += 1;
                let mut due = self.due(tag, floor);
                if due.to_record {
                    swept.expired += self.record_expiries(tag).await?;
                    due = self.due(tag, floor);
                }
                if !due.to_forget {
                    live += due.live;
                    continue;
                }
                let reading = self.read(tag, None).await?;
                live += seats_taken(reading.roster.as_ref(), reading.now);
                if let Some(roster) = reading.roster
                    && roster.is_forgettable(floor, reading.now)
                {
                    self.store.forget(tag, roster.version).await?;
                }
            }
            after = Some(last);
        }
    }

    /// What there is to do, as far as a quick look tells: of most rosters, nothing.
    fn due(&self, tag: RosterTag, floor: Floor) -> Due {
        // Where memory may not answer, a proper reading does.
        let mut due = Due {
            to_record: true,
            to_forget: true,
            live: 0,
        };
        self.store.glance(tag, &mut |kept, now| {
            due.live = kept.map_or(0, |kept| kept.live(now).live as u64);
            if kept.is_some_and(|kept| kept.recorded() > 0 && kept.recorded() as u64 == due.live) {
                // None of them has come to its end, and nobody forgets a roster with sessions.
                (due.to_record, due.to_forget) = (false, false);
                return Heard::No;
            }
            let Ok(roster) = kept.map(Kept::open).transpose() else {
                return Heard::No;
            };
            let roster = roster.as_deref();
            due.to_record = roster.is_some_and(|r| {
                let mut sessions = r.sessions.iter();
                sessions.any(|s| r.unrecorded_end(s, now).is_some())
            });
            due.to_forget = roster.is_some_and(|r| r.is_forgettable(floor, now));
            Heard::No
        });
        due
    }

    async fn record_expiries(&self, tag: RosterTag) -> Result<usize, EngineError> {
        let settled = self
            .settle_at(tag, None, |case| {
                let changes = case.roster.expiries(case.now());
                Ok(if changes.is_empty() {
                    Step::Answer(0)
                } else {
                    let expired = changes.len();
                    Step::Commit(changes, expired)
                })
            })
            .await?;
        Ok(settled.map_or(0, |s| s.answer))
    }
}

fn seats_taken(roster: Option<&Arc<Roster>>, now: Timestamp) -> u64 {
    roster.map_or(0, |r| r.live(now).count() as u64)
}
