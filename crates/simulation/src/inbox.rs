//! An inbox: one node's channel of notices, which lose their way, come late and overtake one
//! another, until it breaks.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::clock::{Clock, ManualClock};
use parking_lot::Mutex;

use crate::dice::Dice;

/// What is under way to one node.
#[derive(Debug)]
pub(crate) struct Inbox {
    clock: Arc<ManualClock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    /// How long a notice takes at most.
    slow: Duration,
    fair: bool,
    under_way: Vec<Notice>,
    is_broken: bool,
    sent: u64,
    tally: Notices,
}

#[derive(Clone, Copy, Debug)]
struct Notice {
    number: u64,
    tag: RosterTag,
    version: RosterVersion,
    due: Duration,
}

/// What became of notices.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notices {
    /// Those that never arrived, in a channel that was whole.
    pub lost: u64,
    /// Those that took their time.
    pub late: u64,
    /// Those that came after a later one.
    pub overtaken: u64,
}

impl Notices {
    /// Adds what became of others.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.late += other.late;
        self.overtaken += other.overtaken;
    }
}

impl Inbox {
    pub(crate) fn new(clock: Arc<ManualClock>, dice: Dice, slow: Duration, fair: bool) -> Self {
        Self {
            clock,
            state: Mutex::new(State {
                dice,
                slow,
                fair,
                under_way: Vec::new(),
                is_broken: false,
                sent: 0,
                tally: Notices::default(),
            }),
        }
    }

    /// A notice is sent.
    pub(crate) fn put(&self, tag: RosterTag, version: RosterVersion) {
        let state = &mut *self.state.lock();
        if !state.fair && state.dice.once_in(6) {
            state.tally.lost += 1;
            return;
        }
        let mut takes = Duration::ZERO;
        if !state.fair && state.dice.once_in(3) {
            takes = state.dice.up_to(state.slow);
            state.tally.late += 1;
        }
        let number = state.sent;
        state.sent += 1;
        state.under_way.push(Notice {
            number,
            tag,
            version,
            due: self.clock.steady() + takes,
        });
    }

    /// Whether its end is to be told.
    pub(crate) fn is_broken(&self) -> bool {
        self.state.lock().is_broken
    }

    /// Takes out one that has arrived.
    pub(crate) fn take(&self) -> Option<(RosterTag, RosterVersion)> {
        let state = &mut *self.state.lock();
        let now = self.clock.steady();
        let place = state.under_way.iter().position(|n| n.due <= now)?;
        let notice = state.under_way.remove(place);
        let is_overtaken = |n: &Notice| n.number < notice.number;
        state.tally.overtaken += u64::from(state.under_way.iter().any(is_overtaken));
        Some((notice.tag, notice.version))
    }

    /// What was under way is gone, and so is all that follows.
    pub(crate) fn break_off(&self) {
        let state = &mut *self.state.lock();
        state.is_broken = true;
        state.under_way.clear();
    }

    /// Notices neither lose their way nor tarry any more.
    pub(crate) fn clear_up(&self) {
        self.state.lock().fair = true;
    }

    pub(crate) fn tally(&self) -> Notices {
        self.state.lock().tally
    }
}
