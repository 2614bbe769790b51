//! What a node knows of the store's time.
//!
//! Time is kept on the server, for all nodes: the larger of its clock and what was handed out
//! before. A node adds what it knows to have passed, by its own steady clock and at half speed, so
//! that time does not stand still while the server's clock is behind.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::session::Timestamp;
use innkeeper_store::clock::{Clock, StoreTime};

/// The time of the store, as far as one node has heard of it.
#[derive(Debug)]
pub(crate) struct Time {
    kept: StoreTime,
    clock: Arc<dyn Clock>,
    /// Whether `clock` stands in for the server's too.
    is_by_hand: bool,
}

/// A moment that was heard of, beside our own steady clock.
#[derive(Debug)]
struct At<'a>(Timestamp, &'a dyn Clock);

impl Clock for At<'_> {
    fn wall(&self) -> Duration {
        Duration::from_millis(self.0.as_millis())
    }

    fn steady(&self) -> Duration {
        self.1.steady()
    }
}

impl Time {
    pub(crate) fn new(clock: Arc<dyn Clock>, is_by_hand: bool) -> Self {
        Self {
            kept: StoreTime::starting_at(Timestamp::ZERO, &At(Timestamp::ZERO, &*clock)),
            clock,
            is_by_hand,
        }
    }

    /// The least that it can be by now.
    pub(crate) fn floor(&self) -> Timestamp {
        self.kept.now(&At(Timestamp::ZERO, &*self.clock))
    }

    /// What stands in for the server's clock, in tests.
    pub(crate) fn wall(&self) -> Option<Timestamp> {
        self.is_by_hand.then(|| {
            let wall = self.clock.wall().as_millis();
            Timestamp::from_millis(u64::try_from(wall).unwrap_or(u64::MAX))
        })
    }

    /// Notes what the server said.
    pub(crate) fn heard(&self, now: Timestamp) {
        let _ = self.kept.now(&At(now, &*self.clock));
    }
}
