//! The table of what `probe` checks, kept in the repository so that its changes are read in review.

use crate::failure::Failure;
use crate::no_words;
use crate::shell;

pub(crate) const HELP: &str = "\
Usage: cargo xtask probe-checks

Writes the checks of `innkeeper probe`, with the applications that fail them, to
docs/probe-checks.md. A test compares the two.";

/// Renews the table.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    no_words(words, HELP)?;
    let mut renew = shell::cargo();
    renew
        .args([
            "test",
            "--quiet",
            "-p",
            "innkeeper-probe",
            "--test",
            "checks",
        ])
        .arg("given_the_checks_when_their_table")
        .env("INNKEEPER_RENEW_PROBE_CHECKS", "1");
    if shell::passes(&mut renew)? {
        Ok(())
    } else {
        Err(Failure::Failed(
            "docs/probe-checks.md was not renewed".to_owned(),
        ))
    }
}
