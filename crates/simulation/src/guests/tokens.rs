//! Guests who present a token: their own, an old one, one that somebody copied or made up.

use std::sync::Arc;

use innkeeper_domain::check::{Demand, Shown};
use innkeeper_domain::name::TenantId;
use innkeeper_domain::rotation::{Occasion, Reauthentication};
use innkeeper_domain::token::{SessionToken, TokenSecret};
use innkeeper_engine::Authority;
use innkeeper_engine::check::{Activity, CheckRequest, Renewal};

use super::known::Held;
use super::sign_ins::proof;
use super::{Calling, Known};
use crate::dice::Dice;
use crate::history::{Call, Tok};
use crate::scribe::Reply;

/// Presents a token that was given out once: mostly a late one, now and then an old one.
pub(super) fn present(
    node: Arc<Authority>,
    tenant: TenantId,
    known: &Known,
    dice: &mut Dice,
) -> (Call, Calling) {
    let old = known.tokens.len().saturating_sub(4);
    let recent = if dice.once_in(6) { 0 } else { old };
    if dice.once_in(20) {
        return forged(node, tenant, known, dice);
    }
    let place = recent + dice.place(known.tokens.len() - recent);
    let held = &known.tokens[place];
    let (tok, token, shown) = (held.tok, read(&held.token), held.shown());
    match dice.below(10) {
        0..7 => {
            let activity = if dice.once_in(4) {
                Activity::Passive
            } else {
                Activity::Active
            };
            let calling = check(node, tenant, token, shown, activity);
            (Call::Check(tok), calling)
        }
        7..9 => {
            let calling = Box::pin(async move {
                let rotated = node.rotate(None, &token, shown, Occasion::Renewal).await;
                rotated.map(Reply::Rotate)
            });
            (Call::Renew(tok), calling)
        }
        _ => {
            let proof = proof(2);
            let proof = Reauthentication::new(proof.methods, proof.assurance);
            let proof = Occasion::Reauthentication(proof.expect("it proves something"));
            let calling = Box::pin(async move {
                let rotated = node.rotate(None, &token, shown, proof).await;
                rotated.map(Reply::Rotate)
            });
            (Call::Reauthenticate(tok), calling)
        }
    }
}

/// Presents a token that somebody copied: nothing comes with it.
pub(super) fn present_elsewhere(
    node: Arc<Authority>,
    tenant: TenantId,
    known: &Known,
    dice: &mut Dice,
) -> (Call, Calling) {
    let recent = known.tokens.len().saturating_sub(2);
    let held = &known.tokens[recent + dice.place(known.tokens.len() - recent)];
    let token = read(&held.token);
    let calling = check(node, tenant, token, Shown::Nothing, Activity::Active);
    (Call::CheckElsewhere(held.tok), calling)
}

/// Presents a token of a session that has just ended.
pub(super) fn come_back(
    node: Arc<Authority>,
    tenant: TenantId,
    held: &Held,
    dice: &mut Dice,
) -> (Call, Calling) {
    let (tok, token, shown) = (held.tok, read(&held.token), held.shown());
    let activity = if dice.once_in(2) {
        Activity::Passive
    } else {
        Activity::Active
    };
    (
        Call::Check(tok),
        check(node, tenant, token, shown, activity),
    )
}

/// Presents a token in the right form that was never given out.
fn forged(
    node: Arc<Authority>,
    tenant: TenantId,
    known: &Known,
    dice: &mut Dice,
) -> (Call, Calling) {
    let tag = read(&known.tokens[0].token).tag();
    let mut bytes = [0; TokenSecret::LEN];
    for byte in &mut bytes {
        *byte = dice.next().to_be_bytes()[0];
    }
    let token = SessionToken::new(tag, TokenSecret::from_entropy(bytes));
    let calling = check(node, tenant, token, Shown::Nothing, Activity::Active);
    (Call::Check(Tok(u32::MAX)), calling)
}

/// Checks a token.
pub(crate) fn check(
    node: Arc<Authority>,
    tenant: impl Into<Option<TenantId>>,
    token: SessionToken,
    shown: Shown,
    activity: Activity,
) -> Calling {
    let request = CheckRequest {
        token,
        tenant: tenant.into(),
        demand: Demand {
            device: shown,
            ..Demand::default()
        },
        activity,
        renewal: Renewal::IfDue,
    };
    Box::pin(async move { node.check(&request).await.map(Reply::Check) })
}

pub(crate) fn read(text: &str) -> SessionToken {
    SessionToken::parse(text).expect("it was written by the engine")
}
