//! What a scan says, and how it is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use innkeeper_report::{Finding, RuleId, Severity, Tool, markdown, sarif};
use serde_json::{Value, json};

use crate::fact::Fact;
use crate::rules::RULES;
use crate::verdict::{Controls, State};
use crate::walk::{Part, Skipped};

/// The result of one scan.
#[derive(Debug)]
pub struct Report {
    /// One for each deployable with source we read.
    pub units: Vec<UnitReport>,
    /// Files seen.
    pub files: usize,
    /// Files of what is deployed in a language we read, without those that were skipped or set
    /// apart. Where there is none, nothing was judged.
    pub sources: usize,
    /// Those of them that speak of sessions, and so were parsed.
    pub parsed: usize,
    /// How many of those were known from a scan before.
    pub cached: usize,
    /// How long it took.
    pub took: Duration,
    /// Files that were not read, and why.
    pub skipped: Vec<Skipped>,
    /// Files that do not speak for what is deployed, by part.
    pub apart: BTreeMap<Part, usize>,
}

/// The result for one unit.
#[derive(Debug)]
pub struct UnitReport {
    /// Folder, `.` for the root.
    pub root: String,
    /// Languages read.
    pub languages: Vec<&'static str>,
    /// Frameworks recognised.
    pub frameworks: Vec<String>,
    /// Whether anybody signs in here at all.
    pub creates_sessions: bool,
    /// The state of each control.
    pub controls: Controls,
    /// What is missing.
    pub findings: Vec<Finding>,
    /// What the findings rest on.
    pub facts: Vec<Fact>,
}

impl Report {
    /// Findings that count.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.units
            .iter()
            .flat_map(|u| &u.findings)
            .filter(|f| f.suppressed.is_none())
    }

    /// 1 if a finding of this severity or above is open, else 0.
    #[must_use]
    pub fn exit_code(&self, from: Severity) -> u8 {
        u8::from(self.open().any(|f| f.severity >= from))
    }

    /// The report on several trees: each path begins with the tree it is in.
    #[must_use]
    pub fn joined(reports: Vec<(String, Self)>) -> Self {
        let mut all = Self {
            units: Vec::new(),
            files: 0,
            sources: 0,
            parsed: 0,
            cached: 0,
            took: Duration::ZERO,
            skipped: Vec::new(),
            apart: BTreeMap::new(),
        };
        for (tree, report) in reports {
            let under = |path: &mut String| *path = below(&tree, path);
            all.files += report.files;
            all.sources += report.sources;
            all.parsed += report.parsed;
            all.cached += report.cached;
            all.took += report.took;
            for (part, count) in report.apart {
                *all.apart.entry(part).or_default() += count;
            }
            all.skipped
                .extend(report.skipped.into_iter().map(|mut one| {
                    under(&mut one.file);
                    one
                }));
            all.units.extend(report.units.into_iter().map(|mut unit| {
                under(&mut unit.root);
                unit.facts.iter_mut().for_each(|f| under(&mut f.file));
                for finding in &mut unit.findings {
                    under(&mut finding.at.file);
                    finding
                        .related
                        .iter_mut()
                        .for_each(|e| under(&mut e.at.file));
                }
                unit
            }));
        }
        all
    }

    /// The `innkeeper.scan/1` document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let units: Vec<Value> = self
            .units
            .iter()
            .map(|unit| {
                json!({
                    "root": unit.root,
                    "languages": unit.languages,
                    "frameworks": unit.frameworks,
                    "creates_sessions": unit.creates_sessions,
                    "controls": unit.controls,
                    "findings": unit.findings.iter().map(finding).collect::<Vec<_>>(),
                    "facts": unit.facts,
                })
            })
            .collect();
        json!({
            "schema": "innkeeper.scan/1",
            "units": units,
            "stats": {
                "files": self.files,
                "parsed": self.parsed,
                "cached": self.cached,
                "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
                "skipped": self.skipped,
                "set_apart": self.apart,
            },
        })
    }

    /// SARIF 2.1.0.
    #[must_use]
    pub fn to_sarif(&self) -> Value {
        let all: Vec<&Finding> = self.units.iter().flat_map(|u| &u.findings).collect();
        sarif(
            Tool {
                name: "innkeeper",
                version: env!("CARGO_PKG_VERSION"),
            },
            &all,
            RULES,
        )
    }

    /// Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let open: Vec<&Finding> = self.open().collect();
        markdown("Concurrent sessions", &open, RULES)
    }

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
        // Writing to a string cannot fail.
        let apart: Vec<String> = self
            .apart
            .iter()
            .map(|(part, count)| {
                format!(
                    "{count} {}",
                    serde_json::to_value(part)
                        .ok()
                        .and_then(|v| v.as_str().map(str::to_owned))
                        .unwrap_or_default()
                )
            })
            .collect();
        let _ = writeln!(
            out,
            "{} files seen, {} parsed, {} skipped in {:.2} s. Set apart: {}.",
            self.files,
            self.parsed,
            self.skipped.len(),
            self.took.as_secs_f64(),
            if apart.is_empty() {
                "none".to_owned()
            } else {
                apart.join(", ")
            },
        );
        for skipped in &self.skipped {
            let _ = writeln!(
                out,
                "  skipped {}: {}",
                clean(&skipped.file),
                serde_json::to_value(skipped.reason)
                    .ok()
                    .and_then(|v| v.as_str().map(str::to_owned))
                    .unwrap_or_default()
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
            out.push_str("  No sign-in found here, so nothing is held against it.\n\n");
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

fn below(tree: &str, path: &str) -> String {
    let tree = tree.trim_end_matches('/');
    match path {
        "." => tree.to_owned(),
        path => format!("{tree}/{path}"),
    }
}

fn write_fact(out: &mut String, fact: &Fact) {
    let place = format!("{}:{}", clean(&fact.file), fact.line);
    let kind = fact.kind.word();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "  {kind:<26} {place}  {}", clean(&fact.note));
}

fn finding(finding: &Finding) -> Value {
    serde_json::to_value(finding).expect("a finding is made of strings and numbers")
}

/// Names come from files we did not write: nothing in them may steer a terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// What one rule means, for `--explain`.
#[must_use]
pub fn explain(id: &str) -> Option<String> {
    let rule = crate::rules::rule(id)?;
    let cwe: Vec<String> = rule.cwe.iter().map(|n| format!("CWE-{n}")).collect();
    Some(format!(
        "{} {}\n\n{}\n\nSeverity: {}. {}. {}.\n\nWhat to do: {}\n\nTo accept it on one line, with a reason:\n  // innkeeper-allow: {} kiosk accounts share one device\n",
        rule.id,
        rule.title,
        rule.description,
        rule.severity,
        cwe.join(", "),
        rule.requirements.join(", "),
        rule.remedy,
        rule.id,
    ))
}
