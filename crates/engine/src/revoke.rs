//! Revoke: end one session, or all of a subject, for good.

use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::check::{Check, check};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::protection::Protection;
use innkeeper_domain::revocation::{self, Revocation};
use innkeeper_domain::session::{AssuranceLevel, EndReason, Ending, Initiator, Session, SessionId};
use innkeeper_domain::token::SessionToken;

use crate::check::Checked;
use crate::settle::{Case, Step};
use crate::{Authority, EngineError};

/// Whose session an order to end it may name.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Any of one tenant: an administrator's order.
    Tenant(&'a TenantId),
    /// The subject's own: everybody else's looks absent, in content and time (S7).
    Owner(&'a TenantId, &'a SubjectId),
    /// The subject's own too, by the word of one of its sessions, from which others may be
    /// protected.
    Holder(&'a Checked),
}

/// The answer to an order to end one session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Revoked {
    /// It has ended, now or before.
    Ended,
    /// No such session is known to this caller.
    Absent,
    /// It is protected from the session that asks, and nothing was done.
    Protected,
    /// The session that asks is live no longer, so its word counts no more, and nothing was done.
    AskerGone,
    /// Somebody else acts in the session that asks: it ends no other, and nothing was done.
    Impersonated,
}

/// The answer to an order to end all sessions of a subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum RevokedAll {
    /// So many ended.
    Ended(usize),
    /// The session to keep is not live, and nothing was done.
    KeptIsAbsent,
    /// Some are protected from the session that asks, and nothing was done.
    Protected,
    /// Somebody else acts in the session that asks: it ends no other, and nothing was done.
    Impersonated,
}

impl Authority {
    /// Ends one session. When this returns, the end is durable and final.
    pub async fn revoke(
        &self,
        scope: Scope<'_>,
        id: SessionId,
        reason: EndReason,
        initiator: Initiator,
    ) -> Result<Revoked, EngineError> {
        let decide = |case: &Case<'_>| {
            let (roster, now) = (case.roster, case.now());
            // To end itself, no session needs to be live.
            if let Scope::Holder(asker) = scope
                && asker.session.id != id
            {
                if !asker.stands(case) {
                    return Ok(Step::Answer(Revoked::AskerGone));
                }
                if asker.session.is_impersonation() {
                    return Ok(Step::Answer(Revoked::Impersonated));
                }
                let shield = shield(case, asker);
                if roster.find(id).is_some_and(|s| shield.stops(s)) {
                    return Ok(Step::Answer(Revoked::Protected));
                }
            }
            Ok(
                match revocation::revoke(roster, id, reason, initiator, now) {
                    Revocation::End(changes) => {
                        let changes = match scope {
                            Scope::Holder(asker) if asker.session.id != id => {
                                asked_by(changes, &asker.session)
                            }
                            Scope::Holder(_) | Scope::Tenant(_) | Scope::Owner(..) => changes,
                        };
                        Step::Commit(changes, Revoked::Ended)
                    }
                    Revocation::AlreadyEnded => Step::Answer(Revoked::Ended),
                    Revocation::Absent => Step::Answer(Revoked::Absent),
                },
            )
        };
        // A foreign id is looked for in the caller's own roster, where it is not: the same work
        // as for an id that never was.
        let settled = match scope {
            Scope::Tenant(tenant) => self.settle_at(id.tag(), Some(tenant), decide).await?,
            Scope::Owner(tenant, subject) => {
                Some(self.settle_for(tenant, subject, &[], decide).await?)
            }
            Scope::Holder(asker) => {
                let (tenant, subject) = (&asker.roster.tenant, &asker.roster.subject);
                Some(self.settle_for(tenant, subject, &[], decide).await?)
            }
        };
        Ok(settled.map_or(Revoked::Absent, |s| s.answer))
    }

    /// Ends all sessions of a subject but the one that asks, and raises the generation.
    ///
    /// All or none: where one is protected from it, nothing is done, so that nobody takes a list
    /// for empty that is not.
    pub async fn revoke_others(&self, asker: &Checked) -> Result<RevokedAll, EngineError> {
        let (tenant, subject) = (&asker.roster.tenant, &asker.roster.subject);
        let settled = self
            .settle_for(tenant, subject, &[], |case| {
                let (now, id) = (case.now(), asker.session.id);
                if !asker.stands(case) {
                    return Ok(Step::Answer(RevokedAll::KeptIsAbsent));
                }
                if asker.session.is_impersonation() {
                    return Ok(Step::Answer(RevokedAll::Impersonated));
                }
                let shield = shield(case, asker);
                if case.roster.live(now).any(|s| s.id != id && shield.stops(s)) {
                    return Ok(Step::Answer(RevokedAll::Protected));
                }
                let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
                let changes = revocation::revoke_all(case.roster, Keep::One(id), reason, by, now);
                let ended = count_ended(&changes, reason);
                let changes = asked_by(changes, &asker.session);
                Ok(Step::Commit(changes, RevokedAll::Ended(ended)))
            })
            .await?;
        Ok(settled.answer)
    }

    /// Ends the session of a token, whatever else would have to be shown with it.
    pub async fn revoke_by_token(
        &self,
        tenant: Option<&TenantId>,
        token: &SessionToken,
        reason: EndReason,
        initiator: Initiator,
    ) -> Result<(), EngineError> {
        self.settle_at(token.tag(), tenant, |case| {
            let session = match check(case.roster, token, case.now()) {
                Check::Valid(valid) => valid.session,
                Check::Reused(session) | Check::Replaced(session) => session,
                Check::Ended(_) | Check::Unknown => return Ok(Step::Answer(())),
            };
            let (roster, now) = (case.roster, case.now());
            Ok(
                match revocation::revoke(roster, session.id, reason, initiator, now) {
                    Revocation::End(changes) => Step::Commit(changes, ()),
                    Revocation::AlreadyEnded | Revocation::Absent => Step::Answer(()),
                },
            )
        })
        .await
        .map(|_| ())
    }

    /// Ends all sessions of a subject but the kept one, and raises the generation.
    pub async fn revoke_all(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
        keep: Option<SessionId>,
        reason: EndReason,
        initiator: Initiator,
    ) -> Result<RevokedAll, EngineError> {
        let settled = self
            .settle_for(tenant, subject, &[], |case| {
                let now = case.now();
                if keep.is_some_and(|id| case.roster.live(now).all(|s| s.id != id)) {
                    return Ok(Step::Answer(RevokedAll::KeptIsAbsent));
                }
                let keep = keep.map_or(Keep::None, Keep::One);
                let changes = revocation::revoke_all(case.roster, keep, reason, initiator, now);
                let ended = count_ended(&changes, reason);
                Ok(Step::Commit(changes, RevokedAll::Ended(ended)))
            })
            .await?;
        Ok(settled.answer)
    }

    /// Ends the session whose older token was presented: somebody kept a copy (S9).
    ///
    /// Says how the session of that token ended, as its roster tells it.
    pub(crate) async fn end_reused(
        &self,
        token: &SessionToken,
    ) -> Result<Option<Ending>, EngineError> {
        let settled = self
            .settle_at(token.tag(), None, |case| {
                let (roster, now) = (case.roster, case.now());
                let Check::Reused(session) = check(roster, token, now) else {
                    return Ok(Step::Answer(()));
                };
                let (reason, by) = (EndReason::ReuseDetected, Initiator::System);
                Ok(
                    match revocation::revoke(roster, session.id, reason, by, now) {
                        Revocation::End(changes) => {
                            tracing::warn!(session = %session.id, "reuse of an older token");
                            Step::Commit(changes, ())
                        }
                        Revocation::AlreadyEnded | Revocation::Absent => Step::Answer(()),
                    },
                )
            })
            .await?;
        Ok(settled.and_then(|s| match check(&s.roster, token, s.now) {
            Check::Ended(ending) => Some(ending),
            Check::Valid(_) | Check::Replaced(_) | Check::Reused(_) | Check::Unknown => None,
        }))
    }
}

/// What is shielded from the session that asks, by what is known of it now.
pub(crate) struct Shield<'r> {
    pub(crate) protection: Protection<'r>,
    pub(crate) evidence: AssuranceLevel,
}

impl Shield<'_> {
    fn stops(&self, session: &Session) -> bool {
        self.protection.covers_from(session, self.evidence)
    }
}

/// What is shielded from `asker`, which [stands](Checked::stands).
pub(crate) fn shield<'r>(case: &Case<'r>, asker: &Checked) -> Shield<'r> {
    let known = case.roster.find(asker.session.id);
    let session = known.unwrap_or(&asker.session);
    let freshness = case.policy.terms(&case.roster.facts(session)).freshness;
    Shield {
        protection: Protection::from_session(case.roster, session, case.policy, case.now()),
        // What was proved long ago is no evidence of who asks now.
        evidence: session.assurance_within(freshness, case.now()),
    }
}

/// The same changes, whose ends say that `asker` asked for them.
pub(crate) fn asked_by(changes: Vec<Change>, asker: &Session) -> Vec<Change> {
    let changes = changes.into_iter();
    changes.map(|change| change.asked_by(asker)).collect()
}

/// How many sessions `changes` end for `reason`.
pub(crate) fn count_ended(changes: &[Change], reason: EndReason) -> usize {
    let of_reason =
        |c: &&Change| matches!(c, Change::End { ending, .. } if ending.reason == reason);
    changes.iter().filter(of_reason).count()
}
