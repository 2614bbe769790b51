//! What was acknowledged or seen to be dead stays dead (S2, S3, S4), and nothing is born from
//! evidence that is older than the last fence (S8).

use std::collections::{HashMap, HashSet};

use super::Violation;
use super::devices;
use super::facts::Facts;
use crate::history::{Answer, Call, History, Operation, Sid};

/// What somebody knows of the end of a session.
struct Death {
    /// From here on it must never be valid again.
    from: usize,
    /// The operation that says so.
    by: usize,
    /// How it is known.
    how: How,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum How {
    /// Its end was ordered, and acknowledged.
    Acknowledged,
    /// An answer showed that it had ended.
    Seen,
    /// It rests on evidence from before a fence.
    Fenced,
}

pub(super) fn stay(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let deaths = deaths(facts);
    for (number, operation) in &facts.operations {
        are_counted(facts, &deaths, *number, operation, found);
        for session in operation.shows_live() {
            let Some(death) = deaths
                .get(&session)
                .and_then(|all| all.iter().find(|d| d.from < operation.begun.place))
            else {
                continue;
            };
            let crashed = facts
                .history
                .crashes
                .iter()
                .any(|c| (death.from..operation.begun.place).contains(c));
            let (rule, text) = match death.how {
                How::Fenced => ("S8", "lives on evidence older than the fence"),
                How::Seen => ("S2", "is live after it was seen dead"),
                How::Acknowledged if crashed => ("S3", "came back after a crash"),
                How::Acknowledged => ("S4", "is live after its death was acknowledged"),
            };
            found.push(Violation {
                rule,
                operations: vec![death.by, *number],
                text: format!("session {} {text}", session.0),
            });
        }
    }
}

/// S4 on the node itself: what it acknowledged or showed to be dead is dead there at once, lease or
/// not.
pub(super) fn show_at_home(facts: &Facts<'_>, exact: &History, found: &mut Vec<Violation>) {
    find_late(facts, exact, found, "S4", |death, of, operation| {
        of.node == operation.node && death.from < operation.begun.place
    });
}

/// S4⁺: no valid answer leaves a node later than a lease after the acknowledgement.
pub(super) fn show_in_time(facts: &Facts<'_>, exact: &History, found: &mut Vec<Violation>) {
    find_late(facts, exact, found, "S4⁺", |death, of, operation| {
        death.how == How::Acknowledged
            && death.from < operation.ended.place
            && of.ended.moment.saturating_add(exact.lease) < operation.ended.moment
    });
}

/// Finds the checks that let somebody in of whose death `is_late` says that it was known. `exact`
/// tells when they began.
fn find_late(
    facts: &Facts<'_>,
    exact: &History,
    found: &mut Vec<Violation>,
    rule: &'static str,
    is_late: impl Fn(&Death, &Operation, &Operation) -> bool,
) {
    let deaths = deaths(facts);
    for (number, _) in facts.operations.iter().filter(|(_, o)| o.is_check()) {
        let operation = &exact.operations[*number];
        let session = operation.shows_valid();
        let all = session.and_then(|session| deaths.get(&session));
        let late = all.into_iter().flatten().find(|death| {
            let of = &exact.operations[death.by];
            is_late(death, of, operation)
        });
        found.extend(late.map(|death| Violation {
            rule,
            operations: vec![death.by, *number],
            text: format!("{session:?} is let in though it is known dead by then"),
        }));
    }
}

/// S12: what is valid was counted. A sign-in that saw the roster without a session gave its seat
/// away, so it is not good later; nor is one that is missing in the very roster it was found in.
fn are_counted(
    facts: &Facts<'_>,
    deaths: &HashMap<Sid, Vec<Death>>,
    number: usize,
    operation: &Operation,
    found: &mut Vec<Violation>,
) {
    let Answer::Valid { session, view, .. } = &operation.answer else {
        return;
    };
    if operation.is_void {
        return;
    }
    let missing = view.as_ref().is_some_and(|v| !v.live.contains(session));
    let given_away = deaths.get(session).into_iter().flatten().find(|death| {
        let call = &facts.history.operations[death.by].call;
        matches!(call, Call::Admit { .. }) && death.from < operation.begun.place
    });
    let by = given_away
        .map(|death| death.by)
        .or(missing.then_some(number));
    found.extend(by.map(|by| Violation {
        rule: "S12",
        operations: vec![by, number],
        text: format!("session {} is valid and was not counted", session.0),
    }));
}

/// The sessions that are known to be dead at a place.
pub(super) fn dead_by(facts: &Facts<'_>, place: usize) -> HashSet<Sid> {
    deaths(facts)
        .into_iter()
        .filter(|(_, all)| all.iter().any(|d| d.from < place))
        .map(|(session, _)| session)
        .collect()
}

/// The places from which each session is known to be dead.
fn deaths(facts: &Facts<'_>) -> HashMap<Sid, Vec<Death>> {
    let mut deaths: HashMap<Sid, Vec<Death>> = HashMap::new();
    for (number, operation) in facts.operations.iter().filter(|(_, o)| o.is_known()) {
        let mut tell = |session: Sid, how: How| {
            deaths.entry(session).or_default().push(Death {
                from: operation.ended.place,
                by: *number,
                how,
            });
        };
        for (session, how) in ordered(facts, operation) {
            tell(session, how);
        }
        if let Some(view) = operation.view() {
            for session in before(facts, operation) {
                if !view.live.contains(&session) {
                    tell(session, How::Seen);
                }
            }
        }
    }
    for session in facts.known.keys() {
        let mut told: Vec<_> = devices::visits(facts, *session)
            .filter(|(_, o)| o.is_known() && o.answer == Answer::Mismatched)
            .collect();
        told.sort_unstable_by_key(|(_, o)| o.ended.place);
        if let Some((number, last)) = told.get(devices::VISITS_MAX - 1) {
            deaths.entry(*session).or_default().push(Death {
                from: last.ended.place,
                by: *number,
                how: How::Acknowledged,
            });
        }
    }
    deaths
}

/// The sessions that were known before an operation began.
fn before(facts: &Facts<'_>, operation: &Operation) -> impl Iterator<Item = Sid> {
    let begun = operation.begun.place;
    facts
        .known
        .iter()
        .filter(move |(_, known)| **known < begun)
        .map(|(session, _)| *session)
}

/// The ends that an operation was asked for, or found.
fn ordered(facts: &Facts<'_>, operation: &Operation) -> Vec<(Sid, How)> {
    match (&operation.call, &operation.answer) {
        (Call::Revoke(session) | Call::RevokeBy(_, session), Answer::Done { .. }) => {
            vec![(*session, How::Acknowledged)]
        }
        (Call::RevokeAll(keep), Answer::Done { .. }) => all_but(facts, operation, *keep),
        (Call::CredentialChanged(_), Answer::Done { kept, .. }) => {
            all_but(facts, operation, kept.map(|k| k.0))
        }
        (Call::Disable, Answer::Done { .. }) => all_but(facts, operation, None),
        (
            Call::Admit { .. },
            Answer::Admitted {
                evicted, chosen, ..
            },
        ) => {
            let ended = evicted.iter().chain(chosen);
            ended.map(|s| (*s, How::Acknowledged)).collect()
        }
        (_, Answer::NoSession { ended: true }) => facts
            .session_of(operation.presented())
            .map(|session| (session, How::Seen))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn all_but(facts: &Facts<'_>, fence: &Operation, keep: Option<Sid>) -> Vec<(Sid, How)> {
    let mut dead: Vec<_> = before(facts, fence)
        .filter(|session| Some(*session) != keep)
        .map(|session| (session, How::Acknowledged))
        .collect();
    // A disable of one who is disabled already raises nothing; only one that ended somebody did.
    let raised = match (&fence.call, &fence.answer) {
        (Call::Disable, Answer::Done { ended, .. }) => *ended > 0,
        _ => true,
    };
    if raised {
        let late = facts
            .labels
            .keys()
            .filter(|s| facts.owners.get(s) == Some(&facts.subject) && Some(**s) != keep)
            .filter(|s| rests_on_older(facts, **s, fence));
        dead.extend(late.map(|session| (*session, How::Fenced)));
    }
    dead
}

/// Whether every attempt at this birth used evidence that was read before the fence began.
fn rests_on_older(facts: &Facts<'_>, session: Sid, fence: &Operation) -> bool {
    let mut attempts = facts.attempts(session).peekable();
    attempts.peek().is_some()
        && attempts.all(|(_, o)| match o.call {
            Call::Admit {
                evidence: Some(look),
                ..
            } => facts.history.operations[look].span().ended < fence.begun.place,
            _ => false,
        })
}
