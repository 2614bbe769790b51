//! Strangers: they ask about sessions that are not theirs.

use std::sync::Arc;

use innkeeper_domain::name::SubjectId;
use innkeeper_domain::session::{Initiator, SessionId};
use innkeeper_engine::Authority;
use innkeeper_engine::check::Activity;
use innkeeper_engine::revoke::Scope;

use super::known::Held;
use super::{Calling, check, read};
use crate::dice::Dice;
use crate::history::{Call, Sid, Stranger, Subject};
use crate::scribe::{Reply, TRESPASS, other_tenant, tenant_of};

/// How callers are let through to the authority.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Door {
    /// As it should be.
    #[default]
    Right,
    /// Whose session it is, is not part of the question.
    OwnerNotAsked,
    /// The tenant of the caller is not part of the question.
    TenantNotAsked,
}

/// Another tenant's administrator, or another subject, asks to end a session.
pub(super) fn trespass(
    node: Arc<Authority>,
    door: Door,
    subject: Subject,
    (sid, id): (Sid, SessionId),
    dice: &mut Dice,
) -> (Call, Calling) {
    let own = tenant_of(subject);
    let (stranger, tenant, name) = if dice.once_in(2) {
        let other = SubjectId::parse("stranger").expect("it is a name");
        let name = (door != Door::OwnerNotAsked).then_some(other);
        (Stranger::Subject, own, name)
    } else if door == Door::TenantNotAsked {
        (Stranger::Tenant, own, None)
    } else {
        (Stranger::Tenant, other_tenant(subject), None)
    };
    let calling = Box::pin(async move {
        let scope = match &name {
            Some(name) => Scope::Owner(&tenant, name),
            None => Scope::Tenant(&tenant),
        };
        let revoked = node.revoke(scope, id, TRESPASS, Initiator::Admin).await;
        revoked.map(Reply::Revoke)
    });
    (Call::Trespass(sid, stranger), calling)
}

/// Presents a token to those who speak for another tenant.
pub(super) fn check_abroad(
    node: Arc<Authority>,
    door: Door,
    subject: Subject,
    held: &Held,
) -> (Call, Calling) {
    let abroad = other_tenant(subject);
    let tenant = (door != Door::TenantNotAsked).then_some(abroad);
    let calling = check(
        node,
        tenant,
        read(&held.token),
        held.shown(),
        Activity::Active,
    );
    (Call::CheckAbroad(held.tok), calling)
}
