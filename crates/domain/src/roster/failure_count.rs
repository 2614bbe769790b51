//! How many sign-ins of a subject have failed.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many sign-ins of a subject have failed, ever: a number that only grows, and stays where
/// it cannot grow any more. Like a session's last-seen it moves outside of commits.
#[derive(Debug, Default)]
pub struct FailureCount(AtomicU32);

impl FailureCount {
    /// Starts at `count`.
    #[must_use]
    pub const fn new(count: u32) -> Self {
        Self(AtomicU32::new(count))
    }

    /// The number so far.
    #[must_use]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Counts one more.
    pub fn add(&self) {
        let more = |count: u32| count.checked_add(1);
        // At its end it stays: that many tell as much as one more.
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
    }

    /// Grows to `count`, or stays where it is if that is more.
    pub fn grow_to(&self, count: u32) {
        self.0.fetch_max(count, Ordering::AcqRel);
    }
}

impl Clone for FailureCount {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}
