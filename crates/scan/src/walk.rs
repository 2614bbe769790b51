//! Which files there are, and which of them we read.
//!
//! The walk never follows a symbolic link, so nothing outside the tree is read. A folder entry
//! that is no regular file is never opened: opening a FIFO would wait for somebody to write.

mod part;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ignore::WalkBuilder;
use serde::Serialize;

use crate::syntax::Language;
pub use part::Part;
use part::part_of_path;
pub(crate) use part::part_of_text;

/// Files larger than this are not read. Hand-written source does not come this large.
pub(crate) const SIZE_MAX: u64 = 2 << 20;

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
    /// It was read, and judging the deployable in this folder took longer than one may.
    Judging,
}

impl SkipReason {
    /// Why, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "it could not be opened or read",
            Self::NotRegular => "it is a link, a pipe or a device, and no file",
            Self::Binary => "it is no text",
            Self::TooLarge => "it is larger than source written by hand",
            Self::Time => "it took longer than one file may",
            Self::Judging => "judging it took longer than one deployable may",
        }
    }
}

/// A file that was not read, or a folder that was not judged, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// Path from the root.
    pub file: String,
    /// Why.
    pub reason: SkipReason,
}

/// What the walk saw and went past, other than files that are named like source.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Passed {
    /// Links, none of which is followed: some lead to folders.
    pub links: usize,
    /// Folders of installed packages, `node_modules`, each counted as one.
    pub packages: usize,
}

/// A file worth reading.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where it is: a name that is no UTF-8 has no other way to be opened.
    pub(crate) place: PathBuf,
    /// The same from the root, as text.
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
    pub(crate) passed: Passed,
}

/// Lists what lies under a root, ignore files obeyed.
pub(crate) fn walk(root: &Path) -> Walked {
    let mut out = Walked::default();
    let packages = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&packages);
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .follow_links(false)
        .require_git(false)
        .parents(false)
        .git_global(false)
        .filter_entry(move |entry| match entry.file_name().to_str() {
            Some(".git" | ".hg" | ".svn") => false,
            Some("node_modules") => {
                counted.fetch_add(1, Ordering::Relaxed);
                false
            }
            _ => true,
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
            out.passed.links += usize::from(kind.is_symlink());
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
            place: entry.into_path(),
            path,
            part,
            language,
        });
    }
    out.files
        .sort_by(|a, b| (&a.path, &a.place).cmp(&(&b.path, &b.place)));
    out.passed.packages = packages.load(Ordering::Relaxed);
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
pub(crate) fn read(place: &Path) -> Result<String, SkipReason> {
    let meta = fs::symlink_metadata(place).map_err(|_| SkipReason::Unreadable)?;
    if !meta.is_file() {
        return Err(SkipReason::NotRegular);
    }
    if meta.len() > SIZE_MAX {
        return Err(SkipReason::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1);
    File::open(place)
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

/// Would this have been read as source, going by its name? A folder has none of a manifest.
pub(crate) fn may_be_source(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, e)| e);
    Language::of_extension(extension).is_some() || !is_config(path)
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let link = inside.path().join("a.js");
        assert_eq!(read(&link), Err(SkipReason::NotRegular));
        assert_eq!(walked.passed.links, 1);
    }

    #[cfg(unix)]
    #[test]
    fn given_a_name_that_is_no_utf_8_when_walked_then_the_file_is_read_all_the_same() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.js");
        fs::write(folder.path().join(name), "session").expect("a file can be written");

        let walked = walk(folder.path());

        let [found] = &walked.files[..] else {
            panic!("one file: {:?}", walked.files)
        };
        assert_eq!(found.path, "caf\u{fffd}.js");
        assert_eq!(read(&found.place).as_deref(), Ok("session"));
    }

    #[test]
    fn given_installed_packages_when_walked_then_each_folder_of_them_counts_once() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for package in ["node_modules/a", "web/node_modules/b"] {
            let inner = folder.path().join(package);
            fs::create_dir_all(&inner).expect("a folder can be made");
            fs::write(inner.join("index.js"), "x").expect("a file can be written");
        }

        let walked = walk(folder.path());

        assert_eq!(walked.passed.packages, 2);
        assert_eq!(walked.seen, 0);
    }
}
