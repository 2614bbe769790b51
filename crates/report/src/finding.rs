//! One finding: which rule, how serious, where, and on what evidence.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a rule, such as `CSC-LIMIT-001`. It never changes meaning once published.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RuleId(pub &'static str);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How serious a finding is, lowest first, so that a threshold is a comparison.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Info,
    /// A weakness that needs another one to matter.
    Low,
    /// A gap that a reviewer would report.
    Medium,
    /// A gap that lets somebody act for somebody else.
    High,
    /// A gap that needs no luck.
    Critical,
}

impl Severity {
    /// The word used in every format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// One step less serious; the lowest stays where it is.
    ///
    /// This is what being unsure does to a finding: it is still said, in a lower voice.
    #[must_use]
    pub const fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Info => Self::Info,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [
            Self::Info,
            Self::Low,
            Self::Medium,
            Self::High,
            Self::Critical,
        ]
        .into_iter()
        .find(|severity| severity.word() == word)
        .ok_or_else(|| format!("`{word}` is no severity: info, low, medium, high or critical"))
    }
}

/// How sure a piece of evidence is of itself, least first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A name and its surroundings suggest it.
    Hint,
    /// The shape of the code says so, and other readings are possible.
    Likely,
    /// A known call of a known framework.
    Sure,
}

impl Confidence {
    /// The word used in every format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Likely => "likely",
            Self::Sure => "sure",
        }
    }
}

/// A place in a file: the path from the root that was looked at, and a line counted from one.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Location {
    /// Path with forward slashes, relative to the root.
    pub file: String,
    /// Line, counted from one.
    pub line: u32,
}

/// A place that supports a finding, and what is to be seen there.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Evidence {
    /// Where.
    #[serde(flatten)]
    pub at: Location,
    /// What is to be seen there.
    pub note: String,
}

/// Why a finding does not count against the exit code.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Suppression {
    /// A comment beside the line, which has to give a reason.
    Comment {
        /// The reason given.
        reason: String,
    },
    /// The finding was already there when the baseline was written.
    Baseline,
    /// The policy file says this control is not required.
    Policy,
}

/// One thing a check observed, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Which rule.
    pub rule: RuleId,
    /// How serious here; a rule states only where it starts.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Weakness classes.
    pub cwe: Vec<u16>,
    /// Requirements it speaks to, by the names of their standards.
    pub requirements: Vec<String>,
    /// The line to open first.
    #[serde(flatten)]
    pub at: Location,
    /// What was found, in a sentence or two.
    pub message: String,
    /// What to do about it, in the words of the framework in use.
    pub remedy: String,
    /// Further places: the nearest thing to a control, the other half of a pair.
    pub related: Vec<Evidence>,
    /// Stays the same when lines move.
    pub fingerprint: String,
    /// Set when the finding is known and accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
}

/// What a rule means, apart from any one finding.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// What it is about, as a heading.
    pub title: &'static str,
    /// When it fires, and why that matters.
    pub description: &'static str,
    /// Where its severity starts.
    pub severity: Severity,
    /// Weakness classes.
    pub cwe: &'static [u16],
    /// Requirements it speaks to.
    pub requirements: &'static [&'static str],
    /// What to do where no framework has its own words for it.
    pub remedy: &'static str,
}

/// What a check concluded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The control is there.
    Pass,
    /// It is not.
    Fail,
    /// Seen, and nothing says whether it is wanted.
    Observed,
    /// Could not be told apart.
    Inconclusive,
    /// Not looked at, and why.
    Skipped(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_each_severity_when_its_word_is_read_back_then_it_is_the_same_severity() {
        for severity in [
            Severity::Info,
            Severity::Low,
            Severity::Medium,
            Severity::High,
            Severity::Critical,
        ] {
            assert_eq!(severity.word().parse(), Ok(severity));
        }
        assert!("severe".parse::<Severity>().is_err());
    }

    #[test]
    fn given_an_unsure_finding_when_its_severity_is_lowered_then_it_never_vanishes() {
        assert_eq!(Severity::High.lowered(), Severity::Medium);
        assert_eq!(Severity::Info.lowered(), Severity::Info);
    }
}
