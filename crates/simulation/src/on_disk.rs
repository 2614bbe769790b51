//! The embedded store on simulated files: it crashes at any write and sync, and is opened again.
//!
//! Its rounds are done by those who wait for them, when the dice say so, so that commits meet in
//! a round as they do on a thread of its own. Whoever waits when the machine goes down, or the
//! store stops since a sync failed or the disk was full, never hears an answer.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::{Floor, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::ManualClock;
use innkeeper_store::register::{Put, Register, Registered};
use innkeeper_store::{
    Commit, Cursor, Heard, Kept, KeyDigest, Outcome, Reading, SessionStore, StoreError, Tail,
    Touch, Touched,
};
use innkeeper_store_embedded::files::simulated::{Deed, SimulatedFiles, Strokes};
use innkeeper_store_embedded::{EmbeddedStore, Sizes};
use parking_lot::Mutex;

use crate::dice::Dice;
use crate::tally::Met;
use crate::weather::Backend;

const FOLDER: &str = "data";
/// So small that segments and checkpoints come and go within a run.
const SIZES: Sizes = Sizes {
    segment: 20_000,
    checkpoint: 40_000,
    reserve: 10_000,
    rest: Duration::ZERO,
};

/// How long a roster is left in peace before it is packed, in one life or another: not at all, so
/// that it is packed after the very round that changed it, and longer.
const RESTS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_secs(5),
    Duration::from_mins(1),
];

/// A store that goes down and comes back with what is durable.
#[derive(Debug)]
pub struct OnDisk {
    files: SimulatedFiles,
    clock: Arc<ManualClock>,
    life: Mutex<Life>,
}

/// From one opening to the next.
#[derive(Debug)]
struct Life {
    dice: Dice,
    store: Option<Arc<EmbeddedStore>>,
    number: u64,
    /// Whether it ended and nobody has asked since.
    has_crashed: bool,
    fair: bool,
    met: Met,
}

impl OnDisk {
    /// An empty store, all of whose misfortunes follow from the dice.
    #[must_use]
    pub fn new(clock: Arc<ManualClock>, mut dice: Dice) -> Self {
        let store = Self {
            files: SimulatedFiles::new(dice.next()),
            clock,
            life: Mutex::new(Life {
                dice,
                store: None,
                number: 0,
                has_crashed: false,
                fair: false,
                met: Met::default(),
            }),
        };
        store.open(&mut store.life.lock());
        store
    }

    /// The store as it is now, opened again if it went down, and in which life.
    fn store(&self) -> (Arc<EmbeddedStore>, u64) {
        let life = &mut *self.life.lock();
        if let Some(store) = &life.store
            && store.ready().is_ok()
        {
            return (Arc::clone(store), life.number);
        }
        self.end(life);
        self.open(life);
        let store = life.store.as_ref().expect("it was just opened");
        (Arc::clone(store), life.number)
    }

    fn end(&self, life: &mut Life) {
        life.store = None;
        life.has_crashed = true;
        if self.files.is_down() || life.dice.once_in(2) {
            self.files.crash();
        } else {
            self.files.kill();
        }
    }

    /// Opens the store, which may go down again before it is open.
    fn open(&self, life: &mut Life) {
        loop {
            life.number += 1;
            self.threaten(life);
            let before = self.files.strokes();
            let files = Arc::new(self.files.clone());
            let clock = Arc::clone(&self.clock) as _;
            let sizes = Sizes {
                rest: RESTS[usize::try_from(life.dice.below(4)).unwrap_or_default()],
                ..SIZES
            };
            let opened = EmbeddedStore::open_simulated(files, FOLDER, clock, sizes);
            match opened {
                Ok(store) => {
                    life.store = Some(Arc::new(store));
                    return;
                }
                Err(error) => {
                    let is_refused = self.files.strokes().refused() > before.refused();
                    let is_kept_from_it = self.files.is_down() || is_refused;
                    assert!(is_kept_from_it, "it does not open: {error:?}");
                }
            }
            self.end(life);
        }
    }

    /// Draws what this life will end with.
    fn threaten(&self, life: &mut Life) {
        self.files.spare();
        if life.fair {
            return;
        }
        // Little is removed, and nothing depends on it.
        self.files.fail_one_in(Deed::Remove, 4);
        match life.dice.below(10) {
            0..4 => self.files.crash_after(life.dice.below(250)),
            4 => self.files.crash_after(life.dice.below(20)),
            5 => self.files.fail_one_in(Deed::Sync, 40),
            6 => {
                let room = 1_000 + life.dice.below(20_000);
                self.files.hold_at_most(self.files.used() + room);
                // Where what was refused is to be cut off again.
                self.files.fail_one_in(Deed::Cut, 3);
            }
            7 | 8 => {
                if let Some(deed) = life.dice.one_of(&Deed::ALL) {
                    // What is seldom done fails often.
                    let often = matches!(deed, Deed::Read | Deed::Sync);
                    self.files.fail_one_in(*deed, if often { 10 } else { 2 });
                }
            }
            _ => {}
        }
    }

    /// Asks the store, and waits for the answer or for its end.
    async fn ask<T, F>(&self, ask: F) -> Result<T, StoreError>
    where
        F: for<'a> FnOnce(&'a EmbeddedStore) -> Asking<'a, T> + Send,
    {
        let (store, number) = self.store();
        let mut asking = pin!(ask(&store));
        std::future::poll_fn(|context| self.go_on(&store, number, asking.as_mut(), context)).await
    }

    fn go_on<T>(
        &self,
        store: &EmbeddedStore,
        number: u64,
        mut asking: Pin<&mut Asking<'_, T>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<T, StoreError>> {
        if self.life.lock().number != number {
            return Poll::Ready(Err(gone()));
        }
        if let Poll::Ready(answer) = asking.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        if self.life.lock().dice.once_in(3) {
            store.turn();
            return asking.as_mut().poll(context);
        }
        Poll::Pending
    }
}

type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

fn gone() -> StoreError {
    StoreError::Unknown {
        tag: RosterTag::from_bytes([0; 16]),
    }
}

impl Backend for OnDisk {
    fn crash(&self) {
        let life = &mut *self.life.lock();
        self.end(life);
        self.open(life);
        life.has_crashed = false;
    }

    fn has_crashed(&self) -> bool {
        std::mem::take(&mut self.life.lock().has_crashed)
    }

    fn clear_up(&self) {
        {
            let life = &mut *self.life.lock();
            life.fair = true;
            self.threaten(life);
        }
        // It comes back if it had gone down.
        let _ = self.store();
    }

    fn met(&self) -> Option<Met> {
        Some(self.life.lock().met)
    }

    fn strokes(&self) -> Option<Strokes> {
        Some(self.files.strokes())
    }
}

#[async_trait]
impl SessionStore for OnDisk {
    async fn read(&self, tag: RosterTag, key: Option<KeyDigest>) -> Result<Reading, StoreError> {
        self.ask(|store| store.read(tag, key)).await
    }

    fn glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        let (store, _) = self.store();
        // A round packs what rests, with or without anything to write.
        if self.life.lock().dice.once_in(2) {
            store.turn();
        }
        let mut met = Met::default();
        let answered = store.glance(tag, &mut |kept, now| {
            let heard = look(kept, now);
            let is_packed = matches!(kept, Some(Kept::Packed(_)));
            met.shown += u64::from(is_packed);
            met.visited += u64::from(is_packed && heard == Heard::Yes);
            heard
        });
        let sum = &mut self.life.lock().met;
        sum.shown += met.shown;
        sum.visited += met.visited;
        answered
    }

    async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        self.ask(|store| store.commit(commit)).await
    }

    async fn touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        self.ask(|store| store.touch(touch)).await
    }

    async fn tail(&self, after: Option<&Cursor>, limit: usize) -> Result<Tail, StoreError> {
        let after = after.cloned();
        self.ask(move |store| Box::pin(async move { store.tail(after.as_ref(), limit).await }))
            .await
    }

    async fn latest(&self) -> Result<Option<Cursor>, StoreError> {
        self.ask(|store| store.latest()).await
    }

    async fn listen(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        let after = after.cloned();
        self.ask(move |store| Box::pin(async move { store.listen(after.as_ref()).await }))
            .await
    }

    async fn trim(&self, through: &Cursor) -> Result<(), StoreError> {
        let through = through.clone();
        self.ask(move |store| Box::pin(async move { store.trim(&through).await }))
            .await
    }

    async fn erase(&self, tag: RosterTag, others: &[Cursor]) -> Result<(), StoreError> {
        let others = others.to_vec();
        self.ask(move |store| Box::pin(async move { store.erase(tag, &others).await }))
            .await
    }

    async fn walk(
        &self,
        after: Option<RosterTag>,
        limit: usize,
    ) -> Result<Vec<RosterTag>, StoreError> {
        self.ask(|store| store.walk(after, limit)).await
    }

    async fn forget(&self, tag: RosterTag, version: RosterVersion) -> Result<(), StoreError> {
        self.ask(|store| store.forget(tag, version)).await
    }

    async fn raise_floor(&self) -> Result<Floor, StoreError> {
        self.ask(|store| store.raise_floor()).await
    }

    fn ready(&self) -> Result<(), StoreError> {
        let (store, _) = self.store();
        store.ready()
    }
}

#[async_trait]
impl Register for OnDisk {
    async fn get(&self, name: &str) -> Result<Option<Registered>, StoreError> {
        let name = name.to_owned();
        self.ask(move |store| Box::pin(async move { store.get(&name).await }))
            .await
    }

    async fn put(
        &self,
        name: &str,
        seen: Option<u64>,
        value: Option<Vec<u8>>,
    ) -> Result<Put, StoreError> {
        let name = name.to_owned();
        self.ask(move |store| Box::pin(async move { store.put(&name, seen, value).await }))
            .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Registered)>, StoreError> {
        let prefix = prefix.to_owned();
        self.ask(move |store| Box::pin(async move { store.list(&prefix).await }))
            .await
    }
}
