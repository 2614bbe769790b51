//! Findings about what is there and about what is not, with their evidence.

use innkeeper_report::{Confidence, Evidence, Finding, Location, Severity};
use sha2::{Digest, Sha256};

use super::Case;
use crate::fact::{Fact, Kind, Via};
use crate::rules;

impl<'a> Case<'a> {
    pub(super) fn of(&self, kind: Kind) -> Vec<&'a Fact> {
        let mut facts: Vec<&Fact> = self.facts.iter().filter(|f| f.kind == kind).collect();
        facts.sort_by_key(|f| {
            (
                std::cmp::Reverse(f.confidence),
                f.subject,
                f.file.clone(),
                f.line,
            )
        });
        facts
    }

    pub(super) fn first(&self, rule: &str, kind: Kind) -> Option<Finding> {
        let facts = self.of(kind);
        let fact = facts.first()?;
        let mut finding = self.found(rule, fact, &fact.note);
        finding.related = facts
            .iter()
            .skip(1)
            .take(4)
            .map(|f| evidence(f, &f.note))
            .collect();
        Some(finding)
    }

    /// A finding about something that is there.
    pub(super) fn found(&self, rule: &str, fact: &Fact, seen: &str) -> Finding {
        let rule = rules::rule(rule).expect("the judge names rules of the table");
        let severity = if fact.confidence == Confidence::Hint {
            rule.severity.lowered()
        } else {
            rule.severity
        };
        let mut finding = self.finding(rule, fact, severity);
        finding.message = format!("{}. Here: {seen}.", rule.title);
        finding
    }

    /// A finding about something that is not there, with what was looked for and what came nearest.
    pub(super) fn absent(
        &self,
        rule: &str,
        main: &Fact,
        near: &[Kind],
        looked_for: &str,
    ) -> Finding {
        let rule = rules::rule(rule).expect("the judge names rules of the table");
        let nearest: Vec<&Fact> = near
            .iter()
            .flat_map(|kind| self.of(*kind))
            .take(3)
            .collect();
        let nearest_words = nearest.first().map_or_else(
            || "nothing came near".to_owned(),
            |f| format!("nearest: {}:{}", f.file, f.line),
        );
        // This may not be a sign-in: then it is said quietly.
        let severity = if main.confidence == Confidence::Hint {
            rule.severity.lowered()
        } else {
            rule.severity
        };
        let mut finding = self.finding(rule, main, severity);
        finding.message = format!(
            "{}. Looked for {looked_for} in {}; {nearest_words}.",
            rule.title,
            match self.parsed {
                1 => "one file".to_owned(),
                n => format!("{n} files"),
            }
        );
        finding.related = nearest
            .iter()
            .map(|f| evidence(f, &format!("nearest: {}", f.note)))
            .collect();
        finding
    }

    /// A question to put to whoever keeps the sessions.
    pub(super) fn note(&self, rule: &str, main: &Fact, keeper: &Fact, what: &str) -> Finding {
        let rule = rules::rule(rule).expect("the judge names rules of the table");
        let mut finding = self.finding(rule, main, Severity::Info);
        finding.confidence = Confidence::Hint;
        finding.message = format!(
            "{}, as far as this code shows. The sessions are kept elsewhere ({}): find out there {what}.",
            rule.title, keeper.note
        );
        finding.remedy = format!("In the settings of {}, find out {what}.", keeper.mechanism);
        finding
    }

    fn finding(
        &self,
        rule: &'static innkeeper_report::Rule,
        fact: &Fact,
        severity: Severity,
    ) -> Finding {
        // The line is left out, so that a finding stays the same when code above it grows.
        let digest = Sha256::digest(
            format!(
                "{}\0{}\0{}\0{}\0{}",
                rule.id, self.root, fact.mechanism, fact.file, fact.note
            )
            .as_bytes(),
        );
        let fingerprint = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
            use std::fmt::Write as _;
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Finding {
            rule: rule.id,
            severity,
            confidence: fact.confidence,
            cwe: rule.cwe.to_vec(),
            requirements: rule.requirements.iter().map(|r| (*r).to_owned()).collect(),
            at: Location {
                file: fact.file.clone(),
                line: fact.line,
            },
            message: String::new(),
            remedy: self.remedy(rule),
            related: Vec::new(),
            fingerprint,
            suppressed: None,
        }
    }

    /// The framework's own words where it has some for this rule.
    fn remedy(&self, rule: &innkeeper_report::Rule) -> String {
        self.frameworks
            .iter()
            .find_map(|f| f.remedy.get(rule.id.0))
            .cloned()
            .unwrap_or_else(|| rule.remedy.to_owned())
    }
}

pub(super) fn evidence(fact: &Fact, note: &str) -> Evidence {
    let via = if fact.via == Via::FrameworkDefault {
        " (framework default)"
    } else {
        ""
    };
    Evidence {
        at: Location {
            file: fact.file.clone(),
            line: fact.line,
        },
        note: format!("{note}{via}"),
    }
}
