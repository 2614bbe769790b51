//! What a run found, for people and for programs.

use std::fmt::Write as _;

use innkeeper_report::Outcome;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::checks::Conclusion;
use crate::client::Exchange;
use crate::run::Run;

/// What a run found. Nothing in it is secret.
#[derive(Clone, Debug)]
pub struct Report {
    /// The application.
    pub target: String,
    /// What marked every request of the run, as `X-Session-Probe`.
    pub run: String,
    /// When it began.
    pub began_at: Timestamp,
    /// What carries a session there: `cookie`, `bearer` or `header`.
    pub carrier: &'static str,
    /// What each check concluded, calibration first.
    pub conclusions: Vec<Conclusion>,
    /// How many requests were made.
    pub requests: u32,
    /// How many sign-ins were begun.
    pub logins: u32,
    /// All that was said.
    pub transcript: Vec<Exchange>,
    /// The sides that could not be signed out.
    pub left_behind: Vec<String>,
    /// The rail that stopped the run, if one did.
    pub stopped: Option<String>,
}

/// How a run ended, as an exit code says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// Nothing was found.
    Clean,
    /// A check failed.
    Found,
    /// A rail stopped it.
    Stopped,
    /// Something could not be found out.
    Inconclusive,
}

impl Report {
    pub(crate) fn of(
        run: &Run,
        id: String,
        began_at: Timestamp,
        conclusions: Vec<Conclusion>,
        stopped: Option<String>,
    ) -> Self {
        let (requests, logins) = run.client.budget(|b| (b.requests(), b.logins()));
        let conclusions = conclusions
            .into_iter()
            .map(|conclusion| Conclusion {
                reason: harmless(&run.client.clean(&conclusion.reason)),
                ..conclusion
            })
            .collect();
        Self {
            target: run.recipe.target.base.to_string(),
            run: id,
            began_at,
            carrier: run.recipe.carrier.word(),
            conclusions,
            requests,
            logins,
            transcript: run.client.transcript(),
            left_behind: run.left_behind().to_vec(),
            stopped: stopped.map(|words| harmless(&words)),
        }
    }

    /// Whether signed in could be told from signed out.
    #[must_use]
    pub fn is_calibrated(&self) -> bool {
        let first = self.conclusions.first();
        first.is_some_and(|conclusion| conclusion.outcome == Outcome::Pass)
    }

    /// How it ended.
    #[must_use]
    pub fn ended(&self) -> Ended {
        let has = |outcome: &Outcome| self.conclusions.iter().any(|c| c.outcome == *outcome);
        if self.stopped.is_some() {
            Ended::Stopped
        } else if has(&Outcome::Fail) {
            Ended::Found
        } else if has(&Outcome::Inconclusive) {
            Ended::Inconclusive
        } else {
            Ended::Clean
        }
    }

    /// What a check concluded.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Conclusion> {
        self.conclusions.iter().find(|c| c.check.id == id)
    }

    /// As programs read it: `innkeeper.probe/1`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "schema": "innkeeper.probe/1",
            "target": self.target,
            "run": self.run,
            "began_at": self.began_at.to_string(),
            "carrier": self.carrier,
            "calibrated": self.is_calibrated(),
            "checks": self.conclusions.iter().map(check).collect::<Vec<_>>(),
            "requests": self.requests,
            "logins": self.logins,
            "left_behind": self.left_behind,
            "stopped": self.stopped,
            "transcript": self.transcript.iter().map(|exchange| json!({
                "id": exchange.id,
                "side": exchange.side,
                "request": exchange.request,
                "response": exchange.response,
                "milliseconds": exchange.milliseconds,
            })).collect::<Vec<_>>(),
        })
    }

    /// As people read it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.target);
        for conclusion in &self.conclusions {
            let severity = match conclusion.outcome {
                Outcome::Fail | Outcome::Observed => conclusion.severity.word(),
                Outcome::Pass | Outcome::Inconclusive | Outcome::Skipped(_) => "",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "  {:<12} {:<8} {:<14} {}",
                conclusion.verdict(),
                severity,
                conclusion.check.id,
                conclusion.check.question
            );
            let shown = match &conclusion.evidence[..] {
                [] => String::new(),
                ids => format!(" ({})", ids.join(", ")),
            };
            let _ = writeln!(out, "               {}{shown}", conclusion.reason);
        }
        let _ = writeln!(out, "{} requests, {} sign-ins", self.requests, self.logins);
        if let Some(words) = &self.stopped {
            let _ = writeln!(out, "stopped: {words}");
        }
        if !self.left_behind.is_empty() {
            let sides = self.left_behind.join(", ");
            let _ = writeln!(
                out,
                "could not be signed out, and may still be signed in: {sides}"
            );
        }
        out
    }
}

/// Text that may come from the application, without what acts on a terminal.
fn harmless(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(acts, "\u{FFFD}")
}

fn check(conclusion: &Conclusion) -> Value {
    let mut counts = serde_json::Map::new();
    for (name, count) in &conclusion.counts {
        counts.insert((*name).to_owned(), json!(count));
    }
    json!({
        "id": conclusion.check.id,
        "covers": conclusion.check.covers,
        "question": conclusion.check.question,
        "verdict": conclusion.verdict(),
        "severity": conclusion.severity,
        "reason": conclusion.reason,
        "evidence": conclusion.evidence,
        "counts": counts,
        "milliseconds": conclusion.milliseconds,
    })
}
