//! The simulation, built to be fast: many seeds of faults, or one of them again.

use crate::asks_for_help;
use crate::failure::Failure;
use crate::shell;

/// Runs seeds against the engine over the reference store; any violation fails.
pub(crate) fn simulate(words: &[String]) -> Result<(), Failure> {
    run("simulate", words)
}

/// Runs seeds against stores with a planted flaw; one that is not caught fails.
pub(crate) fn flaws(words: &[String]) -> Result<(), Failure> {
    run("flaws", words)
}

fn run(chore: &str, words: &[String]) -> Result<(), Failure> {
    if words.iter().any(|word| asks_for_help(word)) {
        println!("{HELP}");
        return Ok(());
    }
    let mut cargo = shell::cargo();
    cargo
        .args(["run", "--quiet", "--release"])
        .args(["--package", "innkeeper-simulation", "--", chore])
        .args(words);
    if shell::passes(&mut cargo)? {
        Ok(())
    } else {
        Err(Failure::Failed(format!(
            "{chore}: read above what was found"
        )))
    }
}

const HELP: &str = "\
Usage: cargo xtask simulate [--rolling] [--seeds N] [--from S]
       cargo xtask simulate [--rolling] --seed S [--trace]
       cargo xtask flaws [--seeds N]

Runs the engine over the reference store with faults, dropped futures, restarts and a clock that
steps both ways, every choice from a seed, and checks each history. The same seed is the same run.
With --rolling, nodes get a new policy one by one; see docs/verification.md for what that shows.
With flaws, the store is a wrong one, and must be caught in so many seeds.";
