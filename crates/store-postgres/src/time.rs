//! The store's time: the server's clock, except that it never falls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use innkeeper_domain::session::Timestamp;
use innkeeper_store::clock::{Clock, StoreTime};

/// How far ahead a ceiling is written.
const AHEAD: Duration = Duration::from_secs(2);

/// The time of one node, from what the server's clock says.
#[derive(Debug)]
pub(crate) struct Time {
    kept: StoreTime,
    clock: Arc<dyn Clock>,
    /// Whether `clock` stands in for the server's too.
    is_by_hand: bool,
    /// Above every time that this node may hand out, in milliseconds, as the server holds it.
    ceiling: AtomicU64,
}

/// The server's wall clock beside our own steady one.
#[derive(Debug)]
struct At<'a>(Duration, &'a dyn Clock);

impl Clock for At<'_> {
    fn wall(&self) -> Duration {
        self.0
    }

    fn steady(&self) -> Duration {
        self.1.steady()
    }
}

impl Time {
    /// Goes on where the store's time is. A server whose clock says less than the ceiling allows
    /// was set back, and time starts at the ceiling then.
    pub(crate) fn starting(
        server: u64,
        ceiling: u64,
        clock: Arc<dyn Clock>,
        is_by_hand: bool,
    ) -> Self {
        let wall = wall(server, &*clock, is_by_hand);
        let ceiling_at = Duration::from_millis(ceiling);
        let start = if wall + AHEAD < ceiling_at {
            ceiling_at
        } else {
            wall
        };
        let start = Timestamp::from_millis(u64::try_from(start.as_millis()).unwrap_or(u64::MAX));
        Self {
            kept: StoreTime::starting_at(start, &At(wall, &*clock)),
            clock,
            is_by_hand,
            ceiling: AtomicU64::new(ceiling),
        }
    }

    /// The time when the server's clock said `server`.
    pub(crate) fn at(&self, server: u64) -> Timestamp {
        let wall = wall(server, &*self.clock, self.is_by_hand);
        self.kept.now(&At(wall, &*self.clock))
    }

    /// The ceiling to write before `now` may be handed out, if the one there is too near.
    pub(crate) fn ceiling_for(&self, now: Timestamp) -> Option<u64> {
        let half = AHEAD / 2;
        (now.plus(half).as_millis() > self.ceiling.load(Ordering::Acquire))
            .then(|| now.plus(AHEAD).as_millis())
    }

    /// Notes that this ceiling is written.
    pub(crate) fn raised(&self, ceiling: u64) {
        self.ceiling.fetch_max(ceiling, Ordering::AcqRel);
    }

    /// The ceiling that this node wrote last.
    pub(crate) fn ceiling(&self) -> u64 {
        self.ceiling.load(Ordering::Acquire)
    }
}

fn wall(server: u64, clock: &dyn Clock, is_by_hand: bool) -> Duration {
    if is_by_hand {
        clock.wall()
    } else {
        Duration::from_millis(server)
    }
}
