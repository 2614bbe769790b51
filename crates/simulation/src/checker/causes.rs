//! Causes: whoever is told no is told so for a reason (V4, D11).
//!
//! A store that refuses everybody keeps every promise about what must not be. So each refusal of a
//! token, of a sign-in and of an end needs something that may have brought it about by then:
//! somebody's order, a rotation, a limit, or time. What nobody knows the outcome of may have.

use super::facts::Facts;
use super::{Violation, devices};
use crate::history::{Answer, Call, Operation, Refusal, Sid, Tok, Word};

/// How much earlier than its idle timeout a session may be called silent, in milliseconds: nodes
/// that share a store write visits down so late.
const EARLY: u64 = 60_000;
/// After how long a roster may have been let go of, and have begun again above all generations.
const DAY: u64 = 24 * 3_600_000;

pub(super) fn stand_behind_each_no(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (number, operation) in &facts.operations {
        let no = match (&operation.call, &operation.answer) {
            (
                Call::Check(token)
                | Call::CheckElsewhere(token)
                | Call::Renew(token)
                | Call::Reauthenticate(token),
                Answer::NoSession { .. },
            ) => refused_token(facts, operation, *token).then_some(("V4", "a good token")),
            (Call::Revoke(session) | Call::RevokeAll(Some(session)), Answer::Absent) => {
                let is_live = !may_have_ended(facts, *session, operation);
                is_live.then_some(("D11", "the end of a live session"))
            }
            (Call::Admit { .. }, Answer::Refused(Refusal::Disabled, _)) => {
                let is_disabled = may_be_disabled(facts, operation);
                (!is_disabled).then_some(("V4", "a subject that nobody disabled"))
            }
            (
                Call::Admit {
                    evidence,
                    chosen: None,
                    ..
                },
                Answer::Refused(Refusal::Stale, _),
            ) => {
                let is_stale = may_be_stale(facts, operation, *evidence);
                (!is_stale).then_some(("V4", "evidence that nothing made stale"))
            }
            _ => None,
        };
        found.extend(no.map(|(rule, what)| Violation {
            rule,
            operations: vec![*number],
            text: format!("{what} was refused"),
        }));
    }
}

/// Whether nothing can have made this token worthless by then.
fn refused_token(facts: &Facts<'_>, operation: &Operation, token: Tok) -> bool {
    let Some((session, issued)) = facts.tokens.get(&token).copied() else {
        return false;
    };
    if facts.owners.get(&session) != Some(&facts.subject) {
        return false;
    }
    let issued = &facts.history.operations[issued];
    let mut before = before(facts, operation);
    let is_replaced = before.any(|o| {
        facts.session_of(o.presented()) == Some(session)
            && may_rotate(o)
            && o.span().ended > issued.begun.place
            && o.begun.place != issued.begun.place
    });
    !is_replaced && !may_have_ended(facts, session, operation)
}

/// Whether this may have made another token.
fn may_rotate(operation: &Operation) -> bool {
    match (&operation.call, &operation.answer) {
        (Call::Check(_) | Call::CheckElsewhere(_), Answer::Unknown) => true,
        (
            Call::Check(_)
            | Call::CheckElsewhere(_)
            | Call::Renew(_)
            | Call::Reauthenticate(_)
            | Call::CredentialChanged(Some(_)),
            _,
        ) => operation.issued().is_some() || !operation.is_known(),
        _ => false,
    }
}

/// Whether anything may have ended a session before `operation` was answered.
pub(super) fn may_have_ended(facts: &Facts<'_>, session: Sid, operation: &Operation) -> bool {
    let mut others = before(facts, operation);
    if others.any(|o| may_end(facts, o, session)) {
        return true;
    }
    let visits = devices::visits(facts, session).map(|(_, o)| *o);
    let is_mismatched =
        |o: &Operation| o.answer == Answer::Mismatched && o.begun.place < operation.ended.place;
    if visits.filter(|o| is_mismatched(o)).count() >= devices::VISITS_MAX {
        return true;
    }
    let mut births = facts.attempts(session).map(|(_, o)| o);
    let Some(first) = births.next() else {
        // Nobody knows when it was born.
        return true;
    };
    let born = births.fold(first.begun, |first, o| {
        if o.begun.place < first.place {
            o.begun
        } else {
            first
        }
    });
    let policies = &facts.history.policies;
    let until = operation.ended;
    let lowered = policies
        .iter()
        .any(|p| born.place < p.from && p.from < until.place);
    let patience = policies.iter().map(|p| p.idle).min().unwrap_or(0);
    let is_over = until.time.saturating_add(EARLY) >= born.time.saturating_add(patience);
    lowered || is_over || was_superseded(facts, session)
}

/// Whether a sign-in took the place of a session, by the journal: no answer tells.
fn was_superseded(facts: &Facts<'_>, session: Sid) -> bool {
    let mut lines = facts.history.journal.iter();
    lines.any(|line| line.ended.contains(&session) && !line.opened.is_empty())
}

/// Whether an operation may have ended a session.
fn may_end(facts: &Facts<'_>, operation: &Operation, session: Sid) -> bool {
    match (&operation.call, &operation.answer) {
        (_, Answer::Refused(..) | Answer::Absent | Answer::Protected) => false,
        (Call::Revoke(ended), _) | (Call::RevokeBy(_, ended), Answer::Done { .. }) => {
            *ended == session
        }
        (Call::RevokeBy(_, ended), Answer::Unknown) if *ended == session => true,
        (Call::RevokeAll(kept), _) => *kept != Some(session),
        (Call::CredentialChanged(_), Answer::Done { kept, .. }) => {
            kept.map(|kept| kept.0) != Some(session)
        }
        (Call::CredentialChanged(_) | Call::Disable | Call::Limit(_), _)
        | (Call::Admit { .. }, Answer::Unknown) => true,
        (
            Call::Admit { .. },
            Answer::Admitted {
                evicted, chosen, ..
            },
        ) => evicted.contains(&session) || chosen.contains(&session),
        // The reuse of a token that was replaced.
        (
            Call::Check(_)
            | Call::CheckElsewhere(_)
            | Call::Renew(_)
            | Call::Reauthenticate(_)
            | Call::RevokeBy(..)
            | Call::Trust(_, Word::Holder(_)),
            Answer::NoSession { .. } | Answer::Unknown,
        ) => facts.session_of(operation.presented()) == Some(session),
        _ => false,
    }
}

/// Whether the subject may have been disabled somewhere in `operation`.
fn may_be_disabled(facts: &Facts<'_>, operation: &Operation) -> bool {
    let is = |o: &Operation, call: &Call| o.call == *call && !matches!(o.answer, Answer::Absent);
    let enabled_since = |ended: usize| {
        facts.operations.iter().any(|(_, o)| {
            is(o, &Call::Enable) && o.begun.place > ended && o.span().ended < operation.begun.place
        })
    };
    before(facts, operation).any(|o| is(o, &Call::Disable) && !enabled_since(o.span().ended))
}

/// Whether anything may have raised the fence above the evidence of `operation`.
fn may_be_stale(facts: &Facts<'_>, operation: &Operation, evidence: Option<usize>) -> bool {
    let Some(look) = evidence.map(|number| &facts.history.operations[number]) else {
        return false;
    };
    let fences = |o: &Operation| {
        let raises = matches!(
            o.call,
            Call::RevokeAll(_) | Call::CredentialChanged(_) | Call::Disable
        );
        raises && !matches!(o.answer, Answer::Absent) && o.span().ended > look.begun.place
    };
    // A roster that is not there is as high as the floor, which rises by itself.
    let was_there = |o: &Operation| {
        matches!(o.answer, Answer::Admitted { .. })
            && o.ended.place < look.begun.place
            && look.begun.time < o.begun.time.saturating_add(DAY)
    };
    before(facts, operation).any(fences)
        || !facts.operations.iter().any(|(_, o)| was_there(o))
        || operation.ended.time >= look.begun.time.saturating_add(DAY)
}

/// What began before `operation` was answered.
fn before<'a>(
    facts: &'a Facts<'_>,
    operation: &'a Operation,
) -> impl Iterator<Item = &'a Operation> {
    let all = facts.operations.iter().map(|(_, o)| *o);
    all.filter(move |o| {
        o.begun.place < operation.ended.place && o.begun.place != operation.begun.place
    })
}
