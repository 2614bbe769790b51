//! A store's time: it neither falls nor stands still, whatever the wall clock does.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use innkeeper_domain::session::Timestamp;
use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

/// Where a node reads time. One real clock, and one turned by hand in tests.
pub trait Clock: fmt::Debug + Send + Sync {
    /// What the wall clock says, since the Unix epoch. It may step either way.
    fn wall(&self) -> Duration;
    /// What a steady clock has counted, suspension included. Only differences mean anything.
    fn steady(&self) -> Duration;
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn steady(&self) -> Duration {
        // CLOCK_BOOTTIME goes on while the machine sleeps; CLOCK_MONOTONIC does not.
        let time = clock_gettime(ClockId::Boottime);
        Duration::new(
            time.tv_sec.try_into().unwrap_or_default(),
            time.tv_nsec.try_into().unwrap_or_default(),
        )
    }
}

/// A clock that a test turns by hand.
#[derive(Debug)]
pub struct ManualClock(Mutex<(Duration, Duration)>);

impl ManualClock {
    /// Starts at this many seconds since the epoch.
    #[must_use]
    pub const fn at(seconds: u64) -> Self {
        Self(Mutex::new((Duration::from_secs(seconds), Duration::ZERO)))
    }

    /// Lets time pass.
    pub fn pass(&self, span: Duration) {
        let mut clocks = self.0.lock();
        clocks.0 += span;
        clocks.1 += span;
    }

    /// Sets the wall clock, as a person or a time server might; no time passes.
    pub fn step_wall(&self, to: Duration) {
        self.0.lock().0 = to;
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Duration {
        self.0.lock().0
    }

    fn steady(&self) -> Duration {
        self.0.lock().1
    }
}

/// The time of one store: the wall clock's, except that it never falls.
///
/// It is the larger of the wall clock and the last time used plus what the steady clock has
/// counted since. While it is ahead of the wall clock it runs at half speed, so that it
/// neither stands still nor stays ahead for ever.
#[derive(Debug)]
pub struct StoreTime {
    last: Mutex<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    time: Duration,
    steady: Duration,
}

impl StoreTime {
    /// Goes on from `start`, which lies at or above all that was ever used before.
    #[must_use]
    pub fn starting_at(start: Timestamp, clock: &dyn Clock) -> Self {
        Self {
            last: Mutex::new(Last {
                time: Duration::from_millis(start.as_millis()),
                steady: clock.steady(),
            }),
        }
    }

    /// The time now, at or above every time handed out before.
    #[must_use]
    pub fn now(&self, clock: &dyn Clock) -> Timestamp {
        let mut last = self.last.lock();
        let steady = clock.steady();
        let counted = steady.saturating_sub(last.steady);
        let wall = clock.wall();
        let time = if last.time + counted <= wall {
            wall
        } else {
            wall.max(last.time + counted / 2)
        };
        *last = Last { time, steady };
        Timestamp::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn given_a_wall_clock_that_steps_back_when_time_passes_then_it_goes_on_at_half_speed() {
        let clock = ManualClock::at(1000);
        let time = StoreTime::starting_at(Timestamp::ZERO, &clock);
        assert_eq!(time.now(&clock).as_millis(), 1_000_000);

        clock.step_wall(Duration::from_mins(15));
        clock.pass(10 * SECOND);

        assert_eq!(time.now(&clock).as_millis(), 1_005_000);
        clock.pass(200 * SECOND);
        assert_eq!(
            time.now(&clock).as_millis(),
            1_110_000,
            "the wall has caught up"
        );
    }

    #[test]
    fn given_a_start_ahead_of_the_wall_when_asked_then_it_neither_falls_nor_stands() {
        let clock = ManualClock::at(1000);
        let time = StoreTime::starting_at(Timestamp::from_millis(1_002_000), &clock);

        assert_eq!(time.now(&clock).as_millis(), 1_002_000);
        for tick in 1..=1000 {
            clock.pass(Duration::from_micros(500));
            let expected = 1_002_000 + tick / 4;
            assert_eq!(
                time.now(&clock).as_millis(),
                expected,
                "in steps smaller than it shows"
            );
        }
    }

    #[test]
    fn given_a_wall_clock_that_steps_forward_when_asked_then_time_follows() {
        let clock = ManualClock::at(1000);
        let time = StoreTime::starting_at(Timestamp::ZERO, &clock);

        clock.step_wall(Duration::from_secs(5000));

        assert_eq!(time.now(&clock).as_millis(), 5_000_000);
    }

    #[test]
    fn given_the_machine_when_its_clocks_are_read_then_both_move_on() {
        let before = (SystemClock.wall(), SystemClock.steady());
        while SystemClock.steady() == before.1 {}
        assert!(SystemClock.wall() > Duration::from_secs(1_600_000_000));
    }
}
