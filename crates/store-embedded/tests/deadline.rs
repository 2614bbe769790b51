//! What was answered as dead stays dead (S2), also when a deadline passes while the change that
//! moves it is on its way to the disk.
//!
//! The clock here is in the hands of the test: it lets time pass a deadline right after the
//! committing thread has looked at it, and holds that thread up before it writes.

use std::future::{self, Future};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use innkeeper_domain::change::Change;
use innkeeper_domain::session::{AssuranceLevel, AuthenticationEvent, SessionId, Timestamp};
use innkeeper_store::clock::{Clock, ManualClock};
use innkeeper_store::conformance::fixture::{
    ABSOLUTE, IDLE, commit_for, drop_after, rotation, session, tag,
};
use innkeeper_store::register::{Put, Register};
use innkeeper_store::{Heard, Kept, Outcome, Reading, SessionStore, StoreError, Touch, Touched};
use innkeeper_store_embedded::EmbeddedStore;
use tempfile::TempDir;
use tokio::task::JoinHandle;

const ROUNDS: u8 = 25;
const MOMENT: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn given_a_rotation_under_way_when_the_idle_deadline_passes_then_nobody_finds_it_dead() {
    let house = House::open();
    for number in 1..=ROUNDS {
        let id = house.born(number, ABSOLUTE).await;
        house.pass_until_near(id).await;
        let change = |now| rotation(id, now);
        house.moves_the_deadline(id, house.commit(id, change)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn given_a_reauthentication_under_way_when_a_deadline_passes_then_nobody_finds_it_dead() {
    let house = House::open();
    for number in 1..=ROUNDS {
        // By turns the idle deadline and the absolute one are the first to pass.
        let absolute = if number % 2 == 0 { ABSOLUTE } else { IDLE / 2 };
        let id = house.born(number, absolute).await;
        house.pass_until_near(id).await;
        let change = |now: Timestamp| Change::Reauthentication {
            id,
            event: AuthenticationEvent {
                at: now,
                methods: Box::default(),
                assurance: AssuranceLevel::new(2).expect("it is one of ten"),
            },
            absolute_deadline: now.plus(ABSOLUTE),
        };
        house.moves_the_deadline(id, house.commit(id, change)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn given_a_visit_under_way_when_the_idle_deadline_passes_then_nobody_finds_it_dead() {
    let house = House::open();
    for number in 1..=ROUNDS {
        let id = house.born(number, ABSOLUTE).await;
        let rotated = house.commit(id, |now| rotation(id, now)).await;
        assert!(rotated.await.unwrap());
        house.pass_until_near(id).await;
        let roster = house.read(id).await.roster.unwrap();
        let previous = roster.find(id).unwrap().previous.clone().unwrap();
        let grace_end = previous.accepted_until.get().as_millis() - 1;
        let touch = Touch {
            session: id,
            grace_ends_at: Some(Timestamp::from_millis(grace_end)),
        };
        let store = Arc::clone(&house.store);
        let visit = async move { matches!(store.touch(touch).await.unwrap(), Touched::Live(_)) };
        let visit = start(visit);
        house.moves_the_deadline(id, visit).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn given_a_reading_that_waits_when_the_round_fails_then_it_says_that_nobody_knows() {
    let house = House::open();
    let id = house.born(1, ABSOLUTE).await;
    house.pass_until_near(id).await;
    let (_, held, release) = house.clock.arm();
    let commit = house.start(id, |now| rotation(id, now)).await;
    let within = move || held.recv_timeout(PATIENCE).unwrap();
    tokio::task::spawn_blocking(within).await.unwrap();
    let mut reading = pin!(house.store.read(id.tag(), None));
    assert!(poll(reading.as_mut()).is_pending());

    // Nobody will let it go: the committing thread panics.
    drop(release);

    let unknown = commit.await.unwrap().unwrap_err();
    assert!(matches!(unknown, StoreError::Unknown { .. }), "{unknown:?}");
    let later = house.store.read(id.tag(), None);
    for refusal in [reading.await.unwrap_err(), later.await.unwrap_err()] {
        assert!(
            matches!(refusal, StoreError::Unavailable { .. }),
            "{refusal:?}"
        );
    }
    assert!(house.store.read(tag(2), None).await.is_ok());
}

/// A store on a clock that a test holds.
struct House {
    clock: Arc<HeldClock>,
    store: Arc<EmbeddedStore>,
    _root: TempDir,
}

/// Says whether the change was done.
type Task = JoinHandle<bool>;

impl House {
    fn open() -> Self {
        let root = tempfile::tempdir().unwrap();
        let clock = Arc::new(HeldClock::default());
        let store = EmbeddedStore::open(root.path().join("0"), Arc::clone(&clock) as _).unwrap();
        Self {
            clock,
            store: Arc::new(store),
            _root: root,
        }
    }

    async fn read(&self, id: SessionId) -> Reading {
        self.store.read(id.tag(), None).await.unwrap()
    }

    async fn born(&self, number: u8, absolute: Duration) -> SessionId {
        let reading = self.store.read(tag(number), None).await.unwrap();
        let mut newborn = session(tag(number), number, reading.now);
        newborn.absolute_deadline = reading.now.plus(absolute);
        let id = newborn.id;
        let births = vec![Change::Birth(newborn.into())];
        let commit = commit_for(tag(number), &reading, births);
        let outcome = self.store.commit(commit).await.unwrap();
        assert!(matches!(outcome, Outcome::Done(_)));
        id
    }

    /// Lets time pass until the last millisecond of a session.
    async fn pass_until_near(&self, id: SessionId) {
        let reading = self.read(id).await;
        let end = reading.roster.unwrap().find(id).unwrap().expires_at();
        let left = Duration::from_millis(end.as_millis() - reading.now.as_millis() - 1);
        self.clock.time.pass(left);
        // A change elsewhere: from here on no reading has to ask for time.
        let name = "inn";
        let seen = self.store.get(name).await.unwrap().map(|r| r.version);
        let put = self.store.put(name, seen, Some(vec![1])).await;
        assert!(matches!(put.unwrap(), Put::Done(_)));
        assert!(is_live(&self.read(id).await, id));
    }

    /// Decides a change now, which is what the deadlines stand for, and commits it by and by.
    async fn commit(&self, id: SessionId, change: impl FnOnce(Timestamp) -> Change) -> Task {
        let commit = self.start(id, change).await;
        tokio::spawn(async move { matches!(commit.await.unwrap().unwrap(), Outcome::Done(_)) })
    }

    async fn start(
        &self,
        id: SessionId,
        change: impl FnOnce(Timestamp) -> Change,
    ) -> JoinHandle<Result<Outcome, StoreError>> {
        let reading = self.read(id).await;
        let changes = vec![change(reading.now)];
        let mut commit = commit_for(id.tag(), &reading, changes);
        let roster = reading.roster.unwrap();
        commit.stands_until = roster.changes_stand_until(&commit.changes, reading.now);
        let store = Arc::clone(&self.store);
        tokio::spawn(async move { store.commit(commit).await })
    }

    /// Lets the deadline of a session pass while `start` is on its way to the disk.
    async fn moves_the_deadline(&self, id: SessionId, start: impl Future<Output = Task>) {
        let (looks, held, release) = self.clock.arm();
        let early = {
            let store = Arc::clone(&self.store);
            let runtime = tokio::runtime::Handle::current();
            // It comes while the committing thread looks at the clock.
            thread::spawn(move || {
                looks.recv_timeout(PATIENCE).unwrap();
                runtime.block_on(store.read(id.tag(), None)).unwrap()
            })
        };
        let task = start.await;
        let within = move || held.recv_timeout(PATIENCE).unwrap();
        tokio::task::spawn_blocking(within).await.unwrap();

        // It is decided, the deadline has passed, and nothing is written yet.
        let mut reading = pin!(self.store.read(id.tag(), None));
        let mut visit = pin!(self.store.touch(Touch {
            session: id,
            grace_ends_at: None,
        }));
        assert!(poll(reading.as_mut()).is_pending(), "S2: it reads the old");
        assert!(poll(visit.as_mut()).is_pending(), "S2: it goes by the old");
        drop_after(3, self.store.read(id.tag(), None)).await;
        let mut shown = false;
        let mut look = |kept: Option<&Kept>, now| {
            let roster = kept.unwrap().open().unwrap();
            shown = !roster.is_live(roster.find(id).unwrap(), now);
            Heard::No
        };
        assert!(self.store.glance(id.tag(), &mut look));
        assert!(shown, "a glance does not wait, and its no is no answer");
        let elsewhere = self.store.read(tag(0), None);
        assert!(poll(pin!(elsewhere)).is_ready(), "others do not wait");

        release.send(()).unwrap();

        assert!(task.await.unwrap(), "it was decided in time");
        assert!(is_live(&reading.await.unwrap(), id));
        assert!(matches!(visit.await.unwrap(), Touched::Live(_)));
        let early = tokio::task::spawn_blocking(|| early.join().unwrap());
        assert!(is_live(&early.await.unwrap(), id), "S2: dead, then live");
    }
}

/// Begins when it is waited for.
fn start(task: impl Future<Output = bool> + Send + 'static) -> impl Future<Output = Task> {
    future::poll_fn({
        let mut task = Some(task);
        move |_| Poll::Ready(tokio::spawn(task.take().expect("it begins once")))
    })
}

fn is_live(reading: &Reading, id: SessionId) -> bool {
    let roster = reading.roster.as_ref().unwrap();
    roster
        .find(id)
        .is_some_and(|s| roster.is_live(s, reading.now))
}

fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = Result<T, StoreError>>>) -> Poll<()> {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .map(drop)
}

/// Once armed, it acts on the next round of the committing thread, which looks at the time as it
/// begins, at its one change, and for the steady clock alone before it writes.
#[derive(Debug)]
struct HeldClock {
    time: ManualClock,
    /// How many more looks at the wall clock come before the thread is held up.
    looks_left: AtomicU32,
    hooks: Mutex<Option<Hooks>>,
}

#[derive(Debug)]
struct Hooks {
    looks: Sender<()>,
    held: Sender<()>,
    released: Receiver<()>,
}

impl Default for HeldClock {
    fn default() -> Self {
        Self {
            time: ManualClock::at(1_000_000),
            looks_left: AtomicU32::new(0),
            hooks: Mutex::new(None),
        }
    }
}

impl HeldClock {
    fn arm(&self) -> (Receiver<()>, Receiver<()>, Sender<()>) {
        let (looks, looking) = channel();
        let (held, holding) = channel();
        let (release, released) = channel();
        *self.hooks.lock().unwrap() = Some(Hooks {
            looks,
            held,
            released,
        });
        self.looks_left.store(2, Ordering::SeqCst);
        (looking, holding, release)
    }

    fn is_committing() -> bool {
        thread::current().name() == Some("innkeeper-commit")
    }
}

impl Clock for HeldClock {
    fn wall(&self) -> Duration {
        let wall = self.time.wall();
        if Self::is_committing()
            && self.looks_left.load(Ordering::SeqCst) > 0
            && self.looks_left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            let hooks = self.hooks.lock().unwrap();
            // Nobody has to care.
            let _ = hooks.as_ref().unwrap().looks.send(());
            // Long enough for a reader to come, which then finds the time just after this one.
            #[expect(clippy::disallowed_methods, reason = "whether it came cannot be seen")]
            thread::sleep(MOMENT);
            self.time.pass(MOMENT);
        }
        wall
    }

    fn steady(&self) -> Duration {
        if Self::is_committing() && self.looks_left.load(Ordering::SeqCst) == 0 {
            let hooks = self.hooks.lock().unwrap().take();
            if let Some(hooks) = hooks {
                hooks.held.send(()).unwrap();
                hooks.released.recv_timeout(PATIENCE).unwrap();
            }
        }
        self.time.steady()
    }
}
