//! What there is to run, and what each begins with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::seeds;

/// Inputs are no longer than this, and so are files that serve as seeds.
pub const LENGTH_MAX: usize = 4096;

/// One target, and for those that the scanner's readers share, which reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Run {
    /// The name of the target in `fuzz/src/bin`.
    pub target: &'static str,
    /// What the scanner reads an input as.
    pub reader: Option<&'static str>,
    /// How the names of files end that serve as seeds.
    pub ending: &'static str,
}

/// Everything there is to run, as `fuzz/runs` lists it.
#[must_use]
pub fn runs() -> Vec<Run> {
    let lines = include_str!("../../../fuzz/runs").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(Run {
                target: words.next()?,
                reader: words.next(),
                ending: words.next().unwrap_or_default(),
            })
        })
        .collect()
}

impl Run {
    /// What it is called: `token`, `source-java`, `config-pom.xml`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.reader {
            Some(reader) => format!("{}-{reader}", self.target),
            None => self.target.to_owned(),
        }
    }

    /// What it begins with: the files of `fuzz/seeds`, the fixtures of the scanner for its readers,
    /// and what is made here.
    ///
    /// # Panics
    ///
    /// If the repository cannot be read.
    #[must_use]
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds = match self.target {
            "token" => seeds::tokens(),
            "headers" => vec![seeds::browser()],
            "stored" => files(&root().join("spec/formats"), ".hex")
                .iter()
                .map(|text| bytes_of(text))
                .collect(),
            "copy" => vec![seeds::copy()],
            "source" | "config" => files(&root().join("crates/scan/tests"), self.ending),
            _ => Vec::new(),
        };
        let own = root().join("fuzz/seeds").join(self.target);
        if own.is_dir() {
            seeds.extend(files(&own, self.ending));
        }
        seeds
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder and below whose names end so, as far as they are short enough.
fn files(folder: &Path, ending: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let mut seeds = Vec::new();
    for path in paths {
        if path.is_dir() {
            seeds.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            let bytes = fs::read(&path).expect("it can be read");
            seeds.extend((bytes.len() <= LENGTH_MAX).then_some(bytes));
        }
    }
    seeds
}

fn bytes_of(hex: &[u8]) -> Vec<u8> {
    let digits: Vec<u32> = hex
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .collect();
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or_default();
    digits.chunks_exact(2).map(byte).collect()
}
