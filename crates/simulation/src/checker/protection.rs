//! Protection: for a while after its birth a session on a device that is not trusted neither evicts
//! nor ends an older one on a trusted device (S11), and is kept from nothing else (V4). The
//! subject's own word for a device takes as long to be believed; an administrator's counts at once.
//! And no session gives orders once it has ended (S4).

use super::causes::may_have_ended;
use super::facts::Facts;
use super::{Violation, deaths};
use crate::history::{Answer, Call, Dev, Operation, Sid, Word};

/// As many devices as a subject has before one of them may be forgotten.
const DEVICES_MAX: usize = 50;

pub(super) fn stands(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (number, operation) in facts.operations.iter().filter(|(_, o)| !o.is_void) {
        let wrong = match (&operation.call, &operation.answer) {
            (
                Call::Admit { .. },
                Answer::Admitted {
                    session, evicted, ..
                },
            ) => evicted
                .iter()
                .find(|victim| is_shielded(facts, operation, **victim, *session))
                .map(|victim| {
                    (
                        "S11",
                        format!("session {} was protected and evicted", victim.0),
                    )
                }),
            (Call::RevokeBy(token, victim), answer) => facts
                .session_of(Some(*token))
                .filter(|asker| asker != victim)
                .and_then(|asker| order(facts, operation, answer, asker, *victim)),
            (Call::Trust(_, Word::Holder(token)), Answer::Done { .. }) => facts
                .session_of(Some(*token))
                .filter(|asker| is_dead(facts, operation, *asker))
                .map(|asker| {
                    (
                        "S4",
                        format!("session {} has ended and gave an order", asker.0),
                    )
                }),
            _ => None,
        };
        found.extend(wrong.map(|(rule, text)| Violation {
            rule,
            operations: vec![*number],
            text,
        }));
    }
}

/// What is wrong with the answer to `asker`, who would end `victim`.
fn order(
    facts: &Facts<'_>,
    operation: &Operation,
    answer: &Answer,
    asker: Sid,
    victim: Sid,
) -> Option<(&'static str, String)> {
    match answer {
        Answer::Done { .. } if is_dead(facts, operation, asker) => {
            let text = format!("session {} has ended and ended another", asker.0);
            Some(("S4", text))
        }
        Answer::Done { .. } => {
            let is_wrong = is_young(facts, operation, asker)
                && is_older(facts, victim, asker)
                && is_shielded(facts, operation, victim, asker)
                && is_exact(facts)
                && !may_have_ended(facts, victim, operation);
            let text = || format!("session {} was protected from {}", victim.0, asker.0);
            is_wrong.then(|| ("S11", text()))
        }
        Answer::Protected => {
            let device = facts.history.devices.get(&victim);
            let is_kept = device.is_none_or(|device| {
                trusts(facts, *device).any(|o| o.begun.place < operation.ended.place)
            });
            let spans = facts
                .history
                .policies_between(operation.begun, operation.ended.place);
            let span = spans.map(|p| p.protects_for).max().unwrap_or(0);
            let is_grown = born(facts, asker).is_some_and(|birth| {
                birth.is_known() && operation.begun.time >= birth.ended.time.saturating_add(span)
            });
            let text = format!("session {} was kept from an end for nothing", asker.0);
            (!is_kept || is_grown).then_some(("V4", text))
        }
        _ => None,
    }
}

/// Whether `victim` is protected from `from`, whichever of them is older.
fn is_shielded(facts: &Facts<'_>, operation: &Operation, victim: Sid, from: Sid) -> bool {
    let devices = &facts.history.devices;
    let (Some(of), Some(own)) = (devices.get(&victim), devices.get(&from)) else {
        return false;
    };
    let policies = facts
        .history
        .policies_between(operation.begun, operation.ended.place);
    let span = policies.map(|p| p.protects_for).min().unwrap_or(0);
    let is_trusted = trusts(facts, *of)
        .any(|o| o.is_known() && is_done(o) && o.ended.place < operation.begun.place);
    // In doubt it is believed.
    let may_be_believed = trusts(facts, *own).any(|o| {
        o.begun.place < operation.ended.place
            && match o.call {
                Call::Trust(_, Word::Holder(_)) => {
                    operation.ended.time >= o.begun.time.saturating_add(span)
                }
                _ => true,
            }
    });
    of != own && span > 0 && is_trusted && !may_be_believed && devices.len() < DEVICES_MAX
}

/// The orders to trust a device that may have been carried out.
fn trusts<'f, 'h: 'f>(
    facts: &'f Facts<'h>,
    device: Dev,
) -> impl Iterator<Item = &'h Operation> + 'f {
    let all = facts.operations.iter().map(|(_, o)| *o);
    all.filter(move |o| {
        matches!(o.call, Call::Trust(of, _) if of == device) && (is_done(o) || !o.is_known())
    })
}

const fn is_done(operation: &Operation) -> bool {
    matches!(operation.answer, Answer::Done { .. })
}

/// Whether a session was surely born so short a time ago that others are protected from it, and
/// has proved nothing since.
fn is_young(facts: &Facts<'_>, operation: &Operation, session: Sid) -> bool {
    let policies = facts
        .history
        .policies_between(operation.begun, operation.ended.place);
    let span = policies.map(|p| p.protects_for).min().unwrap_or(0);
    let begun = facts.attempts(session).map(|(_, o)| o.begun);
    let born = begun.min_by_key(|point| point.place);
    let proves = |o: &Operation| {
        matches!(o.call, Call::Reauthenticate(_))
            && facts.session_of(o.presented()) == Some(session)
    };
    born.is_some_and(|born| operation.ended.time < born.time.saturating_add(span))
        && !facts.operations.iter().any(|(_, o)| proves(o))
}

/// Whether `one` was there before anybody asked for `other`.
fn is_older(facts: &Facts<'_>, one: Sid, other: Sid) -> bool {
    let asked = facts.attempts(other).map(|(_, o)| o.begun.place).min();
    let known = facts.known.get(&one);
    asked
        .zip(known)
        .is_some_and(|(asked, known)| *known < asked)
}

/// The first answer that gave a session out.
fn born<'h>(facts: &Facts<'h>, session: Sid) -> Option<&'h Operation> {
    let mut births = facts.operations.iter().map(|(_, o)| *o);
    births.find(|o| matches!(o.answer, Answer::Admitted { session: s, .. } if s == session))
}

fn is_dead(facts: &Facts<'_>, operation: &Operation, session: Sid) -> bool {
    deaths::dead_by(facts, operation.begun.place).contains(&session)
}

/// Whether everything that happened to the subject left a trace.
fn is_exact(facts: &Facts<'_>) -> bool {
    facts.history.lease == 0 && facts.history.losses.is_empty()
}
