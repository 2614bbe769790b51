//! Leases that can be wrong in one of several ways. Without a flaw they keep every promise, and
//! forget visits, which only ends sessions early.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::{Roster, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::Clock;
use innkeeper_store::lease::{Changes, Shared};
use innkeeper_store::memory::apart;
use innkeeper_store::{
    AnswerBy, Commit, Heard, Kept, KeyDigest, Outcome, Passage, Reading, SessionStore, StoreError,
    Touch, Touched,
};
use parking_lot::Mutex;

use crate::flaws::Flaw;
use crate::line::Line;

/// A store as one node sees it, through leases with a flaw.
#[derive(Debug)]
pub(crate) struct WrongLease {
    flaw: Flaw,
    line: Arc<Line>,
    span: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_watching: bool,
    leases: HashMap<RosterTag, Lease>,
    /// What was asked for by then may be older than something that is gone.
    fence: Option<Duration>,
}

#[derive(Debug)]
struct Lease {
    roster: Option<Arc<Roster>>,
    now: Timestamp,
    since: Duration,
}

impl Lease {
    fn version(&self) -> RosterVersion {
        self.roster.as_ref().map_or(RosterVersion(0), |r| r.version)
    }
}

impl WrongLease {
    pub(crate) fn new(flaw: Flaw, line: Arc<Line>, span: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            flaw,
            line,
            span,
            clock,
            state: Mutex::default(),
        }
    }

    /// Hears of commits until the channel breaks.
    pub(crate) async fn watch(self: Arc<Self>) {
        if let Ok(mut channel) = self.line.watch().await {
            self.state.lock().is_watching = true;
            self.hear(&mut *channel).await;
        }
        let state = &mut *self.state.lock();
        state.is_watching = false;
        if self.flaw != Flaw::LeaseWithoutChannel {
            state.leases.clear();
            state.fence = Some(self.clock.steady());
        }
    }

    async fn hear(&self, channel: &mut dyn Changes) {
        while let Ok((tag, version)) = channel.next().await {
            let is_older = |lease: &Lease| lease.version() < version;
            let is_known = self
                .state
                .lock()
                .leases
                .get(&tag)
                .is_some_and(|l| !is_older(l));
            if !is_known || self.flaw == Flaw::NoticeWithoutVersion {
                self.take_back(tag);
            }
        }
    }

    fn take_back(&self, tag: RosterTag) {
        let state = &mut *self.state.lock();
        state.leases.remove(&tag);
        if self.flaw != Flaw::NoticeWithoutVersion {
            state.fence = Some(self.clock.steady());
        }
    }

    fn hold(&self, tag: RosterTag, roster: Option<&Arc<Roster>>, now: Timestamp, asked: Duration) {
        let state = &mut *self.state.lock();
        if !state.is_watching && self.flaw != Flaw::LeaseWithoutChannel {
            state.fence = Some(self.clock.steady());
            return;
        }
        let lease = Lease {
            roster: roster.map(|r| apart(r)),
            now,
            since: match self.flaw {
                Flaw::LeaseFromAnswer => self.clock.steady(),
                _ => asked,
            },
        };
        let is_fenced = state.fence.is_some_and(|fence| asked <= fence);
        let is_older = |held: &Lease| (lease.version(), lease.since) < (held.version(), held.since);
        let is_careless = self.flaw == Flaw::NoticeWithoutVersion;
        if state.leases.get(&tag).is_some_and(is_older) && !is_careless {
            return;
        }
        // Whether or not the new one can be held, the old one is over.
        state.leases.remove(&tag);
        if !is_fenced || is_careless {
            state.leases.insert(tag, lease);
        }
    }
}

#[async_trait]
impl Passage for WrongLease {
    type Store = Line;

    fn behind(&self) -> &Self::Store {
        &self.line
    }

    fn pass<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        call
    }

    async fn pass_read(
        &self,
        tag: RosterTag,
        key: Option<KeyDigest>,
    ) -> Result<Reading, StoreError> {
        let asked = self.clock.steady();
        let reading = self.line.read(tag, key).await?;
        self.hold(tag, reading.roster.as_ref(), reading.now, asked);
        Ok(reading)
    }

    fn pass_glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        let state = self.state.lock();
        let Some(lease) = state.leases.get(&tag) else {
            return false;
        };
        let passed = self.clock.steady().saturating_sub(lease.since);
        if passed >= self.span {
            return false;
        }
        let kept = lease.roster.as_ref().map(|r| Kept::Open(apart(r)));
        look(kept.as_ref(), lease.now.plus(passed));
        true
    }

    fn pass_by(&self) -> AnswerBy {
        if self.span.is_zero() || self.flaw == Flaw::LeaseAtLookUpOnly {
            return AnswerBy::any_time();
        }
        AnswerBy::within(self.span, &self.clock)
    }

    async fn pass_commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let (tag, asked) = (commit.tag, self.clock.steady());
        let outcome = self.line.commit(commit).await;
        match &outcome {
            Ok(Outcome::Done(roster)) => self.hold(tag, Some(roster), roster.time_high, asked),
            Ok(Outcome::Stale | Outcome::Full) | Err(_) => self.take_back(tag),
        }
        outcome
    }

    async fn pass_touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        let tag = touch.session.tag();
        let touched = self.line.touch(touch).await;
        // What it moved at the store is to be read there.
        self.take_back(tag);
        touched
    }

    async fn pass_forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        let forgotten = self.line.forget(tag, version).await;
        self.take_back(tag);
        forgotten
    }
}
