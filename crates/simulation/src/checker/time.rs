//! Time: it never falls, and nothing is valid at or after its deadline (S13).

use super::Violation;
use super::facts::Facts;
use crate::history::{Answer, Call, History, Operation, Sid};

/// No answer is decided at an earlier time than one that was there before it began.
pub(super) fn never_falls(history: &History, found: &mut Vec<Violation>) {
    let mut timed: Vec<(usize, &Operation, u64)> = history
        .operations
        .iter()
        .enumerate()
        .filter_map(|(number, o)| Some((number, o, o.basis()?.now)))
        .collect();
    let mut by_end = timed.clone();
    by_end.sort_by_key(|(_, o, _)| o.ended.place);
    timed.sort_by_key(|(_, o, _)| o.begun.place);
    let (mut next, mut latest) = (0, (0, 0));
    for (number, operation, now) in &timed {
        while next < by_end.len() && by_end[next].1.ended.place < operation.begun.place {
            let (number, earlier, now) = by_end[next];
            // A node counts on from what it read, while the store's time may run more slowly.
            let ahead = if earlier.is_check() { history.lease } else { 0 };
            latest = latest.max((now.saturating_sub(ahead), number));
            next += 1;
        }
        if *now < latest.0 {
            found.push(Violation {
                rule: "S13",
                operations: vec![latest.1, *number],
                text: format!("time fell from {} to {now}", latest.0),
            });
        }
    }
}

/// No session outlives the longest silence, counted from all that might have been heard of it,
/// nor the longest life since identity was last proved.
pub(super) fn ends_sessions(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (number, operation) in &facts.operations {
        let Some(session) = operation.shows_valid() else {
            continue;
        };
        // Where the time of the decision does not show, it is not before the call began.
        let now = operation.basis().map_or(operation.begun.time, |b| b.now);
        let earlier = || {
            facts
                .operations
                .iter()
                .filter(|(n, o)| n != number && o.begun.place < operation.ended.place)
                .filter(|(_, o)| concerns(facts, o, session))
        };
        let heard = earlier().map(|(_, o)| heard_by(facts, o)).max();
        let proved = earlier()
            .filter(|(_, o)| matches!(o.call, Call::Admit { .. } | Call::Reauthenticate(_)))
            .map(|(_, o)| o.ended.time)
            .max();
        // A reauthentication is itself a proof, but must have found the session alive.
        let idle = idle(facts, session);
        let silent = heard.is_some_and(|t| now >= t.saturating_add(idle));
        let old = proved.is_some_and(|t| now >= t.saturating_add(facts.history.absolute));
        if silent || old {
            found.push(Violation {
                rule: "S13",
                operations: vec![*number],
                text: format!("session {} is valid after its deadline", session.0),
            });
        }
    }
}

/// The latest moment that an operation may have been a sign of life at: a node that answers by a
/// lease counts on, while the store's time may run more slowly.
fn heard_by(facts: &Facts<'_>, operation: &Operation) -> u64 {
    let ended = operation.ended.time;
    match operation.basis() {
        Some(basis) => basis.now.max(ended),
        None if operation.is_check() => ended.saturating_add(facts.history.lease),
        None => ended,
    }
}

/// The longest silence of a session: that of the policy it was born under, which a later proof of
/// identity may renew. Where that does not show, the longest that any policy allows.
fn idle(facts: &Facts<'_>, session: Sid) -> u64 {
    let proved = facts
        .operations
        .iter()
        .any(|(_, o)| matches!(o.call, Call::Reauthenticate(_)) && concerns(facts, o, session));
    let born = facts.operations.iter().find_map(|(_, o)| match &o.answer {
        Answer::Admitted { session: s, .. } if *s == session => o.basis(),
        _ => None,
    });
    let policies = &facts.history.policies;
    born.filter(|_| !proved)
        .and_then(|b| policies.iter().find(|p| p.version == b.policy))
        .map_or(facts.history.idle, |p| p.idle)
}

/// Whether this may have been a sign of life of the session, its birth included.
fn concerns(facts: &Facts<'_>, operation: &Operation, session: Sid) -> bool {
    match operation.call {
        _ if operation.answer == Answer::Mismatched => false,
        // Whoever gives an order is looked at in passing.
        Call::RevokeBy(..) | Call::Trust(..) => false,
        Call::Admit { label, .. } => facts.labels.get(&session) == Some(&label),
        _ => facts.session_of(operation.presented()) == Some(session),
    }
}
