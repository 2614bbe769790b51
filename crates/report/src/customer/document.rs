//! The document that a customer receives, as values. Every form is written from these.

use serde::Serialize;

use super::proof::Step;
use super::reference::Reference;
use super::saved::{Picture, Verdict};
use crate::finding::Severity;

/// The document.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// `innkeeper.report/1`.
    pub schema: &'static str,
    /// The finding in one line.
    pub title: String,
    /// The application and the source code it is about.
    pub subject: String,
    /// When the probe began, where the saved result says so.
    pub began_at: Option<String>,
    /// The most serious claim; nothing where there is none.
    pub risk: Option<Severity>,
    /// What is to be known by somebody who reads nothing else, paragraph by paragraph.
    pub summary: Vec<String>,
    /// Limit, visibility, remote end, notice: what is there, and by which evidence.
    pub capabilities: Vec<Capability>,
    /// The gaps, most serious first.
    pub claims: Vec<Claim>,
    /// Seen, where no policy says whether it is wanted.
    pub observed: Vec<Looked>,
    /// Controls that were tried and held.
    pub held: Vec<Looked>,
    /// What was not settled or not looked at, and why.
    pub open: Vec<Looked>,
    /// What is affected: addresses and places in the source.
    pub components: Vec<String>,
    /// Browser windows of the same user.
    pub pictures: Vec<Shown>,
    /// The result after the remedy.
    pub retest: Option<Retest>,
    /// All clauses that the claims refer to.
    pub references: Vec<Reference>,
    /// Whether a secret stands as a variable in a line for a shell.
    pub has_variables: bool,
}

/// How sure a claim is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Seen from outside, and in the source.
    Proven,
    /// Seen from outside.
    Observed,
    /// Seen in the source alone.
    Suspected,
}

/// One gap.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// Its number in the document, counted from one.
    pub number: usize,
    /// The control that it is about.
    pub key: &'static str,
    /// What is wrong, as a heading.
    pub title: &'static str,
    /// How sure it is.
    pub status: Status,
    /// How serious it is.
    pub severity: Severity,
    /// Why it matters.
    pub why: &'static str,
    /// What the source suggests and the running application does not show, in words.
    pub doubt: Option<String>,
    /// The checks that failed.
    pub checks: Vec<Looked>,
    /// The places in the source.
    pub code: Vec<Place>,
    /// The requests that show it.
    pub proof: Vec<Step>,
    /// How many requests more are in the saved result.
    pub left_out: usize,
    /// What to do, the framework's own words first.
    pub remedies: Vec<String>,
    /// What Innkeeper does about it; empty where nothing.
    pub innkeeper: &'static str,
    /// The lines of its configuration; empty where it needs none.
    pub settings: &'static str,
    /// The clauses that ask for the control.
    pub references: Vec<Reference>,
    /// How it stands after the remedy, where that was tried.
    pub retest: Option<Closed>,
}

/// What one check concluded.
#[derive(Clone, Debug, Serialize)]
pub struct Looked {
    /// The check.
    pub id: String,
    /// What it asks.
    pub question: String,
    /// What it concluded.
    pub verdict: &'static str,
    /// Why.
    pub reason: String,
    /// The requests that show it.
    pub evidence: Vec<String>,
}

/// A place in the source.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// The rule of `scan`.
    pub rule: String,
    /// How serious.
    pub severity: Severity,
    /// Which file.
    pub file: String,
    /// Which line, counted from one.
    pub line: u32,
    /// What is to be seen there.
    pub message: String,
    /// The lines themselves, where the source was at hand.
    pub excerpt: Option<Excerpt>,
}

/// Some lines of source code.
#[derive(Clone, Debug, Serialize)]
pub struct Excerpt {
    /// The number of the first.
    pub first: u32,
    /// The lines.
    pub lines: Vec<String>,
}

/// Whether the application can do something.
#[derive(Clone, Debug, Serialize)]
pub struct Capability {
    /// What.
    pub name: &'static str,
    /// `yes`, `no`, `racy` or `unknown`.
    pub state: &'static str,
    /// By what that is known.
    pub basis: String,
}

/// A picture that is fit to be shown.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// What is to be seen on it.
    pub caption: String,
    /// A PNG in base64, and nothing but that.
    pub png: String,
}

/// What came of trying again after the remedy.
#[derive(Clone, Debug, Serialize)]
pub struct Retest {
    /// When, where the saved result says so.
    pub began_at: Option<String>,
    /// How it stands in all.
    pub result: Closed,
    /// In a sentence.
    pub words: String,
    /// Check by check.
    pub rows: Vec<Again>,
}

/// One check, before and after.
#[derive(Clone, Debug, Serialize)]
pub struct Again {
    /// The check.
    pub id: String,
    /// What it asks.
    pub question: String,
    /// Before.
    pub before: &'static str,
    /// After.
    pub after: &'static str,
    /// Why, after.
    pub reason: String,
}

/// How a gap stands after the remedy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Closed {
    /// Nothing that failed fails any more, and all of it was looked at.
    Closed,
    /// Something still fails.
    Open,
    /// Something that failed was not settled this time.
    Unsettled,
}

impl Verdict {
    /// In capitals, as it is saved.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Observed => "OBSERVED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Skipped => "SKIPPED",
        }
    }
}

impl Shown {
    /// A picture, if it is one: base64 that begins as a PNG does, and of no more than 8 MB.
    pub(super) fn of(picture: &Picture) -> Option<Self> {
        /// The first bytes of every PNG, in base64.
        const HEAD: &str = "iVBORw0KGgo";
        let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        let fits = picture.png.len() <= 8 << 20
            && picture.png.starts_with(HEAD)
            && picture.png.bytes().all(is_base64);
        fits.then(|| Self {
            caption: picture.caption.clone(),
            png: picture.png.clone(),
        })
    }
}
