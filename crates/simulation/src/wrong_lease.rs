//! Leases that can be wrong in one of several ways. Without a flaw they keep every promise, and
//! forget visits, which only ends sessions early.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, Roster, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::Clock;
use innkeeper_store::lease::{Changes, Shared};
use innkeeper_store::memory::apart;
use innkeeper_store::register::{Put, Register, Registered};
use innkeeper_store::{
    AnswerBy, Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError,
    Tail, Touch, Touched,
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
impl SessionStore for WrongLease {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        let asked = self.clock.steady();
        let reading = self.line.read(tag, key).await?;
        self.hold(tag, reading.roster.as_ref(), reading.now, asked);
        Ok(reading)
    }

    fn glance(
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

    fn answer_by(&self) -> AnswerBy {
        if self.span.is_zero() || self.flaw == Flaw::LeaseAtLookUpOnly {
            return AnswerBy::any_time();
        }
        AnswerBy::within(self.span, &self.clock)
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let (tag, asked) = (commit.tag, self.clock.steady());
        let outcome = self.line.commit(commit).await;
        match &outcome {
            Ok(Outcome::Done(roster)) => self.hold(tag, Some(roster), roster.time_high, asked),
            Ok(Outcome::Stale | Outcome::Full) | Err(_) => self.take_back(tag),
        }
        outcome
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        let tag = touch.session.tag();
        let touched = self.line.touch(touch).await;
        // What it moved at the store is to be read there.
        self.take_back(tag);
        touched
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        self.line.tail(after, limit).await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        self.line.latest().await
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        self.line.listen(after).await
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        self.line.trim(through).await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        self.line.erase(tag, others).await
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        self.line.walk(after, limit).await
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        let forgotten = self.line.forget(tag, version).await;
        self.take_back(tag);
        forgotten
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        self.line.raise_floor().await
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.line.ready()
    }
}

#[async_trait]
impl Register for WrongLease {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        self.line.get(name).await
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        self.line.put(name, seen, value).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        self.line.list(prefix).await
    }
}
