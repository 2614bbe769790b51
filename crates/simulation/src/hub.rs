//! A hub: the store that nodes share, as a model. One primary, a standby that may lag behind it,
//! and notices of all that is committed.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, RosterVersion};
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::{MemoryStore, apart};
use innkeeper_store::register::{Put, Register, Registered};
use innkeeper_store::{
    Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError, Tail,
    Touch, Touched,
};
use parking_lot::Mutex;

use crate::inbox::Inbox;
use crate::weather::Backend;

/// What a visit that is written down behind is held against.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Visits {
    /// Whether its session still lives.
    #[default]
    OfTheLiving,
    /// Nothing.
    OfAnybody,
}

/// A store behind a network.
#[derive(Debug)]
pub(crate) struct Hub {
    visits: Visits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    primary: Arc<MemoryStore>,
    /// All that the standby has heard of.
    standby: MemoryStore,
    /// How often another machine took over.
    term: u64,
    channels: Vec<Weak<Inbox>>,
}

impl Hub {
    pub(crate) fn new(clock: Arc<ManualClock>, visits: Visits) -> Self {
        let primary = Arc::new(MemoryStore::new(clock));
        let state = State {
            standby: primary.copied(),
            primary,
            term: 0,
            channels: Vec::new(),
        };
        Self {
            visits,
            state: Mutex::new(state),
        }
    }

    /// Which machine is the primary. Nothing that was asked of another is answered.
    pub(crate) fn term(&self) -> u64 {
        self.state.lock().term
    }

    /// The standby hears of all that has happened so far.
    pub(crate) fn catch_up(&self) {
        let mut state = self.state.lock();
        state.standby = state.primary.copied();
    }

    /// The primary is gone, and the standby goes on with what it has heard of.
    pub(crate) fn fail_over(&self) {
        let mut state = self.state.lock();
        state.primary = Arc::new(state.standby.copied());
        state.term += 1;
        for channel in state.channels.drain(..) {
            if let Some(channel) = channel.upgrade() {
                channel.break_off();
            }
        }
    }

    /// From now on every commit is told there.
    pub(crate) fn tell(&self, channel: &Arc<Inbox>) {
        let mut state = self.state.lock();
        state.channels.retain(|c| c.strong_count() > 0);
        state.channels.push(Arc::downgrade(channel));
    }

    /// As [`Shared::hear`](innkeeper_store::lease::Shared::hear).
    pub(crate) async fn hear(&self, session: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let reading = self.primary().read(session.tag(), None).await?;
        if let Some(roster) = &reading.roster
            && let Some(found) = roster.find(session)
            && (self.visits == Visits::OfAnybody || roster.is_live(found, reading.now))
        {
            found.last_seen.advance(at.min(reading.now));
        }
        Ok(())
    }

    /// As [`Shared::count_failures`](innkeeper_store::lease::Shared::count_failures).
    pub(crate) async fn count_failures(
        &self,
        tag: RosterTag,
        count: u32,
    ) -> Result<(), StoreError> {
        if let Some(roster) = self.primary().read(tag, None).await?.roster {
            let failures = roster.failures.get().saturating_add(count);
            roster.failures.grow_to(failures);
        }
        Ok(())
    }

    fn primary(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.state.lock().primary)
    }
}

impl Backend for Hub {
    /// Its machine restarts, with all that it ever answered.
    fn crash(&self) {}
}

#[async_trait]
impl SessionStore for Hub {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        let reading = self.primary().read(tag, key).await?;
        let roster = reading.roster.as_deref().map(apart);
        Ok(Reading { roster, ..reading })
    }

    /// Its memory is far away.
    fn glance(&self, _: RosterTag, _: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard) -> bool {
        false
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let outcome = self.primary().commit(commit).await?;
        let Outcome::Done(roster) = outcome else {
            return Ok(outcome);
        };
        for channel in &self.state.lock().channels {
            if let Some(channel) = channel.upgrade() {
                channel.put(roster.tag, roster.version);
            }
        }
        Ok(Outcome::Done(apart(&roster)))
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        Ok(match self.primary().touch(touch).await? {
            Touched::Live(session) => Touched::Live(Arc::new((*session).clone())),
            Touched::Dead => Touched::Dead,
        })
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        self.primary().tail(after, limit).await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        self.primary().latest().await
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        self.primary().listen(after).await
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        self.primary().trim(through).await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        self.primary().erase(tag, others).await
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        self.primary().walk(after, limit).await
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        self.primary().forget(tag, version).await
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        self.primary().raise_floor().await
    }

    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Register for Hub {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        self.primary().get(name).await
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        self.primary().put(name, seen, value).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        self.primary().list(prefix).await
    }
}
