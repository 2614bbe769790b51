//! By when an answer must have left that rests on what a store showed.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;

/// The last moment at which what is read from now on may be answered from.
///
/// Where nodes share a store, what one reads is overtaken by what another commits while the answer
/// is under way, however long that takes. So a check is not answered by a reading that is older
/// than a lease may be (S4⁺). It is counted from before the store is asked.
#[derive(Clone, Debug, Default)]
pub struct AnswerBy(Option<(Arc<dyn Clock>, Duration)>);

impl AnswerBy {
    /// At any time: nobody else commits, or everybody is asked each time.
    #[must_use]
    pub const fn any_time() -> Self {
        Self(None)
    }

    /// Within this span from now on, by a steady clock.
    #[must_use]
    pub fn within(span: Duration, clock: &Arc<dyn Clock>) -> Self {
        let until = clock.steady().saturating_add(span);
        Self(Some((Arc::clone(clock), until)))
    }

    /// Whether it is too late.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        let Self(bound) = self;
        bound
            .as_ref()
            .is_some_and(|(clock, until)| clock.steady() > *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn given_a_span_when_more_than_that_has_passed_then_it_is_too_late() {
        let clock = Arc::new(ManualClock::at(0));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let bound = AnswerBy::within(Duration::from_secs(1), &shared);

        clock.pass(Duration::from_secs(1));
        clock.step_wall(Duration::from_secs(500));
        assert!(!bound.has_passed(), "whatever the wall clock says");
        clock.pass(Duration::from_millis(1));
        assert!(bound.has_passed());
        assert!(!AnswerBy::any_time().has_passed());
    }
}
