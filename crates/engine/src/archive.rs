//! Back-up: a copy of all that the store keeps, while it goes on.

use std::sync::Arc;

use innkeeper_store::archive::{Archive, Copying};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Authority, EngineError};

/// Who copies the store out.
#[derive(Clone, Debug)]
pub(crate) enum Copies {
    /// We do.
    Here(Copier),
    /// Somebody else; these words say who.
    Elsewhere(Arc<str>),
}

/// A store that can be copied out, one copy at a time: each holds on to what has changed since.
#[derive(Clone, Debug)]
pub(crate) struct Copier {
    store: Arc<dyn Archive>,
    turns: Arc<Semaphore>,
}

/// The answer to an order to copy everything out.
#[derive(Debug)]
#[must_use]
pub enum CopyAnswer {
    /// Take it piece by piece.
    Begun(Box<CopyUnderWay>),
    /// Another copy is being made. Try again.
    Busy,
    /// This store is copied out by its own means, which these words name where they are known.
    Elsewhere(Option<Arc<str>>),
}

/// A copy under way, and its turn.
#[derive(Debug)]
pub struct CopyUnderWay {
    copying: Copying,
    _turn: OwnedSemaphorePermit,
}

impl CopyUnderWay {
    /// The next piece; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.copying.next().await?)
    }
}

impl Authority {
    /// Lets this store be copied out.
    #[must_use]
    pub fn with_archive(mut self, store: Arc<dyn Archive>) -> Self {
        let turns = Arc::new(Semaphore::new(1));
        self.copies = Some(Copies::Here(Copier { store, turns }));
        self
    }

    /// Has whoever asks for a copy be told who makes one: a sentence for people, without secrets.
    #[must_use]
    pub fn copied_elsewhere(mut self, how: &str) -> Self {
        self.copies = Some(Copies::Elsewhere(how.into()));
        self
    }

    /// Begins a copy of all that is kept, as it is now. It knows all secrets of the store, though
    /// no token: who may have it is for the caller to say.
    pub async fn copy(&self) -> Result<CopyAnswer, EngineError> {
        let copier = match &self.copies {
            Some(Copies::Here(copier)) => copier,
            Some(Copies::Elsewhere(how)) => {
                return Ok(CopyAnswer::Elsewhere(Some(Arc::clone(how))));
            }
            None => return Ok(CopyAnswer::Elsewhere(None)),
        };
        let Ok(turn) = Arc::clone(&copier.turns).try_acquire_owned() else {
            return Ok(CopyAnswer::Busy);
        };
        let copying = Copying::begin(Arc::clone(&copier.store)).await?;
        Ok(CopyAnswer::Begun(Box::new(CopyUnderWay {
            copying,
            _turn: turn,
        })))
    }
}
