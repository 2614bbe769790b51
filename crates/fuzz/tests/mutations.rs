//! Every parser of outside input over its seeds and some thousands of mutations of them, the same
//! each time. It is short: `cargo xtask fuzz` goes where the code leads, for as long as one likes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use innkeeper_fuzz::{LENGTH_MAX, Run, Tally, language, runs};

/// Mutations for each parser, and for each of the scanner's readers, which there are many of.
const EACH: usize = 3000;
const EACH_READER: usize = 300;
/// What parsers divide a text by.
const MARKS: &[u8] = b"\0\n\"'(){}[]<>:;,=#\\/-9";

/// A test of this name for each target, and the list of them.
macro_rules! tests {
    ($($name:ident: $target:literal,)*) => {
        $(
            #[test]
            fn $name() {
                play($target);
            }
        )*

        const PLAYED: &[&str] = &[$($target),*];
    };
}

tests! {
    given_tokens_ids_and_names_when_mutated_then_the_parsers_keep_what_they_promise: "token",
    given_headers_when_mutated_then_the_parsers_keep_what_they_promise: "headers",
    given_what_proxies_say_when_mutated_then_the_parsers_keep_what_they_promise: "proxy",
    given_queries_when_mutated_then_the_parsers_keep_what_they_promise: "query",
    given_bodies_of_requests_when_mutated_then_the_parsers_keep_what_they_promise: "body",
    given_settings_when_mutated_then_the_parsers_keep_what_they_promise: "settings",
    given_stored_records_when_mutated_then_the_parsers_keep_what_they_promise: "stored",
    given_copies_when_mutated_then_the_parsers_keep_what_they_promise: "copy",
    given_a_policy_and_a_baseline_when_mutated_then_the_parsers_keep_what_they_promise: "accepted",
    given_source_code_when_mutated_then_every_reader_of_the_scanner_judges_it: "source",
    given_manifests_and_settings_when_mutated_then_every_reader_of_the_scanner_reads_them: "config",
}

#[test]
fn given_the_list_of_runs_when_held_against_programs_and_tests_then_each_target_is_in_all_three() {
    let listed: BTreeSet<&str> = runs().iter().map(|run| run.target).collect();
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/src/bin");
    let programs: BTreeSet<String> = fs::read_dir(programs)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().path().file_stem()?.to_str()?.to_owned()))
        .collect();

    assert_eq!(listed, PLAYED.iter().copied().collect());
    assert_eq!(listed, programs.iter().map(String::as_str).collect());
}

/// What a run gives its inputs to.
type Parser = Box<dyn Fn(&[u8], &mut Tally)>;

fn parser(run: &Run) -> Parser {
    match (run.target, run.reader) {
        ("token", None) => Box::new(innkeeper_fuzz::token),
        ("headers", None) => Box::new(innkeeper_fuzz::headers),
        ("proxy", None) => Box::new(innkeeper_fuzz::proxy),
        ("query", None) => Box::new(innkeeper_fuzz::query),
        ("body", None) => Box::new(innkeeper_fuzz::body),
        ("settings", None) => Box::new(innkeeper_fuzz::settings),
        ("stored", None) => Box::new(innkeeper_fuzz::stored),
        ("copy", None) => Box::new(innkeeper_fuzz::copy),
        ("accepted", None) => Box::new(innkeeper_fuzz::accepted),
        ("source", Some(reader)) => {
            let language = language(reader);
            Box::new(move |data, tally| innkeeper_fuzz::source(language, data, tally))
        }
        ("config", Some(name)) => {
            Box::new(move |data, tally| innkeeper_fuzz::config(name, data, tally))
        }
        _ => panic!("there is no such run: {run:?}"),
    }
}

fn play(target: &str) {
    let all = runs();
    let of_target: Vec<&Run> = all.iter().filter(|run| run.target == target).collect();
    assert!(!of_target.is_empty(), "{target}: nothing is listed");
    for run in of_target {
        let mutations = if run.reader.is_some() {
            EACH_READER
        } else {
            EACH
        };
        try_all(&run.name(), &run.seeds(), mutations, &parser(run));
    }
}

/// Gives a parser its seeds and so many mutations. It fails where something that is looked for is
/// accepted of no seed, or of no mutation: what must hold of it was never asked.
fn try_all(name: &str, seeds: &[Vec<u8>], mutations: usize, parse: &Parser) {
    assert!(!seeds.is_empty(), "{name}: there is nothing to begin with");
    let longest = seeds.iter().map(Vec::len).max();
    assert!(
        longest <= Some(LENGTH_MAX),
        "{name}: a seed has {longest:?} bytes"
    );
    let (mut as_it_was, mut changed) = (Tally::default(), Tally::default());
    for seed in seeds {
        parse(seed, &mut as_it_was);
    }
    let mut draw = Draw(0x9E37_79B9_7F4A_7C15);
    for _ in 0..mutations {
        parse(&draw.mutated(seeds), &mut changed);
    }
    println!("{name}: {} seeds and {mutations} mutations", seeds.len());
    let changed: BTreeMap<_, _> = changed.kinds().collect();
    for (kind, of_seeds) in as_it_was.kinds() {
        let of_mutations = changed.get(kind).copied().unwrap_or_default();
        println!("  {kind:<28} {of_seeds:>5} {of_mutations:>6}");
        assert!(of_seeds > 0, "{name}: of no seed were {kind} accepted");
        assert!(
            of_mutations > 0,
            "{name}: of no mutation were {kind} accepted"
        );
    }
    assert!(!changed.is_empty(), "{name} does not say what it accepts");
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
