//! A snapshot: everything, as it was at one point between two batches.
//!
//! The committing thread takes it, so it falls between two batches. Rosters are shared, not
//! copied: commits wait for one pass over the map, a few dozen nanoseconds a roster, and what
//! follows them replaces rosters and leaves those of the snapshot as they were.

use async_trait::async_trait;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::archive::{Archive, Slot, Snapshot};
use innkeeper_store::{Kept, StoreError};

use crate::committer::Job;
use crate::disk::{self, Head};
use crate::error::Stopped;
use crate::journal::Cursors;
use crate::shared::Shared;
use crate::store::EmbeddedStore;

/// What the committing thread takes, in the order in which it lies in memory.
#[derive(Debug)]
pub(crate) struct Taken {
    head: Head,
    now: Timestamp,
    rosters: Vec<(RosterTag, Kept)>,
    register: Vec<(String, disk::Slot)>,
}

impl Taken {
    pub(crate) fn of(shared: &Shared, head: &Head) -> Self {
        let register = shared.register.read();
        Self {
            head: *head,
            now: shared.time.step(),
            rosters: shared.resident.all().collect(),
            register: register
                .from("")
                .map(|(n, s)| (n.clone(), s.clone()))
                .collect(),
        }
    }
}

#[async_trait]
impl Archive for EmbeddedStore {
    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut taken = self.ask(Stopped::Closed.into(), Job::Snapshot).await?;
        taken.rosters.sort_unstable_by_key(|(tag, _)| *tag);
        let slot = |(name, slot): (String, disk::Slot)| Slot {
            name,
            version: slot.version,
            value: slot.value,
        };
        let head = taken.head;
        let (start, end) = (head.trimmed, head.place);
        let cursors = Cursors::of(&head);
        Ok(Snapshot {
            now: taken.now,
            ground: head.ground,
            floor_rose_at: head.floor_rose_at,
            rosters: taken.rosters.into_iter().map(|(_, kept)| kept).collect(),
            register: taken.register.into_iter().map(slot).collect(),
            journal_start: (cursors.number(start) > 0).then(|| cursors.at(start)),
            is_trimmed: head.is_trimmed(),
            journal_end: (end > start).then(|| cursors.at(end)),
        })
    }
}
