//! Guests: what the callers of a run know, and what they ask next.

mod choices;
mod strangers;

use std::pin::Pin;
use std::sync::Arc;

use innkeeper_domain::admission::SignIn;
use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::check::{Demand, Shown};
use innkeeper_domain::device::{DeviceId, DeviceLabel};
use innkeeper_domain::name::{AuthenticationMethod, SubjectId, TenantId};
use innkeeper_domain::policy::SessionLimit;
use innkeeper_domain::roster::Generation;
use innkeeper_domain::rotation::{Occasion, Reauthentication};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, EndReason, Initiator, Origin, SessionClass, SessionId,
    Timestamp,
};
use innkeeper_domain::token::{SessionToken, TokenSecret};
use innkeeper_engine::check::{Activity, CheckRequest, Renewal};
use innkeeper_engine::revoke::Scope;
use innkeeper_engine::sign_in::{Idempotency, SignInRequest};
use innkeeper_engine::{Authority, EngineError};

use crate::dice::Dice;
use crate::history::{Call, Class, Label, Sid, Subject, Tok};
use crate::mood::Ask;
use crate::scribe::{self, Reply, tenant_of};
pub use strangers::Door;

/// A call under way.
pub(crate) type Calling = Pin<Box<dyn Future<Output = Result<Reply, EngineError>> + Send>>;

/// What is known about one subject outside the store.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Tokens that were given out, the latest last, as text.
    pub(crate) tokens: Vec<(Tok, String)>,
    pub(crate) sessions: Vec<(Sid, SessionId)>,
    /// Generations that were read, each with the look it was read at.
    pub(crate) looks: Vec<(usize, Generation)>,
    /// Sign-ins that may be repeated.
    keys: Vec<Attempt>,
    /// Tickets that were given out, and the devices on which somebody signed in.
    tickets: Vec<choices::Ticket>,
    devices: Vec<(DeviceId, String)>,
}

/// A sign-in with a key, as it is sent every time.
#[derive(Clone, Debug)]
struct Attempt {
    label: Label,
    keyed: bool,
    evidence: Option<(usize, Generation)>,
    replaces: Option<String>,
    class: Class,
    device: Option<String>,
}

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
    let name = scribe::name();
    match ask {
        Ask::Trespass => {
            let Some((sid, id)) = dice.one_of(&known.sessions).copied() else {
                return look(node, tenant, name);
            };
            let token = dice.one_of(&known.tokens).cloned();
            if let Some((tok, text)) = token.filter(|_| dice.once_in(2)) {
                return strangers::check_abroad(node, door, subject, tok, &text);
            }
            strangers::trespass(node, door, subject, (sid, id), dice)
        }
        // Whoever is asked mostly answers soon.
        Ask::SignIn if !known.tickets.is_empty() && dice.once_in(3) => {
            choices::choose(node, tenant, name, known, dice)
        }
        Ask::SignIn => sign_in(node, tenant, name, known, labels, dice),
        Ask::Choose => choices::choose(node, tenant, name, known, dice),
        Ask::Trust => choices::trust(node, tenant, name, known, dice),
        Ask::Present if !known.tokens.is_empty() => present(node, tenant, known, dice),
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
            let (tok, token) = keep.map(|(tok, text)| (tok, read(&text))).unzip();
            let calling = Box::pin(async move {
                let by = Initiator::User;
                let keep = token.as_ref().map(|t| (t, Shown::Nothing));
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
        Ask::Present | Ask::Look => look(node, tenant, name),
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

/// Presents a token that was given out once: mostly a late one, now and then an old one.
fn present(
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
    let (tok, text) = known.tokens[place].clone();
    let token = read(&text);
    match dice.below(10) {
        0..7 => {
            let activity = if dice.once_in(4) {
                Activity::Passive
            } else {
                Activity::Active
            };
            (Call::Check(tok), check(node, tenant, token, activity))
        }
        7..9 => {
            let calling = Box::pin(async move {
                let rotated = node
                    .rotate(None, &token, Shown::Nothing, Occasion::Renewal)
                    .await;
                rotated.map(Reply::Rotate)
            });
            (Call::Renew(tok), calling)
        }
        _ => {
            let proof = proof(2);
            let proof = Reauthentication::new(proof.methods, proof.assurance);
            let proof = Occasion::Reauthentication(proof.expect("it proves something"));
            let calling = Box::pin(async move {
                let rotated = node.rotate(None, &token, Shown::Nothing, proof).await;
                rotated.map(Reply::Rotate)
            });
            (Call::Reauthenticate(tok), calling)
        }
    }
}

/// Presents a token in the right form that was never given out.
fn forged(
    node: Arc<Authority>,
    tenant: TenantId,
    known: &Known,
    dice: &mut Dice,
) -> (Call, Calling) {
    let tag = read(&known.tokens[0].1).tag();
    let mut bytes = [0; TokenSecret::LEN];
    for byte in &mut bytes {
        *byte = dice.next().to_be_bytes()[0];
    }
    let token = SessionToken::new(tag, TokenSecret::from_entropy(bytes));
    let calling = check(node, tenant, token, Activity::Active);
    (Call::Check(Tok(u32::MAX)), calling)
}

/// Checks a token.
pub(crate) fn check(
    node: Arc<Authority>,
    tenant: impl Into<Option<TenantId>>,
    token: SessionToken,
    activity: Activity,
) -> Calling {
    let request = CheckRequest {
        token,
        tenant: tenant.into(),
        demand: Demand::default(),
        activity,
        renewal: Renewal::IfDue,
    };
    Box::pin(async move { node.check(&request).await.map(Reply::Check) })
}

pub(crate) fn read(text: &str) -> SessionToken {
    SessionToken::parse(text).expect("it was written by the engine")
}

fn proof(assurance: u8) -> AuthenticationEvent {
    let method = AuthenticationMethod::parse("pwd").expect("it is a method");
    AuthenticationEvent {
        at: Timestamp::MAX,
        methods: [method].into(),
        assurance: AssuranceLevel::new(assurance).expect("it is one of ten"),
    }
}

fn sign_in(
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
        let replaces = known.tokens.last().map(|t| t.1.clone());
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
                .map(|d| d.1.clone())
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
            end: Box::default(),
        },
        replaces: attempt.replaces.as_deref().map(read),
        device: attempt.device.as_deref().map(choices::read_device),
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
