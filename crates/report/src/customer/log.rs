//! A document as SARIF 2.1.0: one result for each check that failed and each place in the source.

use serde_json::{Map, Value, json};

use super::document::{Claim, Document, Looked, Place, Status};
use super::proof::Step;
use crate::finding::Severity;
use crate::sarif::Tool;

/// Writes a document as one SARIF run.
///
/// What a check saw is at the address that it called, as SARIF's web request and response; what a
/// rule saw is at its line.
#[must_use]
pub fn document_sarif(tool: Tool, document: &Document) -> Value {
    let mut rules: Vec<Value> = Vec::new();
    let mut results: Vec<Value> = Vec::new();
    let mut known: Vec<String> = Vec::new();
    for claim in &document.claims {
        let ids = claim.checks.iter().map(|check| &check.id);
        for id in ids.chain(claim.code.iter().map(|place| &place.rule)) {
            if !known.contains(id) {
                known.push(id.clone());
                rules.push(rule(id, claim));
            }
        }
        let index = |id: &str| known.iter().position(|one| one == id);
        for check in &claim.checks {
            results.push(seen(claim, check, index(&check.id)));
        }
        for place in &claim.code {
            results.push(read(claim, place, index(&place.rule)));
        }
    }
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": tool.name,
                "semanticVersion": tool.version,
                "rules": rules,
            }},
            "columnKind": "utf16CodeUnits",
            "originalUriBaseIds": {"ROOT": {"description": {"text": "The folder that was read."}}},
            "results": results,
        }],
    })
}

fn rule(id: &str, claim: &Claim) -> Value {
    let clauses: Vec<&str> = claim.references.iter().map(|clause| clause.name).collect();
    json!({
        "id": id,
        "name": claim.title,
        "shortDescription": {"text": claim.title},
        "fullDescription": {"text": claim.why},
        "help": {"text": claim.remedies.join("\n\n")},
        "properties": {"tags": ["security"], "requirements": clauses},
    })
}

fn seen(claim: &Claim, check: &Looked, rule: Option<usize>) -> Value {
    let mut result = common(claim, &check.id, rule, &check.reason);
    let shown = |step: &&Step| check.evidence.contains(&step.id);
    if let Some(step) = claim.proof.iter().find(shown) {
        result["webRequest"] = request(step);
        result["webResponse"] = json!({"body": {"text": step.response}});
    }
    result["partialFingerprints"] = json!({"innkeeper/v1": format!("{}/{}", claim.key, check.id)});
    result
}

fn read(claim: &Claim, place: &Place, rule: Option<usize>) -> Value {
    let mut result = common(claim, &place.rule, rule, &place.message);
    result["locations"] = json!([{"physicalLocation": {
        "artifactLocation": {"uri": crate::sarif::uri(&place.file), "uriBaseId": "ROOT"},
        "region": {"startLine": place.line.max(1)},
    }}]);
    result
}

fn common(claim: &Claim, id: &str, rule: Option<usize>, message: &str) -> Value {
    let status = match claim.status {
        Status::Proven => "proven",
        Status::Observed => "observed",
        Status::Suspected => "suspected",
    };
    json!({
        "ruleId": id,
        "ruleIndex": rule,
        "level": level(claim.severity),
        "message": {"text": message},
        "properties": {"severity": claim.severity, "claim": claim.title, "status": status},
    })
}

fn request(step: &Step) -> Value {
    let (method, target) = step.called.split_once(' ').unwrap_or((&step.called, "/"));
    let mut headers = Map::new();
    let (head, body) = step
        .request
        .split_once("\n\n")
        .unwrap_or((&step.request, ""));
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(':')) {
        headers.insert(name.trim().to_owned(), json!(value.trim()));
    }
    json!({
        "protocol": "http",
        "version": "1.1",
        "method": method,
        "target": target,
        "headers": headers,
        "body": {"text": body},
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}
