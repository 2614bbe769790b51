//! Guests who are asked whom to end.

use std::sync::Arc;

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::device::DeviceToken;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::session::{Binding, SessionId};
use innkeeper_domain::ticket::ChoiceTicket;
use innkeeper_engine::budget::Place;
use innkeeper_engine::choice::ChoiceRequest;
use innkeeper_engine::sign_in::{Idempotency, SignInAnswer};
use innkeeper_engine::{Authority, EngineError};

use super::known::{Device, Home};
use super::{Calling, Known, look};
use crate::dice::Dice;
use crate::history::{Call, Class, Label, Sid};
use crate::scribe::{Reply, Scribe};

/// A ticket, with the sign-in that it stands for.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    label: Label,
    evidence: Option<usize>,
    class: Class,
    text: String,
    listed: Vec<(Sid, SessionId)>,
}

impl Known {
    /// Takes up what an answer to `call` gave out besides a token.
    pub(crate) fn learn(
        &mut self,
        call: &Call,
        reply: &Result<Reply, EngineError>,
        scribe: &mut Scribe,
    ) {
        let Call::Admit {
            label,
            evidence,
            class,
            ..
        } = call
        else {
            return;
        };
        match reply {
            Ok(Reply::SignIn(SignInAnswer::Admitted(born) | SignInAnswer::Repeated(born))) => {
                let device = Device {
                    dev: scribe.device(born.device.id),
                    id: born.device.id,
                    token: born.device.token.reveal(),
                };
                let home = Home {
                    session: born.session.id,
                    device: device.clone(),
                    is_bound: matches!(born.session.binding, Binding::DeviceCookie(_)),
                };
                self.homes.insert(scribe.session(born.session.id), home);
                if !self.devices.contains(&device) {
                    self.devices.push(device);
                }
            }
            Ok(Reply::SignIn(SignInAnswer::Refused(Refusal::SessionLimit(full), turned_away))) => {
                let listed = full.endable.iter().map(|id| (scribe.session(*id), *id));
                let listed = listed.collect();
                self.tickets
                    .extend(turned_away.choice.as_ref().map(|choice| Ticket {
                        label: *label,
                        evidence: *evidence,
                        class: *class,
                        text: choice.reveal(),
                        listed,
                    }));
            }
            _ => {}
        }
    }
}

/// Answers for the seats of a refusal: mostly with what was listed, by a ticket that may have been
/// used before, and half of the time with a key.
pub(super) fn choose(
    node: Arc<Authority>,
    tenant: TenantId,
    subject: SubjectId,
    known: &Known,
    dice: &mut Dice,
) -> (Call, Calling) {
    let recent = known.tickets.len().saturating_sub(2);
    let Some(ticket) = dice.one_of(&known.tickets[recent..]).cloned() else {
        return look(node, tenant, subject);
    };
    let most = ticket.listed.len();
    let mut end: Vec<_> = ticket
        .listed
        .into_iter()
        .take(1 + dice.place(most.max(1)))
        .collect();
    if dice.once_in(3) {
        // Whoever comes late names who is there now, listed or not.
        let late = known.sessions.len().saturating_sub(6);
        end.extend_from_slice(&known.sessions[late..]);
    }
    let label = ticket.label.0;
    let key = dice.once_in(2).then(|| format!("key-of-choice-{label}"));
    let says = format!("{} {end:?}", ticket.text);
    let call = Call::Admit {
        label: ticket.label,
        evidence: ticket.evidence,
        class: ticket.class,
        chosen: Some(end.iter().map(|(sid, _)| *sid).collect()),
    };
    let request = ChoiceRequest {
        place: Place::Hosted,
        idempotency: key.map(|key| Idempotency::new(&tenant, &key, says.as_bytes())),
        tenant,
        subject,
        ticket: ChoiceTicket::parse(&ticket.text).expect("it was written by the engine"),
        end: end.iter().map(|(_, id)| *id).collect(),
        replaces: None,
    };
    let calling = Box::pin(async move { node.choose(request).await.map(Reply::SignIn) });
    (call, calling)
}

pub(super) fn read_device(text: impl AsRef<str>) -> DeviceToken {
    DeviceToken::parse(text.as_ref()).expect("it was written by the engine")
}
