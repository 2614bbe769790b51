//! The finding that a customer receives: joined from both sides, and text whatever is in it.

use innkeeper_report::customer::{
    Closed, Document, Excerpt, Form, Given, Probe, Saved, Scan, Status, Template, assemble,
    document_sarif,
};
use innkeeper_report::{Severity, Tool};
use serde_json::{Value, json};

const HOSTILE: &str = "</td><script>alert(1)</script>{{ title }} {% raw %} TKTK `x` ``` \n# h\n[a](javascript:b) \u{202e}";

fn check(id: &str, verdict: &str, severity: &str) -> Value {
    json!({
        "id": id, "question": format!("Is {id} as it should be?"), "verdict": verdict,
        "severity": severity, "reason": format!("because of {HOSTILE}"), "evidence": ["r2", "r4"],
    })
}

fn probe(checks: &[Value]) -> Value {
    let exchange = |id: &str, request: &str| {
        json!({
            "id": id, "side": "A1", "milliseconds": 3,
            "request": format!("{request} HTTP/1.1\nHost: 127.0.0.1:3000\nCookie: sid=abcd…[sha256:0123456789ab]\n\nemail=a&password=(password)"),
            "response": format!("HTTP/1.1 200\nX: {HOSTILE}\n\n{HOSTILE}"),
        })
    };
    json!({
        "schema": "innkeeper.probe/1", "target": "http://127.0.0.1:3000", "run": "0123",
        "began_at": "2026-11-22T10:00:00Z", "carrier": "cookie", "calibrated": true,
        "checks": checks, "requests": 20, "logins": 3,
        "transcript": [exchange("r1", "POST /login"), exchange("r2", "GET /me"),
            exchange("r3", "POST /login"), exchange("r4", "GET /me")],
        "pictures": [
            {"caption": HOSTILE, "png": "iVBORw0KGgoAAAA="},
            {"caption": "no picture", "png": "\"><script>"},
        ],
        "of a later version": true,
    })
}

fn scan(findings: &[Value]) -> Value {
    json!({"schema": "innkeeper.scan/1", "units": [{
        "root": ".", "languages": ["javascript"], "frameworks": ["express-session"],
        "controls": {"limit": "none", "notify_new_login": "no"}, "findings": findings, "facts": [],
    }]})
}

fn code(rule: &str, severity: &str) -> Value {
    json!({
        "rule": rule, "severity": severity, "confidence": "sure", "cwe": [613], "requirements": [],
        "file": format!("src/{HOSTILE}.js"), "line": 7, "message": HOSTILE,
        "remedy": "Call req.session.regenerate.", "related": [], "fingerprint": "f",
    })
}

fn saved_probe(value: &Value) -> Probe {
    match Saved::read(&value.to_string()) {
        Ok(Saved::Probe(probe)) => *probe,
        other => panic!("{other:?}"),
    }
}

fn saved_scan(value: &Value) -> Scan {
    match Saved::read(&value.to_string()) {
        Ok(Saved::Scan(scan)) => *scan,
        other => panic!("{other:?}"),
    }
}

fn document() -> Document {
    let before = saved_probe(&probe(&[
        check("PRB-CAL-001", "PASS", "info"),
        check("PRB-LIMIT-001", "FAIL", "medium"),
        check("PRB-LOGOUT-001", "FAIL", "high"),
        check("PRB-FIX-001", "PASS", "high"),
        check("PRB-CACHE-001", "OBSERVED", "info"),
        check("PRB-PWD-001", "SKIPPED", "high"),
    ]));
    let after = saved_probe(&probe(&[
        check("PRB-LIMIT-001", "PASS", "medium"),
        check("PRB-LOGOUT-001", "INCONCLUSIVE", "high"),
    ]));
    let scan = saved_scan(&scan(&[
        code("CSC-LIMIT-001", "medium"),
        code("CSC-FIX-001", "high"),
        code("CSC-NEXT-001", "low"),
    ]));
    let excerpt = |_: &str, line: u32| {
        let lines = vec![HOSTILE.to_owned()];
        Some(Excerpt { first: line, lines })
    };
    assemble(&Given {
        probe: Some(&before),
        scans: vec![&scan],
        after: Some(&after),
        excerpt: Some(&excerpt),
    })
}

#[test]
fn given_a_probe_and_a_scan_when_joined_then_each_claim_says_how_sure_it_is() {
    let document = document();

    let claims: Vec<_> = document
        .claims
        .iter()
        .map(|claim| (claim.key, claim.status, claim.severity.word()))
        .collect();
    assert_eq!(
        claims,
        [
            ("logout", Status::Observed, "high"),
            ("limit", Status::Proven, "medium"),
            // The source suggests it, and the check passed.
            ("fixation", Status::Suspected, "medium"),
            ("other", Status::Suspected, "low"),
        ]
    );
    assert!(document.claims[2].doubt.is_some());
    assert_eq!(document.risk.map(Severity::word), Some("high"));
    let limit = &document.claims[1];
    assert_eq!(limit.remedies, ["Call req.session.regenerate."]);
    let numbers: Vec<usize> = limit.proof.iter().map(|step| step.number).collect();
    assert_eq!(
        numbers,
        [5, 6, 7, 8],
        "steps are numbered through the document"
    );
    let evidence: Vec<bool> = limit.proof.iter().map(|step| step.is_evidence).collect();
    assert_eq!(evidence, [false, true, false, true]);
    assert_eq!(document.capabilities[0].state, "no");
    assert_eq!(document.capabilities[3].state, "no");
    assert_eq!(
        document.pictures.len(),
        1,
        "what is no picture is not shown"
    );
}

#[test]
fn given_the_same_probe_after_the_remedy_when_compared_then_only_what_passes_is_closed() {
    let document = document();

    let retest = document.retest.as_ref().unwrap();
    assert_eq!(retest.result, Closed::Unsettled);
    let claims: Vec<_> = document.claims.iter().map(|claim| claim.retest).collect();
    assert_eq!(
        claims,
        [Some(Closed::Unsettled), Some(Closed::Closed), None, None]
    );
}

#[test]
fn given_hostile_results_when_written_then_they_stay_text_and_nothing_is_left_to_fill_in() {
    let document = document();

    let page = Template::built_in(Form::Html).write(&document).unwrap();
    let text = Template::built_in(Form::Markdown).write(&document).unwrap();

    assert!(!page.contains("<script"), "{page}");
    assert!(page.matches("&lt;script").count() > 20);
    for written in [&page, &text] {
        assert!(!written.contains('\u{202e}'));
        assert!(!written.contains("undefined") && !written.contains("none,"));
        assert!(written.contains("Proof of concept"));
        assert!(written.contains("$SECRET_A1") && written.contains("$PASSWORD"));
    }
    // Each of these is what somebody else wrote, and none is what a template left behind.
    let own = page.replace(&page_of(HOSTILE), "");
    for left in ["{{", "{%", "TKTK"] {
        assert!(!own.contains(left), "{left}: {own}");
    }
    outside_code(&text, |line| {
        assert!(
            !line.contains("<script") && !line.starts_with("# h"),
            "{line}"
        );
        assert!(!line.contains("[a]("), "{line}");
    });
}

/// As the page writes it.
fn page_of(text: &str) -> String {
    text.replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\u{202e}', "\u{FFFD}")
}

/// The lines of Markdown that are in no block of code.
fn outside_code(text: &str, look: impl Fn(&str)) {
    let mut fence = String::new();
    for line in text.lines() {
        if !fence.is_empty() {
            if line == fence {
                fence.clear();
            }
        } else if line.starts_with("```") {
            line.trim_end_matches(char::is_alphabetic)
                .clone_into(&mut fence);
        } else {
            // Without what is escaped, and without code spans.
            let mut plain = line.to_owned();
            while let Some(at) = plain.find('\\') {
                plain.drain(at..plain.len().min(at + 2));
            }
            look(&plain.split('`').step_by(2).collect::<String>());
        }
    }
    assert!(fence.is_empty(), "a block of code does not end");
}

#[test]
fn given_a_template_of_an_organisation_when_filled_then_what_is_not_there_is_an_error() {
    let document = document();
    let write = |text: &str| {
        let template = Template::read(Form::Html, text.to_owned()).unwrap();
        template.write(&document)
    };

    let own = write("<h1>ACME: {{ claims | length }} gaps</h1>{{ claims[0].checks[0].reason }}");
    let own = own.unwrap();
    assert!(
        own.starts_with("<h1>ACME: 4 gaps</h1>because of &lt;/td&gt;"),
        "{own}"
    );
    for wrong in [
        "{{ claims[0].nick }}",
        "{{ claims[3].retest }}",
        "{{ claims[0].checks[0].reason | safe }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    ] {
        assert!(write(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn given_a_document_when_written_as_sarif_then_each_gap_is_a_result_at_its_place() {
    let tool = Tool {
        name: "innkeeper",
        version: "0",
    };
    let log = document_sarif(tool, &document());

    let results = log["runs"][0]["results"].as_array().unwrap();
    let ids: Vec<&str> = results
        .iter()
        .map(|r| r["ruleId"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "PRB-LOGOUT-001",
            "PRB-LIMIT-001",
            "CSC-LIMIT-001",
            "CSC-FIX-001",
            "CSC-NEXT-001"
        ]
    );
    assert_eq!(results[0]["webRequest"]["method"], "GET");
    assert_eq!(
        results[2]["locations"][0]["physicalLocation"]["region"]["startLine"],
        7
    );
    assert_eq!(results[2]["ruleIndex"], 2);
}

#[test]
fn given_a_probe_that_settled_nothing_when_written_then_it_does_not_read_as_all_clear() {
    let mut value = probe(&[check("PRB-CAL-001", "INCONCLUSIVE", "info")]);
    value["calibrated"] = json!(false);
    let probe = saved_probe(&value);

    let document = assemble(&Given {
        probe: Some(&probe),
        ..Given::default()
    });

    assert!(document.claims.is_empty());
    assert!(!document.title.contains("no gap"), "{}", document.title);
    let summary = document.summary.join("\n");
    assert!(
        summary.contains("settles nothing") && !summary.contains("No gap"),
        "{summary}"
    );
}
