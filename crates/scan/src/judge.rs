//! From the state of each control to findings.

use innkeeper_report::{Confidence, Evidence, Finding, Location, Severity};
use sha2::{Digest, Sha256};

use crate::fact::{Fact, Kind, Subject, Via};
use crate::flow::Path;
use crate::knowledge::Framework;
use crate::policy::Policy;
use crate::rules;
use crate::syntax::words::words;
use crate::verdict::{Controls, State, entry_paths};
use crate::vocabulary as v;

/// What there is to judge of one unit.
pub(crate) struct Case<'a> {
    pub(crate) root: &'a str,
    pub(crate) facts: &'a [Fact],
    pub(crate) paths: &'a [Path],
    pub(crate) controls: &'a Controls,
    pub(crate) frameworks: &'a [&'a Framework],
    pub(crate) parsed: usize,
    pub(crate) policy: &'a Policy,
}

/// The findings of one unit. A unit that creates no session has none: absence needs a place.
pub(crate) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let Some(main) = main_creation(case) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    limits(case, main, &mut out);
    sight_and_ending(case, main, &mut out);
    if case.controls["notify_new_login"] == State::No {
        out.push(case.absent(
            "CSC-NOTIFY-001",
            main,
            &[],
            "a message to the user that is sent from a way of signing in",
        ));
    }
    fixation(case, &mut out);
    on_change(case, main, &mut out);
    for (kind, rule) in [
        (Kind::NeverExpires, "CSC-EXPIRE-001"),
        (Kind::CookieConfig, "CSC-COOKIE-001"),
        (Kind::SharedState, "CSC-SHARED-001"),
        (Kind::StoreLocal, "CSC-SHARED-002"),
        (Kind::CountsThenCreates, "CSC-RACE-001"),
    ] {
        let mut at: Vec<&Fact> = case.of(kind);
        at.dedup_by_key(|f| (f.file.clone(), f.line));
        for fact in at.into_iter().take(5) {
            out.push(case.found(rule, fact, &fact.note.clone()));
        }
    }
    for finding in &mut out {
        case.policy.weigh(finding);
    }
    out.sort_by(|a, b| (b.severity, a.rule, &a.at).cmp(&(a.severity, b.rule, &b.at)));
    out
}

/// The line a reader would call "the login": sure before likely, a way in before a helper.
fn main_creation<'a>(case: &Case<'a>) -> Option<&'a Fact> {
    let best = case.paths.iter().max_by_key(|p| {
        (
            p.is_entry && p.is_main,
            p.fact.confidence,
            std::cmp::Reverse((&p.fact.file, p.fact.line)),
        )
    });
    best.map(|p| &p.fact)
}

fn limits(case: &Case<'_>, main: &Fact, out: &mut Vec<Finding>) {
    let controls = case.controls;
    match controls["limit"] {
        State::None => {
            let mut finding = case.absent(
                "CSC-LIMIT-001",
                main,
                &[Kind::SingleSlot, Kind::RevokesAll],
                "a comparison of a user's sessions with a number, a bounded slot, a framework's own limit",
            );
            let all_seen = controls["listing"] == State::User
                && controls["revoke_one"] == State::User
                && controls["notify_new_login"] == State::Yes;
            if all_seen {
                finding.severity = finding.severity.min(Severity::Low);
            }
            out.push(finding);
        }
        State::OptInOff => out.extend(case.first("CSC-LIMIT-002", Kind::LimitsOff)),
        State::PerDevice => out.extend(case.first("CSC-LIMIT-003", Kind::LimitsPerDevice)),
        State::ImplicitSingleRefresh => out.extend(case.first("CSC-LIMIT-004", Kind::SingleSlot)),
        _ => {}
    }
}

fn sight_and_ending(case: &Case<'_>, main: &Fact, out: &mut Vec<Finding>) {
    let controls = case.controls;
    match controls["listing"] {
        State::None => out.push(case.absent(
            "CSC-LIST-001",
            main,
            &[Kind::RevokesOne],
            "a route that reads the sessions of a user",
        )),
        State::Admin => out.extend(case.first("CSC-LIST-002", Kind::Lists)),
        _ => {}
    }
    let (one, others) = (controls["revoke_one"], controls["revoke_others"]);
    let by_password = case.of(Kind::RevokesOnPassword).first().copied();
    match (one, others) {
        (State::User, State::User) => {}
        (State::User, _) => {
            let near = case.of(Kind::RevokesOne);
            if let Some(fact) = near.iter().find(|f| f.subject == Subject::User) {
                out.push(case.found(
                    "CSC-REVOKE-004",
                    fact,
                    "a session can be ended here, and no way ends all others",
                ));
            }
        }
        (_, State::User) => {
            let all = case
                .of(Kind::RevokesOthers)
                .into_iter()
                .chain(case.of(Kind::RevokesAll))
                .find(|f| f.subject == Subject::User);
            out.extend(all.map(|fact| {
                case.found(
                    "CSC-REVOKE-002",
                    fact,
                    "sessions end together here, and none by itself",
                )
            }));
        }
        (State::Admin, _) => out.extend(case.first("CSC-REVOKE-003", Kind::RevokesOne)),
        (_, State::Admin) => out.extend(
            case.first("CSC-REVOKE-003", Kind::RevokesAll)
                .or_else(|| case.first("CSC-REVOKE-003", Kind::RevokesOthers)),
        ),
        _ => match by_password {
            Some(fact) => out.push(case.found(
                "CSC-REVOKE-002",
                fact,
                "changing the password ends sessions, and nothing else does",
            )),
            None => out.push(case.absent(
                "CSC-REVOKE-001",
                main,
                &[Kind::Logout],
                "a route that ends a session other than the present one",
            )),
        },
    }
}

fn fixation(case: &Case<'_>, out: &mut Vec<Finding>) {
    if !matches!(
        case.controls["regenerate_on_login"],
        State::No | State::SomePaths
    ) {
        return;
    }
    let paths = entry_paths(case.paths);
    let missing: Vec<&&Path> = paths.iter().filter(|p| !p.regenerates).collect();
    let covered: Vec<Evidence> = paths
        .iter()
        .filter(|p| p.regenerates)
        .map(|p| evidence(&p.fact, "this way gives the session a new id"))
        .collect();
    // Where some way is plainly called a login, the main way has to be one of those.
    let is_login = |p: &Path| v::is_login_strictly(&words(&p.fact.scope));
    let any_login = paths.iter().any(|p| p.is_main && is_login(p));
    let main = missing
        .iter()
        .find(|p| p.is_main && (!any_login || is_login(p)));
    let rule = if main.is_some() || covered.is_empty() {
        "CSC-FIX-001"
    } else {
        "CSC-FIX-002"
    };
    let Some(first) = main.or(missing.first()) else {
        return;
    };
    let mut finding = case.found(
        rule,
        &first.fact,
        "identity is written here into a session that keeps its id",
    );
    finding.related = covered;
    finding.related.extend(
        missing
            .iter()
            .filter(|p| p.fact.line != first.fact.line || p.fact.file != first.fact.file)
            .map(|p| evidence(&p.fact, "this way keeps the id too")),
    );
    out.push(finding);
}

fn on_change(case: &Case<'_>, main: &Fact, out: &mut Vec<Finding>) {
    match case.controls["password_change_revokes"] {
        State::No => out.extend(case.first("CSC-PWD-001", Kind::PasswordChange)),
        State::OptIn => out.extend(case.first("CSC-PWD-002", Kind::RevokesOnPasswordOptIn)),
        _ => {}
    }
    if case.controls["logout_revokes_server_side"] == State::No {
        match case.first("CSC-LOGOUT-001", Kind::LogoutClientOnly) {
            Some(finding) => out.push(finding),
            None => out.push(case.absent(
                "CSC-LOGOUT-001",
                main,
                &[],
                "a way of signing out that ends the token on the server",
            )),
        }
    }
}

impl<'a> Case<'a> {
    fn of(&self, kind: Kind) -> Vec<&'a Fact> {
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

    fn first(&self, rule: &str, kind: Kind) -> Option<Finding> {
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
    fn found(&self, rule: &str, fact: &Fact, seen: &str) -> Finding {
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
    fn absent(&self, rule: &str, main: &Fact, near: &[Kind], looked_for: &str) -> Finding {
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
        // Someone else may keep the sessions, or this may not be a sign-in: then it is said quietly.
        let unsure = main.confidence == Confidence::Hint
            || self.facts.iter().any(|f| f.kind == Kind::Delegated);
        let severity = if unsure {
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

fn evidence(fact: &Fact, note: &str) -> Evidence {
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
