//! What a scan says, and how it is written.

mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use innkeeper_report::{
    Apart, Coverage, Evidence, Finding, Location, Severity, Tool, Unread, markdown, places, sarif,
};
use serde_json::{Value, json};

use crate::fact::{Fact, Kind};
use crate::rules::RULES;
use crate::verdict::Controls;
use crate::walk::{self, Part, Passed, SkipReason, Skipped};

/// What is said where one file was named.
const ONE_FILE: &str = "One file is no application: what is missing in it may be in another. Scan the folder of the \
    whole.";
/// What is said of a tree in which nobody signs in.
const NO_SIGN_IN: &str = "No sign-in was found, so no control was missed: a gap in an application \
    that signs people in by a way that is not known here would not be seen.";

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
    /// Files that do not speak for what is deployed, and scripts of browsers among those that were
    /// parsed, by part.
    pub apart: BTreeMap<Part, usize>,
    /// What was neither entered nor followed.
    pub passed: Passed,
    /// Policies in the tree that hold for no deployable that was judged.
    pub unused_policies: Vec<String>,
    /// One file was named, and no folder.
    pub is_one_file: bool,
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
            passed: Passed::default(),
            unused_policies: Vec::new(),
            is_one_file: reports.iter().all(|(_, report)| report.is_one_file),
        };
        for (tree, report) in reports {
            let under = |path: &mut String| *path = below(&tree, path);
            all.files += report.files;
            all.sources += report.sources;
            all.parsed += report.parsed;
            all.cached += report.cached;
            all.took += report.took;
            all.passed.links += report.passed.links;
            all.passed.packages += report.passed.packages;
            for (part, count) in report.apart {
                *all.apart.entry(part).or_default() += count;
            }
            all.skipped
                .extend(report.skipped.into_iter().map(|mut one| {
                    under(&mut one.file);
                    one
                }));
            let unused = report.unused_policies.into_iter();
            all.unused_policies.extend(unused.map(|mut file| {
                under(&mut file);
                file
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
                "not_entered": self.passed,
                "unused_policies": self.unused_policies,
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
            &self.coverage(),
        )
    }

    /// Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let open: Vec<&Finding> = self.open().collect();
        markdown("Concurrent sessions", &open, RULES, &self.coverage())
    }

    /// The facts of each unit as sections of Markdown, to stand below the report.
    #[must_use]
    pub fn facts_as_markdown(&self) -> String {
        let place = |fact: &Fact| Evidence {
            at: Location {
                file: fact.file.clone(),
                line: fact.line,
            },
            note: format!("{}: {}", fact.kind.word(), fact.note),
        };
        let section = |unit: &UnitReport| {
            let facts: Vec<Evidence> = unit.facts.iter().map(place).collect();
            places(&format!("Facts in {}", unit.root), &facts)
        };
        self.units.iter().map(section).collect()
    }

    /// What was skipped of what may have been source. Where no source was read, this is why.
    pub fn unread_sources(&self) -> impl Iterator<Item = &Skipped> {
        let may_be_source = |one: &&Skipped| walk::may_be_source(&one.file);
        self.skipped.iter().filter(may_be_source)
    }

    /// Folders of deployables that were read and not judged, because the time was up.
    pub fn unjudged(&self) -> impl Iterator<Item = &Skipped> {
        let is_unjudged = |one: &&Skipped| one.reason == SkipReason::Judging;
        self.skipped.iter().filter(is_unjudged)
    }

    /// What was not looked at.
    fn coverage(&self) -> Coverage {
        let unread = |one: &Skipped| Unread {
            file: one.file.clone(),
            why: one.reason.words(),
        };
        let parts = self
            .apart
            .iter()
            .map(|(part, count)| (part.words(), *count));
        let passed = [
            ("links", self.passed.links),
            ("folders of installed packages", self.passed.packages),
        ];
        let apart = parts.chain(passed).filter(|(_, count)| *count > 0);
        Coverage {
            is_judged: self.sources > 0,
            is_cut_short: self.unjudged().next().is_some(),
            unread: self.skipped.iter().map(unread).collect(),
            apart: apart.map(|(what, count)| Apart { what, count }).collect(),
            notes: self
                .without_sign_in()
                .into_iter()
                .chain(self.units.iter().filter_map(UnitReport::not_understood))
                .chain(self.is_one_file.then(|| ONE_FILE.to_owned()))
                .collect(),
        }
    }

    /// Where nobody signs in, nothing is missing: a reader is told, or would take it for praise.
    fn without_sign_in(&self) -> Option<String> {
        /// So many folders are named, and the rest is counted.
        const NAMED: usize = 20;
        let without: Vec<&str> = self
            .units
            .iter()
            .filter(|unit| !unit.creates_sessions)
            .map(|unit| unit.root.as_str())
            .collect();
        // Files without a word of the field make no unit.
        let is_whole = self.unjudged().next().is_none();
        if self.sources > 0 && self.units.is_empty() && is_whole {
            return Some(NO_SIGN_IN.to_owned());
        }
        let more = without.len().saturating_sub(NAMED);
        let named = without[..without.len() - more].join(", ");
        match (without.len(), more) {
            (0, _) => None,
            (all, _) if all == self.units.len() && is_whole => Some(NO_SIGN_IN.to_owned()),
            (_, 0) => Some(format!(
                "No sign-in was found in {named}, so nothing is held against it there."
            )),
            _ => Some(format!(
                "No sign-in was found in {named} and {more} more, so nothing is held against them."
            )),
        }
    }
}

impl UnitReport {
    /// Where a password is checked and no sign-in was seen: there, one may have been passed over.
    pub(crate) fn not_understood(&self) -> Option<String> {
        if self.creates_sessions {
            return None;
        }
        let checks = |f: &&Fact| f.kind == Kind::ChecksPassword;
        let first = self.facts.iter().find(checks)?;
        Some(format!(
            "Unsure: a password is checked at {}:{}, and what it signs in to was not understood.",
            first.file, first.line
        ))
    }
}

fn below(tree: &str, path: &str) -> String {
    let tree = tree.trim_end_matches('/');
    match path {
        "." => tree.to_owned(),
        path => format!("{tree}/{path}"),
    }
}

fn finding(finding: &Finding) -> Value {
    serde_json::to_value(finding).expect("a finding is made of strings and numbers")
}

/// What one rule means, for `--explain`.
#[must_use]
pub fn explain(id: &str) -> Option<String> {
    let rule = crate::rules::rule(id)?;
    let cwe: Vec<String> = rule.cwe.iter().map(|n| format!("CWE-{n}")).collect();
    Some(format!(
        "{} {}\n\n{}\n\nSeverity: {}. {}. {}.\n\nWhat to do: {}\n\nTo accept it on one line, write a comment there or above it, as its language writes one:\n  innkeeper-allow: {} and the reason why it is right here\n",
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
