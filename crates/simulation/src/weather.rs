//! Weather: a store whose calls take their time, fail, lose their answers and come late.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::{Commit, Heard, Kept, Outcome, Passage, Register, SessionStore, StoreError};
use innkeeper_store_embedded::files::simulated::Strokes;

use crate::tally::Met;
use parking_lot::Mutex;

use crate::dice::Dice;
use crate::tally::Tally;

/// A store that can be struck by a crash.
pub trait Backend: SessionStore + Register {
    /// What was acknowledged stays. What else a crash takes is the store's affair.
    fn crash(&self);

    /// Whether it has crashed by itself since it was last asked.
    fn has_crashed(&self) -> bool {
        false
    }

    /// Nothing befalls it any more.
    fn clear_up(&self) {}

    /// What has befallen the files beneath it, if there are any.
    fn strokes(&self) -> Option<Strokes> {
        None
    }

    /// How often a quick look met a packed roster, if it packs any.
    fn met(&self) -> Option<Met> {
        None
    }
}

impl Backend for MemoryStore {
    /// It stands for a store that synced all it ever answered.
    fn crash(&self) {}
}

/// A store in bad weather.
#[derive(Debug)]
pub struct Weather {
    inner: Arc<dyn Backend>,
    sky: Mutex<Sky>,
}

#[derive(Debug)]
struct Sky {
    dice: Dice,
    faults: u64,
    fair: bool,
    tally: Tally,
    /// Commits that were sent and whose sender no longer waits: they may still arrive.
    late: Vec<Commit>,
}

enum Fault {
    /// It is refused, and nothing is done.
    Unavailable,
    /// It does not arrive, or late.
    LostBefore,
    /// It is done, and the answer is lost.
    LostAfter,
}

impl Weather {
    /// Puts `inner` under a sky of its own, where one call in `faults` goes wrong.
    #[must_use]
    pub fn over(inner: Arc<dyn Backend>, dice: Dice, faults: u64) -> Self {
        let sky = Sky {
            dice,
            faults,
            fair: false,
            tally: Tally::default(),
            late: Vec::new(),
        };
        Self {
            inner,
            sky: Mutex::new(sky),
        }
    }

    /// From now on nothing goes wrong, and nothing is late any more.
    pub fn clear_up(&self) {
        self.sky.lock().fair = true;
    }

    /// What has gone wrong so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.sky.lock().tally
    }

    /// Lets one commit that is under way arrive, or be lost for good.
    pub async fn deliver_late(&self) {
        let late = {
            let mut sky = self.sky.lock();
            let waiting = sky.late.len();
            if waiting == 0 {
                return;
            }
            let place = sky.dice.place(waiting);
            let commit = sky.late.swap_remove(place);
            let lost = sky.dice.once_in(3);
            sky.tally.late_commits += u64::from(!lost);
            (!lost).then_some(commit)
        };
        if let Some(commit) = late {
            // Nobody waits for the outcome.
            let _ = self.inner.commit(commit).await;
        }
    }

    /// Whether anything is under way.
    #[must_use]
    pub fn is_late(&self) -> bool {
        !self.sky.lock().late.is_empty()
    }

    async fn pause(&self) {
        let mut yields = {
            let mut sky = self.sky.lock();
            let yields = if sky.fair { 0 } else { sky.dice.below(3) };
            sky.tally.delays += u64::from(yields > 0);
            yields
        };
        poll_fn(|_| {
            if yields == 0 {
                return Poll::Ready(());
            }
            yields -= 1;
            Poll::Pending
        })
        .await;
    }

    fn fault(&self) -> Option<Fault> {
        let mut sky = self.sky.lock();
        let faults = sky.faults;
        if sky.fair || !sky.dice.once_in(faults) {
            return None;
        }
        let (fault, count) = match sky.dice.below(3) {
            0 => (Fault::Unavailable, &mut sky.tally.unavailable),
            1 => (Fault::LostBefore, &mut sky.tally.lost_before),
            _ => (Fault::LostAfter, &mut sky.tally.lost_after),
        };
        *count += 1;
        Some(fault)
    }

    async fn play<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.pause().await;
        let answer = match self.fault() {
            None => call.await,
            Some(Fault::Unavailable) => Err(unavailable()),
            Some(Fault::LostBefore) => Err(lost()),
            Some(Fault::LostAfter) => call.await.and_then(|_| Err(lost())),
        };
        self.pause().await;
        answer
    }

    fn keep_for_later(&self, commit: Commit) {
        let mut sky = self.sky.lock();
        if !sky.fair && sky.dice.once_in(2) {
            sky.late.push(commit);
        }
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        source: "the weather is bad".into(),
    }
}

fn lost() -> StoreError {
    StoreError::Unknown {
        tag: RosterTag::from_bytes([0; 16]),
    }
}

/// A commit on its way. If its sender is dropped meanwhile, it may arrive all the same.
struct Sent<'a> {
    weather: &'a Weather,
    commit: Option<Commit>,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if let Some(commit) = self.commit.take() {
            self.weather.keep_for_later(commit);
        }
    }
}

#[async_trait]
impl Passage for Weather {
    type Store = dyn Backend;

    fn behind(&self) -> &Self::Store {
        &*self.inner
    }

    fn pass<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        self.play(call)
    }

    fn pass_glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        // Memory may not always answer; then a check is a proper reading.
        let allowed = !self.sky.lock().dice.once_in(3);
        allowed && self.inner.glance(tag, look)
    }

    async fn pass_commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let mut sent = Sent {
            weather: self,
            commit: Some(commit),
        };
        self.pause().await;
        let fault = self.fault();
        let commit = sent.commit.take().expect("it was just sent");
        let answer = match fault {
            None => self.inner.commit(commit).await,
            Some(Fault::Unavailable) => Err(unavailable()),
            Some(Fault::LostBefore) => {
                self.keep_for_later(commit);
                Err(lost())
            }
            Some(Fault::LostAfter) => self.inner.commit(commit).await.and_then(|_| Err(lost())),
        };
        self.pause().await;
        answer
    }
}
