//! Known weaknesses in our dependencies, asked of the advisory database.
//!
//! Apart from the everyday set because it needs the network and because its answer changes
//! without a change of ours: yesterday's commit may fail today.

use crate::failure::Failure;
use crate::no_words;
use crate::shell;
use crate::tools::{self, Need};

/// Fetches the advisory database and compares `Cargo.lock` with it.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    no_words(words, HELP)?;

    tools::ensure(&[Need::Deny])?;
    let passed = shell::passes(tools::deny().args(["check", "advisories"]))?;
    if passed {
        Ok(())
    } else {
        Err(Failure::Failed(
            "advisories: read above whether one applies or the database could not be fetched"
                .into(),
        ))
    }
}

pub(crate) const HELP: &str = "\
Usage: cargo xtask advisories

Fetches the RustSec advisory database and compares Cargo.lock with it. Needs the network.";
