//! How well the scanner reads other people's code: scores it against labelled repositories.

use crate::failure::Failure;
use crate::shell;

/// Builds the scorer and runs it over `DIR`.
///
/// The scorer lives beside the scanner, so that building this program stays quick.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let [folder, labels, rest @ ..] = words else {
        return Err(Failure::Usage(HELP.to_owned()));
    };
    let mut command = shell::cargo();
    command
        .args(["run", "--quiet", "--release", "--package", "innkeeper-scan"])
        .args(["--example", "corpus", "--", labels, folder])
        .args(rest);
    if shell::passes(&mut command)? {
        Ok(())
    } else {
        Err(Failure::Failed(
            "the scanner is below its targets; the misses are listed above".to_owned(),
        ))
    }
}

pub(crate) const HELP: &str = "\
Usage: cargo xtask scan-corpus DIR LABELS [--facts ID]

Scores the scanner against the repositories that LABELS describes, each under DIR/owner+name at
its commit, and prints the table of docs/scan-accuracy.md. Fails below recall 0.90 of the expected
rules or 0.95 of the places where sessions are created, or when a rejected rule fires.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_no_folder_when_called_then_nothing_runs_and_the_usage_is_told() {
        let answer = run(&[]);

        assert!(matches!(answer, Err(Failure::Usage(_))), "{answer:?}");
    }
}
