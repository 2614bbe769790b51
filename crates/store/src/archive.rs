//! Archive: all that a store keeps, copied out at one point, and brought back (S20).
//!
//! A copy is made of the contracts alone, so every store can read what another wrote. It holds
//! rosters, the register and the journal; answers that may have to be given again are left
//! behind, since no session that they speak of lives on. Data that comes back is older than what
//! was acknowledged meanwhile, so it comes back under a higher generation, under which nothing
//! in it is live: [`Ground::restored`] and
//! [`Roster::under`](innkeeper_domain::roster::Roster::under).

mod copy;
mod stream;

use async_trait::async_trait;
use innkeeper_domain::roster::Floor;
use innkeeper_domain::session::Timestamp;

use crate::{Cursor, Ground, Kept, SessionStore, StoreError};

pub use copy::Copying;
pub use stream::{CopyError, Counts, Head, Item, Reader};

/// A store whose data can be copied out while it goes on.
#[async_trait]
pub trait Archive: SessionStore {
    /// Takes all that is kept, as it was at one point between two commits.
    ///
    /// # Contract
    ///
    /// - What is in it was durable, and all of it that was acknowledged before the call is there.
    /// - A commit is in it whole, with its journal entry, or not at all; and if it is, so is every
    ///   commit that was acknowledged before that one was sent.
    async fn snapshot(&self) -> Result<Snapshot, StoreError>;
}

/// All that a store keeps, as it was at one point.
#[derive(Debug)]
pub struct Snapshot {
    /// The store's time then.
    pub now: Timestamp,
    /// Where absent rosters begin.
    pub ground: Ground,
    /// When the floor rose last.
    pub floor_rose_at: Timestamp,
    /// Every roster, in the order of their tags.
    pub rosters: Vec<Kept>,
    /// Every value of the register, in the order of their names.
    pub register: Vec<Slot>,
    /// After which cursor the journal begins; `None` for its very beginning.
    pub journal_start: Option<Cursor>,
    /// Whether entries before that were let go of.
    pub is_trimmed: bool,
    /// The last journal entry; `None` if none is kept.
    pub journal_end: Option<Cursor>,
}

/// A value of the register, or what [removed](crate::register::REMOVED) ones leave behind, so that
/// no version comes back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Slot {
    /// What it is called.
    pub name: String,
    /// The last version that it had.
    pub version: u64,
    /// The value, unless it was removed.
    pub value: Option<Vec<u8>>,
}

impl Ground {
    /// The ground of a store into which data of this one is brought back at `now`.
    ///
    /// Absent rosters begin above all that was handed out before too, and accept no evidence from
    /// before: the subject may have been there when the copy was made, or afterwards.
    #[must_use]
    pub fn restored(self, now: Timestamp) -> Self {
        let store_generation = self.store_generation.restored(now);
        let floor = self.floor;
        let generation = floor.generation.next();
        let generation = generation.max(store_generation.first_generation());
        Self {
            floor: Floor {
                epoch: floor.epoch + 1,
                generation,
                generation_before: generation,
                version: floor.version,
            },
            store_generation,
        }
    }
}
