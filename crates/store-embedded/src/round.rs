//! One round of the committing thread: what waited, decided in order, as one batch.
//!
//! Each change is compared with what the ones before it in the round have made, which nobody
//! else sees until the batch is durable. If there was no room for it, all that the round left
//! outside itself is undone, and nothing was done; if its fate is unknown, the store stops.

use std::collections::HashMap;
use std::sync::Arc;

use innkeeper_domain::name::TenantId;
use innkeeper_domain::roster::{Floor, Generation, Roster, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::census::Census;
use innkeeper_store::journal::WrittenEntry;
use innkeeper_store::register::Put;
use innkeeper_store::{Commit, Kept, KeyDigest, Outcome, Remembered, StoreError, Touch, Touched};

use crate::disk::{Batch, Head, Signs, Slot};
use crate::error::{Unwritten, WriteError};
use crate::log::Begun;
use crate::mark::Mark;
use crate::resident::{Place, Shard, carry_over};
use crate::shared::Shared;
use crate::time::AHEAD;

/// How many remembered answers that have ended one batch clears away.
const CLEARED_MAX: usize = 256;

/// The highest numbers that any roster has reached.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Highest {
    pub(crate) generation: Generation,
    pub(crate) version: RosterVersion,
}

impl Highest {
    pub(crate) fn join(&mut self, other: Self) {
        self.generation = self.generation.max(other.generation);
        self.version = self.version.max(other.version);
    }

    pub(crate) fn include(&mut self, roster: &Roster) {
        self.generation = self.generation.max(roster.generation);
        self.version = self.version.max(roster.version);
    }
}

pub(crate) struct Round<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) batch: Batch<'a>,
    pub(crate) head: &'a mut Head,
    highest: &'a mut Highest,
    census: &'a mut Census,
    before: (Head, Highest),
    now: Timestamp,
    rosters: HashMap<RosterTag, Pending>,
    keys: Vec<KeyDigest>,
    register: HashMap<String, Slot>,
    heard: Vec<RosterTag>,
    closing: bool,
}

/// A roster as this round leaves it.
struct Pending {
    roster: Option<Arc<Roster>>,
    remember: Vec<Remembered>,
}

impl<'a> Round<'a> {
    pub(crate) fn begin(
        shared: &'a Shared,
        head: &'a mut Head,
        highest: &'a mut Highest,
        census: &'a mut Census,
    ) -> Self {
        Self {
            batch: shared.disk.batch(),
            before: (*head, *highest),
            now: shared.time.step(),
            shared,
            head,
            highest,
            census,
            rosters: HashMap::new(),
            keys: Vec::new(),
            register: HashMap::new(),
            heard: Vec::new(),
            closing: false,
        }
    }

    /// The time of its last step.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn commit(
        &mut self,
        mut commit: Commit,
        entry: &WrittenEntry,
    ) -> Result<Outcome, StoreError> {
        // Before the shard is held, since it looks into any. Only this thread adds sessions, so
        // until the commit there can only be fewer.
        let others = match commit.seats {
            Some(_) => self.live_beside(&commit.tenant, commit.tag),
            None => 0,
        };
        // Alone from the look at the clock on: whoever reads a later time finds the roster marked.
        let mut shard = self.shared.alone(commit.tag)?;
        let now = self.tick();
        let taken = |r: &Remembered| self.is_remembered(r.key);
        if commit.remember.iter().any(taken) {
            return Ok(Outcome::Stale);
        }
        let current = self.roster(&shard, commit.tag);
        let ground = self.head.ground;
        let roster = commit.carry_out(current.as_deref(), ground, now, || entry.hash);
        let Some(roster) = roster else {
            return Ok(Outcome::Stale);
        };
        if commit.is_beyond_seats(current.as_deref(), &roster, others, now) {
            return Ok(Outcome::Full);
        }
        let roster = Arc::new(roster);
        let kept = Kept::Open(Arc::clone(&roster));
        self.census.note(commit.tag, &kept, now);
        let remember = std::mem::take(&mut commit.remember);
        self.place(&mut shard, commit.tag, Some(Arc::clone(&roster)), remember);
        drop(shard);
        self.highest.include(&roster);
        self.head.place += 1;
        self.batch.entry(self.head.place, entry);
        Ok(Outcome::Done(roster))
    }

    pub(crate) fn touch(&mut self, touch: &Touch) -> Result<Touched, StoreError> {
        let tag = touch.session.tag();
        let mut shard = self.shared.alone(tag)?;
        let now = self.tick();
        let Some(mut roster) = self.roster(&shard, tag) else {
            return Ok(Touched::Dead);
        };
        let is_it = |r: &Roster| r.sessions.iter().position(|s| s.id == touch.session);
        let Some(place) = is_it(&roster).filter(|p| roster.is_live(&roster.sessions[*p], now))
        else {
            return Ok(Touched::Dead);
        };
        // A copy: the grace that readers see comes nearer when that is durable.
        let session = Arc::make_mut(&mut Arc::make_mut(&mut roster).sessions[place]);
        session.last_seen.advance(now);
        if let (Some(end), Some(previous)) = (touch.grace_ends_at, &session.previous) {
            previous.accepted_until.bring_nearer(end);
        }
        let session = Arc::clone(&roster.sessions[place]);
        self.place(&mut shard, tag, Some(roster), Vec::new());
        Ok(Touched::Live(session))
    }

    pub(crate) fn forget(
        &mut self,
        tag: RosterTag,
        version: RosterVersion,
    ) -> Result<(), StoreError> {
        let mut shard = self.shared.alone(tag)?;
        let now = self.tick();
        let floor = self.head.ground.floor;
        let goes = self
            .roster(&shard, tag)
            .is_some_and(|r| r.version == version && r.is_forgettable(floor, now));
        if goes {
            self.place(&mut shard, tag, None, Vec::new());
        }
        Ok(())
    }

    pub(crate) fn raise_floor(&mut self) -> Floor {
        let now = self.tick();
        let ground = &mut self.head.ground;
        if now >= self.head.floor_rose_at.plus(Floor::RISES_EVERY) {
            ground.floor = ground
                .floor
                .raised(self.highest.generation, self.highest.version);
            self.highest.generation = self.highest.generation.max(ground.floor.generation);
            self.head.floor_rose_at = now;
        }
        ground.floor
    }

    pub(crate) fn put(&mut self, name: String, seen: Option<u64>, value: Option<Vec<u8>>) -> Put {
        let held = match self.register.get(&name) {
            Some(held) => Some(held.clone()),
            None => self.shared.register.read().find(&name).cloned(),
        };
        let current = held.as_ref().filter(|h| h.value.is_some());
        if current.map(|h| h.version) != seen {
            return Put::Stale;
        }
        let before = held.map_or_else(|| self.shared.register.read().removed(), |h| h.version);
        let version = before + 1;
        self.register.insert(name, Slot { version, value });
        Put::Done(version)
    }

    /// Writes down what sessions were heard from, along with the rest.
    pub(crate) fn flush_heard(&mut self) {
        for (tag, kept) in self.shared.resident.take_heard() {
            // One that goes in this round takes its record along.
            if self.rosters.get(&tag).is_none_or(|p| p.roster.is_some()) {
                let seen = kept.seen().into_iter();
                let signs = Signs {
                    seen: seen.map(|(serial, at)| (serial, at.as_millis())).collect(),
                    failures: kept.failures().get(),
                };
                self.batch.heard(tag, &signs);
                self.heard.push(tag);
            }
        }
    }

    /// Ends time where it is, for good, and writes down who was heard from until then.
    pub(crate) fn close(&mut self) {
        self.head.ceiling = self.shared.time.shut();
        self.closing = true;
        // Whoever still had a time may not have noted yet whom it heard from.
        self.shared.resident.wait_for_lookers();
        self.flush_heard();
    }

    /// Makes the round durable, and then visible. After [`WriteError::NoRoom`] it is as if it had
    /// never been; after any other error its fate is unknown.
    pub(crate) fn write(mut self, mark: &Mark) -> Result<(), WriteError> {
        if !self.closing && self.shared.time.runs_low(self.now) {
            self.head.ceiling = self.head.ceiling.max(self.now.plus(AHEAD));
        }
        let idle = self.rosters.is_empty() && self.register.is_empty() && self.heard.is_empty();
        if idle && *self.head == self.before.0 {
            return Ok(());
        }
        let cleared = self.clear_keys();
        self.write_rows();
        self.head.batch += 1;
        self.batch.head(self.head);
        let begun = match self.batch.commit() {
            Ok(begun) => begun,
            Err(Unwritten::NoRoom(error)) => {
                self.undo();
                return Err(WriteError::NoRoom(error));
            }
            Err(Unwritten::InDoubt(error)) => return Err(WriteError::Batch(error)),
        };
        let Self {
            shared,
            head,
            rosters,
            register,
            closing,
            ..
        } = self;
        shared.found_room();
        mark.set(head.batch).map_err(WriteError::Mark)?;
        if begun == Begun::Segment {
            // So that a power cut never sets it back beyond a file that could go missing whole.
            mark.sync().map_err(WriteError::Mark)?;
        }

        for (tag, pending) in rosters {
            // The roster and the answer that goes with it appear together.
            // It is open since it was decided about.
            let mut places = shared.resident.hold(tag);
            shared.resident.replace(&mut places, tag, pending.roster);
            let mut keys = shared.keys.lock();
            for remembered in pending.remember {
                keys.insert(remembered);
            }
        }
        for key in cleared {
            shared.keys.lock().remove(key);
        }
        shared.register.write().take(register);
        shared.show(head);
        if !closing {
            shared.time.raise(head.ceiling);
        }
        shared.round_over.notify_waiters();
        Ok(())
    }

    /// Takes back what the round left outside itself.
    fn undo(self) {
        let shared = self.shared;
        (*self.head, *self.highest) = self.before;
        shared
            .trimmed
            .store(self.head.trimmed, std::sync::atomic::Ordering::Release);
        // It has counted what was not to be; it is counted anew when somebody asks.
        *self.census = Census::default();
        for tag in self.rosters.keys() {
            // It is open since it was decided about, and nobody packs what changes.
            if let Some(place) = shared.resident.hold(*tag).get_mut(tag) {
                place.changing = false;
            }
        }
        for tag in self.heard {
            if let Some(place) = shared.resident.look(tag).get(&tag) {
                shared.resident.hear(tag, place);
            }
        }
        shared.round_over.notify_waiters();
    }

    /// Adds the rows that are written once however often they changed.
    fn write_rows(&mut self) {
        for (tag, pending) in &self.rosters {
            let shard = self.shared.resident.look(*tag);
            let before = shard.get(tag).map(|place| &**place.opened());
            self.batch.roster(*tag, before, pending.roster.as_deref());
            for remembered in &pending.remember {
                self.batch.remember(remembered);
            }
        }
        for (name, held) in &self.register {
            self.batch.register(name, held);
        }
    }

    /// Clears away some of the answers that need not be given again.
    fn clear_keys(&mut self) -> Vec<KeyDigest> {
        let ended = self.shared.keys.lock().ended(self.now, CLEARED_MAX);
        let mut cleared = Vec::with_capacity(ended.len());
        for remembered in ended {
            if !self.keys.contains(&remembered.key) {
                self.batch.forget_key(remembered.key);
                cleared.push(remembered.key);
            }
        }
        cleared
    }

    fn tick(&mut self) -> Timestamp {
        self.now = self.shared.time.step();
        self.now
    }

    /// How many sessions of the tenant are live in its other rosters, as this round has them.
    fn live_beside(&mut self, tenant: &TenantId, tag: RosterTag) -> usize {
        let now = self.tick();
        if !self.census.counts(tenant) {
            let shown = self.shared.resident.all();
            let shown = shown.filter(|(tag, _)| !self.rosters.contains_key(tag));
            let pending = self.rosters.iter();
            let pending = pending.filter_map(|(t, p)| Some((*t, Kept::Open(p.roster.clone()?))));
            let all: Vec<_> = shown.chain(pending).collect();
            self.census.begin(tenant, all, now);
        }
        let (shared, rosters) = (self.shared, &self.rosters);
        self.census.live_beside(tenant, tag, now, |tag| {
            if rosters.contains_key(&tag) {
                as_in(rosters, &shared.resident.look(tag), tag).map(Kept::Open)
            } else {
                shared.resident.find(tag)
            }
        })
    }

    /// The roster of `tag` as this round has it, with the visits that were seen meanwhile.
    fn roster(&self, shard: &Shard, tag: RosterTag) -> Option<Arc<Roster>> {
        as_in(&self.rosters, shard, tag)
    }

    /// Leaves the roster of `tag` like this, and lets readings wait until that is to be seen.
    fn place(
        &mut self,
        shard: &mut Shard,
        tag: RosterTag,
        roster: Option<Arc<Roster>>,
        remember: Vec<Remembered>,
    ) {
        if let Some(place) = shard.get_mut(&tag) {
            place.changing = true;
        }
        self.keys.extend(remember.iter().map(|r| r.key));
        let pending = self.rosters.entry(tag).or_insert_with(|| Pending {
            roster: None,
            remember: Vec::new(),
        });
        pending.roster = roster;
        pending.remember.extend(remember);
    }

    fn is_remembered(&self, key: KeyDigest) -> bool {
        self.keys.contains(&key) || self.shared.keys.lock().find(key, self.now).is_some()
    }
}

/// The roster of `tag` as a round has it that leaves these, with the visits seen meanwhile.
fn as_in(
    rosters: &HashMap<RosterTag, Pending>,
    shard: &Shard,
    tag: RosterTag,
) -> Option<Arc<Roster>> {
    let shown = shard.get(&tag).map(Place::opened);
    let Some(pending) = rosters.get(&tag) else {
        return shown.cloned();
    };
    if let (Some(shown), Some(roster)) = (shown, &pending.roster) {
        carry_over(shown, roster);
    }
    pending.roster.clone()
}
