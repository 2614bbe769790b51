//! The sentences of a document: its title, what it is about, and what somebody reads who reads
//! nothing else.

use super::assemble::Given;
use super::document::{Claim, Document};
use crate::finding::Severity;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn joined<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

pub(super) fn title(given: &Given, claims: &[Claim]) -> String {
    match claims {
        [] if is_unsettled(given) => "Concurrent sessions: nothing could be judged".to_owned(),
        [] => "Concurrent sessions: no gap was found".to_owned(),
        [one] => one.title.to_owned(),
        [first, rest @ ..] => match rest.len() {
            1 => format!("{}, and one further gap", first.title),
            n => format!("{}, and {n} further gaps", first.title),
        },
    }
}

/// Whether nothing that was found means anything.
fn is_unsettled(given: &Given) -> bool {
    given.scans.is_empty() && given.probe.is_none_or(|probe| !probe.calibrated)
}

pub(super) fn subject(given: &Given) -> String {
    let mut parts = Vec::new();
    if let Some(probe) = given.probe {
        parts.push(probe.target.clone());
    }
    let roots: Vec<String> = given
        .units()
        .map(
            |unit| match (unit.root.as_str(), unit.frameworks.is_empty()) {
                (".", true) => "the source code".to_owned(),
                (".", false) => format!("the source code ({})", unit.frameworks.join(", ")),
                (root, true) => format!("the source code in {root}"),
                (root, false) => {
                    format!("the source code in {root} ({})", unit.frameworks.join(", "))
                }
            },
        )
        .take(5)
        .collect();
    parts.extend(roots);
    joined(&parts)
}

pub(super) fn paragraphs(given: &Given, document: &Document) -> Vec<String> {
    let mut out = vec![looked_at(given)];
    let claims = &document.claims;
    if given.probe.is_some_and(|probe| !probe.calibrated) {
        out.push(
            "The probe could not tell signed in from signed out, so it settles nothing: that no check \
             failed does not mean that the controls are there."
                .to_owned(),
        );
    }
    if let Some(words) = given.probe.and_then(|probe| probe.stopped.as_ref()) {
        out.push(format!(
            "The probe was stopped before its end, and what follows rests on what it saw until then: \
             {words}."
        ));
    }
    match claims.as_slice() {
        [] if is_unsettled(given) => {}
        [] => out.push("No gap was found in how sessions are limited, shown and ended.".to_owned()),
        [first, ..] => {
            out.push(counted(claims));
            out.push(format!("In plain words: {}", first.why));
        }
    }
    if !document.held.is_empty() {
        let held = document
            .held
            .iter()
            .filter(|looked| looked.id != "PRB-CAL-001")
            .count();
        match held {
            0 => {}
            1 => out.push("One control was tried and held.".to_owned()),
            n => out.push(format!("{n} controls were tried and held.")),
        }
    }
    if let Some(retest) = &document.retest {
        out.push(format!(
            "After the remedy it was probed again. {}",
            retest.words
        ));
    }
    out
}

fn looked_at(given: &Given) -> String {
    let mut sentences = Vec::new();
    if let Some(probe) = given.probe {
        let on = match probe.began_at.get(..10) {
            Some(day) => format!(" on {day}"),
            None => String::new(),
        };
        sentences.push(format!(
            "The running application at {} was probed{on} from outside, signed in as the same user \
             from two sides, with {} requests and {} sign-ins.",
            probe.target, probe.requests, probe.logins
        ));
    }
    let units = given.units().count();
    match units {
        0 => {}
        1 => sentences.push("Its source code was read.".to_owned()),
        n => sentences.push(format!("The source code of {n} deployable parts was read.")),
    }
    sentences.join(" ")
}

/// How many gaps there are of each severity, and which are the most serious.
fn counted(claims: &[Claim]) -> String {
    let mut kinds: Vec<(Severity, usize)> = Vec::new();
    for claim in claims {
        match kinds.last_mut() {
            Some((severity, count)) if *severity == claim.severity => *count += 1,
            _ => kinds.push((claim.severity, 1)),
        }
    }
    let [(worst, _), rest @ ..] = kinds.as_slice() else {
        return String::new();
    };
    let worst = claims.iter().filter(|claim| claim.severity == *worst);
    let worst: Vec<String> = worst.map(|claim| lowered(claim.title)).collect();
    let rated = |kinds: &[(Severity, usize)]| {
        let words = kinds
            .iter()
            .map(|(severity, count)| format!("{count} {severity}"));
        joined(&words.collect::<Vec<_>>())
    };
    match (claims, rest) {
        ([one], _) => format!("One gap was found, rated {}: {}.", one.severity, worst[0]),
        (all, []) => format!(
            "{} gaps were found, all rated {}: {}.",
            all.len(),
            all[0].severity,
            worst.join("; ")
        ),
        (all, _) => format!(
            "{} gaps were found: {}. Those rated {}: {}.",
            all.len(),
            rated(&kinds),
            all[0].severity,
            worst.join("; ")
        ),
    }
}

fn lowered(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
