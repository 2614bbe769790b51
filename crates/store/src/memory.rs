//! The reference store: everything in memory, one lock, nothing clever.
//!
//! Other stores are compared with it. It keeps every promise that memory can keep; what a crash
//! takes from it, it takes whole, so nothing that was ended comes back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, Generation, Roster, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::archive::{Archive, CopyError, Item, Slot, Snapshot};
use crate::clock::{Clock, StoreTime};
use crate::register::{Put, REMOVED, Register, Registered};
use crate::{
    Commit, Cursor, Ground, Heard, JournalEntry, Kept, KeyDigest, Outcome, Reading, Remembered,
    SessionStore, StoreError, Tail, Touch, Touched,
};

/// A store that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    time: StoreTime,
    state: Mutex<State>,
    /// Tells those who listen that the journal has grown.
    grown: Notify,
}

#[derive(Debug, Default)]
struct State {
    rosters: BTreeMap<RosterTag, Arc<Roster>>,
    keys: HashMap<KeyDigest, Remembered>,
    journal: Vec<JournalEntry>,
    /// After which place the journal began: see [`StoreGeneration::journal_start`].
    begun: usize,
    /// The place of the last entry that was let go of, or where it began.
    trimmed: usize,
    register: BTreeMap<String, (u64, Option<Vec<u8>>)>,
    ground: Ground,
    floor_rose_at: Timestamp,
    generation_high: Generation,
    version_high: RosterVersion,
}

impl MemoryStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let time = StoreTime::starting_at(Timestamp::ZERO, &*clock);
        let mut state = State::default();
        state.ground.floor = Floor::FIRST;
        state.generation_high = state.ground.floor.generation;
        state.floor_rose_at = time.now(&*clock);
        Self {
            clock,
            time,
            state: Mutex::new(state),
            grown: Notify::new(),
        }
    }
}

impl MemoryStore {
    /// Makes a store of a copy that was brought back at `now`, and in which nothing is live.
    pub fn restored(
        copy: impl IntoIterator<Item = Result<Item, CopyError>>,
        now: Timestamp,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CopyError> {
        let mut state = State::default();
        let mut start = Timestamp::ZERO;
        for item in copy {
            match item? {
                Item::Head(head) => {
                    start = head.now;
                    state.ground = head.ground.restored(now);
                    state.floor_rose_at = head.floor_rose_at;
                    state.generation_high = state.ground.floor.generation;
                    state.version_high = state.ground.floor.version;
                    let begun = state.ground.store_generation.journal_start();
                    state.begun = usize::try_from(begun).unwrap_or(usize::MAX / 2);
                    state.trimmed = state.begun + usize::from(head.is_trimmed);
                }
                Item::Value(slot) => {
                    let held = (slot.version, slot.value);
                    state.register.insert(slot.name, held);
                }
                Item::Roster(roster) => {
                    let roster = Arc::new(*roster).under(state.ground.store_generation);
                    state.generation_high = state.generation_high.max(roster.generation);
                    state.version_high = state.version_high.max(roster.version);
                    state.rosters.insert(roster.tag, roster);
                }
                Item::Entry(entry) => state.journal.push(*entry),
            }
        }
        Ok(Self {
            time: StoreTime::starting_at(start, &*clock),
            clock,
            state: Mutex::new(state),
            grown: Notify::new(),
        })
    }
}

impl MemoryStore {
    /// A second store with all that this one holds now, as a standby would have it that takes its
    /// place: what happens to either shows in the other no more, and time goes on.
    #[must_use]
    pub fn copied(&self) -> Self {
        let state = self.state.lock();
        let rosters = state.rosters.iter().map(|(tag, r)| (*tag, apart(r)));
        let state = State {
            rosters: rosters.collect(),
            keys: state.keys.clone(),
            journal: state.journal.clone(),
            register: state.register.clone(),
            ..*state
        };
        Self {
            time: StoreTime::starting_at(self.time.now(&*self.clock), &*self.clock),
            clock: Arc::clone(&self.clock),
            state: Mutex::new(state),
            grown: Notify::new(),
        }
    }
}

#[async_trait]
impl Archive for MemoryStore {
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let state = self.state.lock();
        let slot = |(name, (version, value)): (&String, &(u64, Option<Vec<u8>>))| Slot {
            name: name.clone(),
            version: *version,
            value: value.clone(),
        };
        let (start, end) = (state.trimmed, state.end());
        Ok(Snapshot {
            now: self.time.now(&*self.clock),
            ground: state.ground,
            floor_rose_at: state.floor_rose_at,
            rosters: state.rosters.values().cloned().map(Kept::Open).collect(),
            register: state.register.iter().map(slot).collect(),
            journal_start: (start > 0).then(|| cursor_at(start)),
            is_trimmed: start > state.begun,
            journal_end: (end > start).then(|| cursor_at(end)),
        })
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        let state = self.state.lock();
        let now = self.time.now(&*self.clock);
        let fresh = |r: &&Remembered| now < r.until;
        Ok(Reading {
            roster: state.rosters.get(&tag).cloned(),
            now,
            ground: state.ground,
            remembered: key.and_then(|k| state.keys.get(&k)).filter(fresh).cloned(),
            keys_held: state
                .keys
                .values()
                .filter(|r| r.session.tag() == tag)
                .filter(fresh)
                .count(),
        })
    }

    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        let state = self.state.lock();
        let kept = state.rosters.get(&tag).cloned().map(Kept::Open);
        look(kept.as_ref(), self.time.now(&*self.clock));
        true
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let mut state = self.state.lock();
        let now = self.time.now(&*self.clock);
        let remembered = |r: &Remembered| state.keys.get(&r.key).is_some_and(|r| now < r.until);
        if commit.remember.iter().any(remembered) {
            return Ok(Outcome::Stale);
        }
        let current = state.rosters.get(&commit.tag).map(|r| &**r);
        let Some(roster) = commit.carry_out(current, state.ground, now, || commit.entry.hash())
        else {
            return Ok(Outcome::Stale);
        };
        if commit.seats.is_some() {
            let others = state.rosters.values().filter(|r| r.tag != commit.tag);
            let others = others.filter(|r| r.tenant == commit.tenant);
            let others = others.map(|r| r.live(now).count()).sum();
            if commit.is_beyond_seats(current, &roster, others, now) {
                return Ok(Outcome::Full);
            }
        }
        state.generation_high = state.generation_high.max(roster.generation);
        state.version_high = state.version_high.max(roster.version);
        let roster = Arc::new(roster);
        state.rosters.insert(commit.tag, Arc::clone(&roster));
        state.journal.push(commit.entry);
        if !commit.remember.is_empty() {
            state.keys.retain(|_, r| now < r.until);
            let remember = commit.remember.into_iter().map(|r| (r.key, r));
            state.keys.extend(remember);
        }
        self.grown.notify_waiters();
        Ok(Outcome::Done(roster))
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        let state = self.state.lock();
        let now = self.time.now(&*self.clock);
        let session = state.rosters.get(&touch.session.tag()).and_then(|roster| {
            let session = roster.find(touch.session)?;
            roster.is_live(session, now).then_some(session)
        });
        let Some(session) = session else {
            return Ok(Touched::Dead);
        };
        session.last_seen.advance(now);
        if let (Some(end), Some(previous)) = (touch.grace_ends_at, &session.previous) {
            previous.accepted_until.bring_nearer(end);
        }
        Ok(Touched::Live(Arc::clone(session)))
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        let after = after.map(place_of).transpose()?;
        let state = self.state.lock();
        let start = after.unwrap_or(state.trimmed);
        if start < state.trimmed || start > state.end() {
            return Ok(Tail::Gone);
        }
        let entries = state.journal.iter().skip(start - state.trimmed);
        let placed = (start + 1..).zip(entries).take(limit);
        let page = placed.map(|(place, entry)| (cursor_at(place), entry.clone()));
        Ok(Tail::Page(page.collect()))
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        let end = self.state.lock().end();
        Ok((end > 0).then(|| cursor_at(end)))
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        let after = after.map_or(Ok(0), place_of)?;
        loop {
            // It hears of what comes after it was made, so it is made before looking.
            let grown = self.grown.notified();
            if self.state.lock().end() > after {
                return Ok(());
            }
            grown.await;
        }
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        let through = place_of(through)?;
        let mut state = self.state.lock();
        let gone = through.min(state.end()).saturating_sub(state.trimmed);
        state.journal.drain(..gone);
        state.trimmed += gone;
        Ok(())
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        let others = others.iter().map(place_of).collect::<Result<Vec<_>, _>>()?;
        let mut state = self.state.lock();
        let trimmed = state.trimmed;
        for (nth, entry) in state.journal.iter_mut().enumerate() {
            if entry.tag == tag || others.contains(&(trimmed + nth + 1)) {
                entry.personal = None;
            }
        }
        Ok(())
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        let state = self.state.lock();
        Ok(state
            .rosters
            .keys()
            .filter(|tag| after.is_none_or(|a| **tag > a))
            .take(limit)
            .copied()
            .collect())
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        let now = self.time.now(&*self.clock);
        let floor = state.ground.floor;
        let gone = state
            .rosters
            .get(&tag)
            .is_some_and(|r| r.version == version && r.is_forgettable(floor, now));
        if gone {
            state.rosters.remove(&tag);
        }
        Ok(())
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        let mut state = self.state.lock();
        let now = self.time.now(&*self.clock);
        if now >= state.floor_rose_at.plus(Floor::RISES_EVERY) {
            let floor = state.ground.floor;
            state.ground.floor = floor.raised(state.generation_high, state.version_high);
            state.generation_high = state.ground.floor.generation;
            state.floor_rose_at = now;
        }
        Ok(state.ground.floor)
    }

    fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A roster that is as this one is now, and moves on its own from here on, as one does that was
/// sent to another machine.
#[must_use]
pub fn apart(roster: &Roster) -> Arc<Roster> {
    let mut roster = roster.clone();
    for session in &mut roster.sessions {
        *session = Arc::new((**session).clone());
    }
    Arc::new(roster)
}

impl State {
    /// The place of the last entry; the first is 1.
    fn end(&self) -> usize {
        self.trimmed + self.journal.len()
    }
}

fn cursor_at(place: usize) -> Cursor {
    Cursor((place as u64).to_be_bytes().into())
}

fn place_of(cursor: &Cursor) -> Result<usize, StoreError> {
    <[u8; 8]>::try_from(&*cursor.0)
        .ok()
        .and_then(|bytes| usize::try_from(u64::from_be_bytes(bytes)).ok())
        .ok_or_else(|| StoreError::Corrupt {
            name: "cursor".into(),
            source: "it does not come from this store".into(),
        })
}

#[async_trait]
impl Register for MemoryStore {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        let state = self.state.lock();
        Ok(state.register.get(name).and_then(registered))
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        let mut state = self.state.lock();
        let held = state.register.get(name);
        let current = held.and_then(registered).map(|r| r.version);
        if current != seen {
            return Ok(Put::Stale);
        }
        let removed = state.register.get(REMOVED).map_or(0, |held| held.0);
        let next = current.unwrap_or(removed) + 1;
        if value.is_some() {
            state.register.insert(name.into(), (next, value));
        } else {
            state.register.remove(name);
            state
                .register
                .insert(REMOVED.into(), (removed.max(next), None));
        }
        Ok(Put::Done(next))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        let state = self.state.lock();
        Ok(state
            .register
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .filter_map(|(name, held)| Some((name.clone(), registered(held)?)))
            .collect())
    }
}

fn registered((version, value): &(u64, Option<Vec<u8>>)) -> Option<Registered> {
    value.clone().map(|value| Registered {
        version: *version,
        value,
    })
}
