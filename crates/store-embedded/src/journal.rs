//! The journal of this store: read in pages, listened to, and let go of from its beginning.
//!
//! Entries lie on disk only, each under its place: 1, 2, 3 and so on. The head says up to which
//! place they were let go of, so opening knows what must be there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use innkeeper_store::{Cursor, StoreError, Tail};
use tokio::task;

use crate::committer::Job;
use crate::error::{Damage, Stopped};
use crate::round::Round;
use crate::shared::Shared;
use crate::store::EmbeddedStore;
use crate::tally::personal_share;

/// How many entries one batch lets go of, so that sign-ins do not wait for it.
const TRIMMED_MAX: usize = 256;

/// Whether more is to be let go of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trimmed {
    All,
    Some,
}

impl EmbeddedStore {
    pub(crate) async fn page_after(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Tail, StoreError> {
        let after = after.map(place_of).transpose()?;
        loop {
            let shared = Arc::clone(&self.shared);
            // Old entries lie on disk only.
            let read = task::spawn_blocking(move || shared.page_after(after, limit)).await;
            let read = read.map_err(|e| StoreError::Unavailable {
                source: Box::new(e),
            })?;
            if let Some(tail) = read? {
                return Ok(tail);
            }
        }
    }

    pub(crate) fn latest_cursor(&self) -> Option<Cursor> {
        let last = self.shared.last_place();
        (last > 0).then(|| cursor_at(last))
    }

    pub(crate) async fn wait_for_growth(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        let after = after.map_or(Ok(0), place_of)?;
        loop {
            // It hears of what comes after it was made, so it is made before looking.
            let grown = self.shared.grown.notified();
            if self.shared.last_place() > after {
                return Ok(());
            }
            self.shared.ready()?;
            grown.await;
        }
    }

    pub(crate) async fn let_go(&self, through: &Cursor) -> Result<(), StoreError> {
        let through = place_of(through)?;
        loop {
            let lost = Stopped::Closed.into();
            let trimmed = self.ask(lost, |reply| Job::Trim(through, reply)).await?;
            if trimmed == Trimmed::All {
                return Ok(());
            }
        }
    }
}

impl Shared {
    /// What there is after a place, or after what was let go of; `None` if that has just changed.
    fn page_after(&self, after: Option<u64>, limit: usize) -> Result<Option<Tail>, StoreError> {
        let (first, last) = (self.trimmed(), self.last_place());
        let start = after.unwrap_or(first);
        if start < first || start > last {
            return Ok(Some(Tail::Gone));
        }
        let page = self.disk.entries(start, last, limit);
        if start < self.trimmed() {
            // What was read may have had holes already.
            return Ok(after.map(|_| Tail::Gone));
        }
        let with_cursor = |(place, entry): (u64, _)| (cursor_at(place), entry);
        let page = page.map_err(corrupt)?.into_iter().map(with_cursor);
        Ok(Some(Tail::Page(page.collect())))
    }
}

impl Round<'_> {
    /// Lets go of some of the entries up to the place `through`, in their order.
    pub(crate) fn trim(&mut self, through: u64) -> Result<Trimmed, StoreError> {
        // Those of this very round cannot be read back yet.
        let last = through.min(self.shared.last_place());
        let gone = self
            .shared
            .disk
            .entries(self.head.trimmed, last, TRIMMED_MAX)
            .map_err(corrupt)?;
        for (place, entry) in gone {
            if entry.personal.is_some() {
                let share = personal_share(place, &entry.personal_digest);
                self.head.tally = self.head.tally.wrapping_sub(share);
            }
            self.batch.forget_entry(place);
            self.head.trimmed = place;
        }
        // Before it is durable: nobody shall ask for what may be gone when the answer comes.
        let trimmed = &self.shared.trimmed;
        trimmed.store(self.head.trimmed, Ordering::Release);
        Ok(if self.head.trimmed < last {
            Trimmed::Some
        } else {
            Trimmed::All
        })
    }
}

fn corrupt((place, damage): (u64, Damage)) -> StoreError {
    StoreError::Corrupt {
        name: format!("journal entry {place}"),
        source: Box::new(damage),
    }
}

fn cursor_at(place: u64) -> Cursor {
    Cursor(place.to_be_bytes().into())
}

fn place_of(cursor: &Cursor) -> Result<u64, StoreError> {
    <[u8; 8]>::try_from(&*cursor.0)
        .map(u64::from_be_bytes)
        .map_err(|_| StoreError::Corrupt {
            name: "cursor".into(),
            source: "it does not come from this store".into(),
        })
}
