//! Guests who sign in: with a key or without, again or for the first time.

use std::sync::Arc;

use innkeeper_domain::admission::SignIn;
use innkeeper_domain::device::DeviceLabel;
use innkeeper_domain::name::{AuthenticationMethod, SubjectId, TenantId};
use innkeeper_domain::roster::Generation;
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Origin, SessionClass, Timestamp,
};
use innkeeper_engine::Authority;
use innkeeper_engine::sign_in::{Idempotency, SignInRequest};

use super::choices::read_device;
use super::{Calling, Known, read};
use crate::dice::Dice;
use crate::history::{Call, Class, Label};
use crate::scribe::Reply;

/// A sign-in with a key, as it is sent every time.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    label: Label,
    keyed: bool,
    evidence: Option<(usize, Generation)>,
    replaces: Option<String>,
    class: Class,
    device: Option<String>,
}

/// Signs in, or sends an earlier sign-in again.
pub(super) fn sign_in(
    node: Arc<Authority>,
    tenant: TenantId,
    subject: SubjectId,
    known: &mut Known,
    labels: &mut u32,
    dice: &mut Dice,
) -> (Call, Calling) {
    let recent = known.keys.len().saturating_sub(3);
    let repeated = dice.one_of(&known.keys[recent..]).cloned();
    let attempt = repeated.filter(|_| dice.once_in(3)).unwrap_or_else(|| {
        *labels += 1;
        let recent = known.looks.len().saturating_sub(3);
        let evidence = dice.one_of(&known.looks[recent..]).copied();
        let replaces = known.tokens.last().map(|held| held.token.clone());
        let attempt = Attempt {
            label: Label(*labels),
            keyed: dice.once_in(2),
            evidence: evidence.filter(|_| dice.once_in(2)),
            replaces: replaces.filter(|_| dice.once_in(6)),
            class: if dice.once_in(5) {
                Class::Machine
            } else {
                Class::Interactive
            },
            device: dice
                .one_of(&known.devices)
                .map(|d| d.token.clone())
                .filter(|_| dice.once_in(4)),
        };
        if attempt.keyed {
            known.keys.push(attempt.clone());
        }
        attempt
    });

    let label = attempt.label.0.to_string();
    let key = format!("key-of-sign-in-{label}");
    let request = SignInRequest {
        idempotency: attempt
            .keyed
            .then(|| Idempotency::new(&tenant, &key, label.as_bytes())),
        tenant,
        subject,
        sign_in: SignIn {
            client: None,
            class: match attempt.class {
                Class::Interactive => SessionClass::Interactive,
                Class::Machine => SessionClass::Machine,
            },
            actor: None,
            remember: false,
            authentication: proof(1),
            evidence: attempt.evidence.map(|e| e.1),
            groups: None,
            contact: None,
            replaces: None,
            // By this the journal tells which sign-in a session was born of.
            origin: Origin {
                ip: None,
                label: DeviceLabel::of_text(&label),
            },
            device: None,
            device_class: None,
            attributes: None,
            federation: None,
            end: Box::default(),
        },
        replaces: attempt.replaces.as_deref().map(read),
        device: attempt.device.as_deref().map(read_device),
    };
    let call = Call::Admit {
        label: attempt.label,
        evidence: attempt.evidence.map(|e| e.0),
        class: attempt.class,
        chosen: None,
    };
    let calling = Box::pin(async move { node.sign_in(request).await.map(Reply::SignIn) });
    (call, calling)
}

/// What was proved, as strongly as this says.
pub(super) fn proof(assurance: u8) -> AuthenticationEvent {
    let method = AuthenticationMethod::parse("pwd").expect("it is a method");
    AuthenticationEvent {
        at: Timestamp::MAX,
        methods: [method].into(),
        assurance: AssuranceLevel::new(assurance).expect("it is one of ten"),
    }
}
