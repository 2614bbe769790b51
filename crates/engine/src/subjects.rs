//! Subjects: what is known of them, and what may be changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use innkeeper_domain::amendment::{self, SubjectPatch};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::revocation;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{EndReason, Initiator, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{Cursor, Heard, Kept, Tail};

use crate::policy::trial::let_others_in;
use crate::revoke::count_ended;
use crate::settle::Step;
use crate::{Authority, EngineError};

/// How often a quick look is tried.
const GLANCES: usize = 8;
/// How many entries one look at the journal brings.
const PAGE: usize = 1024;

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

    /// Deletes a subject: all its sessions end, evidence from before is refused, and what is known
    /// of the person goes, from the roster and from what the store keeps of the past. The journal
    /// keeps the tag.
    ///
    /// The same goes for the sessions in which it acted as another, and for orders of bulk
    /// revocation that name it: there is nothing left for them to end.
    ///
    /// Its sessions have ended and its roster is empty before the store is asked to erase the past,
    /// which may take as long as reading the whole journal. If that fails, repeat it.
    pub async fn erase(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
        initiator: Initiator,
    ) -> Result<(), EngineError> {
        let settled = self
            .settle_for(tenant, subject, &[], |case| {
                let changes = revocation::erase(case.roster, initiator, case.now());
                Ok(Step::Commit(changes, ()))
            })
            .await?;
        let tag = settled.roster.tag;
        self.forget_orders_of(tenant, subject).await?;
        let (rosters, entries) = self.acts_of(tenant, subject, tag).await?;
        for acted_as in rosters {
            self.settle_at(acted_as, Some(tenant), |case| {
                let (roster, now) = (case.roster, case.now());
                let changes = revocation::erase_actor(roster, subject, initiator, now);
                Ok(match changes {
                    Some(changes) => Step::Commit(changes, ()),
                    None => Step::Answer(()),
                })
            })
            .await?;
        }
        self.store.erase(tag, &entries).await?;
        Ok(())
    }

    /// Where the journal tells of sessions in which this subject acted as another of its tenant:
    /// the rosters of those, and the entries. What has no entry any more is no session any more.
    async fn acts_of(
        &self,
        tenant: &TenantId,
        actor: &SubjectId,
        own: RosterTag,
    ) -> Result<(BTreeSet<RosterTag>, Vec<Cursor>), EngineError> {
        let (mut rosters, mut entries) = (BTreeSet::new(), Vec::new());
        let mut after = None;
        loop {
            let page = match self.store.tail(after.as_ref(), PAGE).await? {
                Tail::Page(page) => page,
                // What is let go of meanwhile is of no more concern: begin where it does now.
                Tail::Gone => {
                    entries.clear();
                    after = None;
                    continue;
                }
            };
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (cursor, entry) in page {
                let acted = entry.personal.as_ref().and_then(|p| p.actor.as_ref());
                if acted == Some(actor) && entry.tenant == *tenant && entry.tag != own {
                    rosters.insert(entry.tag);
                    entries.push(cursor);
                }
            }
            let_others_in().await;
        }
        Ok((rosters, entries))
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
