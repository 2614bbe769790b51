//! Fuzzing: every parser of outside input, for a while, with the toolchain that can.

use std::fs;
use std::num::NonZeroU32;
use std::process::Stdio;

use crate::failure::Failure;
use crate::shell;

/// What there is to run. The everyday tests read the same list.
const LIST: &str = include_str!("../../fuzz/runs");
/// Inputs are no longer than this, and so are seeds.
const LENGTH_MAX: u64 = 4096;

/// What the compiler has to put into the code so that libFuzzer sees where it goes; the same as
/// cargo-fuzz asks for.
const INSTRUMENTS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing -Zsanitizer=address -Ccodegen-units=1";

/// Runs every target for a while; a panic, a leak or no run at all fails.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let (seconds, named) = asked(words)?;
    let all = runs();
    let fits = |run: &Run, name: &String| run.name() == *name || run.target == name;
    if let Some(unknown) = named.iter().find(|n| !all.iter().any(|run| fits(run, n))) {
        return Err(Failure::Usage(format!(
            "there is no target `{unknown}`\n\n{HELP}"
        )));
    }
    let mut toolchain = shell::command("cargo");
    if shell::answer_of(toolchain.args(["+nightly", "--version"])).is_none() {
        return Err(Failure::CouldNotRun(
            "fuzzing takes instruments that only the nightly compiler has: \
             rustup toolchain install nightly --profile minimal"
                .into(),
        ));
    }
    let host = host()?;
    let is_wanted = |run: &&Run| named.is_empty() || named.iter().any(|name| fits(run, name));
    for run in all.iter().filter(is_wanted) {
        let (name, tried) = (run.name(), fuzz(run, seconds, &host)?);
        println!("{name:<32} {tried} runs");
        if tried == 0 {
            return Err(Failure::Failed(format!("{name}: nothing ran")));
        }
    }
    Ok(())
}

/// How long each target runs, and the targets that were named, in any order.
fn asked(words: &[String]) -> Result<(NonZeroU32, Vec<String>), Failure> {
    let (mut seconds, mut named) = (NonZeroU32::new(60), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let number = words.next().map_or("", String::as_str);
            // Of none libFuzzer makes a run without an end.
            seconds = number.parse().ok();
            if seconds.is_none() {
                return Err(Failure::Usage(format!(
                    "`{number}` is no number of seconds from 1 up\n\n{HELP}"
                )));
            }
        } else {
            named.push(word.clone());
        }
    }
    Ok((seconds.expect("sixty, or what was read"), named))
}

/// The machine that the compiler runs on: instruments need a target by name.
fn host() -> Result<String, Failure> {
    let mut compiler = shell::command("rustc");
    let said = shell::answer_of(compiler.args(["+nightly", "-vV"])).unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::CouldNotRun("rustc +nightly -vV does not name its host".into()))
}

/// One target, and for those that the scanner's readers share, which reader.
struct Run {
    target: &'static str,
    reader: Option<&'static str>,
}

impl Run {
    /// What it is called: `token`, `source-java`, `config-pom.xml`.
    fn name(&self) -> String {
        match self.reader {
            Some(reader) => format!("{}-{reader}", self.target),
            None => self.target.to_owned(),
        }
    }
}

/// Everything there is to run: a target for each parser, and a run for each of the scanner's readers.
fn runs() -> Vec<Run> {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (target, reader) = (words.next()?, words.next());
            Some(Run { target, reader })
        })
        .collect()
}

/// Runs one target, and says how many inputs it was given.
fn fuzz(run: &Run, seconds: NonZeroU32, host: &str) -> Result<u64, Failure> {
    let (name, target) = (run.name(), run.target);
    let broken = |error: std::io::Error| Failure::CouldNotRun(format!("{name}: {error}"));
    let corpus = shell::root().join("target/fuzz").join(&name);
    fs::create_dir_all(&corpus).map_err(broken)?;
    let mut seeds = shell::command("cargo");
    seeds
        .args(["run", "--quiet", "--locked", "-p", "innkeeper-fuzz", "--"])
        .arg(&name)
        .arg(&corpus)
        .stdin(Stdio::null());
    if !seeds.status().map_err(broken)?.success() {
        return Err(Failure::Failed(format!("{name}: its seeds are not made")));
    }
    let mut fuzzer = shell::command("cargo");
    fuzzer
        .args(["+nightly", "run", "--quiet", "--release", "--locked"])
        .args(["--manifest-path", "fuzz/Cargo.toml", "--target", host])
        .args(["--bin", target, "--"])
        .arg(format!("-max_total_time={seconds}"))
        .arg("-print_final_stats=1")
        .arg(format!("-max_len={LENGTH_MAX}"))
        .arg(format!("-artifact_prefix={}/", corpus.display()))
        .arg(&corpus);
    if let Some(reader) = run.reader {
        fuzzer.env("FUZZ_READER", reader);
    }
    let output = fuzzer
        .env("RUSTFLAGS", INSTRUMENTS)
        // Two grammars in C have tables of one name, each for itself.
        .env("ASAN_OPTIONS", "detect_odr_violation=0")
        .stdin(Stdio::null())
        .output()
        .map_err(broken)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let from = said.len().saturating_sub(6000);
        let end = said.get(from..).unwrap_or(&said);
        return Err(Failure::Failed(format!("{name}: {end}")));
    }
    let runs = said.lines().find_map(|line| {
        let count = line.strip_prefix("stat::number_of_executed_units:")?;
        count.trim().parse().ok()
    });
    Ok(runs.unwrap_or(0))
}

pub(crate) const HELP: &str = "\
Usage: cargo xtask fuzz [--seconds 60] [TARGET…]

Runs each target of fuzz/, or those that are named, for so long with libFuzzer, and prints how many
inputs it tried: token (tokens, ids and names), headers (cookies, forwarded addresses, credentials),
proxy (what one says of a request, and origins), query (and forms), body (of requests), settings
(our configuration), stored (records), copy (what is restored or imported), accepted (the scanner's
policy and baseline). What the scanner reads has a run for each reader: source-python and the like
for each language, config-pom.xml and the like for each kind of manifest and settings; source and
config alone mean all of them; fuzz/runs lists them. A reader that nothing was tried on fails. It
takes the nightly toolchain and a C++ compiler. What it finds interesting is kept under target/fuzz,
and so is an input that fails.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_readers_when_listed_then_each_has_a_name_of_its_own_and_what_it_reads() {
        let runs = runs();

        let mut names: Vec<String> = runs.iter().map(Run::name).collect();
        assert!(names.contains(&"source-kotlin".to_owned()), "{names:?}");
        assert!(names.contains(&"config-pom.xml".to_owned()), "{names:?}");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), runs.len());
    }

    #[test]
    fn given_seconds_before_or_behind_a_target_when_read_then_both_are_and_none_is_refused() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        let of = |line: &str| asked(&words(line));
        let five = NonZeroU32::new(5).expect("it is not zero");

        assert_eq!(of("--seconds 5 token"), Ok((five, words("token"))));
        assert_eq!(of("token --seconds 5"), Ok((five, words("token"))));
        for line in ["--seconds 0", "token --seconds", "--seconds soon"] {
            assert!(matches!(of(line), Err(Failure::Usage(_))), "{line}");
        }
    }

    #[test]
    fn given_a_target_that_is_not_there_when_asked_for_then_that_is_said_before_anything_is_built()
    {
        let answer = run(&["source-cobol".to_owned()]);

        assert!(matches!(answer, Err(Failure::Usage(_))), "{answer:?}");
    }
}
