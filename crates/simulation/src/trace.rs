//! A history as text, a line for each thing that happened: for whoever looks for a cause.

use std::fmt;

use crate::history::History;

/// Operations by the numbers that violations name them by, then the journal and the policies.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, operation) in self.operations.iter().enumerate() {
            let (begun, ended) = (operation.begun, operation.ended);
            writeln!(
                f,
                "{number:>4} guest {} node {} places {}..{} time {}..{} {:?} -> {:?}",
                operation.subject.0,
                operation.node,
                begun.place,
                ended.place,
                begun.time,
                ended.time,
                operation.call,
                operation.answer,
            )?;
        }
        for line in &self.journal {
            writeln!(f, "{line:?}")?;
        }
        for policy in &self.policies {
            writeln!(f, "{policy:?}")?;
        }
        writeln!(f, "down at the places {:?}", self.crashes)
    }
}
