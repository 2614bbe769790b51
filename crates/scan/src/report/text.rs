//! The report as text for a terminal.

use std::fmt::Write as _;

use innkeeper_report::{RuleId, readable as clean};
use serde::Serialize;

use super::{ONE_FILE, Report, UnitReport};
use crate::fact::Fact;
use crate::verdict::State;
use crate::walk::Passed;

impl Report {
    /// The facts of each unit, one a line.
    #[must_use]
    pub fn facts(&self) -> String {
        let mut out = String::new();
        for unit in &self.units {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{}: {} facts", clean(&unit.root), unit.facts.len());
            for fact in &unit.facts {
                write_fact(&mut out, fact);
            }
        }
        out
    }

    /// What each unit showed for one rule: the finding, if there is one, the state of the
    /// controls, and the facts that decided it.
    #[must_use]
    pub fn explained(&self, rule: RuleId) -> String {
        let mut out = String::new();
        for unit in &self.units {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "In {}", clean(&unit.root));
            let mut found = unit.findings.iter().filter(|f| f.rule == rule).peekable();
            if found.peek().is_none() {
                out.push_str("  The rule found nothing here.\n");
            }
            for finding in found {
                let state = finding.suppressed.as_ref().map_or("", |_| " (accepted)");
                let place = format!("{}:{}", clean(&finding.at.file), finding.at.line);
                let _ = writeln!(out, "  {}{state} {place}", finding.severity);
                let _ = writeln!(out, "    {}", clean(&finding.message));
            }
            for (name, state) in &unit.controls {
                let _ = writeln!(out, "  {:<28} {}", name.replace('_', " "), state.word());
            }
            unit.facts.iter().for_each(|f| write_fact(&mut out, f));
        }
        out
    }

    /// Text for a terminal: unit by unit, controls first, then what is missing.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for unit in &self.units {
            unit.write(&mut out);
        }
        let apart: Vec<String> = self
            .apart
            .iter()
            .map(|(part, count)| format!("{count} {}", word(part)))
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{} seen, {} parsed, {} skipped in {:.2} s. Set apart: {}.",
            counted(self.files, "file"),
            self.parsed,
            self.skipped.len(),
            self.took.as_secs_f64(),
            if apart.is_empty() {
                "none".to_owned()
            } else {
                apart.join(", ")
            },
        );
        if self.passed != Passed::default() {
            let _ = writeln!(
                out,
                "Not entered: {}, {} of installed packages.",
                counted(self.passed.links, "link"),
                counted(self.passed.packages, "folder"),
            );
        }
        for file in &self.unused_policies {
            let _ = writeln!(
                out,
                "{} holds for nothing: no deployable that was judged lies in its folder or below.",
                clean(file)
            );
        }
        if self.is_one_file {
            let _ = writeln!(out, "{ONE_FILE}");
        }
        for skipped in &self.skipped {
            let _ = writeln!(
                out,
                "  skipped {}: {}",
                clean(&skipped.file),
                word(&skipped.reason)
            );
        }
        out
    }
}

impl UnitReport {
    fn write(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "{}  {}  {}",
            clean(&self.root),
            self.languages.join(", "),
            self.frameworks.join(", ")
        );
        if !self.creates_sessions {
            out.push_str("  No sign-in found here, so nothing is held against it.\n");
            if let Some(unsure) = self.not_understood() {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "  {}", clean(&unsure));
            }
            out.push('\n');
            return;
        }
        for (name, state) in &self.controls {
            let mark = if matches!(state, State::NotApplicable) {
                "not applicable"
            } else if state.is_present() {
                "present"
            } else if matches!(state, State::OptInOff | State::OptIn) {
                "off"
            } else if matches!(state, State::Unknown) {
                "unsure"
            } else {
                "missing"
            };
            let _ = writeln!(
                out,
                "  {:<28} {mark:<8} {}",
                name.replace('_', " "),
                if mark == "not applicable" {
                    String::new()
                } else {
                    state.word()
                }
            );
        }
        out.push('\n');
        for finding in self.findings.iter().filter(|f| f.suppressed.is_none()) {
            let _ = writeln!(
                out,
                "  {} {} {}:{}\n    {}\n    {}",
                finding.severity,
                finding.rule,
                clean(&finding.at.file),
                finding.at.line,
                clean(&finding.message),
                clean(&finding.remedy),
            );
            for evidence in &finding.related {
                let _ = writeln!(
                    out,
                    "      {}:{} {}",
                    clean(&evidence.at.file),
                    evidence.at.line,
                    clean(&evidence.note)
                );
            }
        }
        let suppressed = self
            .findings
            .iter()
            .filter(|f| f.suppressed.is_some())
            .count();
        if suppressed > 0 {
            let _ = writeln!(out, "  {suppressed} more known and accepted.");
        }
        out.push('\n');
    }
}

fn write_fact(out: &mut String, fact: &Fact) {
    let place = format!("{}:{}", clean(&fact.file), fact.line);
    let kind = fact.kind.word();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "  {kind:<26} {place}  {}", clean(&fact.note));
}

/// The word that JSON has for it.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
