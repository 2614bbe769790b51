//! A store whose threads shuttle schedules, and what everybody who looks at it is held to.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::{Roster, RosterVersion};
use innkeeper_domain::session::{Session, SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::Clock;
use innkeeper_store::conformance::fixture::{
    IDLE, commit_for, end, remembered, rotation, session, tag,
};
use innkeeper_store::{
    Heard, KeyDigest, Outcome, Reading, Remembered, SessionStore, Touch, Touched,
};
use innkeeper_store_embedded::files::simulated::SimulatedFiles;
use innkeeper_store_embedded::{EmbeddedStore, Sizes};
use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::thread;

const SIZES: Sizes = Sizes {
    segment: 3000,
    checkpoint: 6000,
    reserve: 2000,
    // Packed in the round that changed it.
    rest: Duration::ZERO,
};
pub(crate) const MOMENT: Duration = Duration::from_millis(1);
const KEY: u8 = 1;
const OPENED_AT: Duration = Duration::from_secs(1_000_000);

/// One roster with one session, in a store of its own.
#[derive(Debug)]
pub(crate) struct House {
    files: SimulatedFiles,
    clock: Arc<SteppedClock>,
    store: EmbeddedStore,
    id: SessionId,
    shown: Mutex<Shown>,
}

/// Whether the store was closed before the power went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum WasClosed {
    Yes,
    No,
}

/// What somebody was shown. Whoever looks later is shown that, or what came after it.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    version: RosterVersion,
    now: Timestamp,
    dead: bool,
    /// The latest visit that its visitor was let in for.
    visited_at: Timestamp,
}

impl House {
    /// A store that was just opened, and a session that was just born.
    pub(crate) fn open() -> Self {
        Self::open_with(SIZES)
    }

    /// As [`open`](Self::open), but the roster is never packed: whoever opens one waits for all
    /// who look at it, so that fewer can be there at once.
    pub(crate) fn never_at_rest() -> Self {
        let rest = Duration::MAX;
        Self::open_with(Sizes { rest, ..SIZES })
    }

    fn open_with(sizes: Sizes) -> Self {
        let files = SimulatedFiles::new(thread_rng().r#gen());
        let clock = Arc::new(SteppedClock::default());
        let store = open(&files, &clock, sizes);
        let reading = block_on(store.read(tag(1), None)).expect("it was just opened");
        let newborn = session(tag(1), 1, reading.now);
        let id = newborn.id;
        let commit = commit_for(tag(1), &reading, vec![Change::Birth(newborn.into())]);
        let born = block_on(store.commit(commit)).expect("there is room");
        assert!(matches!(born, Outcome::Done(_)));
        Self {
            files,
            clock,
            store,
            id,
            shown: Mutex::default(),
        }
    }

    /// Lets time pass, in steps between which anything may happen.
    pub(crate) fn pass_moments(&self) {
        for _ in 0..4 {
            self.pass(MOMENT);
        }
    }

    /// Lets time pass until the session is about to be found silent.
    pub(crate) fn pass_until_near(&self) {
        self.pass(IDLE.saturating_sub(2 * MOMENT));
    }

    /// Lets time pass at once.
    pub(crate) fn pass(&self, span: Duration) {
        self.clock.pass(span);
    }

    /// Reads the roster for a decision. `None` once the store has stopped.
    pub(crate) fn read(&self) -> Option<Reading> {
        let before = self.shown();
        let key = KeyDigest([KEY; 32]);
        let reading = block_on(self.store.read(self.tag(), Some(key))).ok()?;
        let roster = reading.roster.as_ref().expect("it was born");
        let session = self.live(roster, reading.now);
        self.look(before, roster, reading.now, session.is_none());
        if let Some(session) = session {
            let previous = session.previous.as_ref();
            let is_owed = previous.is_some_and(|p| reading.now < p.repeatable_until);
            let is_there = reading.remembered.is_some();
            assert_eq!(is_owed, is_there, "a change and its answer appear together");
        }
        Some(reading)
    }

    /// Visits as a quick check does: a yes comes from one look, and a no from a reading.
    pub(crate) fn visit(&self) {
        let before = self.shown();
        let (mut is_live, mut visited_at) = (false, None);
        let looked = self.store.glance(self.tag(), &mut |kept, now| {
            let kept = kept.expect("it was born");
            let roster = kept.open().expect("it is whole");
            is_live = self.live(&roster, now).is_some();
            if is_live {
                self.look(before, &roster, now, false);
            }
            thread::yield_now();
            if is_live && kept.hear(self.id.serial(), now) {
                visited_at = Some(now);
                Heard::Yes
            } else {
                Heard::No
            }
        });
        if let Some(at) = visited_at {
            let mut shown = self.shown.lock().expect("nobody panicked");
            shown.visited_at = shown.visited_at.max(at);
        }
        if !(looked && is_live) {
            self.read();
        }
    }

    /// Visits as somebody does who was not let in by a quick check.
    pub(crate) fn touch(&self) {
        self.touch_with(None);
    }

    /// Visits with the successor of a token, which brings the end of its grace nearer.
    pub(crate) fn touch_with_successor(&self) {
        let Some(reading) = self.read() else {
            return;
        };
        let roster = reading.roster.as_ref().expect("it was born");
        let previous = roster.find(self.id).and_then(|s| s.previous.as_ref());
        let end = previous.map(|p| Timestamp::from_millis(p.accepted_until.get().as_millis() - 1));
        self.touch_with(end);
    }

    fn touch_with(&self, grace_ends_at: Option<Timestamp>) {
        let before = self.shown();
        let touch = Touch {
            session: self.id,
            grace_ends_at,
        };
        match block_on(self.store.touch(touch)) {
            Ok(Touched::Live(_)) => assert!(!before.dead, "S2: it was dead, and is live"),
            Ok(Touched::Dead) => self.shown.lock().expect("nobody panicked").dead = true,
            Err(_) => {}
        }
    }

    /// Ends the session.
    pub(crate) fn end(&self) {
        self.change(|now| (end(self.id, now), None));
    }

    /// Rotates the session's token, and remembers the answer.
    pub(crate) fn rotate(&self) {
        self.change(|now| (rotation(self.id, now), Some(remembered(self.id, KEY, now))));
    }

    /// Decides a change by a reading, and commits it, until it is known what became of it.
    fn change(&self, change: impl Fn(Timestamp) -> (Change, Option<Remembered>)) {
        loop {
            let Some(reading) = self.read() else {
                return;
            };
            let roster = reading.roster.as_ref().expect("it was born");
            if self.live(roster, reading.now).is_none() {
                return;
            }
            let (change, remember) = change(reading.now);
            let mut commit = commit_for(self.tag(), &reading, vec![change]);
            commit.stands_until = roster.changes_stand_until(&commit.changes, reading.now);
            commit.remember.extend(remember);
            let before = self.shown();
            match block_on(self.store.commit(commit)) {
                // Acknowledged: whoever looks from now on is shown it (S4, with B = 0).
                Ok(Outcome::Done(roster)) => {
                    assert!(roster.version > before.version, "made for what was shown");
                    let mut shown = self.shown.lock().expect("nobody panicked");
                    shown.version = shown.version.max(roster.version);
                    shown.dead |= roster.find(self.id).is_none();
                    return;
                }
                Ok(Outcome::Stale) => {}
                Ok(Outcome::Full) => panic!("no seats were asked for"),
                Err(_) => return,
            }
        }
    }

    pub(crate) fn close(&self) {
        block_on(self.store.close()).expect("the disk is well");
    }

    /// The power goes.
    pub(crate) fn crash(&self) {
        self.files.crash_after(0);
    }

    /// The power comes back: what was shown is there, and what was dead is dead (S2, S3). If the
    /// store was closed, it knows of each visit.
    pub(crate) fn comes_back(self, was_closed: WasClosed) {
        let shown = self.shown();
        self.files.crash_after(0);
        drop(self.store);
        self.files.crash();
        let store = open(&self.files, &self.clock, SIZES);
        let reading = block_on(store.read(self.id.tag(), None)).expect("it was just opened");
        let roster = reading.roster.expect("its birth was acknowledged");
        assert!(reading.now >= shown.now, "S13: time falls");
        assert!(roster.version >= shown.version, "S3: it was shown too soon");
        let session = roster.find(self.id);
        let is_live = session.is_some_and(|s| roster.is_live(s, reading.now));
        assert!(!(is_live && shown.dead), "S2: it was dead, and is live");
        if let Some(session) = session.filter(|_| was_closed == WasClosed::Yes) {
            let last_seen = session.last_seen.get();
            assert!(last_seen >= shown.visited_at, "a visit is forgotten");
        }
    }

    fn tag(&self) -> RosterTag {
        self.id.tag()
    }

    fn shown(&self) -> Shown {
        *self.shown.lock().expect("nobody panicked")
    }

    fn live<'a>(&self, roster: &'a Roster, now: Timestamp) -> Option<&'a Session> {
        let session = roster.find(self.id)?;
        roster.is_live(session, now).then_some(session)
    }

    /// Holds a look against what was shown `before` it began.
    fn look(&self, before: Shown, roster: &Roster, now: Timestamp, is_dead: bool) {
        assert!(roster.version >= before.version, "S4: it was further on");
        assert!(now >= before.now, "S13: time falls");
        assert!(is_dead || !before.dead, "S2: it was dead, and is live");
        let mut shown = self.shown.lock().expect("nobody panicked");
        shown.version = shown.version.max(roster.version);
        shown.now = shown.now.max(now);
        shown.dead |= is_dead;
    }
}

fn open(files: &SimulatedFiles, clock: &Arc<SteppedClock>, sizes: Sizes) -> EmbeddedStore {
    let files = Arc::new(files.clone());
    let clock = Arc::clone(clock);
    EmbeddedStore::open_scheduled(files, "data", clock, sizes).expect("the store is whole")
}

/// A clock that goes on when the test says so, between any two looks at it.
#[derive(Debug, Default)]
struct SteppedClock(AtomicU64);

impl SteppedClock {
    fn pass(&self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).expect("it is short");
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn wall(&self) -> Duration {
        OPENED_AT + self.steady()
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}
