//! Devices: the token of a bound session lets nobody in from elsewhere, and the third visit from
//! there ends the session; no earlier one does, and none from its own device is refused (D9).

use super::Violation;
use super::facts::Facts;
use crate::history::{Answer, Call, Operation, Sid};

/// How many visits from elsewhere end a session.
pub(super) const VISITS_MAX: usize = 3;

pub(super) fn hold_their_sessions(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut wrong = |operations: Vec<usize>, text: String| {
        found.push(Violation {
            rule: "D9",
            operations,
            text,
        });
    };
    for (number, operation) in &facts.operations {
        match (&operation.call, operation.shows_valid()) {
            (Call::CheckElsewhere(_), Some(session)) if is_bound(facts, session) => wrong(
                vec![*number],
                format!("session {} is bound, and let in from elsewhere", session.0),
            ),
            (Call::CheckElsewhere(_), _) => {}
            _ if operation.answer == Answer::Mismatched => wrong(
                vec![*number],
                "a token was refused on its own device".into(),
            ),
            _ => {}
        }
    }
    let lines = facts.history.journal.iter();
    for line in lines.filter(|l| l.subject == facts.subject) {
        for session in &line.mismatched {
            let visits = visits(facts, *session).map(|(number, _)| *number);
            let visits: Vec<_> = visits.collect();
            if visits.len() < VISITS_MAX {
                wrong(visits, format!("session {} ended too soon", session.0));
            }
        }
    }
}

/// The visits from elsewhere to a session, in whatever way they were answered.
pub(super) fn visits<'f, 'h>(
    facts: &'f Facts<'h>,
    session: Sid,
) -> impl Iterator<Item = &'f (usize, &'h Operation)> {
    facts.operations.iter().filter(move |(_, o)| {
        matches!(o.call, Call::CheckElsewhere(_))
            && facts.session_of(o.presented()) == Some(session)
    })
}

/// Whether a session was opened when every policy that may have been obeyed bound it.
fn is_bound(facts: &Facts<'_>, session: Sid) -> bool {
    let born = facts.operations.iter().find_map(|(_, o)| match &o.answer {
        Answer::Admitted { session: s, .. } if *s == session => o.basis(),
        _ => None,
    });
    let first = facts.attempts(session).next();
    let (Some(born), Some((_, first))) = (born, first) else {
        return false;
    };
    let policies = facts.history.policies.iter();
    let mut until = policies.clone().filter(|p| p.version <= born.policy);
    let replaced = |version: u64| {
        policies
            .clone()
            .any(|p| version < p.version && p.version <= born.policy && p.binds(first.begun))
    };
    until.all(|p| p.binds_devices || replaced(p.version))
}
