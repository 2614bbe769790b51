//! Guests: what the callers of a run know, and what they ask next.

mod choices;
mod known;
mod orders;
mod sign_ins;
mod strangers;
mod tokens;

use std::pin::Pin;
use std::sync::Arc;

use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::SessionLimit;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::revoke::Scope;
use innkeeper_engine::{Authority, EngineError};

use crate::dice::Dice;
use crate::history::{Call, Subject};
use crate::mood::Ask;
use crate::scribe::{self, Reply, tenant_of};
pub(crate) use known::Known;
pub use strangers::Door;
pub(crate) use tokens::{check, read};

/// A call under way.
pub(crate) type Calling = Pin<Box<dyn Future<Output = Result<Reply, EngineError>> + Send>>;

/// Asks something of this kind about a subject.
pub(crate) fn ask(
    ask: Ask,
    node: Arc<Authority>,
    door: Door,
    subject: Subject,
    known: &mut Known,
    labels: &mut u32,
    dice: &mut Dice,
) -> (Call, Calling) {
    let tenant = tenant_of(subject);
    let name = scribe::name_of(subject);
    match ask {
        Ask::Trespass => {
            let Some((sid, id)) = dice.one_of(&known.sessions).copied() else {
                return look(node, tenant, name);
            };
            let held = dice.one_of(&known.tokens).cloned();
            if let Some(held) = held.filter(|_| dice.once_in(2)) {
                return strangers::check_abroad(node, door, subject, &held);
            }
            strangers::trespass(node, door, subject, (sid, id), dice)
        }
        // Whoever is asked mostly answers soon.
        Ask::SignIn if !known.tickets.is_empty() && dice.once_in(3) => {
            choices::choose(node, tenant, name, known, dice)
        }
        Ask::SignIn => sign_ins::sign_in(node, tenant, name, known, labels, dice),
        Ask::Choose => choices::choose(node, tenant, name, known, dice),
        Ask::Trust => orders::trust(node, tenant, name, known, dice),
        Ask::EndAnother => orders::end_another(node, tenant, name, known, dice),
        Ask::Present if !known.tokens.is_empty() => tokens::present(node, tenant, known, dice),
        Ask::PresentElsewhere if !known.tokens.is_empty() => {
            tokens::present_elsewhere(node, tenant, known, dice)
        }
        Ask::Return => match known.last_gone() {
            Some(held) => tokens::come_back(node, tenant, held, dice),
            None => look(node, tenant, name),
        },
        Ask::Revoke => {
            let Some((sid, id)) = dice.one_of(&known.sessions).copied() else {
                return look(node, tenant, name);
            };
            let own = dice.once_in(2);
            let calling = Box::pin(async move {
                let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
                let scope = if own {
                    Scope::Owner(&tenant, &name)
                } else {
                    Scope::Tenant(&tenant)
                };
                node.revoke(scope, id, reason, by).await.map(Reply::Revoke)
            });
            (Call::Revoke(sid), calling)
        }
        Ask::RevokeAll => {
            let keep = dice.one_of(&known.sessions).copied();
            let keep = keep.filter(|_| dice.once_in(2));
            let id = keep.map(|k| k.1);
            let calling = Box::pin(async move {
                let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
                let all = node.revoke_all(&tenant, &name, id, reason, by).await;
                all.map(Reply::RevokeAll)
            });
            (Call::RevokeAll(keep.map(|k| k.0)), calling)
        }
        Ask::Credential => {
            let keep = known.tokens.last().cloned().filter(|_| dice.once_in(2));
            let tok = keep.as_ref().map(|held| held.tok);
            let keep = keep.map(|held| (read(&held.token), held.shown()));
            let calling = Box::pin(async move {
                let by = Initiator::User;
                let keep = keep.as_ref().map(|(token, shown)| (token, *shown));
                let changed = node.credential_changed(&tenant, &name, keep, by).await;
                changed.map(Reply::Credential)
            });
            (Call::CredentialChanged(tok), calling)
        }
        Ask::Disable => {
            let calling = Box::pin(async move {
                let disabled = node.disable(&tenant, &name, Initiator::Admin).await;
                disabled.map(Reply::Disable)
            });
            (Call::Disable, calling)
        }
        Ask::Enable => {
            let calling = Box::pin(async move {
                let enabled = node.enable(&tenant, &name).await;
                enabled.map(|()| Reply::Enable)
            });
            (Call::Enable, calling)
        }
        Ask::Limit => {
            let limit = Some(1 + dice.below(3)).filter(|_| !dice.once_in(3));
            let patch = SubjectPatch {
                own_limit: Some(limit.and_then(SessionLimit::new)),
                ..SubjectPatch::default()
            };
            let calling = Box::pin(async move {
                let amended = node.amend(&tenant, &name, &patch).await;
                amended.map(Reply::Standing)
            });
            let limit = limit.and_then(SessionLimit::new).map(SessionLimit::get);
            (Call::Limit(limit), calling)
        }
        Ask::Sweep => (
            Call::Sweep,
            Box::pin(async move { node.sweep().await.map(Reply::Sweep) }),
        ),
        Ask::Present | Ask::PresentElsewhere | Ask::Look => look(node, tenant, name),
    }
}

/// Looks at a subject.
pub(crate) fn look(node: Arc<Authority>, tenant: TenantId, name: SubjectId) -> (Call, Calling) {
    let calling = Box::pin(async move {
        let standing = node.subject(&tenant, &name).await;
        standing.map(Reply::Standing)
    });
    (Call::Look, calling)
}
