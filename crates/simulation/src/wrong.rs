//! A store that can be wrong in one of several ways. Without a flaw it keeps every promise.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use innkeeper_domain::change::Change;
use innkeeper_domain::roster::{Floor, Generation, Roster, RosterVersion};
use innkeeper_domain::session::{EndReason, GraceEnd, Initiator, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::{Clock, StoreTime};
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::register::{Put, Register, Registered};
use innkeeper_store::{
    Commit, Cursor, Ground, Heard, JournalEntry, Kept, KeyDigest, Outcome, Reading, Remembered,
    SessionStore, StoreError, Tail, Touch, Touched,
};
use parking_lot::Mutex;

use crate::dice::Dice;
use crate::flaws::Flaw;
use crate::weather::Backend;

/// A store with a flaw.
#[derive(Debug)]
pub struct WrongStore {
    flaw: Flaw,
    clock: Arc<dyn Clock>,
    time: StoreTime,
    register: MemoryStore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    held: Held,
    /// What a crash leaves, for a store that answers before it syncs.
    synced: Held,
    /// Commits that were answered and not carried out.
    pending: Vec<Commit>,
    /// Entries that are not written yet.
    unwritten: Vec<JournalEntry>,
    unread: Option<Reading>,
    /// A copy that is renewed now and then, for a store that looks tokens up there, or counts
    /// seats.
    index: BTreeMap<RosterTag, Arc<Roster>>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    rosters: BTreeMap<RosterTag, Arc<Roster>>,
    keys: HashMap<KeyDigest, Remembered>,
    journal: Vec<JournalEntry>,
    ground: Ground,
    floor_rose_at: Timestamp,
    generation_high: Generation,
    version_high: RosterVersion,
}

impl WrongStore {
    /// Makes an empty store with this flaw.
    #[must_use]
    pub fn new(flaw: Flaw, clock: Arc<dyn Clock>, dice: Dice) -> Self {
        let time = StoreTime::starting_at(Timestamp::ZERO, &*clock);
        let held = Held {
            ground: Ground {
                floor: Floor::FIRST,
                ..Ground::default()
            },
            floor_rose_at: time.now(&*clock),
            ..Held::default()
        };
        let state = State {
            dice,
            synced: held.clone(),
            held,
            pending: Vec::new(),
            unwritten: Vec::new(),
            unread: None,
            index: BTreeMap::new(),
        };
        Self {
            flaw,
            register: MemoryStore::new(Arc::clone(&clock)),
            clock,
            time,
            state: Mutex::new(state),
        }
    }

    fn now(&self) -> Timestamp {
        if self.flaw == Flaw::TimeFalls {
            let wall = self.clock.wall().as_millis();
            return Timestamp::from_millis(u64::try_from(wall).unwrap_or(u64::MAX));
        }
        self.time.now(&*self.clock)
    }

    /// Does one commit, in the way of the flaw.
    fn carry_out(&self, state: &mut State, mut commit: Commit) -> Outcome {
        let now = self.now();
        let held = &mut state.held;
        let remembered = |r: &Remembered| held.keys.get(&r.key).is_some_and(|r| now < r.until);
        if commit.remember.iter().any(remembered) {
            return Outcome::Stale;
        }
        let current = held.rosters.get(&commit.tag).cloned();
        self.bend(&mut commit, current.as_deref());
        let Some(roster) =
            commit.carry_out(current.as_deref(), held.ground, now, || commit.entry.hash())
        else {
            return Outcome::Stale;
        };
        if commit.seats.is_some() {
            let counted = match self.flaw {
                Flaw::SeatsCountedEarly => &state.index,
                _ => &held.rosters,
            };
            let others = counted.values().filter(|r| r.tag != commit.tag);
            let others = others.filter(|r| r.tenant == commit.tenant);
            let others = others.map(|r| r.live(now).count()).sum();
            if commit.is_beyond_seats(current.as_deref(), &roster, others, now) {
                return Outcome::Full;
            }
        }
        let mut roster = roster;
        if self.flaw == Flaw::FenceUnordered && state.dice.once_in(8) {
            roster.generation = Generation(roster.generation.0 + 1);
        }
        let answered = Arc::new(roster);
        let mut kept = Arc::clone(&answered);
        if self.flaw == Flaw::NewcomerEvicted
            && let Some(current) = current
            && commit.changes.iter().any(is_eviction)
        {
            let mut other = (*current).clone();
            let stay = |c: &&Change| !is_eviction(c) && !matches!(c, Change::Birth(_));
            let changes: Vec<_> = commit.changes.iter().filter(stay).cloned().collect();
            other.apply(&changes, now);
            other.journal_head = answered.journal_head;
            kept = Arc::new(other);
        }
        held.generation_high = held.generation_high.max(answered.generation);
        held.version_high = held.version_high.max(answered.version);
        held.rosters.insert(commit.tag, kept);
        match self.flaw {
            Flaw::JournalSkips if state.dice.once_in(16) => {}
            Flaw::JournalLate => {
                held.journal.append(&mut state.unwritten);
                state.unwritten.push(commit.entry);
            }
            _ => held.journal.push(commit.entry),
        }
        let is_kept = |r: &Remembered| match self.flaw {
            Flaw::KeyForgotten => false,
            Flaw::TicketForgotten => !r.sealed.0.is_empty(),
            _ => true,
        };
        let kept = commit.remember.into_iter().filter(is_kept);
        held.keys.extend(kept.map(|r| (r.key, r)));
        let is_copied = matches!(self.flaw, Flaw::SecondIndex | Flaw::SeatsCountedEarly);
        if is_copied && state.dice.once_in(2) {
            state.index = state.held.rosters.clone();
        }
        if self.flaw == Flaw::AnsweredBeforeSync && state.dice.once_in(4) {
            state.synced = state.held.clone();
        }
        Outcome::Done(answered)
    }

    /// Makes a commit pass that should not.
    fn bend(&self, commit: &mut Commit, current: Option<&Roster>) {
        if self.flaw == Flaw::EnableForgotten {
            let is_enable = |c: &Change| matches!(c, Change::Disabled(false));
            commit.changes.retain(|c| !is_enable(c));
        }
        if self.flaw == Flaw::OwnWordBelieved {
            for change in &mut commit.changes {
                if let Change::DeviceTrust {
                    trust: Some(trust), ..
                } = change
                {
                    trust.by = Initiator::Admin;
                }
            }
        }
        if self.flaw == Flaw::MomentNotCompared {
            commit.stands_until = Timestamp::MAX;
        }
        if self.flaw == Flaw::MismatchForgotten {
            let is_kept = |c: &Change| !matches!(c, Change::Mismatch { .. });
            commit.changes.retain(is_kept);
        }
        if self.flaw == Flaw::GraceForgotten {
            for change in &mut commit.changes {
                if let Change::Rotation { previous, .. } = change {
                    previous.accepted_until = GraceEnd::new(Timestamp::MAX);
                }
            }
        }
        let Some(current) = current.filter(|c| c.version != commit.version) else {
            return;
        };
        let bent = match self.flaw {
            Flaw::CountThenInsert => current.generation == commit.generation,
            // Only into an empty house, so that it breaks no other promise.
            Flaw::GenerationNotCompared => {
                let fenced = current.generation != commit.generation;
                fenced && current.sessions.is_empty() && restamp(commit, current.generation)
            }
            _ => false,
        };
        if bent {
            let salt = commit.entry.personal.as_ref().map_or([0; 16], |p| p.salt);
            commit.entry = JournalEntry::of(current, &commit.changes, commit.entry.at, salt);
            commit.version = current.version;
            commit.generation = current.generation;
        }
    }

    /// Carries out what was answered long ago.
    fn catch_up(&self, state: &mut State) {
        if state.dice.once_in(6) {
            for commit in std::mem::take(&mut state.pending) {
                let _ = self.carry_out(state, commit);
            }
        }
    }
}

fn is_eviction(change: &Change) -> bool {
    matches!(change, Change::End { ending, .. } if ending.reason == EndReason::Evicted)
}

/// Moves the births of a commit to another generation. Says whether there are any.
fn restamp(commit: &mut Commit, generation: Generation) -> bool {
    let mut any = false;
    for change in &mut commit.changes {
        if let Change::Birth(session) = change {
            Arc::make_mut(session).generation = generation;
            any = true;
        }
    }
    any
}

/// Lets others in between.
async fn give_way() {
    let mut left = 3;
    poll_fn(|_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

impl Backend for WrongStore {
    fn crash(&self) {
        let mut state = self.state.lock();
        match self.flaw {
            Flaw::AnsweredFirst => state.pending.clear(),
            Flaw::AnsweredBeforeSync | Flaw::SeenBeforeSync => state.held = state.synced.clone(),
            Flaw::JournalLate => state.unwritten.clear(),
            _ => {}
        }
    }
}

#[async_trait]
impl SessionStore for WrongStore {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        let mut state = self.state.lock();
        self.catch_up(&mut state);
        let now = self.now();
        let held = &state.held;
        let fresh = |r: &&Remembered| now < r.until;
        let keys = held.keys.values().filter(fresh);
        let reading = Reading {
            roster: held.rosters.get(&tag).cloned(),
            now,
            ground: held.ground,
            remembered: key.and_then(|k| held.keys.get(&k)).filter(fresh).cloned(),
            keys_held: keys.filter(|r| r.session.tag() == tag).count(),
        };
        if self.flaw == Flaw::AnswersShift && state.dice.once_in(40) {
            let unread = state.unread.replace(reading.clone());
            return Ok(unread.map_or(reading, |u| Reading { now, ..u }));
        }
        Ok(reading)
    }

    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        let state = self.state.lock();
        let roster = if self.flaw == Flaw::SecondIndex {
            state.index.get(&tag)
        } else {
            state.held.rosters.get(&tag)
        };
        let kept = roster.cloned().map(Kept::Open);
        look(kept.as_ref(), self.now());
        true
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        if self.flaw == Flaw::SeenBeforeSync {
            let outcome = self.carry_out(&mut self.state.lock(), commit);
            give_way().await;
            let mut state = self.state.lock();
            state.synced = state.held.clone();
            return Ok(outcome);
        }
        let mut state = self.state.lock();
        self.catch_up(&mut state);
        if self.flaw == Flaw::AnsweredFirst {
            let current = state.held.rosters.get(&commit.tag).map(|r| &**r);
            let hash = || commit.entry.hash();
            let will_be = commit.carry_out(current, state.held.ground, self.now(), hash);
            return Ok(will_be.map_or(Outcome::Stale, |roster| {
                state.pending.push(commit);
                Outcome::Done(Arc::new(roster))
            }));
        }
        Ok(self.carry_out(&mut state, commit))
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        let tag = touch.session.tag();
        let find = |now: Timestamp| {
            let state = self.state.lock();
            let roster = state.held.rosters.get(&tag)?;
            let session = roster.find(touch.session)?;
            roster.is_live(session, now).then(|| Arc::clone(session))
        };
        let mut found = find(self.now());
        if matches!(self.flaw, Flaw::TouchUpserts | Flaw::DeadlineReadEarly) {
            give_way().await;
        } else {
            found = find(self.now());
        }
        let Some(session) = found else {
            return Ok(Touched::Dead);
        };
        session.last_seen.advance(self.now());
        if let (Some(end), Some(previous)) = (touch.grace_ends_at, &session.previous) {
            previous.accepted_until.bring_nearer(end);
        }
        if self.flaw == Flaw::TouchUpserts {
            let mut state = self.state.lock();
            if let Some(roster) = state.held.rosters.get_mut(&tag) {
                let roster = Arc::make_mut(roster);
                roster.sessions.retain(|s| s.id != session.id);
                roster.sessions.push(Arc::clone(&session));
            }
        }
        Ok(Touched::Live(session))
    }

    async fn tail(&self, _after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        let state = self.state.lock();
        let entries = state
            .held
            .journal
            .iter()
            .chain(&state.unwritten)
            .take(limit);
        let page = entries.map(|e| (Cursor(Box::default()), e.clone()));
        Ok(Tail::Page(page.collect()))
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        Ok(None)
    }

    async fn listen(&self, _after: Option<&Cursor>) -> Result<(), StoreError> {
        Err(StoreError::Unavailable {
            source: "nobody listens to a store that is wrong".into(),
        })
    }

    async fn trim(&self, _through: &Cursor) -> Result<(), StoreError> {
        Ok(())
    }

    async fn erase(&self, _tag: RosterTag, _others: &[Cursor]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        let mut state = self.state.lock();
        if self.flaw == Flaw::NoFloor {
            let kept = |r: &Roster| !r.sessions.is_empty() || r.disabled;
            state.held.rosters.retain(|_, r| kept(r));
        }
        let later = state
            .held
            .rosters
            .keys()
            .filter(|t| after.is_none_or(|a| **t > a));
        Ok(later.take(limit).copied().collect())
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        let (now, floor) = (self.now(), state.held.ground.floor);
        state
            .held
            .rosters
            .retain(|t, r| *t != tag || r.version != version || !r.is_forgettable(floor, now));
        Ok(())
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        let mut state = self.state.lock();
        let now = self.now();
        let held = &mut state.held;
        if now >= held.floor_rose_at.plus(Floor::RISES_EVERY) && self.flaw != Flaw::NoFloor {
            let floor = held.ground.floor;
            held.ground.floor = floor.raised(held.generation_high, held.version_high);
            held.generation_high = held.ground.floor.generation;
            held.floor_rose_at = now;
        }
        Ok(held.ground.floor)
    }

    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Register for WrongStore {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        self.register.get(name).await
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        self.register.put(name, seen, value).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        self.register.list(prefix).await
    }
}
