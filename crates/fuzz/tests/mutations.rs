//! Every parser of outside input over its seeds and some thousands of mutations of them, the same
//! each time. It is short: `cargo xtask fuzz` goes where the code leads, for as long as one likes.

use std::fs;
use std::path::{Path, PathBuf};

use innkeeper_fuzz::{FILES, LANGUAGES};

/// Inputs are no longer than this, and so are files that serve as seeds.
const LENGTH_MAX: usize = 4096;
/// Mutations for each parser, and for each of the scanner's readers, which there are many of.
const EACH: usize = 3000;
const EACH_READER: usize = 300;
/// What parsers divide a text by.
const MARKS: &[u8] = b"\0\n\"'(){}[]<>:;,=#\\/-9";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Gives a parser its seeds and so many mutations. It fails if there was no seed.
fn try_all(name: &str, seeds: &[Vec<u8>], mutations: usize, parse: impl Fn(&[u8])) {
    assert!(!seeds.is_empty(), "{name}: there is nothing to begin with");
    let mut draw = Draw(0x9E37_79B9_7F4A_7C15);
    let mut tried = 0;
    for seed in seeds {
        parse(seed);
        tried += 1;
    }
    for _ in 0..mutations {
        parse(&draw.mutated(seeds));
        tried += 1;
    }
    println!("{name:<28} {tried} inputs");
    assert!(tried > mutations, "{name}: {tried} inputs");
}

/// The files of a folder and below whose names end so, as far as they are short enough.
fn files(folder: &Path, ending: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut seeds = Vec::new();
    for path in paths {
        if path.is_dir() {
            seeds.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending)
            && path.metadata().unwrap().len() <= LENGTH_MAX as u64
        {
            seeds.push(fs::read(path).unwrap());
        }
    }
    seeds
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    files(&root().join("fuzz/seeds").join(target), "")
}

/// Where to change a text, and how.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % end.max(1)
    }

    /// A seed after one to four changes.
    fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = at + self.below(32.min(bytes.len() - at) + 1);
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => bytes.insert(at, MARKS[self.below(MARKS.len())]),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                4 => bytes.truncate(at),
                _ => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len() + 1);
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[from..]);
                }
            }
        }
        bytes.truncate(LENGTH_MAX);
        bytes
    }
}

#[test]
fn given_tokens_ids_and_names_when_mutated_then_the_parsers_keep_what_they_promise() {
    try_all("token", &seeds("token"), EACH, innkeeper_fuzz::token);
}

#[test]
fn given_headers_when_mutated_then_the_parsers_keep_what_they_promise() {
    try_all("headers", &seeds("headers"), EACH, innkeeper_fuzz::headers);
}

#[test]
fn given_bodies_of_requests_when_mutated_then_the_parsers_keep_what_they_promise() {
    try_all("body", &seeds("body"), EACH, innkeeper_fuzz::body);
}

#[test]
fn given_settings_when_mutated_then_the_parsers_keep_what_they_promise() {
    let settings = innkeeper_fuzz::settings;
    try_all("settings", &seeds("settings"), EACH, settings);
}

#[test]
fn given_stored_records_when_mutated_then_the_parsers_keep_what_they_promise() {
    let texts = files(&root().join("spec/formats"), ".hex");
    let golden: Vec<Vec<u8>> = texts.iter().map(|text| bytes_of(text)).collect();
    try_all("stored", &golden, EACH, innkeeper_fuzz::stored);
}

#[test]
fn given_copies_when_mutated_then_the_parsers_keep_what_they_promise() {
    try_all("copy", &seeds("copy"), EACH, innkeeper_fuzz::copy);
}

#[test]
fn given_a_policy_and_a_baseline_when_mutated_then_the_parsers_keep_what_they_promise() {
    let accepted = innkeeper_fuzz::accepted;
    try_all("accepted", &seeds("accepted"), EACH, accepted);
}

#[test]
fn given_source_code_when_mutated_then_every_reader_of_the_scanner_judges_it() {
    let fixtures = root().join("crates/scan/tests");
    for (name, ending, language) in LANGUAGES {
        let seeds = files(&fixtures, &format!(".{ending}"));
        let read = |data: &[u8]| innkeeper_fuzz::source(language, data);
        try_all(name, &seeds, EACH_READER, read);
    }
}

#[test]
fn given_manifests_and_settings_when_mutated_then_every_reader_of_the_scanner_reads_them() {
    let fixtures = root().join("crates/scan/tests");
    for name in FILES {
        let ending = name.rsplit_once('.').map_or(name, |(_, ending)| ending);
        let mut seeds = files(&fixtures, ending);
        // Some kinds have no fixture; they begin with settings of another.
        seeds.extend(self::seeds("settings"));
        let read = |data: &[u8]| innkeeper_fuzz::config(name, data);
        try_all(name, &seeds, EACH_READER, read);
    }
}

/// The long runs name the readers too, in a program that knows no crate.
#[test]
fn given_the_readers_here_when_held_against_those_of_the_long_runs_then_none_is_missing_there() {
    let chore = fs::read_to_string(root().join("xtask/src/fuzz.rs")).unwrap();
    for name in LANGUAGES.map(|(name, ..)| name).iter().chain(&FILES) {
        assert!(chore.contains(&format!("\"{name}\"")), "{name}");
    }
}

fn bytes_of(hex: &[u8]) -> Vec<u8> {
    let digits: Vec<u32> = hex
        .iter()
        .filter_map(|byte| char::from(*byte).to_digit(16))
        .collect();
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or_default();
    digits.chunks_exact(2).map(byte).collect()
}
