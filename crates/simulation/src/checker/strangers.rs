//! Strangers: to them a session looks absent, and what they ask for is not done (S7, S14).

use super::Violation;
use super::facts::Facts;
use crate::history::{Answer, Call, Sid, Stranger};

const fn rule(stranger: Stranger) -> &'static str {
    match stranger {
        Stranger::Subject => "S7",
        Stranger::Tenant => "S14",
    }
}

pub(super) fn find_nothing(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (number, operation) in &facts.operations {
        let told = match (&operation.call, &operation.answer) {
            (_, Answer::Unknown)
            | (Call::Trespass(..), Answer::Absent)
            | (Call::CheckAbroad(_), Answer::NoSession { ended: false }) => None,
            (Call::Trespass(_, stranger), _) => Some(rule(*stranger)),
            (Call::CheckAbroad(_), _) => Some("S14"),
            _ => None,
        };
        found.extend(told.map(|rule| Violation {
            rule,
            operations: vec![*number],
            text: format!("a stranger was answered {:?}", operation.answer),
        }));
    }
    let lines = facts.history.journal.iter();
    for line in lines.filter(|l| l.subject == facts.subject) {
        for session in &line.trespassed {
            found.push(Violation {
                rule: trespasser(facts, *session).map_or("S7", rule),
                operations: Vec::new(),
                text: format!("a stranger ended session {}", session.0),
            });
        }
    }
}

fn trespasser(facts: &Facts<'_>, session: Sid) -> Option<Stranger> {
    facts.operations.iter().find_map(|(_, o)| match o.call {
        Call::Trespass(sid, stranger) if sid == session => Some(stranger),
        _ => None,
    })
}
