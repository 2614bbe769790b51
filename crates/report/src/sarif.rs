//! Findings as SARIF 2.1.0, which code hosts and editors read.

use serde_json::{Value, json};

use crate::coverage::Coverage;
use crate::finding::{Finding, Rule, Severity, Suppression};

/// Who made the findings.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// The name shown beside each finding.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// How many files that were not read a log names. What there is beyond is counted.
const UNREAD_MAX: usize = 1_000;

/// Writes findings as one SARIF run.
///
/// Only rules that a finding names are listed. Weakness classes are a taxonomy of the run, so
/// that a reader can group by CWE without knowing our rules. What was not looked at is told as
/// notifications of the run (SARIF 2.1.0, 3.20.21), and a run that judged nothing is no success.
#[must_use]
pub fn sarif(tool: Tool, findings: &[&Finding], rules: &[Rule], coverage: &Coverage) -> Value {
    let used: Vec<&Rule> = rules
        .iter()
        .filter(|rule| findings.iter().any(|finding| finding.rule == rule.id))
        .collect();
    let mut cwe: Vec<u16> = used.iter().flat_map(|rule| rule.cwe).copied().collect();
    cwe.sort_unstable();
    cwe.dedup();

    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": tool.name,
                "semanticVersion": tool.version,
                "supportedTaxonomies": [{"name": "CWE", "index": 0}],
                "rules": used.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
                "notifications": [
                    {"id": "not-judged", "shortDescription": {"text": "Nothing was judged."}},
                    {"id": "not-read", "shortDescription": {"text": "A file was not read."}},
                    {"id": "set-apart", "shortDescription": {"text": "Files were passed over on purpose."}},
                    {"id": "unheld", "shortDescription": {"text": "The rules had nothing to be held against."}},
                ],
            }},
            "invocations": [{
                "executionSuccessful": coverage.is_judged && !coverage.is_cut_short,
                "toolExecutionNotifications": notifications(coverage),
            }],
            "taxonomies": [{
                "name": "CWE",
                "organization": "MITRE",
                "shortDescription": {"text": "Common Weakness Enumeration"},
                "taxa": cwe.iter().map(|n| json!({"id": n.to_string()})).collect::<Vec<_>>(),
            }],
            "columnKind": "utf16CodeUnits",
            "originalUriBaseIds": {"ROOT": {"description": {"text": "The folder that was read."}}},
            "results": findings.iter().map(|f| result(f, &used)).collect::<Vec<_>>(),
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id.0,
        "name": rule.title,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.description},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"tags": ["security"], "requirements": rule.requirements},
        "relationships": rule.cwe.iter().map(|n| json!({
            "target": {"id": n.to_string(), "toolComponent": {"name": "CWE", "index": 0}},
            "kinds": ["superset"],
        })).collect::<Vec<_>>(),
    })
}

fn result(finding: &Finding, rules: &[&Rule]) -> Value {
    let mut result = json!({
        "ruleId": finding.rule.0,
        "level": level(finding.severity),
        "message": {"text": format!("{} {}", finding.message, finding.remedy)},
        "locations": [location(&finding.at.file, finding.at.line)],
        "relatedLocations": finding.related.iter().enumerate().map(|(id, evidence)| {
            let mut place = location(&evidence.at.file, evidence.at.line);
            place["id"] = json!(id);
            place["message"] = json!({"text": evidence.note});
            place
        }).collect::<Vec<_>>(),
        "partialFingerprints": {"innkeeper/v1": finding.fingerprint},
        "taxa": finding.cwe.iter().map(|n| json!({
            "id": n.to_string(), "toolComponent": {"name": "CWE", "index": 0},
        })).collect::<Vec<_>>(),
        "properties": {"severity": finding.severity, "confidence": finding.confidence},
    });
    if let Some(index) = rules.iter().position(|rule| rule.id == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    result["suppressions"] = match &finding.suppressed {
        None => json!([]),
        Some(Suppression::Comment { reason }) => {
            json!([{"kind": "inSource", "justification": reason}])
        }
        Some(Suppression::Baseline) => {
            json!([{"kind": "external", "justification": "in the baseline"}])
        }
        Some(Suppression::Policy) => {
            json!([{"kind": "external", "justification": "not required by the policy"}])
        }
    };
    result
}

/// What was not looked at, by the numbers of the descriptors of the run.
fn notifications(coverage: &Coverage) -> Vec<Value> {
    let note = |index: usize, id: &str, level: &str, text: String| {
        json!({
            "descriptor": {"id": id, "index": index},
            "level": level,
            "message": {"text": text},
        })
    };
    let mut out = Vec::new();
    if !coverage.is_judged {
        let text = "There was no source to judge, so that nothing was found says nothing.";
        out.push(note(0, "not-judged", "error", text.to_owned()));
    }
    if coverage.is_cut_short {
        let text = "The time was up before all of it was judged, so that nothing more was found says nothing.";
        out.push(note(0, "not-judged", "error", text.to_owned()));
    }
    for unread in coverage.unread.iter().take(UNREAD_MAX) {
        let text = format!("Not read: {}.", unread.why);
        let mut said = note(1, "not-read", "warning", text);
        said["locations"] = json!([{"physicalLocation": {
            "artifactLocation": {"uri": uri(&unread.file), "uriBaseId": "ROOT"},
        }}]);
        out.push(said);
    }
    let more = coverage.unread.len().saturating_sub(UNREAD_MAX);
    if more > 0 {
        let text = format!("{more} more were not read.");
        out.push(note(1, "not-read", "warning", text));
    }
    for apart in &coverage.apart {
        let text = format!("Passed over: {} {}.", apart.count, apart.what);
        out.push(note(2, "set-apart", "note", text));
    }
    for text in &coverage.notes {
        out.push(note(3, "unheld", "note", text.clone()));
    }
    out
}

fn location(file: &str, line: u32) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(file), "uriBaseId": "ROOT"},
        "region": {"startLine": line.max(1)},
    }})
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// A path as a relative reference: what RFC 3986 does not allow in one is percent-encoded.
pub(crate) fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@+,=!$&'()*;".contains(&byte) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::coverage::{Apart, Unread};
    use crate::finding::{Confidence, Evidence, Location, RuleId};

    use super::*;

    const RULE: Rule = Rule {
        id: RuleId("CSC-LIMIT-001"),
        title: "No limit",
        description: "d",
        severity: Severity::Medium,
        cwe: &[613],
        requirements: &["ASVS 7.1.2"],
        remedy: "r",
    };

    fn finding() -> Finding {
        let at = Location {
            file: "src/[id]/log in.ts".into(),
            line: 7,
        };
        Finding {
            rule: RULE.id,
            severity: Severity::Medium,
            confidence: Confidence::Sure,
            cwe: vec![613],
            requirements: Vec::new(),
            at: at.clone(),
            message: "m".into(),
            remedy: "r".into(),
            related: vec![Evidence {
                at,
                note: "n".into(),
            }],
            fingerprint: "abc".into(),
            suppressed: Some(Suppression::Comment {
                reason: "kiosk".into(),
            }),
        }
    }

    #[test]
    fn given_a_finding_when_written_then_rule_place_and_fingerprint_are_where_readers_look() {
        let log = sarif(
            Tool {
                name: "innkeeper",
                version: "0",
            },
            &[&finding()],
            &[RULE],
            &Coverage::default(),
        );

        let run = &log["runs"][0];
        let result = &run["results"][0];
        assert_eq!(log["version"], "2.1.0");
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "CSC-LIMIT-001");
        assert_eq!(result["ruleIndex"], 0);
        assert_eq!(result["level"], "warning");
        assert_eq!(result["partialFingerprints"]["innkeeper/v1"], "abc");
        assert_eq!(result["suppressions"][0]["justification"], "kiosk");
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "n");
    }

    #[test]
    fn given_files_that_were_not_read_when_written_then_the_run_names_them_and_counts_the_rest() {
        let tool = Tool {
            name: "innkeeper",
            version: "0",
        };
        let unread = |n: usize| Unread {
            file: format!("a {n}.js"),
            why: "it is too large",
        };
        let mut coverage = Coverage {
            is_judged: true,
            is_cut_short: false,
            unread: (0..UNREAD_MAX + 2).map(unread).collect(),
            apart: vec![Apart {
                what: "tests",
                count: 3,
            }],
            notes: vec!["No sign-in was found.".into()],
        };

        let log = sarif(tool, &[], &[], &coverage);

        let run = &log["runs"][0]["invocations"][0];
        let said = &run["toolExecutionNotifications"];
        assert_eq!(run["executionSuccessful"], true);
        assert_eq!(said[0]["level"], "warning");
        assert_eq!(said[0]["message"]["text"], "Not read: it is too large.");
        let place = &said[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%200.js");
        assert_eq!(said[UNREAD_MAX]["message"]["text"], "2 more were not read.");
        let apart = &said[UNREAD_MAX + 1];
        assert_eq!(apart["message"]["text"], "Passed over: 3 tests.");
        let told = &said[UNREAD_MAX + 2];
        assert_eq!(told["message"]["text"], "No sign-in was found.");
        assert_eq!(told["level"], "note");
        let names = &log["runs"][0]["tool"]["driver"]["notifications"];
        assert_eq!(names[3]["id"], told["descriptor"]["id"]);
        assert_eq!(names[2]["id"], apart["descriptor"]["id"]);

        coverage.is_judged = false;
        let log = sarif(tool, &[], &[], &coverage);
        let run = &log["runs"][0]["invocations"][0];
        assert_eq!(run["executionSuccessful"], false);
        assert_eq!(run["toolExecutionNotifications"][0]["level"], "error");

        (coverage.is_judged, coverage.is_cut_short) = (true, true);
        let log = sarif(tool, &[], &[], &coverage);
        let run = &log["runs"][0]["invocations"][0];
        assert_eq!(run["executionSuccessful"], false);
        assert_eq!(run["toolExecutionNotifications"][0]["level"], "error");
    }

    #[test]
    fn given_a_path_with_spaces_and_brackets_when_written_then_it_is_a_valid_reference() {
        assert_eq!(uri("src/[id]/log in.ts"), "src/%5Bid%5D/log%20in.ts");
    }
}
