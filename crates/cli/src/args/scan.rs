//! `scan`: what can be asked of it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use innkeeper_report::Severity;

pub(super) const MORE: &str = "\
Reads source code and says, for each deployable in it, which controls of
concurrent sessions are there, switched off or missing: a limit, a list of
one's own sessions, ending one or all others, a notice of a new sign-in, a new
id at sign-in, an end at logout and at a change of password. Nothing is
executed, nothing leaves the machine, and no link is followed.

Examples:
  innkeeper scan .
  innkeeper scan services/shop services/admin --fail-on medium
  innkeeper scan . --format sarif --output sessions.sarif
  innkeeper scan . --write-baseline sessions.baseline   accept what is there
  innkeeper scan . --baseline sessions.baseline         and hear of new gaps only
  innkeeper scan --explain CSC-LIMIT-001
  innkeeper scan --rules

What a team requires is read from session-policy.toml, if it is there: in PATH
for the whole, and in the folder of a deployable for that one:
  max = 5            how many sessions a user may hold; 0: deliberately no limit
  listing = true     users see their sessions
  revocation = true  users end them
  notify = false     nobody needs to be told of a new sign-in

One line is accepted by a comment on it or above it, with a reason, in the
language's own kind of comment:
  // innkeeper-allow: CSC-LIMIT-001 kiosk accounts share one device

Exits 0 if nothing was found, 1 if something was, 2 for wrong usage, 3 if PATH
cannot be read, 5 if there is no source file in it that could be judged.";

/// `scan`.
#[derive(Args, Debug)]
pub(crate) struct ScanArguments {
    /// Folders or files to read
    #[arg(value_name = "PATH", required_unless_present_any = ["explain", "rules"])]
    pub(crate) paths: Vec<PathBuf>,
    /// How to write what was found
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        conflicts_with = "json"
    )]
    pub(crate) format: Format,
    /// The same as --format json
    #[arg(long)]
    pub(crate) json: bool,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Exit with 1 from this severity on
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    pub(crate) fail_on: FailOn,
    /// What the team requires of all [default: session-policy.toml in PATH and in its deployables]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Findings that are known and accepted
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Accept what is found now: write it to this file, for --baseline, and exit with 0
    #[arg(long, value_name = "FILE")]
    pub(crate) write_baseline: Option<PathBuf>,
    /// Keep in this folder what files were read as, so that the next scan reads only what changed
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Show the facts that the findings rest on, too; JSON has them always, SARIF never
    #[arg(long)]
    pub(crate) facts: bool,
    /// Say what a rule means; with PATH, also what was seen for it there
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub(crate) explain: Option<&'static innkeeper_report::Rule>,
    /// List the rules
    #[arg(long, conflicts_with = "explain")]
    pub(crate) rules: bool,
}

impl ScanArguments {
    /// How to write it, however that was said.
    pub(crate) const fn form(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

/// The formats of a scan.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people, at a terminal
    #[default]
    Text,
    /// For programs: innkeeper.scan/1
    Json,
    /// For code hosts and editors: SARIF 2.1.0
    Sarif,
    /// For a pull request or a ticket
    Markdown,
}

/// From which severity on a finding fails the scan.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum FailOn {
    /// Everything that was found
    Info,
    /// A weakness that needs another one to matter
    Low,
    /// A gap that a reviewer would report
    Medium,
    /// A gap that lets somebody act for somebody else
    High,
    /// A gap that needs no luck
    Critical,
}

impl From<FailOn> for Severity {
    fn from(from: FailOn) -> Self {
        match from {
            FailOn::Info => Self::Info,
            FailOn::Low => Self::Low,
            FailOn::Medium => Self::Medium,
            FailOn::High => Self::High,
            FailOn::Critical => Self::Critical,
        }
    }
}

/// No rule has this name.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there is no such rule; `innkeeper scan --rules` lists them")]
pub(crate) struct NoRule;

fn rule(name: &str) -> Result<&'static innkeeper_report::Rule, NoRule> {
    innkeeper_scan::rule(&name.to_ascii_uppercase()).ok_or(NoRule)
}
