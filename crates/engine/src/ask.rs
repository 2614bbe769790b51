//! Asking the store: every answer is compared with what was asked (INVARIANTS, rule 12).
//!
//! A connection that lost its place hands one caller the answer to another's question. Nothing in
//! a roster could tell, so here is the one place where the engine asks and looks at what came.

use std::sync::Arc;

use innkeeper_domain::session::{Session, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{
    Commit, Ground, KeyDigest, Outcome, Reading, Remembered, SessionStore, StoreError, Touch,
    Touched,
};

use crate::{Authority, EngineError};

/// The store's time.
pub(crate) async fn time(store: &dyn SessionStore) -> Result<Timestamp, StoreError> {
    Ok(anywhere(store).await?.now)
}

/// The numbers of the store as a whole.
pub(crate) async fn ground(store: &dyn SessionStore) -> Result<Ground, StoreError> {
    Ok(anywhere(store).await?.ground)
}

/// Any roster will do: neither belongs to one.
async fn anywhere(store: &dyn SessionStore) -> Result<Reading, StoreError> {
    store.read(RosterTag::from_bytes([0; 16]), None).await
}

impl Authority {
    /// The store's time, for what is made outside any roster.
    pub async fn now(&self) -> Result<Timestamp, EngineError> {
        Ok(time(&*self.store).await?)
    }

    /// Reads a roster, and makes sure that it is the one that was asked for.
    pub(crate) async fn read(
        &self,
        tag: RosterTag,
        key: Option<KeyDigest>,
    ) -> Result<Reading, EngineError> {
        let reading = self.store.read(tag, key).await?;
        let of_another = reading.roster.as_ref().is_some_and(|r| r.tag != tag);
        let under_another = reading
            .remembered
            .as_ref()
            .is_some_and(|r| Some(r.key) != key);
        if of_another || under_another {
            return Err(EngineError::Mixed(tag));
        }
        Ok(reading)
    }

    /// Reads a roster, with all that is remembered under these keys, and says when it began to.
    ///
    /// A reading brings one key along, so each of the others takes one more. Should one of them be
    /// used meanwhile, the commit that would use it again is refused as stale, as long as it is
    /// remembered.
    pub(crate) async fn read_with(
        &self,
        tag: RosterTag,
        keys: &[KeyDigest],
    ) -> Result<(Reading, Vec<Remembered>, Timestamp), EngineError> {
        let (mut remembered, mut begun) = (Vec::new(), Timestamp::MAX);
        let (last, others) = keys.split_last().unzip();
        for key in others.into_iter().flatten() {
            let reading = self.read(tag, Some(*key)).await?;
            remembered.extend(reading.remembered);
            begun = begun.min(reading.now);
        }
        let mut reading = self.read(tag, last.copied()).await?;
        remembered.extend(reading.remembered.take());
        let begun = begun.min(reading.now);
        Ok((reading, remembered, begun))
    }

    /// Makes a commit, or learns why not.
    pub(crate) async fn commit(&self, commit: Commit) -> Result<Outcome, EngineError> {
        let (tag, begun) = (commit.tag, self.metrics.now());
        match self.store.commit(commit).await? {
            Outcome::Done(roster) if roster.tag != tag => Err(EngineError::Mixed(tag)),
            Outcome::Done(roster) => {
                self.metrics.committed(begun);
                Ok(Outcome::Done(roster))
            }
            Outcome::Stale => Ok(Outcome::Stale),
            Outcome::Full => Ok(Outcome::Full),
        }
    }

    /// Records a sign of life; `None` if the session has none.
    pub(crate) async fn touch(&self, touch: Touch) -> Result<Option<Arc<Session>>, EngineError> {
        let id = touch.session;
        match self.store.touch(touch).await? {
            Touched::Live(session) if session.id != id => Err(EngineError::Mixed(id.tag())),
            Touched::Live(session) => Ok(Some(session)),
            Touched::Dead => Ok(None),
        }
    }
}
