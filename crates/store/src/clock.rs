//! A store's time: it neither falls nor stands still, whatever the wall clock does.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
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
/// It is the larger of the wall clock and the last time used plus half of what the steady clock
/// has counted since. So while it is ahead of the wall clock it runs at half speed, and neither
/// stands still nor stays ahead for ever.
///
/// All of that is one number, which only grows: by how much time is ahead of half the steady
/// clock. Nobody waits for anybody to read it, and whoever reads later finds a later time. It
/// counts nanoseconds, up to the year 2262.
#[derive(Debug)]
pub struct StoreTime {
    ahead: AtomicI64,
}

impl StoreTime {
    /// Goes on from `start`, which lies at or above all that was ever used before.
    #[must_use]
    pub fn starting_at(start: Timestamp, clock: &dyn Clock) -> Self {
        let start = nanoseconds(Duration::from_millis(start.as_millis()));
        Self {
            ahead: AtomicI64::new(start - nanoseconds(clock.steady()) / 2),
        }
    }

    /// The time now, at or above every time handed out before.
    #[must_use]
    pub fn now(&self, clock: &dyn Clock) -> Timestamp {
        let counted = nanoseconds(clock.steady()) / 2;
        let by_wall = nanoseconds(clock.wall()) - counted;
        let ahead = self.ahead.fetch_max(by_wall, Ordering::AcqRel).max(by_wall);
        let time = ahead.saturating_add(counted).max(0).unsigned_abs();
        Timestamp::from_millis(time / 1_000_000)
    }
}

fn nanoseconds(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
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
    fn given_many_who_ask_while_the_wall_clock_steps_when_each_looks_then_time_never_falls() {
        let clock = ManualClock::at(1000);
        let time = StoreTime::starting_at(Timestamp::ZERO, &clock);
        let highest = std::sync::atomic::AtomicU64::new(0);

        std::thread::scope(|scope| {
            for of in 0..4_u64 {
                let (clock, time, highest) = (&clock, &time, &highest);
                scope.spawn(move || {
                    for step in 0..5000 {
                        clock.pass(Duration::from_micros(30));
                        clock.step_wall(Duration::from_millis(1_000_000 + (step * 7 + of) % 900));
                        let before = highest.load(Ordering::SeqCst);
                        let now = time.now(clock).as_millis();
                        assert!(now >= before, "{now} after {before}");
                        highest.fetch_max(now, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(highest.into_inner() > 1_000_500);
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
