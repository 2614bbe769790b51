//! Scores the scanner against labelled repositories and prints the table of `docs/scan-accuracy.md`.
//!
//! `corpus LABELS DIR` expects each repository under `DIR/owner+name`, at its commit. What is not
//! there is named and left out of the ratios. `--facts ID` prints what was seen of one repository.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use innkeeper_scan::{Kind, Options, Report, Via, run};
use serde_json::Value;

#[derive(Default)]
struct Tally {
    hit: usize,
    of: usize,
}

impl Tally {
    fn count(&mut self, hit: bool) {
        self.of += 1;
        self.hit += usize::from(hit);
    }

    fn show(&self) -> String {
        format!("{}/{}", self.hit, self.of)
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match score(&words) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("corpus: {error}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one table, row by row")]
fn score(words: &[String]) -> Result<bool, Box<dyn Error>> {
    let [labels, folder, rest @ ..] = words else {
        return Err("usage: corpus LABELS DIR [--facts ID]".into());
    };
    let labels: Value = serde_json::from_str(&std::fs::read_to_string(labels)?)?;
    let units = labels["units"].as_array().ok_or("no units in the labels")?;
    let shown = rest
        .iter()
        .position(|w| w == "--facts")
        .and_then(|at| rest.get(at + 1));

    let (mut rules, mut creates, mut evidence) =
        (Tally::default(), Tally::default(), Tally::default());
    let mut rejected = 0;
    let mut absent = Vec::new();
    let mut misses = Vec::new();
    println!(
        "| repository | expected rules | rejected rules that fired | `creates` facts | other facts | lost to the prefilter |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for unit in units {
        let (id, repo) = (text(unit, "id"), text(unit, "repo"));
        let root = Path::new(folder)
            .join(repo.replace('/', "+"))
            .join(text(unit, "root"));
        if shown.is_some_and(|wanted| wanted != id) {
            continue;
        }
        if !root.is_dir() || std::fs::read_dir(&root)?.next().is_none() {
            absent.push(id.to_owned());
            continue;
        }
        let report = run(&Options::new(&root))?;
        let whole = run(&Options {
            prefilter: false,
            ..Options::new(&root)
        })?;
        let (seen, all) = (places(&report), places(&whole));
        let lost = all.difference(&seen).count();
        misses.extend(all.difference(&seen).map(|(kind, file, line)| {
            format!("{id}: the prefilter loses {kind:?} at {file}:{line}")
        }));
        if shown.is_some() {
            println!("{}", report.to_text());
            for fact in report.units.iter().flat_map(|u| &u.facts) {
                println!(
                    "{:?} {:?} {}:{} [{}] {} ({})",
                    fact.kind,
                    fact.subject,
                    fact.file,
                    fact.line,
                    fact.scope,
                    fact.note,
                    fact.mechanism
                );
            }
        }
        let fired: BTreeSet<&str> = report.open().map(|f| f.rule.0).collect();
        let mut own = Tally::default();
        for rule in strings(unit, "expect") {
            own.count(fired.contains(rule));
            if !fired.contains(rule) {
                misses.push(format!("{id}: {rule} did not fire"));
            }
        }
        let wrong: Vec<&str> = strings(unit, "reject")
            .filter(|rule| fired.contains(rule))
            .collect();
        rejected += wrong.len();
        misses.extend(
            wrong
                .iter()
                .map(|rule| format!("{id}: {rule} fired and should not have")),
        );
        let (mut own_creates, mut own_evidence) = (Tally::default(), Tally::default());
        for label in unit["evidence"].as_array().into_iter().flatten() {
            let is_creates = text(label, "fact") == "creates";
            let hit = found(&report, &root, label, is_creates);
            if is_creates {
                own_creates.count(hit);
            } else {
                own_evidence.count(hit);
            }
            if !hit {
                misses.push(format!(
                    "{id}: {} not seen at {}:{}",
                    text(label, "fact"),
                    text(label, "file"),
                    label["line"]
                ));
            }
        }
        println!(
            "| {id} | {} | {} | {} | {} | {lost} |",
            own.show(),
            if wrong.is_empty() {
                "none".into()
            } else {
                wrong.join(", ")
            },
            own_creates.show(),
            own_evidence.show()
        );
        for (sum, one) in [
            (&mut rules, own),
            (&mut creates, own_creates),
            (&mut evidence, own_evidence),
        ] {
            sum.hit += one.hit;
            sum.of += one.of;
        }
    }
    println!(
        "\nExpected rules {}, rejected rules that fired {rejected}, `creates` facts {}, other facts {}.",
        rules.show(),
        creates.show(),
        evidence.show()
    );
    println!(
        "\nNot to be had at their commit, and left out: {}.",
        if absent.is_empty() {
            "none".into()
        } else {
            absent.join(", ")
        }
    );
    println!("\nMisses:\n");
    for miss in &misses {
        println!("- {miss}");
    }
    Ok(rules.hit * 10 >= rules.of * 9 && rejected == 0 && creates.hit * 100 >= creates.of * 95)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

fn strings<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    value[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// What the code itself shows. A framework's defaults rest on a manifest, which no filter hides.
fn places(report: &Report) -> BTreeSet<(Kind, String, u32)> {
    report
        .units
        .iter()
        .flat_map(|u| &u.facts)
        .filter(|f| f.via != Via::FrameworkDefault)
        .map(|f| (f.kind, f.file.clone(), f.line))
        .collect()
}

/// A labelled fact counts as found when a fact of its kind stands within three lines of it, or on
/// a line that contains its code. Kinds that only the labels know may be met by any kind.
fn found(report: &Report, root: &Path, label: &Value, is_creates: bool) -> bool {
    let source = std::fs::read_to_string(root.join(text(label, "file"))).unwrap_or_default();
    let code = text(label, "code").trim();
    report
        .units
        .iter()
        .flat_map(|u| &u.facts)
        .filter(|f| f.file == text(label, "file"))
        .filter(|f| !is_creates || f.kind == Kind::Creates)
        .any(|f| {
            let near = label["line"]
                .as_u64()
                .is_some_and(|line| u64::from(f.line).abs_diff(line) <= 3);
            let line = source
                .lines()
                .nth(f.line.saturating_sub(1) as usize)
                .unwrap_or("");
            near || !code.is_empty() && line.contains(code)
        })
}
