//! Leases: rosters that a node answers from for a while without asking the store that it shares
//! with others.
//!
//! A roster that was read or committed is good for one span (B), counted from before the store was
//! asked, by a clock that goes on while the machine sleeps. Another node's commit takes it back
//! earlier, by way of a channel; without a channel there are no leases, and each check asks the
//! store. So an end that this node acknowledged is in force here at once, and one that another
//! acknowledged after B at the latest, also where a message was lost. The same bound holds for a
//! check that asks the store: what took longer to come is not answered from.
//!
//! Visits move the rosters here and are written down behind: once a sixteenth of the idle timeout,
//! at most a minute, has passed since the last was, and before this node reads that roster for a
//! decision. Others may so take a session for idle that much early; nobody does so late, and none
//! comes back.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, Roster, RosterVersion};
use innkeeper_domain::session::{Session, SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::register::{Put, Register, Registered};
use crate::{
    AnswerBy, Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError,
    Tail, Touch, Touched,
};

/// One for each value of [`RosterTag::shard`].
const SHARDS: usize = 64;
/// After how much of the idle timeout a visit is written down.
const SIXTEENTH: u32 = 16;
/// After how long it is at the latest.
const AT_MOST: Duration = Duration::from_mins(1);
/// How often visits are looked through for those that are due.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// How many versions a shard remembers that it was told of.
const TOLD_MAX: usize = 1024;

/// A store that several nodes share.
#[async_trait]
pub trait Shared: SessionStore {
    /// Records that a session was heard from at a moment that has passed, if it is live now.
    ///
    /// # Contract
    ///
    /// - As [`SessionStore::touch`], save that `last_seen` becomes no later than `at`.
    async fn hear(&self, session: SessionId, at: Timestamp) -> Result<(), StoreError>;

    /// Adds to the failed sign-ins of a roster, if it is there.
    async fn count_failures(&self, tag: RosterTag, count: u32) -> Result<(), StoreError>;

    /// Opens the channel on which this node hears of commits, its own among them.
    async fn watch(&self) -> Result<Box<dyn Changes>, StoreError>;
}

/// The commits of all nodes, as they are done.
#[async_trait]
pub trait Changes: Send {
    /// The roster of the next commit, and the version that it made. After an error some may have
    /// been missed, and the channel is of no more use.
    async fn next(&mut self) -> Result<(RosterTag, RosterVersion), StoreError>;
}

/// How long and how much a node answers from memory.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// For how long (B). Zero asks the store each time.
    pub span: Duration,
    /// How many rosters are held at most.
    pub rosters: usize,
}

impl Default for Terms {
    /// A second, and a hundred thousand rosters.
    fn default() -> Self {
        Self {
            span: Duration::from_secs(1),
            rosters: 100_000,
        }
    }
}

/// A shared store as one node sees it.
pub struct Leased<S> {
    inner: Arc<S>,
    held: Arc<Held>,
}

impl<S: fmt::Debug> fmt::Debug for Leased<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leased")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// What a node holds of the store.
struct Held {
    terms: Terms,
    clock: Arc<dyn Clock>,
    shards: Box<[Mutex<Shard>]>,
    /// Rosters of which something moved that is not written down.
    moved: Mutex<BTreeSet<RosterTag>>,
    /// Tells the writer that something is due.
    due: Notify,
    /// Whether commits of other nodes are heard of.
    is_watching: AtomicBool,
}

#[derive(Default)]
struct Shard {
    leases: HashMap<RosterTag, Lease>,
    /// What was asked for before this may be older than something that was here and is gone.
    fence: Duration,
    /// Versions that were told of and are not here: what is older is not held any more.
    told: HashMap<RosterTag, RosterVersion>,
}

/// One roster, for a while.
struct Lease {
    /// Open, as it was read.
    kept: Option<Kept>,
    /// The store's time when it was read, or a little earlier.
    now: Timestamp,
    /// What our steady clock said before the store was asked.
    asked: Duration,
    /// Whether nothing is answered from it any more.
    is_over: bool,
    /// The first moment at which a session of it is over by what is written down. From then on only
    /// the store says what is live.
    until: Timestamp,
    /// When each session had been heard from, as far as it is written down.
    written: Vec<Timestamp>,
    /// The failed sign-ins that are written down.
    failures: u32,
}

impl<S: Shared + 'static> Leased<S> {
    /// Sees a shared store through leases on these terms, and begins to watch it.
    ///
    /// `clock` counts the leases; it must go on while the machine sleeps.
    pub fn new(inner: Arc<S>, terms: Terms, clock: Arc<dyn Clock>) -> Self {
        let leased = Self::unattended(inner, terms, clock);
        let (inner, held) = (&leased.inner, &leased.held);
        if !terms.span.is_zero() {
            tokio::spawn(watch(Arc::downgrade(inner), Arc::downgrade(held)));
        }
        tokio::spawn(write_down(Arc::downgrade(inner), Arc::downgrade(held)));
        leased
    }

    /// The same with nobody at work behind it, for whoever has no runtime: it holds leases only
    /// while [`watching`](Self::watching) is polled, and writes visits down when it is told to.
    pub fn unattended(inner: Arc<S>, terms: Terms, clock: Arc<dyn Clock>) -> Self {
        let held = Arc::new(Held {
            terms,
            clock,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            moved: Mutex::default(),
            due: Notify::new(),
            is_watching: AtomicBool::new(false),
        });
        Self { inner, held }
    }

    /// Opens a channel and hears of commits on it, until it breaks: then no lease is left, and this
    /// is to be asked for again.
    pub fn watching(&self) -> impl Future<Output = ()> + Send + use<S> {
        watch_once(Arc::downgrade(&self.inner), Arc::downgrade(&self.held))
    }

    /// The store beneath.
    #[must_use]
    pub fn inner(&self) -> &Arc<S> {
        &self.inner
    }

    /// Writes down every visit that is not yet: for a proper stop.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let tags = self.held.moved.lock().clone();
        for tag in tags {
            self.write_down(tag).await?;
        }
        Ok(())
    }

    /// Writes down the visits that are due, as is done in the background all the time.
    pub async fn flush_due(&self) -> Result<(), StoreError> {
        flush_due(&*self.inner, &self.held).await
    }

    async fn write_down(&self, tag: RosterTag) -> Result<(), StoreError> {
        let moved = self.held.moved(tag, false);
        record(&*self.inner, &self.held, tag, moved).await
    }
}

/// What moved in a roster since it was written down.
#[derive(Default)]
struct Moved {
    visits: Vec<(SessionId, Timestamp)>,
    failures: u32,
}

impl Held {
    fn shard(&self, tag: RosterTag) -> &Mutex<Shard> {
        &self.shards[usize::from(tag.shard())]
    }

    fn steady(&self) -> Duration {
        self.clock.steady()
    }

    /// Holds what was asked for at `asked`, unless what is here is newer.
    fn hold(&self, tag: RosterTag, roster: Option<&Arc<Roster>>, now: Timestamp, asked: Duration) {
        if self.terms.span.is_zero() {
            return;
        }
        let mut shard = self.shard(tag).lock();
        let is = version(roster);
        if !self.is_watching.load(Ordering::Acquire) {
            // A reading of before, still on its way, must not be held once there is a channel.
            self.tell(&mut shard, tag, is);
            return;
        }
        let before = shard.leases.get_mut(&tag);
        if let Some(before) = before {
            let was = version(opened(before.kept.as_ref()));
            if is < was || (is == was && asked < before.asked) {
                return;
            }
            // Whether or not the new one can be held, the old one is over.
            before.end();
        }
        if asked < shard.fence || shard.told.get(&tag).is_some_and(|told| is < *told) {
            return;
        }
        shard.told.remove(&tag);
        let mut lease = Lease::of(roster, now, asked);
        if let Some(before) = shard.leases.get(&tag) {
            lease.carry_over(before);
        }
        shard.leases.insert(tag, lease);
        if shard.leases.len() > self.terms.rosters.div_ceil(SHARDS) {
            self.make_room(&mut shard, tag);
        }
    }

    /// Lets go of one roster that is not `newest` and of which all is written down, if there is one.
    fn make_room(&self, shard: &mut Shard, newest: RosterTag) {
        let moved = self.moved.lock();
        let mut others = shard.leases.keys().filter(|tag| **tag != newest);
        let gone = others.find(|tag| !moved.contains(*tag)).copied();
        drop(moved);
        if let Some(lease) = gone.and_then(|gone| shard.leases.remove(&gone)) {
            let last = version(opened(lease.kept.as_ref()));
            self.tell(shard, gone.expect("it is gone"), last);
        }
    }

    /// Ends the lease of a roster. What moved in it and is not written down stays.
    fn take_back(&self, tag: RosterTag) {
        let mut shard = self.shard(tag).lock();
        if let Some(lease) = shard.leases.get_mut(&tag) {
            lease.end();
        }
        shard.fence = shard.fence.max(self.steady());
    }

    /// Ends the lease of a roster if it is older than that version.
    fn hear_of(&self, tag: RosterTag, told: RosterVersion) {
        let mut shard = self.shard(tag).lock();
        if let Some(lease) = shard.leases.get_mut(&tag) {
            if version(opened(lease.kept.as_ref())) >= told {
                return;
            }
            lease.end();
        }
        self.tell(&mut shard, tag, told);
    }

    /// Remembers that a roster has reached this version, so that nothing older is held.
    fn tell(&self, shard: &mut Shard, tag: RosterTag, version: RosterVersion) {
        if shard.told.len() >= TOLD_MAX {
            shard.told.clear();
            shard.fence = shard.fence.max(self.steady());
        }
        let known = shard.told.entry(tag).or_insert(version);
        *known = version.max(*known);
    }

    /// Ends all leases.
    fn take_back_all(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.leases.values_mut().for_each(Lease::end);
            shard.fence = shard.fence.max(self.steady());
        }
    }

    /// What moved in a roster and is not written down; if `is_due`, only what is due to be. Of the
    /// failures it is noted that they are, since they are written by adding them.
    fn moved(&self, tag: RosterTag, is_due: bool) -> Moved {
        let mut shard = self.shard(tag).lock();
        let mut moved = Moved::default();
        if let Some(lease) = shard.leases.get_mut(&tag)
            && let Some(roster) = opened(lease.kept.as_ref())
        {
            let now = lease.now.plus(self.steady().saturating_sub(lease.asked));
            for (session, written) in roster.sessions.iter().zip(&lease.written) {
                let seen = session.last_seen.get();
                if seen > *written && (!is_due || Lease::is_due(session, *written, now)) {
                    moved.visits.push((session.id, seen));
                }
            }
            let failures = roster.failures.get();
            moved.failures = failures.saturating_sub(lease.failures);
            lease.failures = lease.failures.max(failures);
        }
        moved
    }

    /// Notes that visits are written down, and that failures are not after all.
    fn note(&self, tag: RosterTag, visits: &[(SessionId, Timestamp)], unwritten: u32) {
        let mut shard = self.shard(tag).lock();
        let mut is_left = unwritten > 0;
        if let Some(lease) = shard.leases.get_mut(&tag)
            && let Some(roster) = opened(lease.kept.as_ref())
        {
            lease.failures = lease.failures.saturating_sub(unwritten);
            for (session, written) in roster.sessions.iter().zip(&mut lease.written) {
                if let Some((_, at)) = visits.iter().find(|(id, _)| *id == session.id) {
                    *written = (*written).max(*at);
                }
                is_left |= session.last_seen.get() > *written;
            }
            lease.until = lease.written_until();
        }
        if !is_left {
            self.moved.lock().remove(&tag);
        }
    }

    /// Takes up what the store says of a session that it was just touched with.
    fn take_up(&self, touched: &Session) {
        let tag = touched.id.tag();
        let seen = touched.last_seen.get();
        let mut shard = self.shard(tag).lock();
        if let Some(lease) = shard.leases.get_mut(&tag)
            && let Some(roster) = opened(lease.kept.as_ref())
            && let Some(place) = roster.sessions.iter().position(|s| s.id == touched.id)
        {
            let held = &roster.sessions[place];
            held.last_seen.advance(seen);
            if let (Some(held), Some(is)) = (&held.previous, &touched.previous) {
                held.accepted_until.bring_nearer(is.accepted_until.get());
            }
            lease.written[place] = lease.written[place].max(seen);
            lease.until = lease.written_until();
        }
    }
}

impl Lease {
    /// A lease of what the store showed at `now`, asked for at `asked`.
    fn of(roster: Option<&Arc<Roster>>, now: Timestamp, asked: Duration) -> Self {
        let written = roster.map_or_else(Vec::new, |r| {
            r.sessions.iter().map(|s| s.last_seen.get()).collect()
        });
        let mut lease = Self {
            kept: roster.cloned().map(Kept::Open),
            now,
            asked,
            is_over: false,
            until: Timestamp::MAX,
            written,
            failures: roster.map_or(0, |r| r.failures.get()),
        };
        lease.until = lease.written_until();
        lease
    }

    /// Nothing is answered from it any more.
    fn end(&mut self) {
        self.is_over = true;
    }

    /// Takes along what moved in the lease before this one and was not written down: into a roster
    /// of its own, since the one that was read is decided about.
    fn carry_over(&mut self, before: &Self) {
        let (Some(new), Some(old)) = (opened(self.kept.as_ref()), opened(before.kept.as_ref()))
        else {
            return;
        };
        let mut own = Arc::clone(new);
        let unwritten = old.failures.get().saturating_sub(before.failures);
        if unwritten > 0 {
            let failures = self.failures.saturating_add(unwritten);
            Arc::make_mut(&mut own).failures.grow_to(failures);
        }
        for place in 0..new.sessions.len() {
            let session = &new.sessions[place];
            let Some(before) = old.find(session.id) else {
                continue;
            };
            let seen = before.last_seen.get();
            // A visit that the store did not take brings nobody back.
            if seen > session.last_seen.get() && session.is_unexpired(self.now) {
                let own = &mut Arc::make_mut(&mut own).sessions[place];
                Arc::make_mut(own).last_seen.advance(seen);
            }
        }
        self.kept = Some(Kept::Open(own));
    }

    /// The first moment after this was read at which a session is over by what is written down.
    fn written_until(&self) -> Timestamp {
        let sessions = opened(self.kept.as_ref())
            .into_iter()
            .flat_map(|roster| &roster.sessions);
        let deadline = |(session, written): (&Arc<Session>, &Timestamp)| {
            written.plus(session.idle).min(session.absolute_deadline)
        };
        let deadlines = sessions.zip(&self.written).map(deadline);
        let ahead = deadlines.filter(|deadline| *deadline > self.now);
        ahead.min().unwrap_or(Timestamp::MAX)
    }

    /// Whether a visit of a session is due to be written down at `now`.
    fn is_due(session: &Session, written: Timestamp, now: Timestamp) -> bool {
        let after = (session.idle / SIXTEENTH).min(AT_MOST);
        session.last_seen.get() > written && now >= written.plus(after)
    }
}

/// The roster of a lease: none is packed, since none rests that long.
const fn opened(kept: Option<&Kept>) -> Option<&Arc<Roster>> {
    match kept {
        Some(Kept::Open(roster)) => Some(roster),
        Some(Kept::Packed(_)) | None => None,
    }
}

fn version(roster: Option<&Arc<Roster>>) -> RosterVersion {
    roster.map_or(RosterVersion(0), |roster| roster.version)
}

/// Writes down what moved. What could not be is left to the next time.
async fn record<S: Shared + ?Sized>(
    inner: &S,
    held: &Held,
    tag: RosterTag,
    moved: Moved,
) -> Result<(), StoreError> {
    let mut result = Ok(());
    let mut written = Vec::new();
    for (session, at) in moved.visits {
        match inner.hear(session, at).await {
            Ok(()) => written.push((session, at)),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    let mut unwritten = 0;
    if moved.failures > 0
        && let Err(error) = inner.count_failures(tag, moved.failures).await
    {
        unwritten = moved.failures;
        result = Err(error);
    }
    held.note(tag, &written, unwritten);
    if result.is_err() {
        held.take_back(tag);
    }
    result
}

/// Hears of commits for as long as there is somebody who holds something.
async fn watch<S: Shared>(inner: Weak<S>, held: Weak<Held>) {
    while held.strong_count() > 0 {
        watch_once(inner.clone(), held.clone()).await;
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}

/// Hears of commits until the channel breaks, and then ends all leases.
async fn watch_once<S: Shared>(inner: Weak<S>, held: Weak<Held>) {
    let Some(store) = inner.upgrade() else { return };
    let channel = store.watch().await;
    drop(store);
    if let Ok(mut channel) = channel {
        if let Some(held) = held.upgrade() {
            held.is_watching.store(true, Ordering::Release);
        }
        while let Ok((tag, version)) = channel.next().await {
            let Some(held) = held.upgrade() else { return };
            held.hear_of(tag, version);
        }
    }
    if let Some(held) = held.upgrade() {
        held.is_watching.store(false, Ordering::Release);
        held.take_back_all();
    }
}

/// Writes down what is due, for as long as there is somebody who may hear of something.
async fn write_down<S: Shared>(inner: Weak<S>, held: Weak<Held>) {
    loop {
        {
            let Some(strong) = held.upgrade() else { return };
            let told = strong.due.notified();
            let _ = tokio::time::timeout(LOOKS_EVERY, told).await;
        }
        let (Some(inner), Some(held)) = (inner.upgrade(), held.upgrade()) else {
            return;
        };
        // What failed was taken back, and the next check asks the store.
        let _ = flush_due(&*inner, &held).await;
    }
}

async fn flush_due<S: Shared + ?Sized>(inner: &S, held: &Held) -> Result<(), StoreError> {
    let tags = held.moved.lock().clone();
    let mut result = Ok(());
    for tag in tags {
        let moved = held.moved(tag, true);
        result = record(inner, held, tag, moved).await.and(result);
    }
    result
}

#[async_trait]
impl<S: Shared + 'static> SessionStore for Leased<S> {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        self.write_down(tag).await?;
        let asked = self.held.steady();
        let reading = self.inner.read(tag, key).await?;
        self.held
            .hold(tag, reading.roster.as_ref(), reading.now, asked);
        Ok(reading)
    }

    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        let mut shard = self.held.shard(tag).lock();
        let Some(lease) = shard.leases.get_mut(&tag) else {
            return false;
        };
        let passed = self.held.steady().saturating_sub(lease.asked);
        let now = lease.now.plus(passed);
        if lease.is_over || passed >= self.held.terms.span || now >= lease.until {
            // What moved in it is written down from it, so it stays until it is read again.
            return false;
        }
        if look(lease.kept.as_ref(), now) == Heard::Yes {
            self.held.moved.lock().insert(tag);
            let sessions = opened(lease.kept.as_ref())
                .into_iter()
                .flat_map(|r| &r.sessions);
            let mut beside = sessions.zip(&lease.written);
            if beside.any(|(session, written)| Lease::is_due(session, *written, now)) {
                self.held.due.notify_one();
            }
        }
        true
    }

    fn answer_by(&self) -> AnswerBy {
        if self.held.terms.span.is_zero() {
            return AnswerBy::any_time();
        }
        AnswerBy::within(self.held.terms.span, &self.held.clock)
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let tag = commit.tag;
        self.write_down(tag).await?;
        let asked = self.held.steady();
        let outcome = self.inner.commit(commit).await;
        match &outcome {
            Ok(Outcome::Done(roster)) => {
                self.held.hold(tag, Some(roster), roster.time_high, asked);
            }
            Ok(Outcome::Stale | Outcome::Full) | Err(_) => self.held.take_back(tag),
        }
        outcome
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        let tag = touch.session.tag();
        self.write_down(tag).await?;
        let touched = self.inner.touch(touch).await;
        match &touched {
            Ok(Touched::Live(session)) => self.held.take_up(session),
            Ok(Touched::Dead) | Err(_) => self.held.take_back(tag),
        }
        touched
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        self.inner.tail(after, limit).await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        self.inner.latest().await
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        self.inner.listen(after).await
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        self.inner.trim(through).await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        self.inner.erase(tag, others).await
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        self.inner.walk(after, limit).await
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        let forgotten = self.inner.forget(tag, version).await;
        self.held.take_back(tag);
        forgotten
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        self.inner.raise_floor().await
    }

    fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready()
    }
}

#[async_trait]
impl<S: Shared + Register> Register for Leased<S> {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        self.inner.get(name).await
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        self.inner.put(name, seen, value).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        self.inner.list(prefix).await
    }
}
