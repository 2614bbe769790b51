//! Rules against code written for them: what must fire, what is done right, and what only looks
//! like it.
//!
//! `tests/rules/RULE` holds three folders, and each file or folder in one of them is a tree of its
//! own. `fires` and `secure` have to sign somebody in: a rule that is quiet because nothing was
//! seen would be quiet for the wrong reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use innkeeper_report::Severity;
use innkeeper_scan::{Options, Report, rule, run};

fn below(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut all: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    all.sort();
    all
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[test]
fn given_code_for_each_rule_when_scanned_then_it_fires_there_and_only_there() {
    let mut wrong = Vec::new();
    let mut checked: BTreeMap<String, usize> = BTreeMap::new();
    for folder in below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules")) {
        let id = name(&folder);
        assert!(rule(&id).is_some(), "{id} is no rule");
        for kind in ["fires", "secure", "look-alike"] {
            for tree in below(&folder.join(kind)) {
                let report: Report = run(&Options::new(&tree)).expect("the fixture is there");
                let fired = report.open().any(|f| f.rule.0 == id);
                let place = format!("{id}/{kind}/{}", name(&tree));
                if fired != (kind == "fires") {
                    wrong.push(format!("{place}: fired is {fired}\n{}", report.facts()));
                }
                if kind != "look-alike" && !report.units.iter().any(|u| u.creates_sessions) {
                    wrong.push(format!("{place}: no login seen\n{}", report.facts()));
                }
                *checked.entry(id.clone()).or_default() += 1;
            }
        }
    }
    assert!(
        checked.len() >= 9 && checked.values().all(|n| *n >= 3),
        "{checked:?}"
    );
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn given_shared_identity_when_it_decides_then_it_is_critical_and_otherwise_high() {
    let fires = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/CSC-SHARED-001/fires");
    for (tree, wanted) in [
        ("module.js", Severity::Critical),
        ("across", Severity::Critical),
        ("receiver.go", Severity::High),
        ("typed.go", Severity::Critical),
        ("callback.js", Severity::Critical),
        ("imported", Severity::Critical),
        ("chosen.js", Severity::High),
    ] {
        let report = run(&Options::new(fires.join(tree))).expect("the fixture is there");
        let severity = report
            .open()
            .find(|f| f.rule.0 == "CSC-SHARED-001")
            .map(|f| f.severity);
        assert_eq!(severity, Some(wanted), "{tree}");
    }
}

/// Every value that could not be followed was taken for a bound that is on.
#[test]
fn given_a_bound_whose_number_is_not_to_be_seen_when_scanned_then_the_limit_is_unknown() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/CSC-LIMIT-002");
    for (tree, wanted) in [
        ("look-alike/Unseen.java", "unknown"),
        ("look-alike/SecurityConfig.java", "none"),
        ("secure/Field.java", "enforced"),
        ("fires/Field.java", "opt_in_off"),
    ] {
        let report = run(&Options::new(rules.join(tree))).expect("the fixture is there");
        assert_eq!(report.units[0].controls["limit"].word(), wanted, "{tree}");
        let without = report.open().any(|f| f.rule.0 == "CSC-LIMIT-001");
        assert_eq!(without, wanted == "none", "{tree}");
    }
}

/// The finding stood on the route, in a file that says nothing of accounts.
#[test]
fn given_a_view_that_disables_an_account_when_it_keeps_sessions_then_the_mark_is_shown() {
    let tree =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/CSC-DISABLE-001/fires/django-all");

    let report = run(&Options::new(tree)).expect("the fixture is there");

    let at = report
        .open()
        .find(|f| f.rule.0 == "CSC-DISABLE-001")
        .map(|f| (f.at.file.as_str(), f.at.line));
    assert_eq!(at, Some(("views.py", 10)));
}

#[test]
fn given_an_ended_session_when_a_user_is_only_named_then_it_is_high_and_unsure_where_not_understood()
 {
    let fires = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/CSC-REVOKE-005/fires");
    for (tree, severity) in [
        ("said.js", Severity::High),
        ("parameter.py", Severity::High),
        ("go-handed", Severity::High),
        ("unsure.js", Severity::Low),
    ] {
        let report = run(&Options::new(fires.join(tree))).expect("the fixture is there");
        let unowned: Vec<_> = report
            .open()
            .filter(|f| f.rule.0 == "CSC-REVOKE-005")
            .collect();

        let [one] = unowned.as_slice() else {
            panic!("{tree}: {unowned:?}");
        };
        assert_eq!(one.severity, severity, "{tree}: {}", one.message);
        let is_unsure = one.message.contains("unsure whether the owner is asked");
        assert_eq!(is_unsure, severity == Severity::Low, "{}", one.message);
    }
}
