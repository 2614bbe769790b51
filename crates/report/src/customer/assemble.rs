//! From saved results to the document: what failed, what the source says of it, and how sure the
//! two together make it.

use std::collections::BTreeSet;
use std::fmt;

use super::document::{Capability, Claim, Document, Excerpt, Looked, Place, Shown, Status};
use super::proof;
use super::reference::reference;
use super::retest::retest;
use super::saved::{Check, Code, Probe, Scan, Unit, Verdict};
use super::summary;
use super::topic::{OTHER, TOPICS, Topic};

/// Affected places beyond these are not listed one by one.
const COMPONENTS_MAX: usize = 40;

/// Fetches the lines around a place in the source.
pub type Fetch<'a> = &'a dyn Fn(&str, u32) -> Option<Excerpt>;

/// What a document is made of.
#[derive(Default)]
pub struct Given<'a> {
    /// What a probe found.
    pub probe: Option<&'a Probe>,
    /// What scans of its source found.
    pub scans: Vec<&'a Scan>,
    /// What the same probe found after the remedy.
    pub after: Option<&'a Probe>,
    /// Fetches the lines around a place in the source, where that is at hand.
    pub excerpt: Option<Fetch<'a>>,
}

impl fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("probe", &self.probe)
            .field("scans", &self.scans)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl Given<'_> {
    pub(super) fn checks(&self) -> impl Iterator<Item = &Check> {
        self.probe.into_iter().flat_map(|probe| &probe.checks)
    }

    pub(super) fn units(&self) -> impl Iterator<Item = &Unit> {
        self.scans.iter().flat_map(|scan| &scan.units)
    }

    fn code(&self) -> impl Iterator<Item = &Code> {
        let all = self.units().flat_map(|unit| &unit.findings);
        all.filter(|code| code.suppressed.is_none())
    }

    /// Whether a token says by itself that it is valid.
    fn is_by_token(&self) -> bool {
        let uses = |name: &str| self.units().any(|u| u.frameworks.iter().any(|f| f == name));
        match self.probe.map_or("", |probe| probe.carrier.as_str()) {
            "" => uses("jsonwebtoken") && !uses("express-session"),
            carrier => carrier != "cookie",
        }
    }
}

/// Makes the document.
#[must_use]
pub fn assemble(given: &Given) -> Document {
    let mut numbered = 0;
    let mut claims: Vec<Claim> = TOPICS
        .iter()
        .chain([&OTHER])
        .filter_map(|topic| claim(given, topic))
        .collect();
    claims.sort_by_key(|claim| std::cmp::Reverse(claim.severity));
    for (at, claim) in claims.iter_mut().enumerate() {
        claim.number = at + 1;
        if let Some(probe) = given.probe {
            let evidence = claim.checks.iter().flat_map(|check| &check.evidence);
            let evidence: Vec<&str> = evidence.map(String::as_str).collect();
            (claim.proof, claim.left_out) = proof::steps(probe, &evidence, &mut numbered);
        }
    }
    let with = |verdicts: &[Verdict]| {
        let found = given
            .checks()
            .filter(|check| verdicts.contains(&check.verdict));
        found.map(looked).collect::<Vec<_>>()
    };
    let retest = given
        .probe
        .zip(given.after)
        .map(|(before, after)| retest(before, after, &mut claims));
    let mut references: Vec<_> = Vec::new();
    for known in claims.iter().flat_map(|claim| &claim.references) {
        if !references.contains(known) {
            references.push(*known);
        }
    }
    let has_variables = claims
        .iter()
        .flat_map(|claim| &claim.proof)
        .any(|step| step.curl.contains("\"$"));
    let mut document = Document {
        schema: "innkeeper.report/1",
        title: String::new(),
        subject: summary::subject(given),
        began_at: given
            .probe
            .map(|p| p.began_at.clone())
            .filter(|at| !at.is_empty()),
        risk: claims.iter().map(|claim| claim.severity).max(),
        summary: Vec::new(),
        capabilities: capabilities(given),
        components: components(given, &claims),
        claims,
        observed: with(&[Verdict::Observed]),
        held: with(&[Verdict::Pass]),
        open: with(&[Verdict::Inconclusive, Verdict::Skipped]),
        pictures: given
            .probe
            .into_iter()
            .flat_map(|probe| &probe.pictures)
            .filter_map(Shown::of)
            .collect(),
        retest,
        references,
        has_variables,
    };
    document.title = summary::title(given, &document.claims);
    document.summary = summary::paragraphs(given, &document);
    document
}

fn looked(check: &Check) -> Looked {
    Looked {
        id: check.id.clone(),
        question: check.question.clone(),
        verdict: check.verdict.word(),
        reason: check.reason.clone(),
        evidence: check.evidence.clone(),
    }
}

fn claim(given: &Given, topic: &'static Topic) -> Option<Claim> {
    let is_here = |id: &str| Topic::of(id).key == topic.key;
    let checks: Vec<&Check> = given.checks().filter(|check| is_here(&check.id)).collect();
    let failed: Vec<&Check> = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .copied()
        .collect();
    let code: Vec<&Code> = given.code().filter(|code| is_here(&code.rule)).collect();
    let status = match (failed.is_empty(), code.is_empty()) {
        (true, true) => return None,
        (false, false) => Status::Proven,
        (false, true) => Status::Observed,
        (true, false) => Status::Suspected,
    };
    let severities = failed.iter().map(|check| check.severity);
    let severity = severities
        .chain(code.iter().map(|code| code.severity))
        .max()?;
    let passed: Vec<&str> = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Pass)
        .map(|check| check.id.as_str())
        .collect();
    let is_doubtful = status == Status::Suspected && !passed.is_empty();
    let doubt = is_doubtful.then(|| {
        format!(
            "The source suggests this, and the running application does not show it ({} passed), so \
             it is rated one step lower.",
            summary::joined(&passed)
        )
    });
    let mut remedies: Vec<String> = Vec::new();
    for code in &code {
        if !code.remedy.is_empty() && !remedies.contains(&code.remedy) {
            remedies.push(code.remedy.clone());
        }
    }
    if remedies.is_empty() {
        let by_token = given.is_by_token() && !topic.token.is_empty();
        remedies.push(if by_token { topic.token } else { topic.stored }.to_owned());
    }
    Some(Claim {
        number: 0,
        key: topic.key,
        title: topic.title,
        status,
        severity: if is_doubtful {
            severity.lowered()
        } else {
            severity
        },
        why: topic.why,
        doubt,
        checks: failed.into_iter().map(looked).collect(),
        code: code.into_iter().map(|code| place(given, code)).collect(),
        proof: Vec::new(),
        left_out: 0,
        remedies,
        innkeeper: topic.innkeeper,
        settings: topic.settings,
        references: topic
            .references
            .iter()
            .filter_map(|name| reference(name))
            .collect(),
        retest: None,
    })
}

fn place(given: &Given, code: &Code) -> Place {
    Place {
        rule: code.rule.clone(),
        severity: code.severity,
        file: code.file.clone(),
        line: code.line,
        message: code.message.clone(),
        excerpt: given.excerpt.and_then(|fetch| fetch(&code.file, code.line)),
    }
}

/// Limit, visibility, remote end and notice, by the checks where they were made, else by the
/// source.
fn capabilities(given: &Given) -> Vec<Capability> {
    let racy = given
        .checks()
        .any(|check| check.id == "PRB-LIMIT-002" && check.verdict == Verdict::Fail);
    let rows = [
        ("Limit on sessions at one time", "PRB-LIMIT-001", "limit"),
        ("Users see their sessions", "PRB-LIST-001", "listing"),
        ("Users end sessions remotely", "PRB-REV-001", "revoke_one"),
        (
            "Users are told of new sign-ins",
            "PRB-NOTIFY-001",
            "notify_new_login",
        ),
    ];
    rows.into_iter()
        .map(|(name, id, control)| {
            let check = given.checks().find(|check| check.id == id);
            let known = check.and_then(|check| match check.verdict {
                Verdict::Pass if id == "PRB-LIMIT-001" && racy => Some("racy"),
                Verdict::Pass => Some("yes"),
                Verdict::Fail => Some("no"),
                Verdict::Observed | Verdict::Inconclusive | Verdict::Skipped => None,
            });
            let mut said = given.units().filter_map(|unit| unit.controls.get(control));
            let (state, basis) = match (known, said.next()) {
                (Some(state), _) => (state, format!("probe, {id}")),
                (None, Some(word)) => (by_source(word), "scan of the source".to_owned()),
                (None, None) => ("unknown", "neither probed nor scanned".to_owned()),
            };
            Capability { name, state, basis }
        })
        .collect()
}

fn by_source(word: &str) -> &'static str {
    match word {
        "enforced" | "enforced_elsewhere" | "opt_in_on" | "user" | "yes" | "framework_default" => {
            "yes"
        }
        "none"
        | "no"
        | "opt_in_off"
        | "opt_in"
        | "admin"
        | "per_device"
        | "some_paths"
        | "implicit_single_refresh" => "no",
        _ => "unknown",
    }
}

fn components(given: &Given, claims: &[Claim]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    let mut add = |text: String| {
        if seen.insert(text.clone()) && all.len() < COMPONENTS_MAX {
            all.push(text);
        }
    };
    if claims.is_empty() {
        return all;
    }
    if let Some(probe) = given.probe {
        add(probe.target.clone());
    }
    for claim in claims {
        for step in claim
            .proof
            .iter()
            .filter(|step| step.is_evidence || !step.called.starts_with("GET "))
        {
            add(step.called.clone());
        }
        for place in &claim.code {
            add(format!("{}:{}", place.file, place.line));
        }
    }
    all
}
