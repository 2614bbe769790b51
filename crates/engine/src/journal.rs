//! Journal: reading all of it, page by page, for whoever needs the whole past.

use innkeeper_store::{Cursor, JournalEntry, Tail};

use crate::policy::trial::let_others_in;
use crate::{Authority, EngineError};

/// How many entries one look at the store brings.
const PAGE: usize = 1024;

/// What came after a place in the journal.
#[derive(Debug)]
pub(crate) enum Read {
    /// These entries.
    Page(Vec<(Cursor, JournalEntry)>),
    /// What came next was let go of meanwhile. It was old: the reader forgets what it has read,
    /// and goes on at the first entry that is kept.
    Anew,
    /// Nothing, so far.
    End,
}

impl Authority {
    /// Reads what comes after a place, and moves it behind that. Others are let in first.
    pub(crate) async fn read_journal(
        &self,
        after: &mut Option<Cursor>,
    ) -> Result<Read, EngineError> {
        let_others_in().await;
        let Tail::Page(page) = self.store.tail(after.as_ref(), PAGE).await? else {
            *after = None;
            return Ok(Read::Anew);
        };
        let Some((last, _)) = page.last() else {
            return Ok(Read::End);
        };
        *after = Some(last.clone());
        Ok(Read::Page(page))
    }
}
