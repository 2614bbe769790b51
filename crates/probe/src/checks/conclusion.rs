//! What a check concluded.

use innkeeper_report::{Outcome, Severity};

use super::Check;

/// The conclusion of one check.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// Which check.
    pub check: &'static Check,
    /// What it concluded.
    pub outcome: Outcome,
    /// How serious it is here.
    pub severity: Severity,
    /// Why, in a sentence.
    pub reason: String,
    /// The requests that show it.
    pub evidence: Vec<String>,
    /// What was counted, by name.
    pub counts: Vec<(&'static str, u64)>,
    /// How long the thing took that the check is about.
    pub milliseconds: Option<u64>,
}

impl Conclusion {
    fn new(id: &str, outcome: Outcome, reason: impl Into<String>) -> Self {
        let check = Check::find(id).expect("every check is in the catalogue");
        Self {
            check,
            outcome,
            severity: check.severity,
            reason: reason.into(),
            evidence: Vec::new(),
            counts: Vec::new(),
            milliseconds: None,
        }
    }

    pub(crate) fn pass(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, Outcome::Pass, reason)
    }

    pub(crate) fn fail(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, Outcome::Fail, reason)
    }

    pub(crate) fn observed(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, Outcome::Observed, reason)
    }

    pub(crate) fn inconclusive(id: &str, reason: impl Into<String>) -> Self {
        Self::new(id, Outcome::Inconclusive, reason)
    }

    pub(crate) fn skipped(id: &str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(id, Outcome::Skipped(reason.clone()), reason)
    }

    pub(crate) fn shown_by<S: Into<String>>(
        mut self,
        evidence: impl IntoIterator<Item = S>,
    ) -> Self {
        for id in evidence {
            let id = id.into();
            if !self.evidence.contains(&id) {
                self.evidence.push(id);
            }
        }
        self
    }

    pub(crate) fn counting(mut self, name: &'static str, count: impl TryInto<u64>) -> Self {
        self.counts
            .push((name, count.try_into().unwrap_or(u64::MAX)));
        self
    }

    pub(crate) fn taking(mut self, span: std::time::Duration) -> Self {
        self.milliseconds = Some(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        self
    }

    pub(crate) const fn rated(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The verdict, as programs read it.
    #[must_use]
    pub const fn verdict(&self) -> &'static str {
        match self.outcome {
            Outcome::Pass => "PASS",
            Outcome::Fail => "FAIL",
            Outcome::Observed => "OBSERVED",
            Outcome::Inconclusive => "INCONCLUSIVE",
            Outcome::Skipped(_) => "SKIPPED",
        }
    }
}
