//! Time that does not fall across a crash: it is used only below a ceiling that is on disk.
//!
//! An opened store goes on from the ceiling it finds, which lies at or above every time that was
//! ever handed out, and at most [`AHEAD`] above the time at which it was written.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::session::Timestamp;
use innkeeper_store::clock::{Clock, StoreTime};

use crate::sync::atomic::{AtomicU64, Ordering};

/// How far ahead of time its ceiling is written.
pub(crate) const AHEAD: Duration = Duration::from_secs(2);
/// How little of that may be left before it is written anew.
const LOW: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct CeiledTime {
    pub(crate) clock: Arc<dyn Clock>,
    time: StoreTime,
    ceiling: AtomicU64,
}

impl CeiledTime {
    /// Goes on from the ceiling that was found on disk.
    pub(crate) fn starting_at(ceiling: Timestamp, clock: Arc<dyn Clock>) -> Self {
        Self {
            time: StoreTime::starting_at(ceiling, &*clock),
            ceiling: AtomicU64::new(ceiling.as_millis()),
            clock,
        }
    }

    /// The time now, or `None` if the ceiling has to be raised first.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        // The ceiling is read after the time: see `shut`.
        let now = self.step();
        (now <= self.ceiling()).then_some(now)
    }

    /// The time now, for a step that writes a ceiling above it before anybody hears of it.
    pub(crate) fn step(&self) -> Timestamp {
        self.time.now(&*self.clock)
    }

    /// Whether the ceiling is near enough at `now` to be written anew.
    pub(crate) fn runs_low(&self, now: Timestamp) -> bool {
        now.plus(LOW) > self.ceiling()
    }

    /// Lets time go on up to `ceiling`, which is durable.
    pub(crate) fn raise(&self, ceiling: Timestamp) {
        self.ceiling
            .fetch_max(ceiling.as_millis(), Ordering::SeqCst);
    }

    /// Hands out no more time, and says where it ended.
    ///
    /// A reader takes the time first and the ceiling second; here the ceiling goes first. So
    /// whatever was handed out is at or below the answer.
    pub(crate) fn shut(&self) -> Timestamp {
        self.ceiling.store(0, Ordering::SeqCst);
        self.step()
    }

    fn ceiling(&self) -> Timestamp {
        Timestamp::from_millis(self.ceiling.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use innkeeper_store::clock::ManualClock;

    use super::*;

    #[test]
    fn given_a_ceiling_when_time_passes_it_then_none_is_handed_out_until_it_is_raised() {
        let clock = Arc::new(ManualClock::at(1000));
        let time = CeiledTime::starting_at(Timestamp::from_millis(1_002_000), clock.clone());
        assert_eq!(time.now(), Some(Timestamp::from_millis(1_002_000)));

        clock.pass(Duration::from_secs(10));

        assert_eq!(time.now(), None);
        time.raise(Timestamp::from_millis(1_012_000));
        assert_eq!(time.now(), Some(Timestamp::from_millis(1_010_000)));
    }

    #[test]
    fn given_a_shut_time_when_asked_then_none_is_handed_out() {
        let clock = Arc::new(ManualClock::at(1000));
        let time = CeiledTime::starting_at(Timestamp::from_millis(1_002_000), clock);

        assert_eq!(time.shut(), Timestamp::from_millis(1_002_000));

        assert_eq!(time.now(), None);
    }
}
