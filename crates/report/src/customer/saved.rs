//! What `probe --json` and `scan --json` saved, read back from their files.

use serde::Deserialize;
use serde_json::Value;

use crate::finding::Severity;

/// A saved result.
#[derive(Clone, Debug)]
pub enum Saved {
    /// What a probe of a running application found.
    Probe(Box<Probe>),
    /// What a scan of source code found.
    Scan(Box<Scan>),
}

/// A file is no saved result.
#[derive(Debug, thiserror::Error)]
pub enum NotSaved {
    /// It is not JSON, or not of this shape.
    #[error("it is no result of `probe --json` or `scan --json`")]
    Shape(#[source] serde_json::Error),
    /// It is JSON of another kind.
    #[error(
        "its schema is {found:?}; a report is made of innkeeper.probe/1, as `probe --json` writes \
         it, and innkeeper.scan/1, as `scan --json` does"
    )]
    Schema {
        /// What it says it is.
        found: String,
    },
}

impl Saved {
    /// Reads one. Members that are not known are passed over, since later versions may add some.
    pub fn read(text: &str) -> Result<Self, NotSaved> {
        let value: Value = serde_json::from_str(text).map_err(NotSaved::Shape)?;
        let schema = value["schema"].as_str().unwrap_or_default();
        match schema {
            "innkeeper.probe/1" => serde_json::from_value(value)
                .map(|probe| Self::Probe(Box::new(probe)))
                .map_err(NotSaved::Shape),
            "innkeeper.scan/1" => serde_json::from_value(value)
                .map(|scan| Self::Scan(Box::new(scan)))
                .map_err(NotSaved::Shape),
            other => Err(NotSaved::Schema {
                found: other.chars().take(80).collect(),
            }),
        }
    }
}

/// A saved probe.
#[derive(Clone, Debug, Deserialize)]
pub struct Probe {
    /// The application.
    pub target: String,
    /// What marked every request of it.
    #[serde(default)]
    pub run: String,
    /// When it began, as RFC 3339; empty where the file does not say.
    #[serde(default)]
    pub began_at: String,
    /// What carries a session there: `cookie`, `bearer`, `header`; empty where the file does not
    /// say.
    #[serde(default)]
    pub carrier: String,
    /// Whether signed in could be told from signed out.
    pub calibrated: bool,
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
    /// How many requests were made.
    pub requests: u64,
    /// How many sign-ins were begun.
    pub logins: u64,
    /// The rail that stopped it, if one did.
    #[serde(default)]
    pub stopped: Option<String>,
    /// All that was said.
    #[serde(default)]
    pub transcript: Vec<Exchange>,
    /// Pictures of browser windows.
    #[serde(default)]
    pub pictures: Vec<Picture>,
}

/// What one check concluded.
#[derive(Clone, Debug, Deserialize)]
pub struct Check {
    /// Its name, such as `PRB-LIMIT-001`.
    pub id: String,
    /// What it asks.
    #[serde(default)]
    pub question: String,
    /// What it concluded.
    pub verdict: Verdict,
    /// How serious that is here.
    pub severity: Severity,
    /// Why, in a sentence.
    pub reason: String,
    /// The requests that show it.
    #[serde(default)]
    pub evidence: Vec<String>,
}

/// What a check concluded, as it is saved.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// The control is there.
    Pass,
    /// It is not.
    Fail,
    /// Seen, and no policy says whether it is wanted.
    Observed,
    /// Could not be told apart.
    Inconclusive,
    /// Not looked at.
    Skipped,
}

/// One request and its answer, without secrets.
#[derive(Clone, Debug, Deserialize)]
pub struct Exchange {
    /// What checks refer to it by.
    pub id: String,
    /// Which side asked.
    #[serde(default)]
    pub side: String,
    /// The request, as text.
    pub request: String,
    /// The answer, as text.
    pub response: String,
}

/// A picture of browser windows.
#[derive(Clone, Debug, Deserialize)]
pub struct Picture {
    /// What is to be seen on it.
    pub caption: String,
    /// A PNG in base64.
    pub png: String,
}

/// A saved scan.
#[derive(Clone, Debug, Deserialize)]
pub struct Scan {
    /// One for each deployable.
    pub units: Vec<Unit>,
}

/// One deployable of a saved scan.
#[derive(Clone, Debug, Deserialize)]
pub struct Unit {
    /// Its folder.
    pub root: String,
    /// The frameworks in use.
    #[serde(default)]
    pub frameworks: Vec<String>,
    /// The state of each control, by name.
    #[serde(default)]
    pub controls: std::collections::BTreeMap<String, String>,
    /// What is missing.
    pub findings: Vec<Code>,
}

/// One finding of a saved scan.
#[derive(Clone, Debug, Deserialize)]
pub struct Code {
    /// Which rule.
    pub rule: String,
    /// How serious.
    pub severity: Severity,
    /// Which file.
    pub file: String,
    /// Which line, counted from one.
    pub line: u32,
    /// What was found.
    pub message: String,
    /// What to do, in the words of the framework.
    #[serde(default)]
    pub remedy: String,
    /// Present where it is known and accepted.
    #[serde(default)]
    pub suppressed: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_files_of_other_kinds_when_read_then_the_error_says_what_is_expected() {
        let shape = Saved::read("<html>").unwrap_err();
        let schema = Saved::read(r#"{"schema": "innkeeper.bench/1"}"#).unwrap_err();
        let half = Saved::read(r#"{"schema": "innkeeper.probe/1"}"#).unwrap_err();

        assert!(matches!(shape, NotSaved::Shape(_)));
        assert!(schema.to_string().contains("innkeeper.bench/1"), "{schema}");
        assert!(schema.to_string().contains("probe --json"), "{schema}");
        assert!(matches!(half, NotSaved::Shape(_)));
    }
}
