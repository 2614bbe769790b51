//! `innkeeper report` as people run it: from what scan and probe saved to a finding on paper.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

struct Ran {
    code: i32,
    out: Vec<u8>,
    err: String,
}

impl Ran {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("it prints text")
    }
}

fn innkeeper(folder: &Path, arguments: &[&str]) -> Ran {
    let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the binary was built for this test");
    Ran {
        code: ran.status.code().expect("it exits by itself"),
        out: ran.stdout,
        err: String::from_utf8(ran.stderr).expect("it prints text"),
    }
}

fn probe(verdict: &str) -> Value {
    json!({
        "schema": "innkeeper.probe/1", "target": "http://127.0.0.1:3000", "run": "0123",
        "began_at": "2026-11-22T10:00:00Z", "carrier": "cookie", "calibrated": true,
        "checks": [{
            "id": "PRB-LIMIT-001", "covers": ["P-02"], "question": "How many sessions?",
            "verdict": verdict, "severity": "medium", "reason": "5 sessions at one time",
            "evidence": ["r2"], "counts": {}, "milliseconds": null,
        }],
        "requests": 20, "logins": 3, "left_behind": [], "stopped": null,
        "transcript": [{
            "id": "r2", "side": "A1", "milliseconds": 2,
            "request": "GET /api/me HTTP/1.1\nHost: 127.0.0.1:3000\nCookie: sid=abcd…[sha256:0123456789ab]",
            "response": "HTTP/1.1 200\n\n{\"email\": \"alice@example.test\"}",
        }],
    })
}

/// A folder with a shop that has no limit, a scan of it, and two probes.
fn saved() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../scan/tests/fixtures/express-session/vulnerable");
    for file in std::fs::read_dir(from).expect("the fixture is there") {
        let file = file.unwrap().path();
        if file.is_file() {
            std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let scanned = innkeeper(
        folder.path(),
        &["scan", ".", "--json", "--output", "scan.json"],
    );
    assert_eq!(scanned.code, 1, "{}", scanned.err);
    for (name, verdict) in [("before.json", "FAIL"), ("after.json", "PASS")] {
        std::fs::write(folder.path().join(name), probe(verdict).to_string()).unwrap();
    }
    folder
}

#[test]
fn given_what_scan_and_probe_saved_when_reported_then_what_both_saw_is_proven() {
    let folder = saved();
    let report = |more: &[&str]| {
        let arguments = [
            &["report", "before.json", "scan.json", "--source", "."],
            more,
        ]
        .concat();
        innkeeper(folder.path(), &arguments)
    };

    let text = report(&["--retest", "after.json"]);
    let document = report(&["--format", "json"]);
    let log = report(&["--format", "sarif"]);

    assert_eq!(text.code, 0, "{}", text.err);
    let text = text.text();
    assert!(
        text.contains("Concurrent sessions are not limited (medium, proven)"),
        "{text}"
    );
    assert!(
        text.contains("The check that failed does not fail any more."),
        "{text}"
    );
    assert!(
        text.contains("Keep an index of session ids per user beside"),
        "{text}"
    );
    assert!(text.contains("sid='\"$SECRET_A1\"''"), "{text}");
    let document: Value = serde_json::from_str(document.text()).expect("it is JSON");
    assert_eq!(document["schema"], "innkeeper.report/1");
    let excerpt = &document["claims"][0]["code"][0]["excerpt"]["lines"];
    assert!(
        excerpt.as_array().is_some_and(|lines| lines.len() > 2),
        "{document:#}"
    );
    let log: Value = serde_json::from_str(log.text()).expect("it is JSON");
    assert_eq!(log["version"], "2.1.0");
}

#[test]
fn given_a_browser_when_printed_then_the_report_is_a_pdf_and_without_one_it_says_what_to_do() {
    let folder = saved();
    let print = |more: &[&str]| {
        let arguments = [&["report", "before.json", "--format", "pdf"], more].concat();
        innkeeper(folder.path(), &arguments)
    };

    let printed = print(&["--output", "finding.pdf"]);
    let nowhere = print(&[]);
    let without = print(&["--output", "x.pdf", "--browser", "./absent"]);

    assert_eq!(printed.code, 0, "{}", printed.err);
    let paper = std::fs::read(folder.path().join("finding.pdf")).expect("it is written");
    assert!(
        paper.starts_with(b"%PDF-") && paper.len() > 10_000,
        "{}",
        paper.len()
    );
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.err.contains("--output"), "{}", nowhere.err);
    assert_eq!(without.code, 3);
    assert!(
        without.err.contains("./absent cannot be started"),
        "{}",
        without.err
    );
}

#[test]
fn given_wrong_files_when_reported_then_the_error_says_what_is_expected() {
    let folder = saved();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("page.html", "<html>");
    put("bench.json", r#"{"schema": "innkeeper.bench/1"}"#);
    put("half.html", "<h1>{{ title }}</h1>\nTODO: our address\n");
    put("wrong.html", "<h1>{{ headline }}</h1>\n");

    for (arguments, expected) in [
        (&["absent.json"][..], "absent.json: "),
        (&["page.html"], "no result of `probe --json`"),
        (&["bench.json"], "innkeeper.bench/1"),
        (&["before.json", "after.json"], "--retest"),
        (&["scan.json", "--retest", "after.json"], "the probe before"),
        (&["before.json", "--retest", "scan.json"], "one of scan"),
        (
            &["before.json", "--format", "html", "--template", "half.html"],
            "line 2",
        ),
        (
            &[
                "before.json",
                "--format",
                "html",
                "--template",
                "wrong.html",
            ],
            "line 1",
        ),
        (
            &[
                "before.json",
                "--format",
                "json",
                "--template",
                "wrong.html",
            ],
            "markdown, html or pdf",
        ),
    ] {
        let ran = innkeeper(folder.path(), &[&["report"], arguments].concat());

        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
        assert!(ran.out.is_empty());
    }
}
