//! Seats of a tenant: over all its subjects nobody is born beyond them (S1), and whoever is turned
//! away for want of one found them taken (V1).

use super::Violation;
use super::facts::Facts;
use super::limits::may_live;
use crate::history::{Answer, Line, Operation, Refusal, Sid};

pub(super) fn hold(all: &[Facts<'_>], found: &mut Vec<Violation>) {
    for facts in all {
        for (number, operation) in facts.operations.iter().filter(|(_, o)| !o.is_void) {
            let wrong = match &operation.answer {
                Answer::Admitted { session, .. } => {
                    beyond(all, facts, operation, *session).map(|(beside, seats)| {
                        ("S1", format!("born beside {beside}, of {seats} seats"))
                    })
                }
                Answer::Refused(Refusal::Tenant, _) if !may_be_taken(all, facts, operation) => {
                    Some(("V1", "refused with a seat of the tenant free".into()))
                }
                _ => None,
            };
            found.extend(wrong.map(|(rule, text)| Violation {
                rule,
                operations: vec![*number],
                text,
            }));
        }
    }
}

/// How many others of the tenant were surely live when a session was added to them, and how many
/// there may be, if that is too many.
fn beyond(
    all: &[Facts<'_>],
    facts: &Facts<'_>,
    operation: &Operation,
    session: Sid,
) -> Option<(usize, usize)> {
    let begun = facts.attempts(session).map(|(_, o)| o.begun);
    let begun = begun.min_by_key(|point| point.place)?;
    let until = operation.ended.place;
    let policies = facts.history.policies_between(begun, until);
    let seats = policies
        .map(|p| p.seats)
        .try_fold(0, |most, seats| Some(seats?.max(most)))?;
    // What it ended makes room for it, also where there are more than may be.
    let mut entries = facts.history.journal.iter();
    let is_added =
        |line: &Line| line.opened.iter().any(|(s, _)| *s == session) && line.ended.is_empty();
    if !entries.any(is_added) {
        return None;
    }
    let lives = house(all, facts).flat_map(|of| &of.lives);
    let beside = lives
        .filter(|life| life.session != session && life.from <= begun.place && until <= life.until)
        .count();
    (beside >= seats).then_some((beside, seats))
}

/// Whether all seats of the tenant may have been taken somewhere in `operation`.
pub(super) fn may_be_taken(all: &[Facts<'_>], facts: &Facts<'_>, operation: &Operation) -> bool {
    let policies = facts
        .history
        .policies_between(operation.begun, operation.ended.place);
    let Some(seats) = policies.filter_map(|p| p.seats).min() else {
        return false;
    };
    let newcomer = match &operation.answer {
        Answer::Admitted { session, .. } => Some(*session),
        _ => None,
    };
    let lives = house(all, facts).flat_map(|of| may_live(of, operation));
    lives.filter(|session| Some(*session) != newcomer).count() >= seats
}

/// The subjects of the same tenant.
fn house<'f, 'h>(
    all: &'f [Facts<'h>],
    facts: &'f Facts<'h>,
) -> impl Iterator<Item = &'f Facts<'h>> {
    let tenant = |of: &Facts<'_>| of.history.tenant(of.subject);
    all.iter().filter(move |of| tenant(of) == tenant(facts))
}
