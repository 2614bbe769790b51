//! What of a history may be believed: an answer from a lease may be as old as the lease, and what
//! the store has lost since is as if nobody had ever been told.

use std::borrow::Cow;

use crate::history::{History, Operation};

/// The history without what was lost. It may never have been so; or still be, where the standby
/// had heard of it.
pub(super) fn without_losses(history: &History) -> Cow<'_, History> {
    if history.losses.is_empty() {
        return Cow::Borrowed(history);
    }
    let mut believed = history.clone();
    for operation in &mut believed.operations {
        operation.is_void = history
            .losses
            .iter()
            .any(|loss| loss.from < operation.ended.place && operation.begun.moment < loss.over_at);
    }
    Cow::Owned(believed)
}

/// The history with every check begun a lease earlier: it may be answered by what was so then.
pub(super) fn as_old_as_leases(history: &History) -> Cow<'_, History> {
    if history.lease == 0 {
        return Cow::Borrowed(history);
    }
    let ends = |o: &Operation| [o.begun, o.ended];
    let mut points: Vec<_> = history.operations.iter().flat_map(ends).collect();
    points.sort_by_key(|point| point.place);
    let mut believed = history.clone();
    for operation in believed.operations.iter_mut().filter(|o| o.is_check()) {
        let begun = &mut operation.begun;
        let known = points.partition_point(|p| {
            p.place < begun.place && p.moment.saturating_add(history.lease) <= begun.moment
        });
        // All up to there ended so long ago that it is not good any more.
        begun.place = known
            .checked_sub(1)
            .map_or(0, |last| points[last].place + 1);
    }
    Cow::Owned(believed)
}
