//! The journal of this store: read in pages, listened to, and let go of from its beginning.
//!
//! Entries lie on disk only, each under its place: 1, 2, 3 and so on. The head says up to which
//! place they were let go of, so opening knows what must be there.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use innkeeper_store::{Cursor, StoreError, Tail};

use crate::committer::Job;
use crate::disk::Head;
use crate::error::{Damage, Stopped};
use crate::round::Round;
use crate::shared::Shared;
use crate::store::EmbeddedStore;

impl EmbeddedStore {
    pub(crate) async fn page_after(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Tail, StoreError> {
        let after = after.map(number_in).transpose()?;
        loop {
            let shared = Arc::clone(&self.shared);
            // Old entries lie on disk only.
            let read = self.beside(move || shared.page_after(after, limit)).await?;
            if let Some(tail) = read? {
                return Ok(tail);
            }
        }
    }

    pub(crate) fn latest_cursor(&self) -> Option<Cursor> {
        let (cursors, last) = (self.shared.cursors, self.shared.last_place());
        (cursors.number(last) > 0).then(|| cursors.at(last))
    }

    pub(crate) async fn wait_for_growth(&self, after: Option<&Cursor>) -> Result<(), StoreError> {
        let after = after.map_or(Ok(0), number_in)?;
        loop {
            // It hears of what comes after it was made, so it is made before looking.
            let grown = self.shared.grown.notified();
            if self.shared.cursors.number(self.shared.last_place()) > after {
                return Ok(());
            }
            self.shared.goes_on()?;
            grown.await;
        }
    }

    pub(crate) async fn let_go(&self, through: &Cursor) -> Result<(), StoreError> {
        let through = self.shared.cursors.place_of(through)?;
        let lost = Stopped::Closed.into();
        self.ask(lost, |reply| Job::Trim(through, reply)).await
    }
}

impl Shared {
    /// What there is after a place, or after what was let go of; `None` if that has just changed.
    fn page_after(&self, after: Option<u64>, limit: usize) -> Result<Option<Tail>, StoreError> {
        let (first, last) = (self.trimmed(), self.last_place());
        let start = match after {
            None => Some(first),
            Some(number) => self.cursors.place_at(number),
        };
        let Some(start) = start.filter(|start| (first..=last).contains(start)) else {
            return Ok(Some(Tail::Gone));
        };
        let page = self.disk.entries(start, last, limit);
        if start < self.trimmed() {
            // What was read may have had holes already.
            return Ok(after.map(|_| Tail::Gone));
        }
        let with_cursor = |(place, entry): (u64, _)| (self.cursors.at(place), entry);
        let page = page.map_err(refuse)?.into_iter().map(with_cursor);
        Ok(Some(Tail::Page(page.collect())))
    }
}

impl Round<'_> {
    /// Lets go of the entries up to the place `through`. Their segments go once a checkpoint holds
    /// what else was written there.
    pub(crate) fn trim(&mut self, through: u64) {
        // Those of this very round cannot be read back yet.
        let last = through.min(self.shared.last_place());
        self.head.trimmed = self.head.trimmed.max(last);
        // Before it is durable: nobody shall ask for what may be gone when the answer comes.
        let trimmed = &self.shared.trimmed;
        trimmed.store(self.head.trimmed, Ordering::Release);
    }
}

/// What keeps an entry from being shown. What the system could not read now it may read later.
fn refuse((place, damage): (u64, Damage)) -> StoreError {
    match damage {
        Damage::Unreadable(error) => StoreError::Unavailable {
            source: Box::new(error),
        },
        Damage::Missing | Damage::Contradiction(_) | Damage::Record(_) => StoreError::Corrupt {
            name: format!("journal entry {place}"),
            source: Box::new(damage),
        },
    }
}

/// How the places of the journal are told to those who follow it.
///
/// A store that came back as a copy of its files has its entries where they were, and is another
/// journal all the same: the one it was copied from may have gone on. So cursors count from where
/// journals begin under the generation of the store, whatever the place of the first entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursors {
    ahead: u64,
}

impl Cursors {
    pub(crate) fn of(head: &Head) -> Self {
        let begins = head.ground.store_generation.journal_start();
        Self {
            ahead: begins.saturating_sub(head.begun),
        }
    }

    pub(crate) const fn number(self, place: u64) -> u64 {
        place.saturating_add(self.ahead)
    }

    pub(crate) fn at(self, place: u64) -> Cursor {
        Cursor(self.number(place).to_be_bytes().into())
    }

    /// The place of a cursor, or one before every entry if it is of an earlier journal.
    pub(crate) fn place_of(self, cursor: &Cursor) -> Result<u64, StoreError> {
        number_in(cursor).map(|number| self.place_at(number).unwrap_or(0))
    }

    const fn place_at(self, number: u64) -> Option<u64> {
        number.checked_sub(self.ahead)
    }
}

fn number_in(cursor: &Cursor) -> Result<u64, StoreError> {
    <[u8; 8]>::try_from(&*cursor.0)
        .map(u64::from_be_bytes)
        .map_err(|_| StoreError::Corrupt {
            name: "cursor".into(),
            source: "it does not come from this store".into(),
        })
}
