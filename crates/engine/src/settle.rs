//! The loop that every change goes through: read, decide, commit, and decide again if stale.

use std::sync::Arc;

use innkeeper_domain::amendment::obey;
use innkeeper_domain::change::Change;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::{Policy, Seats};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{Commit, KeyDigest, Outcome, Reading, Remembered};
use tracing::Instrument;

use crate::metrics::Ends;
use crate::sign_in::KEYS_FOR;
use crate::{Authority, EngineError};

/// How often a decision is made again before the caller is told to repeat. The lane keeps this
/// node's own changes apart, so only other nodes and the clock ever make one stale.
const ATTEMPTS: usize = 64;

/// What a decision is made from.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    /// The roster; an absent one reads as empty.
    pub(crate) roster: &'a Arc<Roster>,
    /// What the store said with it.
    pub(crate) reading: &'a Reading,
    /// What is remembered under the keys that the call came with.
    pub(crate) remembered: &'a [Remembered],
    /// The policy in force.
    pub(crate) policy: &'a Policy,
    /// The seats of the tenant, if the store has said that all of them are taken.
    pub(crate) full: Option<Seats>,
}

impl Case<'_> {
    /// The decision's `now`.
    pub(crate) const fn now(&self) -> Timestamp {
        self.reading.now
    }
}

/// What a decision comes to.
#[derive(Debug)]
pub(crate) enum Step<T> {
    /// Commit these changes, then answer.
    Commit(Vec<Change>, T),
    /// Commit these changes and remember this with them, then answer.
    Remember(Vec<Change>, Vec<Remembered>, T),
    /// Answer; nothing changes.
    Answer(T),
}

/// Which roster a decision is about.
#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    /// That of a subject, there or not.
    Of(&'a TenantId, &'a SubjectId),
    /// The one that a token or an id leads to, if it is there and of that tenant.
    At(Option<&'a TenantId>),
}

/// A decision that stands, with the roster as it then was.
#[derive(Debug)]
pub(crate) struct Settled<T> {
    pub(crate) answer: T,
    pub(crate) roster: Arc<Roster>,
    pub(crate) now: Timestamp,
}

impl Authority {
    /// Settles a decision about the roster of a subject, there or not.
    ///
    /// The policy in force is obeyed first. Dropping this at any await leaves the commit wholly
    /// done or wholly not done, and the lane free (S19).
    pub(crate) async fn settle_for<T>(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
        keys: &[KeyDigest],
        decide: impl FnMut(&Case<'_>) -> Result<Step<T>, EngineError> + Send,
    ) -> Result<Settled<T>, EngineError> {
        let tag = self.tag(tenant, subject);
        self.settle_tagged(tag, tenant, subject, keys, decide).await
    }

    /// The same for a caller that knows the subject's tag already.
    pub(crate) async fn settle_tagged<T>(
        &self,
        tag: RosterTag,
        tenant: &TenantId,
        subject: &SubjectId,
        keys: &[KeyDigest],
        decide: impl FnMut(&Case<'_>) -> Result<Step<T>, EngineError> + Send,
    ) -> Result<Settled<T>, EngineError> {
        let settled = self
            .settle(tag, Place::Of(tenant, subject), keys, decide)
            .await?;
        Ok(settled.expect("the roster of a subject reads as empty when it is absent"))
    }

    /// As [`settle_for`](Self::settle_for), about the roster that a token or an id leads to;
    /// `None` if there is none of that tenant.
    ///
    /// The tenant is `None` only where the call speaks for the roster's own: its holder or we.
    pub(crate) async fn settle_at<T>(
        &self,
        tag: RosterTag,
        tenant: Option<&TenantId>,
        decide: impl FnMut(&Case<'_>) -> Result<Step<T>, EngineError> + Send,
    ) -> Result<Option<Settled<T>>, EngineError> {
        self.settle(tag, Place::At(tenant), &[], decide).await
    }

    async fn settle<T>(
        &self,
        tag: RosterTag,
        place: Place<'_>,
        keys: &[KeyDigest],
        mut decide: impl FnMut(&Case<'_>) -> Result<Step<T>, EngineError> + Send,
    ) -> Result<Option<Settled<T>>, EngineError> {
        let begun = self.metrics.now();
        let _turn = self.lanes.enter(tag).await;
        let mut full = None;
        for _ in 0..ATTEMPTS {
            let reading = self.read_with(tag, keys);
            let reading = reading.instrument(tracing::debug_span!("read"));
            let (reading, remembered, asked) = reading.await?;
            let policy = self.policy_for(&reading).await?;
            let now = reading.now;
            let roster = match (&reading.roster, place) {
                // Before anything is obeyed: no call commits to the roster of another tenant.
                (Some(roster), Place::At(Some(tenant))) if roster.tenant != *tenant => {
                    return Ok(None);
                }
                (Some(roster), _) => Arc::clone(roster),
                (None, Place::Of(tenant, subject)) => {
                    let ground = reading.ground;
                    let (tenant, subject) = (tenant.clone(), subject.clone());
                    let (floor, generation) = (ground.floor, ground.store_generation);
                    Arc::new(Roster::absent(tag, tenant, subject, floor, generation))
                }
                (None, Place::At(_)) => return Ok(None),
            };

            // An absent roster obeys with its first commit: reading makes none.
            let obeying = reading.roster.as_ref().and_then(|r| obey(r, &policy, now));
            let (changes, remember, answer) = match obeying {
                Some(changes) => (changes, Vec::new(), None),
                None => match decide(&Case {
                    roster: &roster,
                    reading: &reading,
                    remembered: &remembered,
                    policy: &policy,
                    full,
                })? {
                    Step::Commit(changes, answer) => (changes, Vec::new(), Some(answer)),
                    Step::Remember(changes, remember, answer) => (changes, remember, Some(answer)),
                    Step::Answer(answer) => {
                        return Ok(Some(Settled {
                            answer,
                            roster,
                            now,
                        }));
                    }
                },
            };

            let ends = Ends::of(&changes);
            let salt = self.entropy.draw()?;
            let mut stands_until = roster.changes_stand_until(&changes, now);
            if !remember.is_empty() {
                // Whoever used the key meanwhile is then still remembered, and this is seen (S10).
                stands_until = stands_until.min(asked.plus(KEYS_FOR / 2));
            }
            let mut commit = Commit::new(&roster, changes, now, stands_until, salt);
            commit.remember = remember;
            commit.seats = policy.seats(&roster.tenant);
            let seats = commit.seats;
            let committed = self.commit(commit);
            let committed = committed.instrument(tracing::debug_span!("commit"));
            let roster = match committed.await? {
                Outcome::Done(roster) => roster,
                Outcome::Stale => continue,
                // From here on, what opens costs the subject a seat of its own.
                Outcome::Full => {
                    full = seats;
                    continue;
                }
            };
            self.metrics.ended(&ends);
            if ends.by_order() {
                self.metrics.revoked(begun);
            }
            if let Some(answer) = answer {
                return Ok(Some(Settled {
                    answer,
                    roster,
                    now,
                }));
            }
        }
        Err(EngineError::Contended(tag))
    }
}
