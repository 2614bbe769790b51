//! A line: one node's way to the hub. What is sent over it takes time, gets lost, and nothing
//! passes while it is cut.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::session::{SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::{Clock, ManualClock};
use innkeeper_store::lease::{Changes, Shared};
use innkeeper_store::{Heard, Kept, Passage, StoreError};
use parking_lot::Mutex;

use crate::dice::Dice;
use crate::hub::Hub;
use crate::inbox::{Inbox, Notices};
use crate::weather::Weather;

/// A way to the hub, with the weather of its own at the far end.
#[derive(Debug)]
pub(crate) struct Line {
    hub: Arc<Hub>,
    weather: Arc<Weather>,
    far: Arc<Far>,
}

/// What a line and its channel have in common.
#[derive(Debug)]
struct Far {
    /// Beside all nodes: how long things take on their way.
    clock: Arc<ManualClock>,
    slow: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    fair: bool,
    is_cut: bool,
    /// The channel, until its end has been told to the node.
    channel: Option<Arc<Inbox>>,
    tally: Lines,
}

/// What befell the lines of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    /// Requests and answers that took their time.
    pub slow: u64,
    /// Requests that met a line that was cut.
    pub cut_before: u64,
    /// Answers that did.
    pub cut_after: u64,
    /// Calls of which the machine that was asked is gone.
    pub failed_over: u64,
    /// What became of notices.
    pub notices: Notices,
}

impl Lines {
    /// Adds what befell others.
    pub(crate) fn add(&mut self, other: &Self) {
        self.slow += other.slow;
        self.cut_before += other.cut_before;
        self.cut_after += other.cut_after;
        self.failed_over += other.failed_over;
        self.notices.add(&other.notices);
    }
}

impl Line {
    /// A line on which things take `slow` at the most.
    pub(crate) fn to(
        hub: Arc<Hub>,
        weather: Arc<Weather>,
        clock: Arc<ManualClock>,
        dice: Dice,
        slow: Duration,
    ) -> Self {
        let state = State {
            dice,
            fair: true,
            is_cut: false,
            channel: None,
            tally: Lines::default(),
        };
        let far = Far {
            clock,
            slow,
            state: Mutex::new(state),
        };
        Self {
            hub,
            weather,
            far: Arc::new(far),
        }
    }

    /// From now on things may go wrong.
    pub(crate) fn stir(&self) {
        self.far.state.lock().fair = false;
    }

    /// Nothing goes wrong any more.
    pub(crate) fn clear_up(&self) {
        let state = &mut *self.far.state.lock();
        (state.fair, state.is_cut) = (true, false);
        state.channel.iter().for_each(|c| c.clear_up());
    }

    /// Nothing passes until it is mended.
    pub(crate) fn cut(&self) {
        self.far.state.lock().is_cut = true;
    }

    pub(crate) fn mend(&self) {
        self.far.state.lock().is_cut = false;
    }

    /// The channel breaks. Says whether there was one.
    pub(crate) fn break_channel(&self) -> bool {
        let state = self.far.state.lock();
        state.channel.iter().for_each(|c| c.break_off());
        state.channel.is_some()
    }

    /// Whether there is a channel, as far as the node was told.
    pub(crate) fn has_channel(&self) -> bool {
        self.far.state.lock().channel.is_some()
    }

    pub(crate) fn tally(&self) -> Lines {
        let state = self.far.state.lock();
        let mut tally = state.tally;
        if let Some(channel) = &state.channel {
            tally.notices.add(&channel.tally());
        }
        tally
    }

    /// Sends a request, has it answered, and brings the answer home.
    async fn cross<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let term = self.hub.term();
        self.far.travel().await;
        if self.far.is_cut(|tally| &mut tally.cut_before) {
            return Err(unavailable());
        }
        let answer = call.await;
        self.far.travel().await;
        if self.far.is_cut(|tally| &mut tally.cut_after) {
            return Err(lost());
        }
        if self.hub.term() != term {
            self.far.state.lock().tally.failed_over += 1;
            return Err(lost());
        }
        answer
    }
}

impl Far {
    /// On the way for as long as the dice say.
    async fn travel(&self) {
        let takes = {
            let state = &mut *self.state.lock();
            let takes = match state.dice.below(10) {
                _ if state.fair => Duration::ZERO,
                0 => state.dice.up_to(self.slow),
                1..4 => state.dice.up_to(self.slow / 8),
                _ => Duration::ZERO,
            };
            state.tally.slow += u64::from(takes > Duration::ZERO);
            takes
        };
        let there = self.clock.steady() + takes;
        poll_fn(|_| {
            if self.clock.steady() >= there || self.state.lock().fair {
                return Poll::Ready(());
            }
            Poll::Pending
        })
        .await;
    }

    fn is_cut(&self, count: impl FnOnce(&mut Lines) -> &mut u64) -> bool {
        let state = &mut *self.state.lock();
        *count(&mut state.tally) += u64::from(state.is_cut);
        state.is_cut
    }

    fn close(&self, channel: &Inbox) {
        let state = &mut *self.state.lock();
        state.tally.notices.add(&channel.tally());
        state.channel = None;
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        source: "the line is cut".into(),
    }
}

fn lost() -> StoreError {
    StoreError::Unknown {
        tag: RosterTag::from_bytes([0; 16]),
    }
}

/// The end of a channel at a node.
struct Watch {
    far: Arc<Far>,
    inbox: Arc<Inbox>,
}

#[async_trait]
impl Changes for Watch {
    async fn next(&mut self) -> Result<(RosterTag, RosterVersion), StoreError> {
        poll_fn(|_| {
            if self.inbox.is_broken() {
                self.far.close(&self.inbox);
                return Poll::Ready(Err(lost()));
            }
            // A line that is cut is a silent one.
            let is_cut = self.far.state.lock().is_cut;
            let arrived = (!is_cut).then(|| self.inbox.take()).flatten();
            arrived.map_or(Poll::Pending, |notice| Poll::Ready(Ok(notice)))
        })
        .await
    }
}

#[async_trait]
impl Shared for Line {
    async fn hear(&self, session: SessionId, at: Timestamp) -> Result<(), StoreError> {
        self.cross(self.hub.hear(session, at)).await
    }

    async fn count_failures(&self, tag: RosterTag, count: u32) -> Result<(), StoreError> {
        self.cross(self.hub.count_failures(tag, count)).await
    }

    async fn watch(&self) -> Result<Box<dyn Changes>, StoreError> {
        let inbox = {
            let state = &mut *self.far.state.lock();
            let (clock, dice) = (Arc::clone(&self.far.clock), state.dice.split());
            Arc::new(Inbox::new(clock, dice, self.far.slow, state.fair))
        };
        let told = async {
            self.hub.tell(&inbox);
            Ok(())
        };
        self.cross(told).await?;
        let far = Arc::clone(&self.far);
        far.state.lock().channel = Some(Arc::clone(&inbox));
        Ok(Box::new(Watch { far, inbox }))
    }
}

#[async_trait]
impl Passage for Line {
    type Store = Weather;

    fn behind(&self) -> &Self::Store {
        &self.weather
    }

    fn pass<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        self.cross(call)
    }

    /// Nothing is seen from afar.
    fn pass_glance(
        &self,
        _: RosterTag,
        _: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        false
    }
}
