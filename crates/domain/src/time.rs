//! A moment, as a store tells it.

use std::time::Duration;

/// A moment in milliseconds since the Unix epoch.
///
/// The domain never asks what time it is: every decision is handed its `now`. Arithmetic
/// saturates, so a deadline can be far away but never wraps into the past (S13).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The first moment, earlier than any real one.
    pub const ZERO: Self = Self(0);
    /// The last moment, later than any real one.
    pub const MAX: Self = Self(u64::MAX);

    /// Builds a moment from milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment that lies `span` later; the last moment if that overflows.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// The span from `earlier` to this moment; zero if `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_moment_near_the_end_when_a_span_is_added_then_it_saturates() {
        assert_eq!(Timestamp::MAX.plus(Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(
            Timestamp::from_millis(5).plus(Duration::MAX),
            Timestamp::MAX
        );
    }

    #[test]
    fn given_a_later_moment_when_the_span_since_it_is_asked_then_it_is_zero() {
        let later = Timestamp::from_millis(9);
        assert_eq!(Timestamp::from_millis(4).since(later), Duration::ZERO);
    }
}
