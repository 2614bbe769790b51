//! `report`: writes saved results of scan and probe as the finding that somebody receives.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use innkeeper_report::Tool;
use innkeeper_report::customer::{
    Document, Excerpt, Form, Given, Printer, Probe, Saved, Template, assemble, document_sarif,
};

use crate::args::{ReportArguments, ReportFormat};
use crate::exit::Failure;
use crate::print;

/// A saved result is not larger than this; the ceilings of a probe keep it far below.
const FILE_MAX: u64 = 64 << 20;
/// A template, or a file of source, is not larger than this.
const TEXT_MAX: u64 = 1 << 20;
/// So many lines are shown before and after the line of a finding.
const AROUND: u32 = 3;
/// As much of a line of source as is shown.
const LINE_MAX: usize = 160;

/// Runs `report`.
pub(crate) fn run(arguments: &ReportArguments) -> Result<(), Failure> {
    if let Some(format) = arguments.show_template {
        return print::lines(Template::source(form(format)?));
    }
    let template = match &arguments.template {
        None => None,
        Some(file) => {
            let told = |error| Failure::usage(format!("{}: {error}", file.display()));
            let text = read(file, TEXT_MAX)?;
            Some(Template::read(form(arguments.format)?, text).map_err(told)?)
        }
    };
    let document = document(arguments)?;
    let written = written(arguments, &document, template)?;
    put(arguments.output.as_deref(), &written)
}

/// The document that the files make.
fn document(arguments: &ReportArguments) -> Result<Document, Failure> {
    let (mut probe, mut scans) = (None, Vec::new());
    for file in &arguments.files {
        match saved(file)? {
            Saved::Scan(scan) => scans.push(scan),
            Saved::Probe(found) if probe.is_none() => probe = Some(found),
            Saved::Probe(_) => {
                return Err(Failure::usage(format!(
                    "{}: a report is about one application, and there is a result of probe already; \
                     the one after the remedy is named by --retest",
                    file.display()
                )));
            }
        }
    }
    let after = match &arguments.retest {
        None => None,
        Some(file) => Some(retested(file, probe.as_deref())?),
    };
    let around = |file: &str, line: u32| excerpt(arguments.source.as_deref()?, file, line);
    Ok(assemble(&Given {
        probe: probe.as_deref(),
        scans: scans.iter().map(AsRef::as_ref).collect(),
        after: after.as_deref(),
        excerpt: Some(&around),
    }))
}

fn retested(file: &Path, before: Option<&Probe>) -> Result<Box<Probe>, Failure> {
    let refused = |why: &str| Failure::usage(format!("{}: {why}", file.display()));
    match (saved(file)?, before) {
        (Saved::Probe(after), Some(_)) => Ok(after),
        (Saved::Probe(_), None) => Err(refused(
            "--retest needs the result of the probe before, too",
        )),
        (Saved::Scan(_), _) => Err(refused(
            "--retest takes a result of probe, and this is one of scan",
        )),
    }
}

fn written(
    arguments: &ReportArguments,
    document: &Document,
    template: Option<Template>,
) -> Result<Vec<u8>, Failure> {
    let by_template = |form: Form| {
        let own = template.unwrap_or_else(|| Template::built_in(form));
        own.write(document).map_err(|error| {
            let name = arguments.template.as_deref().map(Path::display);
            let name = name.map_or("the template".to_owned(), |name| name.to_string());
            Failure::usage(format!("{name}: {error}"))
        })
    };
    let tool = Tool {
        name: "innkeeper",
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(match arguments.format {
        ReportFormat::Markdown => by_template(Form::Markdown)?.into_bytes(),
        ReportFormat::Html => by_template(Form::Html)?.into_bytes(),
        ReportFormat::Pdf => {
            let page = by_template(Form::Html)?;
            let paper = Printer::new(&browser(arguments)?, rustix::process::geteuid().is_root());
            let printed = paper.print(&page);
            printed.map_err(|error| Failure::cannot_run("the report cannot be printed", error))?
        }
        ReportFormat::Sarif => format!("{:#}\n", document_sarif(tool, document)).into_bytes(),
        ReportFormat::Json => {
            let value = serde_json::to_value(document).expect("it is made of text and numbers");
            format!("{}\n", print::escaped(&format!("{value:#}"))).into_bytes()
        }
    })
}

/// What a template is written for.
fn form(format: ReportFormat) -> Result<Form, Failure> {
    match format {
        ReportFormat::Html | ReportFormat::Pdf => Ok(Form::Html),
        ReportFormat::Markdown => Ok(Form::Markdown),
        ReportFormat::Json | ReportFormat::Sarif => Err(Failure::usage(
            "a template writes markdown, html or pdf; json and sarif are what their schemas say",
        )),
    }
}

/// The browser that prints: the one that was named, or the first in the path.
fn browser(arguments: &ReportArguments) -> Result<PathBuf, Failure> {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    if let Some(file) = &arguments.browser {
        return Ok(file.clone());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|file| file.is_file()).ok_or_else(|| {
        Failure::cannot_run(
            "the report cannot be printed",
            "there is no Chromium in PATH: install one, name it with --browser, or print the HTML \
             (--format html) from any browser",
        )
    })
}

fn saved(file: &Path) -> Result<Saved, Failure> {
    Saved::read(&read(file, FILE_MAX)?)
        .map_err(|error| Failure::refused(&file.display().to_string(), error))
}

fn read(file: &Path, max: u64) -> Result<String, Failure> {
    let refused = |why: String| Failure::usage(format!("{}: {why}", file.display()));
    let mut text = String::new();
    // One byte more than allowed, and no more of a pipe or a device.
    File::open(file)
        .and_then(|file| file.take(max + 1).read_to_string(&mut text))
        .map_err(|error| refused(error.to_string()))?;
    if text.len() as u64 > max {
        return Err(refused(format!("larger than {max} bytes")));
    }
    Ok(text)
}

/// The lines around a place, if it is one of a plain file inside the folder.
///
/// The place is what a saved result says, so nothing outside the folder is read for it, through a
/// link neither.
fn excerpt(folder: &Path, file: &str, line: u32) -> Option<Excerpt> {
    let inside = Path::new(file);
    let is_plain = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if !inside.components().all(is_plain) {
        return None;
    }
    let folder = folder.canonicalize().ok()?;
    let path = folder.join(inside).canonicalize().ok()?;
    if !path.starts_with(&folder) || !path.is_file() {
        return None;
    }
    let text = read(&path, TEXT_MAX).ok()?;
    let first = line.saturating_sub(AROUND).max(1);
    let count = (line + AROUND + 1).checked_sub(first)?;
    let lines: Vec<String> = text
        .lines()
        .skip(first as usize - 1)
        .take(count as usize)
        .map(|line| line.chars().take(LINE_MAX).collect())
        .collect();
    (!lines.is_empty()).then_some(Excerpt { first, lines })
}

/// Writes to the file, or to standard output.
fn put(file: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    let Some(file) = file else {
        return match std::str::from_utf8(bytes) {
            Ok(text) => print::to_reader(text).map(drop),
            Err(_) => Err(Failure::usage(
                "a PDF is not printed to a terminal or a pipe; name a file with --output",
            )),
        };
    };
    let what = || format!("{} cannot be written", file.display());
    File::create(file)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Failure::cannot_run(&what(), error))
}

#[cfg(test)]
mod tests {
    use innkeeper_report::customer::{OTHER, Topic};

    use super::*;

    #[test]
    fn given_all_checks_and_rules_when_reported_then_each_belongs_to_a_gap_with_words_of_its_own() {
        let checks = innkeeper_probe::CHECKS.iter().map(|check| check.id);
        let rules = innkeeper_scan::RULES.iter().map(|rule| rule.id.0);
        for id in checks.chain(rules) {
            assert_ne!(Topic::of(id).key, OTHER.key, "{id}");
        }
    }

    #[test]
    fn given_places_outside_the_folder_when_an_excerpt_is_asked_for_then_nothing_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("secret.js"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(&outside, "secret\n").unwrap();
        std::fs::write(inside.join("a.js"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n").unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link.js")).unwrap();

        let shown = excerpt(&inside, "a.js", 5).unwrap();
        assert_eq!(
            (shown.first, shown.lines.join("")),
            (2, "2345678".to_owned())
        );
        assert_eq!(excerpt(&inside, "a.js", 1).unwrap().first, 1);
        let whole = outside.display().to_string();
        for file in ["../secret.js", &whole, "link.js", "absent.js", "."] {
            assert!(excerpt(&inside, file, 1).is_none(), "{file}");
        }
        assert!(excerpt(&inside, "a.js", u32::MAX - 9).is_none());
    }
}
