//! Lanes: changes to one roster on one node queue behind each other.
//!
//! Without them, k simultaneous sign-ins of one subject would decide k times and commit one,
//! round after round. With them, k need about k commits. They are for speed only: the store's
//! comparison is what keeps the limit, and nobody's lane delays another subject.

use std::collections::HashMap;
use std::sync::Arc;

use innkeeper_domain::token::RosterTag;
use parking_lot::Mutex;
use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

/// One queue for each roster that somebody is changing right now.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    queues: Arc<Mutex<HashMap<RosterTag, Arc<Queue<()>>>>>,
}

/// A turn in a lane. Dropping it, also half-way through waiting, lets the next one in.
#[derive(Debug)]
pub(crate) struct Turn {
    tag: RosterTag,
    queues: Arc<Mutex<HashMap<RosterTag, Arc<Queue<()>>>>>,
    queue: Option<Arc<Queue<()>>>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Lanes {
    /// Waits for a turn to change the roster `tag`.
    pub(crate) async fn enter(&self, tag: RosterTag) -> Turn {
        let queue = Arc::clone(self.queues.lock().entry(tag).or_default());
        // Made before waiting, so that a dropped wait leaves no queue behind.
        let mut turn = Turn {
            tag,
            queues: Arc::clone(&self.queues),
            queue: Some(Arc::clone(&queue)),
            held: None,
        };
        turn.held = Some(queue.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        let mut queues = self.queues.lock();
        self.queue = None;
        // The map's own reference is the last one: nobody waits, and nobody can begin to
        // while the map is locked.
        if queues
            .get(&self.tag)
            .is_some_and(|q| Arc::strong_count(q) == 1)
        {
            queues.remove(&self.tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn given_a_turn_in_a_lane_when_another_enters_then_it_waits_and_strangers_do_not() {
        let lanes = Lanes::default();
        let (ours, theirs) = (
            RosterTag::from_bytes([1; 16]),
            RosterTag::from_bytes([2; 16]),
        );
        let Poll::Ready(first) = poll_once(pin!(lanes.enter(ours))) else {
            panic!("an empty lane lets in at once");
        };

        let mut second = Box::pin(lanes.enter(ours));
        assert!(poll_once(second.as_mut()).is_pending());
        assert!(poll_once(pin!(lanes.enter(theirs))).is_ready());

        drop(first);
        assert!(poll_once(second.as_mut()).is_ready());
    }

    #[test]
    fn given_waits_that_were_dropped_when_all_turns_are_over_then_no_queue_is_left() {
        let lanes = Lanes::default();
        let tag = RosterTag::from_bytes([1; 16]);
        let Poll::Ready(first) = poll_once(pin!(lanes.enter(tag))) else {
            panic!("an empty lane lets in at once");
        };
        let mut dropped = Box::pin(lanes.enter(tag));
        assert!(poll_once(dropped.as_mut()).is_pending());
        drop(dropped);
        drop(first);

        assert!(lanes.queues.lock().is_empty());
    }
}
