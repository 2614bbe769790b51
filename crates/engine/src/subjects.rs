//! Subjects: what is known of them, and what may be changed.

use std::sync::Arc;

use innkeeper_domain::amendment::{self, SubjectPatch};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::revocation;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{EndReason, Initiator, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{Heard, Kept};

use crate::revoke::count_ended;
use crate::settle::Step;
use crate::{Authority, EngineError};

/// How often a quick look is tried.
const GLANCES: usize = 8;

/// A roster as it stands, for those who may look.
#[derive(Debug)]
pub struct Standing {
    /// The roster; that of a subject never seen is empty.
    pub roster: Arc<Roster>,
    /// The store's time.
    pub now: Timestamp,
}

impl Authority {
    /// Looks at a subject. One never seen has an empty roster, and looking makes none.
    pub async fn subject(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
    ) -> Result<Standing, EngineError> {
        let settled = self
            .settle_for(tenant, subject, &[], |_| Ok(Step::Answer(())))
            .await?;
        Ok(Standing {
            roster: settled.roster,
            now: settled.now,
        })
    }

    /// Looks at the roster that a token or an id leads to, if it is there and of that tenant.
    pub async fn roster_at(
        &self,
        tenant: &TenantId,
        tag: RosterTag,
    ) -> Result<Option<Standing>, EngineError> {
        let settled = self
            .settle_at(tag, Some(tenant), |_| Ok(Step::Answer(())))
            .await?;
        Ok(settled.map(|s| Standing {
            roster: s.roster,
            now: s.now,
        }))
    }

    /// Changes groups, own limit or contact of a subject, in force in the same step.
    pub async fn amend(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
        patch: &SubjectPatch,
    ) -> Result<Standing, EngineError> {
        let settled = self
            .settle_for(tenant, subject, &[], |case| {
                Ok(
                    match amendment::amend(case.roster, patch, case.policy, case.now()) {
                        Some(changes) => Step::Commit(changes, ()),
                        None => Step::Answer(()),
                    },
                )
            })
            .await?;
        Ok(Standing {
            roster: settled.roster,
            now: settled.now,
        })
    }

    /// Ends all sessions of a subject and refuses new ones until it is enabled. Says how many.
    pub async fn disable(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
        initiator: Initiator,
    ) -> Result<usize, EngineError> {
        let settled = self
            .settle_for(tenant, subject, &[], |case| {
                Ok(
                    match revocation::disable(case.roster, initiator, case.now()) {
                        Some(changes) => {
                            let ended = count_ended(&changes, EndReason::SubjectDisabled);
                            Step::Commit(changes, ended)
                        }
                        None => Step::Answer(0),
                    },
                )
            })
            .await?;
        Ok(settled.answer)
    }

    /// Counts a failed sign-in, to be told of at the next one that does not fail.
    ///
    /// Kept like a sign of life: no commit, no roster for one never seen, and a crash may lose
    /// the last few.
    pub async fn count_failure(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
    ) -> Result<(), EngineError> {
        let tag = self.tag(tenant, subject);
        for _ in 0..GLANCES {
            let mut count = |kept: Option<&Kept>, _| match kept {
                Some(kept) => {
                    kept.failures().add();
                    Heard::Yes
                }
                None => Heard::No,
            };
            if self.store.glance(tag, &mut count) {
                return Ok(());
            }
            // Memory may not answer right now; after a reading it may.
            self.read(tag, None).await?;
        }
        Err(EngineError::Contended(tag))
    }

    /// Lets a disabled subject sign in again. Nothing that ended comes back.
    pub async fn enable(&self, tenant: &TenantId, subject: &SubjectId) -> Result<(), EngineError> {
        self.settle_for(tenant, subject, &[], |case| {
            Ok(match revocation::enable(case.roster, case.now()) {
                Some(changes) => Step::Commit(changes, ()),
                None => Step::Answer(()),
            })
        })
        .await
        .map(|_| ())
    }
}
