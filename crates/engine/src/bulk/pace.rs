//! The pace of long work: in rounds, with a rest after each, so that others get in between.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::metrics::Metrics;

/// Measures rounds of work, and rests after each.
pub(super) struct Pace<'a> {
    stopwatch: &'a Metrics,
    rest: Box<dyn Fn(Duration) -> BoxFuture<'a, ()> + Send + Sync + 'a>,
    begun: Duration,
}

impl<'a> Pace<'a> {
    /// Begins the first round, as the stopwatch of `metrics` has it.
    pub(super) fn begin<R>(
        stopwatch: &'a Metrics,
        rest: impl Fn(Duration) -> R + Send + Sync + 'a,
    ) -> Self
    where
        R: Future<Output = ()> + Send + 'a,
    {
        Self {
            stopwatch,
            rest: Box::new(move |worked| Box::pin(rest(worked))),
            begun: stopwatch.now(),
        }
    }

    /// Rests after a round, and begins the next.
    pub(super) async fn rest(&mut self) {
        let worked = self.stopwatch.now().saturating_sub(self.begun);
        (self.rest)(worked).await;
        self.begin_anew();
    }

    /// Begins a round without a rest, where there was nothing to do.
    pub(super) fn begin_anew(&mut self) {
        self.begun = self.stopwatch.now();
    }
}
