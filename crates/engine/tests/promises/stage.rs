//! The reference store with a stage around it: it pauses, fails and loses answers on cue.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::{
    Commit, Heard, Kept, KeyDigest, Outcome, Passage, Reading, SessionStore, StoreError, Touch,
    Touched,
};
use parking_lot::Mutex;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// It is refused, and nothing is done.
    Unavailable,
    /// It is lost on the way there.
    LostBefore,
    /// It is done, and the answer is lost on the way back.
    LostAfter,
}

/// A memory store whose every call is two points at which a future can be dropped.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) inner: MemoryStore,
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    calls: usize,
    fault: Option<(usize, Fault)>,
    glances: Glances,
    mixed: Option<(Mixed, RosterTag)>,
    done: Vec<Arc<Roster>>,
}

/// Whether memory may answer for the store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Glances {
    /// It may.
    #[default]
    Allowed,
    /// It may not: every check is a proper reading.
    Refused,
}

/// Which call is given the answer to another's question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mixed {
    Reading,
    Commit,
    Touch,
}

impl Stage {
    pub(crate) fn new(inner: MemoryStore) -> Self {
        Self {
            inner,
            script: Mutex::default(),
        }
    }

    /// From now on, the call after `calls` others goes wrong.
    pub(crate) fn fail_after(&self, calls: usize, fault: Fault) {
        let mut script = self.script.lock();
        script.fault = Some((script.calls + calls, fault));
    }

    /// Nothing goes wrong any more. Says whether something had.
    pub(crate) fn heal(&self) -> bool {
        let mut script = self.script.lock();
        let calls = script.calls;
        script.fault.take().is_some_and(|(at, _)| at < calls)
    }

    pub(crate) fn set_glances(&self, glances: Glances) {
        self.script.lock().glances = glances;
    }

    /// Every roster that any commit ever made, in order.
    pub(crate) fn every_roster(&self) -> Vec<Arc<Roster>> {
        self.script.lock().done.clone()
    }

    /// From now on, such calls are answered about this roster, whichever is asked for.
    pub(crate) fn mix(&self, call: Mixed, tag: RosterTag) {
        self.script.lock().mixed = Some((call, tag));
    }

    fn mixed_up(&self, call: Mixed) -> Option<RosterTag> {
        self.script
            .lock()
            .mixed
            .filter(|m| m.0 == call)
            .map(|m| m.1)
    }

    async fn play<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        pause().await;
        let fault = {
            let mut script = self.script.lock();
            let number = script.calls;
            script.calls += 1;
            script.fault.filter(|(at, _)| *at == number).map(|f| f.1)
        };
        let lost = || StoreError::Unknown {
            tag: RosterTag::from_bytes([0; 16]),
        };
        let answer = match fault {
            None => call.await,
            Some(Fault::Unavailable) => Err(StoreError::Unavailable {
                source: "it is staged".into(),
            }),
            Some(Fault::LostBefore) => Err(lost()),
            Some(Fault::LostAfter) => call.await.and_then(|_| Err(lost())),
        };
        pause().await;
        answer
    }
}

/// Gives way once, so that whoever polls can stop here for good.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl Passage for Stage {
    type Store = MemoryStore;

    fn behind(&self) -> &Self::Store {
        &self.inner
    }

    fn pass<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        self.play(call)
    }

    async fn pass_read(
        &self,
        tag: RosterTag,
        key: Option<KeyDigest>,
    ) -> Result<Reading, StoreError> {
        let tag = self.mixed_up(Mixed::Reading).unwrap_or(tag);
        self.play(self.inner.read(tag, key)).await
    }

    fn pass_glance(
        &self,
        tag: RosterTag,
        look: &mut dyn FnMut(Option<&Kept>, Timestamp) -> Heard,
    ) -> bool {
        let allowed = self.script.lock().glances == Glances::Allowed;
        allowed && self.inner.glance(tag, look)
    }

    async fn pass_commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        self.play(async {
            let outcome = self.inner.commit(commit).await?;
            if let Some(other) = self.mixed_up(Mixed::Commit) {
                let other = self.inner.read(other, None).await?.roster;
                return Ok(Outcome::Done(other.expect("it is there")));
            }
            if let Outcome::Done(roster) = &outcome {
                self.script.lock().done.push(Arc::clone(roster));
            }
            Ok(outcome)
        })
        .await
    }

    async fn pass_touch(&self, touch: Touch) -> Result<Touched, StoreError> {
        self.play(async {
            let touched = self.inner.touch(touch).await?;
            if let Some(other) = self.mixed_up(Mixed::Touch) {
                let other = self.inner.read(other, None).await?.roster;
                let other = other.and_then(|r| r.sessions.first().cloned());
                return Ok(Touched::Live(other.expect("it is there")));
            }
            Ok(touched)
        })
        .await
    }
}
