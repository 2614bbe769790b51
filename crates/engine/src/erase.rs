//! Erase: what is known of a person goes, wherever it is kept.
//!
//! Most of it is in the roster of the subject. Where it acted as others of its tenant, their
//! rosters and the journal name it too. Neither tells all: the journal may have let go of the
//! beginning of a session that a roster still holds, and a roster lets go of what the journal
//! keeps. So both are searched.

use std::collections::BTreeSet;

use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::revocation;
use innkeeper_domain::session::Initiator;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::Cursor;

use crate::journal::Read;
use crate::policy::trial::let_others_in;
use crate::settle::Step;
use crate::{Authority, EngineError};

/// How many rosters one look at the store names.
const LOOK: usize = 1024;
/// How often the journal is read on to where nothing new is told of whoever is erased.
const ROUNDS: usize = 4;

impl Authority {
    /// Deletes a subject: all its sessions end, evidence from before is refused, and what is known
    /// of the person goes, from the roster and from what the store keeps of the past. The journal
    /// keeps the tag.
    ///
    /// The same goes for the sessions in which it acted as another, and for orders of bulk
    /// revocation that name it: there is nothing left for them to end.
    ///
    /// Its sessions have ended and its roster is empty before the store is asked to erase the past,
    /// which may take as long as reading the whole journal. If that fails, repeat it. It fails as
    /// [`EngineError::Contended`] if the subject goes on acting as others all the while; what it
    /// begins after the answer is not erased.
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
        self.erase_from_rosters(tenant, subject, initiator).await?;
        let mut after = None;
        for round in 0..ROUNDS {
            let acts = self.acts_of(tenant, subject, tag, &mut after).await?;
            if acts.entries.is_empty() && round > 0 {
                return Ok(());
            }
            for acted_as in acts.rosters {
                self.erase_from(acted_as, tenant, subject, initiator)
                    .await?;
            }
            self.store.erase(tag, &acts.entries).await?;
        }
        Err(EngineError::Contended(tag))
    }

    /// Erases an actor from all rosters of its tenant in which a session, live or ended, names it.
    async fn erase_from_rosters(
        &self,
        tenant: &TenantId,
        actor: &SubjectId,
        initiator: Initiator,
    ) -> Result<(), EngineError> {
        let mut after = None;
        loop {
            let page = self.store.walk(after, LOOK).await?;
            let Some(last) = page.last().copied() else {
                return Ok(());
            };
            for tag in page {
                if let Some((roster, now)) = self.show(tag, Some(tenant)).await?
                    && revocation::erase_actor(&roster, actor, initiator, now).is_some()
                {
                    self.erase_from(tag, tenant, actor, initiator).await?;
                }
            }
            after = Some(last);
            let_others_in().await;
        }
    }

    /// Erases an actor from the roster of another, and ends the sessions in which it acts.
    async fn erase_from(
        &self,
        tag: RosterTag,
        tenant: &TenantId,
        actor: &SubjectId,
        initiator: Initiator,
    ) -> Result<(), EngineError> {
        self.settle_at(tag, Some(tenant), |case| {
            let (roster, now) = (case.roster, case.now());
            let changes = revocation::erase_actor(roster, actor, initiator, now);
            Ok(match changes {
                Some(changes) => Step::Commit(changes, ()),
                None => Step::Answer(()),
            })
        })
        .await
        .map(|_| ())
    }

    /// Where the journal after a place tells of sessions in which this subject acted as another of
    /// its tenant. Moves the place to the end.
    async fn acts_of(
        &self,
        tenant: &TenantId,
        actor: &SubjectId,
        own: RosterTag,
        after: &mut Option<Cursor>,
    ) -> Result<Acts, EngineError> {
        let mut acts = Acts::default();
        loop {
            let page = match self.read_journal(after).await? {
                Read::Page(page) => page,
                Read::Anew => {
                    acts.entries.clear();
                    continue;
                }
                Read::End => return Ok(acts),
            };
            for (cursor, entry) in page {
                let acted = entry.personal.as_ref().and_then(|p| p.actor.as_ref());
                if acted == Some(actor) && entry.tenant == *tenant && entry.tag != own {
                    acts.rosters.insert(entry.tag);
                    acts.entries.push(cursor);
                }
            }
        }
    }
}

/// What the journal tells of somebody who acted as others.
#[derive(Debug, Default)]
struct Acts {
    /// The rosters of those others.
    rosters: BTreeSet<RosterTag>,
    /// The entries that tell of it.
    entries: Vec<Cursor>,
}
