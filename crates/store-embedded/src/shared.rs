//! What callers and the committing thread share.

use std::sync::{Arc, OnceLock};

use innkeeper_domain::token::RosterTag;
use innkeeper_store::{Ground, StoreError};
use tokio::sync::Notify;

use crate::disk::{Disk, Head};
use crate::error::{Stopped, WriteError};
use crate::journal::Cursors;
use crate::keys::Keys;
use crate::load::Loaded;
use crate::register::Values;
use crate::resident::{Resident, Shard};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, RwLock, RwLockWriteGuard};
use crate::time::CeiledTime;

/// All of it is durable.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Disk,
    pub(crate) time: CeiledTime,
    pub(crate) resident: Resident,
    /// Locked after a shard, never before one.
    pub(crate) keys: Mutex<Keys>,
    pub(crate) register: RwLock<Values>,
    pub(crate) ground: RwLock<Ground>,
    pub(crate) cursors: Cursors,
    /// The place of the last journal entry that may be shown.
    place: AtomicU64,
    /// The place of the last journal entry that may no longer be asked for.
    pub(crate) trimmed: AtomicU64,
    /// Tells those who listen that the journal has grown, or never will again.
    pub(crate) grown: Notify,
    /// Whether the committing thread has been asked to raise the ceiling.
    pub(crate) raise_asked: AtomicBool,
    /// Tells those who wait for a changing roster that the round is over, or never will be.
    pub(crate) round_over: Notify,
    /// Why no change is taken any more.
    pub(crate) stopped: OnceLock<Stopped>,
    /// Tells those who wait for it that the store has stopped since a write is in doubt.
    pub(crate) failed: Notify,
    /// That there was no room for the last batch.
    full: Mutex<Option<Stopped>>,
}

impl Shared {
    /// Puts together what was loaded.
    pub(crate) fn new(disk: Disk, time: CeiledTime, loaded: Loaded) -> Self {
        Self {
            disk,
            time,
            resident: loaded.resident,
            keys: Mutex::new(loaded.keys),
            register: RwLock::new(loaded.register),
            ground: RwLock::new(loaded.head.ground),
            cursors: Cursors::of(&loaded.head),
            place: AtomicU64::new(loaded.head.place),
            trimmed: AtomicU64::new(loaded.head.trimmed),
            grown: Notify::new(),
            raise_asked: AtomicBool::new(false),
            round_over: Notify::new(),
            stopped: OnceLock::new(),
            failed: Notify::new(),
            full: Mutex::new(None),
        }
    }

    /// The shard of `tag`, as [`Resident::alone`].
    pub(crate) fn alone(&self, tag: RosterTag) -> Result<RwLockWriteGuard<'_, Shard>, StoreError> {
        let shard = self.resident.alone(tag);
        shard.map_err(|e| StoreError::corrupt_roster(tag, e))
    }

    /// Whether changes are taken.
    pub(crate) fn ready(&self) -> Result<(), StoreError> {
        self.goes_on()?;
        let full = self.full.lock().clone();
        full.map_or(Ok(()), |full| Err(full.into()))
    }

    /// Whether there will be more rounds, even if there is no room for the last.
    pub(crate) fn goes_on(&self) -> Result<(), StoreError> {
        match self.stopped.get() {
            None => Ok(()),
            Some(stopped) => Err(stopped.clone().into()),
        }
    }

    /// Whether there was no room for the last batch.
    pub(crate) fn is_full(&self) -> bool {
        self.full.lock().is_some()
    }

    /// A batch was written.
    pub(crate) fn found_room(&self) {
        if self.full.lock().take().is_some() {
            tracing::info!("there is room on the disk again: changes are taken");
        }
    }

    /// What `error` means for those who wait for the round it came upon.
    pub(crate) fn refuse_after(&self, error: WriteError) -> Stopped {
        if !matches!(error, WriteError::NoRoom(_)) {
            return self.stop_after(error);
        }
        let no_room = Stopped::NoRoom(Arc::new(error));
        if self.full.lock().replace(no_room.clone()).is_none() {
            tracing::error!(
                error = &no_room as &dyn std::error::Error,
                "changes are refused: make room on the disk of the store"
            );
        }
        no_room
    }

    /// Takes no change any more, since `error` left a batch in doubt.
    pub(crate) fn stop_after(&self, error: WriteError) -> Stopped {
        let stopped = Stopped::Failed(Arc::new(error));
        tracing::error!(
            error = &stopped as &dyn std::error::Error,
            "the store takes no more changes: see to its disk, then start again"
        );
        self.stopped.get_or_init(|| stopped.clone());
        self.round_over.notify_waiters();
        self.grown.notify_waiters();
        self.failed.notify_waiters();
        stopped
    }

    /// The place of the last journal entry that was let go of.
    pub(crate) fn trimmed(&self) -> u64 {
        self.trimmed.load(Ordering::Acquire)
    }

    pub(crate) fn last_place(&self) -> u64 {
        self.place.load(Ordering::Acquire)
    }

    /// Lets everybody go by the numbers in `head`, which is durable.
    pub(crate) fn show(&self, head: &Head) {
        *self.ground.write() = head.ground;
        let before = self.place.swap(head.place, Ordering::AcqRel);
        if before < head.place {
            self.grown.notify_waiters();
        }
    }
}
