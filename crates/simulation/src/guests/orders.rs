//! Orders by the word of a session, about others and about its device; and about devices by the
//! word of an administrator.

use std::sync::Arc;

use innkeeper_domain::check::{Demand, Shown};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Checked, Renewal};
use innkeeper_engine::devices::{DeviceChange, DeviceScope};
use innkeeper_engine::revoke::Scope;
use innkeeper_engine::{Authority, EngineError};

use super::known::Held;
use super::{Calling, Known, look, read};
use crate::dice::Dice;
use crate::history::{Call, Word};
use crate::scribe::Reply;

/// Ends one session by the word of another, as from the list of a user's own.
pub(super) fn end_another(
    node: Arc<Authority>,
    tenant: TenantId,
    subject: SubjectId,
    known: &Known,
    dice: &mut Dice,
) -> (Call, Calling) {
    let Some(held) = latest(known, dice) else {
        return look(node, tenant, subject);
    };
    let Some(victim) = another(known, held, dice) else {
        return look(node, tenant, subject);
    };
    let call = Call::RevokeBy(held.tok, victim.session);
    let id = known.homes[&victim.session].session;
    let (token, shown) = (read(&held.token), held.shown());
    let calling = Box::pin(async move {
        let asker = match prove(&node, tenant, token, shown).await? {
            Ok(asker) => asker,
            Err(no) => return Ok(Reply::Check(no)),
        };
        let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
        let ended = node.revoke(Scope::Holder(&asker), id, reason, by).await;
        ended.map(Reply::Revoke)
    });
    (call, calling)
}

/// Relies on a device, by the word of an administrator, or of a session on it.
pub(super) fn trust(
    node: Arc<Authority>,
    tenant: TenantId,
    subject: SubjectId,
    known: &Known,
    dice: &mut Dice,
) -> (Call, Calling) {
    if dice.once_in(2) {
        return trust_own(node, tenant, subject, known, dice);
    }
    let used = latest(known, dice).map(|held| &known.homes[&held.session].device);
    let any = dice.one_of(&known.devices);
    let Some(device) = used.filter(|_| !dice.once_in(4)).or(any) else {
        return look(node, tenant, subject);
    };
    let (dev, id) = (device.dev, device.id);
    let by_name = dice.once_in(2);
    let calling = Box::pin(async move {
        let scope = if by_name {
            DeviceScope::Subject(&tenant, &subject)
        } else {
            DeviceScope::Tenant(&tenant)
        };
        let trusted = node.order_device(scope, id, &DeviceChange::Trust).await;
        trusted.map(Reply::Device)
    });
    (Call::Trust(dev, Word::Administrator), calling)
}

fn trust_own(
    node: Arc<Authority>,
    tenant: TenantId,
    subject: SubjectId,
    known: &Known,
    dice: &mut Dice,
) -> (Call, Calling) {
    let Some(held) = latest(known, dice) else {
        return look(node, tenant, subject);
    };
    let device = &known.homes[&held.session].device;
    let (dev, id) = (device.dev, device.id);
    let call = Call::Trust(dev, Word::Holder(held.tok));
    let (token, shown) = (read(&held.token), held.shown());
    let calling = Box::pin(async move {
        let asker = match prove(&node, tenant, token, shown).await? {
            Ok(asker) => asker,
            Err(no) => return Ok(Reply::Check(no)),
        };
        let scope = DeviceScope::Holder(&asker);
        let trusted = node.order_device(scope, id, &DeviceChange::Trust).await;
        trusted.map(Reply::Device)
    });
    (call, calling)
}

/// The token that was given out last, or one of those before it.
fn latest<'k>(known: &'k Known, dice: &mut Dice) -> Option<&'k Held> {
    let late = known.tokens.len().saturating_sub(5);
    let any = dice.one_of(&known.tokens[late..]);
    known.tokens.last().filter(|_| !dice.once_in(4)).or(any)
}

/// A token of another session, mostly one on a trusted device.
fn another<'k>(known: &'k Known, held: &Held, dice: &mut Dice) -> Option<&'k Held> {
    let late = known.tokens.len().saturating_sub(8);
    let others = known.tokens[late..].iter();
    let others: Vec<_> = others.filter(|o| o.session != held.session).collect();
    let is_trusted = |other: &&Held| {
        let device = &known.homes[&other.session].device;
        known.trusted.contains(&device.dev)
    };
    let trusted: Vec<_> = others.iter().copied().filter(is_trusted).collect();
    let drawn = dice.one_of(&trusted).filter(|_| !dice.once_in(4));
    drawn.or(dice.one_of(&others)).copied()
}

/// Proves who gives an order, or says why not. It is no sign of life, and makes no new token.
async fn prove(
    node: &Authority,
    tenant: TenantId,
    token: SessionToken,
    shown: Shown,
) -> Result<Result<Checked, CheckAnswer>, EngineError> {
    let request = CheckRequest {
        token,
        tenant: Some(tenant),
        demand: Demand {
            device: shown,
            ..Demand::default()
        },
        activity: Activity::Passive,
        renewal: Renewal::Never,
    };
    match node.check(&request).await? {
        CheckAnswer::Valid(passed) => passed.open().map(Ok),
        no @ (CheckAnswer::NoSession(_) | CheckAnswer::Shortfall(_)) => Ok(Err(no)),
    }
}
