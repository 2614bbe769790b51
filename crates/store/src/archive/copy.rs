//! A copy that is being written, a piece at a time.

use std::sync::Arc;

use super::stream::Writer;
use super::{Archive, Counts, Head, Slot};
use crate::{Cursor, Kept, StoreError, Tail};

/// About how many bytes a piece has.
const PIECE: usize = 256 << 10;
/// How many journal entries are read at a time.
const PAGE: usize = 512;

/// A copy of a store under way. What it holds was fixed when it began, whatever the store does
/// meanwhile; what it does not yet have written down costs memory only where it has changed.
#[derive(Debug)]
pub struct Copying {
    store: Arc<dyn Archive>,
    writer: Option<Writer>,
    begun: Vec<u8>,
    register: std::vec::IntoIter<Slot>,
    rosters: std::vec::IntoIter<Kept>,
    journal: Journal,
    counts: Counts,
}

#[derive(Debug)]
struct Journal {
    after: Option<Cursor>,
    end: Option<Cursor>,
}

impl Copying {
    /// Fixes what the copy holds.
    pub async fn begin(store: Arc<dyn Archive>) -> Result<Self, StoreError> {
        let snapshot = store.snapshot().await?;
        let mut begun = Vec::new();
        let mut writer = Writer::begin(&mut begun);
        let head = Head {
            now: snapshot.now,
            ground: snapshot.ground,
            floor_rose_at: snapshot.floor_rose_at,
            is_trimmed: snapshot.is_trimmed,
        };
        writer.head(&head, &mut begun);
        let counts = Counts {
            values: snapshot.register.len() as u64,
            rosters: snapshot.rosters.len() as u64,
            entries: 0,
        };
        Ok(Self {
            store,
            writer: Some(writer),
            begun,
            register: snapshot.register.into_iter(),
            rosters: snapshot.rosters.into_iter(),
            journal: Journal {
                after: snapshot.journal_start,
                end: snapshot.journal_end,
            },
            counts,
        })
    }

    /// How many rosters and values the copy holds; journal entries are counted as they come.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The next piece of it; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(None);
        };
        let mut piece = std::mem::take(&mut self.begun);
        while piece.len() < PIECE {
            if let Some(slot) = self.register.next() {
                writer.value(&slot, &mut piece);
            } else if let Some(kept) = self.rosters.next() {
                let record = kept.encode().map_err(|e| StoreError::Corrupt {
                    name: "of a roster at rest".to_owned(),
                    source: Box::new(e),
                })?;
                writer.roster(&record, &mut piece);
            } else if let Some(end) = &self.journal.end {
                let after = self.journal.after.as_ref();
                let Tail::Page(page) = self.store.tail(after, PAGE).await? else {
                    return Err(StoreError::Unavailable {
                        source: "the journal was let go of while it was copied; begin anew".into(),
                    });
                };
                let mut is_over = page.is_empty();
                for (cursor, entry) in page {
                    writer.entry(&entry, &mut piece);
                    self.counts.entries += 1;
                    is_over = cursor == *end;
                    self.journal.after = Some(cursor);
                    if is_over {
                        break;
                    }
                }
                if is_over {
                    self.journal.end = None;
                }
            } else {
                writer.end(&mut piece);
                return Ok(Some(piece));
            }
        }
        self.writer = Some(writer);
        Ok(Some(piece))
    }
}
