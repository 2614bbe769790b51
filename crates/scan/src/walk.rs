//! Which files there are, and which of them we read.
//!
//! The walk never follows a symbolic link, so nothing outside the tree is read. A folder entry
//! that is no regular file is never opened: opening a FIFO would wait for somebody to write.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use ignore::WalkBuilder;
use serde::Serialize;

use crate::syntax::Language;

/// Files larger than this are not read. Hand-written source does not come this large.
pub(crate) const SIZE_MAX: u64 = 2 << 20;
/// A line longer than this marks a file as written by a program.
const LINE_MAX: usize = 20_000;

/// Why a file was not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It could not be opened or read.
    Unreadable,
    /// A link, a FIFO, a device: not a regular file.
    NotRegular,
    /// Its contents are no text.
    Binary,
    /// It is larger than we read.
    TooLarge,
    /// Reading it took longer than a file may.
    Time,
}

/// A file that was not read, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// Path from the root.
    pub file: String,
    /// Why.
    pub reason: SkipReason,
}

/// What part a file plays. Only [`Part::Code`] and [`Part::Config`] speak for what is deployed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Code of the application.
    Code,
    /// A manifest or configuration.
    Config,
    /// A test, fixture or mock.
    Test,
    /// Written by a program.
    Generated,
    /// Somebody else's code, copied in.
    Vendored,
    /// Shortened for the browser.
    Minified,
    /// An example, demo or piece of documentation.
    Example,
    /// A change of schema.
    Migration,
}

/// A file worth reading.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: String,
    pub(crate) part: Part,
    pub(crate) language: Option<Language>,
}

/// Everything one walk saw.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) files: Vec<Found>,
    pub(crate) seen: usize,
    pub(crate) skipped: Vec<Skipped>,
}

/// Lists what lies under a root, ignore files obeyed.
pub(crate) fn walk(root: &Path) -> Walked {
    let mut out = Walked::default();
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .follow_links(false)
        .require_git(false)
        .parents(false)
        .git_global(false)
        .filter_entry(|entry| {
            !matches!(
                entry.file_name().to_str(),
                Some(".git" | "node_modules" | ".hg" | ".svn")
            )
        })
        .build();
    for entry in walker {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                out.skipped.push(unread(root, &error));
                continue;
            }
        };
        let Some(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            continue;
        }
        out.seen += 1;
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let path = relative.to_string_lossy().replace('\\', "/");
        let path = if path.is_empty() {
            entry.file_name().to_string_lossy().into_owned()
        } else {
            path
        };
        let extension = path.rsplit_once('.').map_or("", |(_, e)| e);
        let language = Language::of_extension(extension);
        let is_config = is_config(&path);
        if language.is_none() && !is_config {
            continue;
        }
        if !kind.is_file() {
            out.skipped.push(Skipped {
                file: path,
                reason: SkipReason::NotRegular,
            });
            continue;
        }
        let part = match part_of_path(&path) {
            Part::Code if is_config && language.is_none() => Part::Config,
            part => part,
        };
        out.files.push(Found {
            path,
            part,
            language,
        });
    }
    out.files.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// A folder or a file that the walk could not enter.
fn unread(root: &Path, error: &ignore::Error) -> Skipped {
    let mut inner = error;
    let path = loop {
        match inner {
            ignore::Error::WithPath { path, .. } => break path.as_path(),
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
                inner = err;
            }
            _ => break root,
        }
    };
    let relative = path.strip_prefix(root).unwrap_or(path);
    Skipped {
        file: relative.to_string_lossy().into_owned(),
        reason: SkipReason::Unreadable,
    }
}

/// Reads a file as text, or says why not. Bytes that are no UTF-8 are replaced, not refused.
pub(crate) fn read(root: &Path, relative: &str) -> Result<String, SkipReason> {
    let path = root.join(relative);
    let path = if path.is_dir() || !path.exists() {
        root.to_path_buf()
    } else {
        path
    };
    let meta = fs::symlink_metadata(&path).map_err(|_| SkipReason::Unreadable)?;
    if !meta.is_file() {
        return Err(SkipReason::NotRegular);
    }
    if meta.len() > SIZE_MAX {
        return Err(SkipReason::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1);
    File::open(&path)
        // One byte more than allowed, so that a file that grew since is noticed.
        .and_then(|file| file.take(SIZE_MAX + 1).read_to_end(&mut bytes))
        .map_err(|_| SkipReason::Unreadable)?;
    if bytes.len() as u64 > SIZE_MAX {
        return Err(SkipReason::TooLarge);
    }
    if bytes.iter().take(8_192).any(|byte| *byte == 0) {
        return Err(SkipReason::Binary);
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// What the text itself says of its part: generated and minified code give themselves away.
pub(crate) fn part_of_text(text: &str) -> Option<Part> {
    if text.lines().any(|line| line.len() > LINE_MAX) {
        return Some(Part::Minified);
    }
    let head: String = text.lines().take(8).collect::<Vec<_>>().join("\n");
    let marks = [
        "@generated",
        "DO NOT EDIT",
        "Code generated by",
        "<auto-generated",
    ];
    marks
        .iter()
        .any(|mark| head.contains(mark))
        .then_some(Part::Generated)
}

fn is_config(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or("");
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    matches!(
        name,
        "package.json"
            | "pom.xml"
            | "go.mod"
            | "Gemfile"
            | "composer.json"
            | "Cargo.toml"
            | "pyproject.toml"
            | "Pipfile"
            | "setup.py"
            | "setup.cfg"
            | "pnpm-workspace.yaml"
            | "appsettings.json"
            | "settings.gradle"
            | "settings.gradle.kts"
            | "build.gradle"
            | "build.gradle.kts"
            | "session-policy.toml"
    ) || name.starts_with("requirements") && extension == "txt"
        || name.starts_with(".env")
        || matches!(
            extension,
            "yml" | "yaml" | "properties" | "csproj" | "ini" | "toml" | "gradle"
        )
}

fn part_of_path(path: &str) -> Part {
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let mut in_source = false;
    for folder in folders.split('/') {
        match folder {
            "node_modules" | "vendor" | "third_party" | "third-party" | "bower_components"
            | "site-packages" => return Part::Vendored,
            "test" | "tests" | "__tests__" | "spec" | "specs" | "e2e" | "cypress" | "fixtures"
            | "fixture" | "mocks" | "__mocks__" | "testdata" | "testing" | "playwright"
            | "androidtest" | "testutils" => return Part::Test,
            "dist" | "build" | "out" | ".next" | "target" | "generated" | "__generated__"
                if !in_source =>
            {
                return Part::Generated;
            }
            // A Java package may be called `example`; a folder beside `src` is one.
            "examples" | "example" | "demo" | "demos" | "samples" | "sample" | "docs" | "doc"
            | "codefixes" | "playground"
                if !in_source =>
            {
                return Part::Example;
            }
            "migrations" | "migrate" | "seeds" | "seeders" => return Part::Migration,
            "src" | "java" | "app" | "lib" => in_source = true,
            _ => {}
        }
    }
    if name.contains(".min.") {
        return Part::Minified;
    }
    let stem = name.split('.').next().unwrap_or("");
    let is_test = name.contains(".test.")
        || name.contains(".spec.")
        || name.contains(".e2e")
        || stem.ends_with("_test")
        || stem.starts_with("test_")
        || stem == "conftest"
        || stem.ends_with("_spec");
    let camel = path.rsplit('/').next().unwrap_or("");
    let camel = camel.split('.').next().unwrap_or("");
    if is_test || camel.ends_with("Test") || camel.ends_with("Tests") {
        return Part::Test;
    }
    if name.ends_with(".d.ts")
        || name.ends_with(".pb.go")
        || name.ends_with("_pb2.py")
        || name.contains(".generated.")
        || name.ends_with(".g.cs")
    {
        return Part::Generated;
    }
    Part::Code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_paths_when_sorted_into_parts_then_only_deployed_code_is_code() {
        assert_eq!(part_of_path("src/login.ts"), Part::Code);
        assert_eq!(part_of_path("src/main/java/example/App.java"), Part::Code);
        assert_eq!(part_of_path("examples/login.ts"), Part::Example);
        assert_eq!(part_of_path("src/login.test.ts"), Part::Test);
        assert_eq!(part_of_path("test/login.js"), Part::Test);
        assert_eq!(part_of_path("vendor/x/y.go"), Part::Vendored);
        assert_eq!(part_of_path("public/app.min.js"), Part::Minified);
        assert_eq!(part_of_path("db/migrate/001.rb"), Part::Migration);
    }

    #[test]
    fn given_a_line_of_a_megabyte_when_looked_at_then_the_file_counts_as_minified() {
        assert_eq!(part_of_text(&"x".repeat(1 << 20)), Some(Part::Minified));
        assert_eq!(part_of_text("let x = 1;\n"), None);
    }

    #[cfg(unix)]
    #[test]
    fn given_a_link_out_of_the_tree_and_a_fifo_when_walked_then_both_are_reported_and_neither_is_read()
     {
        let outside = tempfile::tempdir().expect("a folder can be made");
        fs::write(outside.path().join("secret.js"), "x").expect("a file can be written");
        let inside = tempfile::tempdir().expect("a folder can be made");
        std::os::unix::fs::symlink(outside.path().join("secret.js"), inside.path().join("a.js"))
            .expect("a link can be made");
        std::os::unix::fs::symlink(outside.path(), inside.path().join("folder"))
            .expect("a link can be made");
        let made = std::process::Command::new("mkfifo")
            .arg(inside.path().join("b.js"))
            .status()
            .expect("mkfifo is there");
        assert!(made.success());

        let walked = walk(inside.path());

        assert!(walked.files.is_empty(), "{:?}", walked.files);
        let reasons: Vec<_> = walked
            .skipped
            .iter()
            .map(|s| (s.file.as_str(), s.reason))
            .collect();
        assert_eq!(
            reasons,
            [
                ("a.js", SkipReason::NotRegular),
                ("b.js", SkipReason::NotRegular)
            ]
        );
        assert_eq!(read(inside.path(), "a.js"), Err(SkipReason::NotRegular));
    }
}
