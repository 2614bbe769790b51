//! SARIF as code hosts read it: what the scanner writes, against the published schema.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use crate::failure::Failure;
use crate::no_words;
use crate::shell;

pub(crate) const HELP: &str = "\
Usage: cargo xtask sarif

Scans every fixture of crates/scan and holds each log against the schema of SARIF 2.1.0, formats
included. The schema comes in the package of a crate that carries it, which cargo fetches once.";

/// Runs it.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    no_words(words, HELP)?;
    let mut scan = shell::cargo();
    scan.args([
        "run",
        "--quiet",
        "-p",
        "innkeeper-scan",
        "--example",
        "scan",
        "--",
        "--sarif",
    ])
    .args(trees()?);
    let logs = shell::answer_of(&mut scan)
        .ok_or_else(|| Failure::Failed("the scanner does not build or run".to_owned()))?;
    let mut checker = shell::cargo();
    checker
        .args(["run", "--quiet", "--locked"])
        .args(["--manifest-path", "spec/sarif/Cargo.toml"])
        .args(["--target-dir", "target/sarif"])
        .stdin(Stdio::piped());
    let broken = |error: std::io::Error| Failure::CouldNotRun(format!("the checker: {error}"));
    let mut checker = checker.spawn().map_err(broken)?;
    let mut input = checker.stdin.take().expect("it is piped");
    // A checker that stops early has said why; its exit code tells.
    let _ = input.write_all(logs.as_bytes());
    drop(input);
    if checker.wait().map_err(broken)?.success() {
        Ok(())
    } else {
        Err(Failure::Failed(
            "what the scanner writes is not SARIF 2.1.0".to_owned(),
        ))
    }
}

/// Every folder of fixtures that is a tree of its own.
fn trees() -> Result<Vec<PathBuf>, Failure> {
    let tests = shell::root().join("crates/scan/tests");
    let mut out = Vec::new();
    for folder in ["fixtures", "rules"] {
        for one in below(&tests.join(folder))? {
            for tree in below(&one)? {
                if tree.is_dir() {
                    out.push(tree);
                }
            }
        }
    }
    Ok(out)
}

fn below(folder: &PathBuf) -> Result<Vec<PathBuf>, Failure> {
    let broken =
        |error: std::io::Error| Failure::CouldNotRun(format!("{}: {error}", folder.display()));
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).map_err(broken)? {
        out.push(entry.map_err(broken)?.path());
    }
    out.sort();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_word_that_means_nothing_when_called_then_nothing_runs_and_the_usage_is_told() {
        let answer = run(&["now".to_owned()]);

        assert!(matches!(answer, Err(Failure::Usage(_))), "{answer:?}");
    }
}
