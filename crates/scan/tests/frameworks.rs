//! Every framework file against its three fixtures: what must fire, what must not, and what must
//! not even look like a login.
//!
//! A miss and a false alarm are different failures, so each is named on its own line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use innkeeper_scan::{Kind, Options, Report, run};
use toml::Table;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn scan(folder: &Path) -> Report {
    run(&Options::new(folder)).expect("the fixture is there")
}

fn expectations(framework: &Path) -> Table {
    let path = framework.join("expect.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn strings<'a>(table: &'a Table, kind: &str, key: &str) -> Vec<&'a str> {
    let list = table.get(kind).and_then(|t| t.get(key)?.as_array());
    list.into_iter()
        .flatten()
        .filter_map(|v| v.as_str())
        .collect()
}

fn frameworks() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(fixtures())
        .expect("the folder is there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("expect.toml").is_file())
        .collect();
    all.sort();
    all
}

#[test]
fn given_each_framework_when_its_fixtures_are_scanned_then_they_are_told_apart() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for framework in frameworks() {
        let name = framework
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let expect = expectations(&framework);
        for kind in ["vulnerable", "secure"] {
            let report = scan(&framework.join(kind));
            let fired: BTreeSet<&str> = report.open().map(|f| f.rule.0).collect();
            let (must, must_not) = (
                strings(&expect, kind, "fires"),
                strings(&expect, kind, "quiet"),
            );
            checked += must.len() + must_not.len();
            wrong.extend(
                must.iter()
                    .filter(|r| !fired.contains(*r))
                    .map(|r| format!("{name}/{kind}: {r} did not fire")),
            );
            wrong.extend(
                must_not
                    .iter()
                    .filter(|r| fired.contains(*r))
                    .map(|r| format!("{name}/{kind}: {r} fired")),
            );
            let controls = expect.get(kind).and_then(|t| t.get("controls")?.as_table());
            for (control, state) in controls.into_iter().flatten() {
                let is = report
                    .units
                    .iter()
                    .find_map(|u| u.controls.get(control.as_str()))
                    .map(|s| s.word());
                if is.as_deref() != state.as_str() {
                    wrong.push(format!("{name}/{kind}: {control} is {is:?}, not {state}"));
                }
            }
            // A secure fixture that is not seen at all would be quiet for the wrong reason.
            if !report.units.iter().any(|u| u.creates_sessions) {
                wrong.push(format!("{name}/{kind}: no login seen"));
            }
        }
        let report = scan(&framework.join("look-alike"));
        for fact in report
            .units
            .iter()
            .flat_map(|u| &u.facts)
            .filter(|f| f.kind == Kind::Creates)
        {
            wrong.push(format!(
                "{name}/look-alike: {}:{} taken for a login ({})",
                fact.file, fact.line, fact.note
            ));
        }
    }
    assert!(checked > 50, "only {checked} expectations were read");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn given_every_fixture_when_scanned_without_the_prefilter_then_no_fact_is_added() {
    for framework in frameworks() {
        for kind in ["vulnerable", "secure", "look-alike"] {
            let folder = framework.join(kind);
            let with = scan(&folder);
            let without = run(&Options {
                prefilter: false,
                ..Options::new(&folder)
            })
            .expect("the fixture is there");
            let facts = |report: &Report| report.units.iter().map(|u| u.facts.len()).sum::<usize>();
            assert_eq!(facts(&with), facts(&without), "{}", folder.display());
        }
    }
}
