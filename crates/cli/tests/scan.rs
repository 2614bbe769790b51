//! `innkeeper scan` as people and pipelines run it: what it prints, writes and exits with.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn scan(folder: &Path, arguments: &[&str]) -> Ran {
    let ran = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .current_dir(folder)
        .arg("scan")
        .args(arguments)
        .output()
        .expect("the binary was built for this test");
    Ran {
        code: ran.status.code().expect("it exits by itself"),
        out: String::from_utf8(ran.stdout).expect("it prints text"),
        err: String::from_utf8(ran.stderr).expect("it prints text"),
    }
}

/// A folder with an application that lets every session of a user live, and one without sign-in.
fn shop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../scan/tests/fixtures/express-session/vulnerable");
    let to = folder.path().join("shop");
    copy(&from, &to);
    let tool = folder.path().join("tool");
    std::fs::create_dir(&tool).unwrap();
    std::fs::write(tool.join("package.json"), r#"{"name": "tool"}"#).unwrap();
    std::fs::write(tool.join("main.js"), "console.log(process.argv)\n").unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).expect("the fixture is there") {
        let entry = entry.unwrap();
        let target: PathBuf = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn rules(document: &Value) -> Vec<&str> {
    document["units"]
        .as_array()
        .expect("a list of units")
        .iter()
        .flat_map(|unit| unit["findings"].as_array().expect("a list of findings"))
        .map(|finding| finding["rule"].as_str().expect("a name"))
        .collect()
}

#[test]
fn given_an_application_without_a_limit_when_scanned_then_people_and_programs_read_the_same() {
    let folder = shop();

    let text = scan(folder.path(), &["."]);
    let json = scan(folder.path(), &[".", "--json"]);

    assert_eq!((text.code, json.code), (1, 1), "{}{}", text.err, json.err);
    assert!(text.out.contains("CSC-LIMIT-001 shop/"), "{}", text.out);
    assert!(text.out.contains("limit"), "{}", text.out);
    let document: Value = serde_json::from_str(&json.out).expect("JSON and nothing else");
    assert_eq!(document["schema"], "innkeeper.scan/1");
    assert!(rules(&document).contains(&"CSC-LIMIT-001"), "{}", json.out);
    assert!(text.err.contains("findings"), "{}", text.err);
}

#[test]
fn given_two_trees_when_scanned_together_then_each_path_names_its_tree() {
    let folder = shop();

    let both = scan(folder.path(), &["tool", "shop/", "--json"]);

    let document: Value = serde_json::from_str(&both.out).expect("JSON and nothing else");
    let units = document["units"].as_array().unwrap();
    let roots: Vec<_> = units.iter().map(|u| u["root"].as_str().unwrap()).collect();
    assert!(roots.contains(&"shop"), "{roots:?}");
    let file = document.pointer("/units").unwrap().to_string();
    assert!(file.contains(r#""file":"shop/"#), "{file}");
    assert_eq!(both.code, 1);
    assert_eq!(scan(folder.path(), &["tool"]).code, 0);
}

#[test]
fn given_findings_that_were_accepted_when_scanned_again_then_only_what_is_new_fails() {
    let folder = shop();

    let accepted = scan(folder.path(), &["shop", "--write-baseline", "known"]);
    let again = scan(folder.path(), &["shop", "--baseline", "known"]);
    let known = std::fs::read_to_string(folder.path().join("known")).unwrap();
    let fewer: String = known
        .split_inclusive('\n')
        .filter(|line| !line.contains("CSC-LIMIT-001"))
        .collect();
    std::fs::write(folder.path().join("known"), fewer).unwrap();
    let new = scan(folder.path(), &["shop", "--baseline", "known"]);

    assert_eq!((accepted.code, again.code, new.code), (0, 0, 1));
    assert!(
        again.out.contains("more known and accepted"),
        "{}",
        again.out
    );
    assert_eq!(new.err, "1 finding\n");
}

#[test]
fn given_a_severity_when_nothing_reaches_it_then_the_scan_passes() {
    let folder = shop();

    assert_eq!(
        scan(folder.path(), &["shop", "--fail-on", "critical"]).code,
        0
    );
    assert_eq!(
        scan(folder.path(), &["shop", "--fail-on", "medium"]).code,
        1
    );
}

#[test]
fn given_a_policy_beside_the_code_when_scanned_then_what_is_not_required_is_not_held_against_it() {
    let folder = shop();
    let policy = folder.path().join("shop/session-policy.toml");

    std::fs::write(&policy, "max = 0\n").unwrap();
    let waived = scan(folder.path(), &["shop", "--json"]);
    std::fs::write(&policy, "maximum = 0\n").unwrap();
    let misspelt = scan(folder.path(), &["shop"]);

    let document: Value = serde_json::from_str(&waived.out).expect("JSON and nothing else");
    let limit = document["units"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["rule"] == "CSC-LIMIT-001")
        .expect("it is still told");
    assert!(!limit["suppressed"].is_null(), "{limit}");
    assert_eq!(misspelt.code, 2);
    assert!(misspelt.err.contains("maximum"), "{}", misspelt.err);
}

/// What was not read has no clean bill.
#[test]
fn given_a_tree_whose_only_source_is_too_large_when_scanned_then_nothing_was_judged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("shop")).unwrap();
    let source = format!("// {}\nreq.session.user = 1\n", "x\n// ".repeat(1 << 20));
    std::fs::write(folder.path().join("shop/login.js"), source).unwrap();

    let ran = scan(folder.path(), &["shop"]);
    let sarif = scan(folder.path(), &["shop", "--format", "sarif"]);
    let markdown = scan(folder.path(), &["shop", "--format", "markdown"]);

    assert_eq!(ran.code, 5);
    let said = "nothing was judged in\n  shop: what may be source there could not be read: \
                login.js (it is larger than source written by hand)\n";
    assert_eq!(ran.err, said);
    assert!(
        ran.out.starts_with("1 file seen, 0 parsed, 1 skipped"),
        "{}",
        ran.out
    );
    let log: Value = serde_json::from_str(&sarif.out).expect("SARIF is JSON");
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let unread = &invocation["toolExecutionNotifications"][1];
    let place = "/locations/0/physicalLocation/artifactLocation/uri";
    assert_eq!(unread.pointer(place), Some(&"login.js".into()), "{log}");
    assert!(
        markdown
            .out
            .contains("## Not read\n\n- `login.js`: it is larger"),
        "{}",
        markdown.out
    );
}

#[test]
fn given_a_tree_of_tests_alone_when_scanned_then_it_is_said_that_they_were_set_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    std::fs::write(
        folder.path().join("tests/login.js"),
        "req.session.user = 1\n",
    )
    .unwrap();

    let ran = scan(folder.path(), &["."]);

    assert_eq!(ran.code, 5);
    let said = ".: all that is read there was set apart: 1 tests, fixtures and mocks\n";
    assert!(ran.err.ends_with(said), "{}", ran.err);
}

/// Facts are asked for, so they are shown or it is said why not.
#[test]
fn given_facts_asked_for_when_written_as_markdown_then_they_are_there_and_in_sarif_refused() {
    let folder = shop();

    let markdown = scan(folder.path(), &["shop", "--format", "markdown", "--facts"]);
    let sarif = scan(folder.path(), &["shop", "--format", "sarif", "--facts"]);

    let facts = markdown
        .out
        .split("## Facts in .\n")
        .nth(1)
        .expect("a section of facts");
    assert!(facts.contains("creates: "), "{facts}");
    assert_eq!((sarif.code, &sarif.out[..]), (2, ""));
    assert!(sarif.err.contains("--json"), "{}", sarif.err);
}

/// A name that turns around what follows it looked like another file.
#[test]
fn given_a_name_with_a_mark_of_direction_when_scanned_then_no_format_shows_it_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let login = "app.post('/login', (req, res) => { req.session.userId = user.id; });\n";
    std::fs::write(folder.path().join("log\u{202e}in.js"), login).unwrap();

    for format in ["text", "json", "sarif", "markdown"] {
        let ran = scan(folder.path(), &[".", "--format", format]);
        assert!(ran.out.contains("CSC-LIMIT-001"), "{}", ran.out);
        assert!(!ran.out.contains('\u{202e}'), "{}", ran.out);
    }
}

/// The tree is hostile: a link in it would have had us read, quote and obey what lies elsewhere.
#[test]
fn given_a_policy_that_is_a_link_when_scanned_then_it_is_not_followed() {
    let folder = shop();
    let elsewhere = folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "root:x:0:0\n").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join("shop/session-policy.toml")).unwrap();

    let ran = scan(folder.path(), &["shop"]);

    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(!ran.err.contains("root:x"), "{}", ran.err);
}

#[test]
fn given_a_format_and_a_file_when_scanned_then_the_file_has_it_and_nothing_is_printed() {
    let folder = shop();
    let arguments = ["shop", "--format", "sarif", "--output", "out.sarif"];

    let ran = scan(folder.path(), &arguments);

    let sarif = std::fs::read_to_string(folder.path().join("out.sarif")).unwrap();
    let sarif: Value = serde_json::from_str(&sarif).expect("SARIF is JSON");
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let markdown = scan(folder.path(), &["shop", "--format", "markdown"]);
    assert!(markdown.out.starts_with("# "), "{}", markdown.out);
}

#[test]
fn given_a_rule_when_explained_then_its_meaning_is_told_and_with_a_path_what_was_seen() {
    let folder = shop();

    let meaning = scan(folder.path(), &["--explain", "csc-limit-001"]);
    let seen = scan(folder.path(), &["shop", "--explain", "CSC-LIMIT-001"]);
    let unknown = scan(folder.path(), &["--explain", "CSC-NONE-1"]);
    let all = scan(folder.path(), &["--rules"]);

    assert_eq!((meaning.code, all.code), (0, 0));
    assert!(meaning.out.contains("CWE-613"), "{}", meaning.out);
    assert!(seen.out.contains("Looked for"), "{}", seen.out);
    assert!(seen.out.contains("creates"), "{}", seen.out);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("--rules"), "{}", unknown.err);
    assert!(all.out.lines().count() > 15, "{}", all.out);
}

#[test]
fn given_no_path_or_a_path_that_is_not_there_when_scanned_then_the_exit_code_says_which() {
    let folder = shop();

    let nowhere = scan(folder.path(), &["absent"]);

    assert_eq!(scan(folder.path(), &[]).code, 2);
    assert_eq!(nowhere.code, 3);
    assert!(nowhere.err.contains("absent"), "{}", nowhere.err);
}

#[test]
fn given_a_tree_without_source_when_scanned_then_that_is_no_clean_bill() {
    // A pipeline that scanned the wrong folder was green for as long as nobody looked.
    let folder = shop();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::create_dir(folder.path().join("words")).unwrap();
    std::fs::write(folder.path().join("words/read.me"), "session login").unwrap();

    for arguments in [&["empty"][..], &["words", "--json"], &["tool", "empty"]] {
        let ran = scan(folder.path(), arguments);
        assert_eq!(ran.code, 5, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains("nothing was judged"), "{}", ran.err);
        assert!(!ran.out.is_empty(), "the report is there all the same");
    }
    let accepted = scan(folder.path(), &["empty", "--write-baseline", "known"]);
    let both = scan(folder.path(), &["shop", "empty"]);

    assert_eq!(accepted.code, 5, "{}", accepted.err);
    assert_eq!(both.code, 1, "{}", both.err);
    let said = "in\n  empty: no source file in a language that is read\n";
    assert!(both.err.ends_with(said), "{}", both.err);
}

#[test]
fn given_a_file_that_is_no_baseline_when_scanned_with_it_then_it_is_wrong_usage() {
    let folder = shop();
    std::fs::write(folder.path().join("policy"), "# ours\nmax = 5\n").unwrap();

    let ran = scan(folder.path(), &["shop", "--baseline", "policy"]);

    assert_eq!((ran.code, &ran.out[..]), (2, ""));
    let said = "policy is no baseline, as --write-baseline writes it: line 2 does not begin";
    assert!(ran.err.starts_with(said), "{}", ran.err);
}

#[test]
fn given_json_asked_for_when_rules_are_listed_or_explained_then_it_is_given_or_refused() {
    let folder = shop();

    let rules = scan(folder.path(), &["--rules", "--json"]);
    let explained = scan(folder.path(), &["--explain", "CSC-LIMIT-001", "--json"]);
    let sarif = scan(folder.path(), &["--rules", "--format", "sarif"]);

    let document: Value = serde_json::from_str(&rules.out).expect("JSON and nothing else");
    assert_eq!(document["schema"], "innkeeper.rules/1");
    let ids = document["rules"].as_array().expect("a list").iter();
    assert!(ids.clone().any(|rule| rule["id"] == "CSC-LIMIT-001"));
    assert!(ids.len() > 15);
    assert_eq!((explained.code, sarif.code), (2, 2));
}
