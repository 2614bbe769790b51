//! `report`: what can be asked of it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const MORE: &str = "\
Writes the finding that somebody receives who has to act on it: summary, gaps
with their severity and why they matter, the requests that show each of them as
curl lines, the places in the source, what to do in that framework, the clauses
that ask for it, and how it stood when it was tried again. A gap that probe and
scan both saw is proven, one that probe alone saw is observed, and one that scan
alone saw is suspected. Saved results are all it needs, and hold no secrets.

Examples:
  innkeeper probe recipe.yaml --json --output before.json
  innkeeper scan . --json --output scan.json
  innkeeper report before.json scan.json
  innkeeper report before.json scan.json --source . --format pdf --output finding.pdf
  innkeeper report before.json --retest after.json --format html --output finding.html
  innkeeper report --show-template html > ours.html    begin one's own template
  innkeeper report before.json --format html --template ours.html

A template is written in the language of Jinja; what it may name is what
--format json prints. It may not name what is not there, and may not be left
unfinished. A PDF is printed by the Chromium of this machine.

Exits 0 if the report is written, 2 for wrong usage, 3 if there is no browser to
print with.";

/// `report`.
#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// Saved results: one of `probe --json`, any number of `scan --json`
    #[arg(value_name = "FILE", required_unless_present = "show_template")]
    pub(crate) files: Vec<PathBuf>,
    /// The result of the same probe after the remedy
    #[arg(long, value_name = "FILE")]
    pub(crate) retest: Option<PathBuf>,
    /// Show the lines of the findings of scan, read from this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) source: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    pub(crate) format: ReportFormat,
    /// Fill this template instead of the one that is built in
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,
    /// Print the template that is built in, and write no report
    #[arg(long, value_name = "FORMAT", exclusive = true)]
    pub(crate) show_template: Option<ReportFormat>,
    /// Print with this Chromium [default: the first of chromium, chromium-browser, google-chrome in PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) browser: Option<PathBuf>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Markdown, for a ticket
    Markdown,
    /// One file of HTML that loads nothing
    Html,
    /// PDF, printed from the HTML
    Pdf,
    /// SARIF 2.1.0, for code hosts
    Sarif,
    /// JSON for programs: innkeeper.report/1
    Json,
}
