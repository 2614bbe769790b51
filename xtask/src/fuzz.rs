//! Fuzzing: every parser of outside input, for a while, with the toolchain that can.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::asks_for_help;
use crate::failure::Failure;
use crate::shell;

const TARGETS: [&str; 9] = [
    "token", "headers", "body", "settings", "stored", "copy", "source", "config", "accepted",
];
const HOST: &str = "x86_64-unknown-linux-gnu";

/// What the compiler has to put into the code so that libFuzzer sees where it goes; the same as
/// cargo-fuzz asks for.
const INSTRUMENTS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing -Zsanitizer=address -Ccodegen-units=1";

/// Runs every target for a while; a panic, a leak or no run at all fails.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    if words.iter().any(|word| asks_for_help(word)) {
        println!("{HELP}");
        return Ok(());
    }
    let (seconds, named) = match words {
        [name, number, named @ ..] if name == "--seconds" => {
            let no_number =
                |_| Failure::Usage(format!("`{number}` is no number of seconds\n\n{HELP}"));
            (number.parse().map_err(no_number)?, named)
        }
        named => (60, named),
    };
    if let Some(unknown) = named.iter().find(|name| !TARGETS.contains(&name.as_str())) {
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
    let is_wanted = |target: &&str| named.is_empty() || named.iter().any(|name| name == *target);
    for target in TARGETS.into_iter().filter(is_wanted) {
        let runs = fuzz(target, seconds)?;
        println!("{target:<20} {runs} runs");
        if runs == 0 {
            return Err(Failure::Failed(format!("{target}: nothing ran")));
        }
    }
    Ok(())
}

/// Runs one target, and says how many inputs it was given.
fn fuzz(target: &str, seconds: u32) -> Result<u64, Failure> {
    let broken = |error: std::io::Error| Failure::CouldNotRun(format!("{target}: {error}"));
    let corpus = shell::root().join("target/fuzz").join(target);
    fs::create_dir_all(&corpus).map_err(broken)?;
    if target == "stored" {
        golden_bytes(&corpus).map_err(broken)?;
    }
    let mut fuzzer = shell::command("cargo");
    fuzzer
        .args(["+nightly", "run", "--quiet", "--release", "--locked"])
        .args(["--manifest-path", "fuzz/Cargo.toml", "--target", HOST])
        .args(["--bin", target, "--"])
        .arg(format!("-max_total_time={seconds}"))
        .args(["-print_final_stats=1", "-max_len=4096"])
        .arg(format!("-artifact_prefix={}/", corpus.display()))
        .arg(&corpus);
    let seeds = shell::root().join("fuzz/seeds").join(target);
    if seeds.is_dir() {
        fuzzer.arg(seeds);
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
        return Err(Failure::Failed(format!("{target}: {end}")));
    }
    let runs = said.lines().find_map(|line| {
        let count = line.strip_prefix("stat::number_of_executed_units:")?;
        count.trim().parse().ok()
    });
    Ok(runs.unwrap_or(0))
}

/// The records of `spec/formats`, as bytes.
fn golden_bytes(corpus: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(shell::root().join("spec/formats"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "hex") {
            let digits: Vec<u32> = fs::read_to_string(&path)?
                .chars()
                .filter_map(|c| c.to_digit(16))
                .collect();
            let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).unwrap_or_default();
            let bytes: Vec<u8> = digits.chunks_exact(2).map(byte).collect();
            let name = path.file_stem().unwrap_or_default();
            fs::write(corpus.join(name), bytes)?;
        }
    }
    Ok(())
}

const HELP: &str = "\
Usage: cargo xtask fuzz [--seconds 60] [TARGET…]

Runs each target of fuzz/, or those that are named, for so long with libFuzzer, and prints how many
inputs it tried: token (tokens, ids and names), headers (cookies, forwarded addresses, credentials),
body (of requests), settings (our configuration), stored (records), copy (what is restored or
imported); source, config and accepted, as the scanner reads them. It takes the nightly toolchain
and a C++ compiler. What it finds interesting is kept under target/fuzz, and so is an input that
fails.";
