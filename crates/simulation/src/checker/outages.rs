//! Outages: a node that cannot reach its store lets nobody in and acknowledges no end, and answers
//! a check only while it holds a lease (S17).

use super::Violation;
use crate::history::{Answer, History, Refusal};

pub(super) fn refuse(history: &History, found: &mut Vec<Violation>) {
    for (number, operation) in history.operations.iter().enumerate() {
        let within = |leases: bool| {
            let mut outages = history.outages.iter();
            outages.any(|o| (leases || !o.leases) && o.holds(operation))
        };
        let is_wrong = match &operation.answer {
            // What a key or a ticket is, is not the store's affair.
            Answer::Unknown | Answer::Refused(Refusal::Key, _) => false,
            Answer::Valid { .. } if operation.is_check() => within(false),
            Answer::Valid { .. }
            | Answer::Refused(..)
            | Answer::Admitted { .. }
            | Answer::NoSession { .. }
            | Answer::Mismatched
            | Answer::Done { .. }
            | Answer::Absent
            | Answer::Protected
            | Answer::Seen(_) => within(true),
        };
        if is_wrong {
            found.push(Violation {
                rule: "S17",
                operations: vec![number],
                text: format!("node {} answered while it was cut off", operation.node),
            });
        }
    }
}
