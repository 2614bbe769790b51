//! `scan`: reads source code and prints what is missing in it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use innkeeper_scan::{Error, Options, Policy, Progress, Report, baseline, explain, run as scan};
use serde_json::json;

use crate::args::{Format, ScanArguments};
use crate::exit::Failure;
use crate::print;
use crate::table::counted;

/// A policy or baseline larger than this was not written for us.
const FILE_MAX: u64 = 16 << 20;

/// Runs `scan`.
pub(crate) fn run(arguments: &ScanArguments) -> Result<(), Failure> {
    if arguments.rules {
        return put(arguments.output.as_deref(), &rules(arguments.form())?);
    }
    if arguments.explain.is_some() && arguments.form() != Format::Text {
        return Err(Failure::usage(
            "--explain is for people: it is written as text alone",
        ));
    }
    if arguments.facts && arguments.form() == Format::Sarif {
        return Err(Failure::usage(
            "--facts has no place in SARIF, where code hosts would take each fact for an alert: \
             use --json, which has them always, or --format markdown",
        ));
    }
    if let (Some(rule), []) = (arguments.explain, &arguments.paths[..]) {
        let text = explain(rule.id.0).expect("the rule was found by its name");
        return put(arguments.output.as_deref(), &text);
    }

    let known = match &arguments.baseline {
        Some(file) => baseline::read(&read(file)?).map_err(|error| {
            let what = format!(
                "{} is no baseline, as --write-baseline writes it",
                file.display()
            );
            Failure::refused(&what, error)
        })?,
        None => BTreeSet::new(),
    };
    let mut reports = Vec::new();
    for path in &arguments.paths {
        let mut options = Options::new(path);
        options.policy = policy(arguments.policy.as_deref())?;
        options.baseline.clone_from(&known);
        options.cache.clone_from(&arguments.cache);
        let report = watched(&options).map_err(|error| match error {
            Error::Unreadable(error) => {
                Failure::cannot_run(&format!("{} cannot be read", path.display()), error)
            }
            Error::Policy(_) => Failure::usage(format!("{}: {error}", path.display())),
        })?;
        reports.push((path.to_string_lossy().into_owned(), report));
    }
    let unjudged: Vec<String> = reports
        .iter()
        .filter(|(_, report)| report.sources == 0)
        .map(|(tree, report)| format!("\n  {tree}: {}", why_unjudged(report)))
        .collect();
    let nothing_judged =
        (!unjudged.is_empty()).then(|| format!("nothing was judged in{}", unjudged.concat()));
    let said: Vec<String> = nothing_judged
        .into_iter()
        .chain(cut_short(&reports))
        .collect();
    let unjudged = (!said.is_empty()).then(|| said.join("\n"));
    let report = match <[_; 1]>::try_from(reports) {
        Ok([(_, one)]) => one,
        Err(several) => Report::joined(several),
    };

    if let Some(file) = &arguments.write_baseline {
        put(Some(file), &baseline::write(&report))?;
    }
    put(arguments.output.as_deref(), &written(&report, arguments))?;
    // Accepting and explaining pass no judgement.
    if arguments.write_baseline.is_some() || arguments.explain.is_some() {
        return unjudged.map_or(Ok(()), |what| Err(Failure::inconclusive(what)));
    }
    let from = arguments.fail_on.into();
    let found = report.open().filter(|f| f.severity >= from).count();
    match (found, unjudged) {
        (0, None) => Ok(()),
        (0, Some(what)) => Err(Failure::inconclusive(what)),
        (found, None) => Err(Failure::found(counted(found, "finding"))),
        (found, Some(what)) => Err(Failure::found(counted(found, "finding")).but(&what)),
    }
}

fn written(report: &Report, arguments: &ScanArguments) -> String {
    if let Some(rule) = arguments.explain {
        let text = explain(rule.id.0).expect("the rule was found by its name");
        return format!("{text}\n{}", report.explained(rule.id));
    }
    match arguments.form() {
        Format::Text if arguments.facts => format!("{}\n{}", report.to_text(), report.facts()),
        Format::Text => report.to_text(),
        // The facts are in it, asked for or not.
        Format::Json => print::escaped(&format!("{:#}\n", report.to_json())),
        Format::Sarif => print::escaped(&format!("{:#}\n", report.to_sarif())),
        Format::Markdown if arguments.facts => report.to_markdown() + &report.facts_as_markdown(),
        Format::Markdown => report.to_markdown(),
    }
}

/// The deployables that were read and not judged in time, and what can be done.
fn cut_short(reports: &[(String, Report)]) -> Option<String> {
    let late: Vec<String> = reports
        .iter()
        .flat_map(|(tree, report)| report.unjudged().map(move |one| (tree, one)))
        .map(|(tree, one)| format!("\n  {tree}: {}", one.file))
        .collect();
    let what = "judging took longer than one deployable may, so nothing is said of";
    let advice = "scan its parts one by one, or list what nobody wrote by hand in an .ignore file";
    (!late.is_empty()).then(|| format!("{what}{}\n{advice}", late.concat()))
}

/// Why there was no source to judge: some could not be read, all of it was set apart, or none was
/// there.
fn why_unjudged(report: &Report) -> String {
    /// So many files are named, and the rest is counted.
    const NAMED: usize = 5;
    let unread: Vec<String> = report
        .unread_sources()
        .map(|one| format!("{} ({})", one.file, one.reason.words()))
        .collect();
    if !unread.is_empty() {
        let more = unread.len().saturating_sub(NAMED);
        let named = unread[..unread.len() - more].join(", ");
        let more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        return format!("what may be source there could not be read: {named}{more}");
    }
    let apart: Vec<String> = report
        .apart
        .iter()
        .map(|(part, count)| format!("{count} {}", part.words()))
        .collect();
    if apart.is_empty() {
        "no source file in a language that is read".to_owned()
    } else {
        format!("all that is read there was set apart: {}", apart.join(", "))
    }
}

fn rules(form: Format) -> Result<String, Failure> {
    match form {
        Format::Text => {
            let lines = innkeeper_scan::RULES.iter().map(|rule| {
                format!(
                    "{:<18} {:<9} {}\n",
                    rule.id.0,
                    rule.severity.word(),
                    rule.title
                )
            });
            Ok(lines.collect())
        }
        Format::Json => {
            let rules = innkeeper_scan::RULES.iter().map(|rule| {
                json!({"id": rule.id.0, "severity": rule.severity.word(), "title": rule.title})
            });
            let rules: Vec<_> = rules.collect();
            Ok(format!(
                "{:#}\n",
                json!({"schema": "innkeeper.rules/1", "rules": rules})
            ))
        }
        Format::Sarif | Format::Markdown => Err(Failure::usage(
            "the rules are written as text or, with --json, as JSON",
        )),
    }
}

/// The policy that was named; without one, those that lie in the tree are asked.
fn policy(named: Option<&Path>) -> Result<Option<Policy>, Failure> {
    let Some(file) = named else { return Ok(None) };
    Policy::parse(&read(file)?)
        .map(Some)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
}

fn read(file: &Path) -> Result<String, Failure> {
    let refused = |why: String| Failure::usage(format!("{}: {why}", file.display()));
    let mut text = String::new();
    // One byte more than allowed, and no more of a pipe or a device.
    File::open(file)
        .and_then(|file| file.take(FILE_MAX + 1).read_to_string(&mut text))
        .map_err(|e| refused(e.to_string()))?;
    if text.len() as u64 > FILE_MAX {
        return Err(refused(format!("larger than {FILE_MAX} bytes")));
    }
    Ok(text)
}

/// Writes to the file, or to standard output.
fn put(file: Option<&Path>, text: &str) -> Result<(), Failure> {
    let Some(file) = file else {
        return print::to_reader(text).map(drop);
    };
    let what = || format!("{} cannot be written", PathBuf::from(file).display());
    std::fs::write(file, text).map_err(|error| Failure::cannot_run(&what(), error))
}

/// Scans, with a bar where a person watches.
fn watched(options: &Options) -> Result<Report, Error> {
    if !std::io::stderr().is_terminal() {
        return scan(options);
    }
    let progress = Arc::clone(&options.progress);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let bar = scope.spawn(|| show(&progress, &done));
        let report = scan(options);
        done.store(true, Ordering::Relaxed);
        bar.thread().unpark();
        report
    })
}

fn show(progress: &Progress, done: &AtomicBool) {
    let bar = ProgressBar::no_length();
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos} of {len} files")
            .expect("the template is fixed"),
    );
    while !done.load(Ordering::Relaxed) {
        bar.set_length(progress.found() as u64);
        bar.set_position(progress.read() as u64);
        thread::park_timeout(Duration::from_millis(100));
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use innkeeper_scan::{SkipReason, Skipped};

    use super::*;

    #[test]
    fn given_a_deployable_that_was_not_judged_in_time_when_told_then_it_is_named_below_its_tree() {
        let mut report = Report::joined(Vec::new());
        let skip = |file: &str, reason| Skipped {
            file: file.to_owned(),
            reason,
        };
        report.skipped.push(skip("long.js", SkipReason::TooLarge));
        assert_eq!(cut_short(&[("shop".to_owned(), report)]), None);

        let mut report = Report::joined(Vec::new());
        report.skipped.push(skip("apps/api", SkipReason::Judging));
        let said = cut_short(&[("shop".to_owned(), report)]).expect("one is late");

        let first = "judging took longer than one deployable may, so nothing is said of\n  shop: apps/api\n";
        assert!(said.starts_with(first), "{said}");
    }
}
