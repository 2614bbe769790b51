//! The simulation, built to be fast: many seeds of faults, or one of them again.

use crate::failure::Failure;
use crate::shell;

/// Runs seeds against the engine over both stores; any violation fails.
pub(crate) fn simulate(words: &[String]) -> Result<(), Failure> {
    run("simulate", words)
}

/// Runs seeds against stores with a planted flaw; one that is not caught fails.
pub(crate) fn flaws(words: &[String]) -> Result<(), Failure> {
    run("flaws", words)
}

/// Explores every state of small worlds; any disagreement fails.
pub(crate) fn model(words: &[String]) -> Result<(), Failure> {
    let mut cargo = shell::cargo();
    cargo
        .args(["run", "--quiet", "--release"])
        .args(["--package", "innkeeper-model", "--"])
        .args(words);
    if shell::passes(&mut cargo)? {
        Ok(())
    } else {
        Err(Failure::Failed("model: read above what was found".into()))
    }
}

fn run(chore: &str, words: &[String]) -> Result<(), Failure> {
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

pub(crate) const HELP: &str = "\
Usage: cargo xtask simulate [--reference | --embedded | --nodes | --rolling] [--seeds N] [--from S]
       cargo xtask simulate [--reference | --embedded | --nodes | --rolling] --seed S [--trace]
       cargo xtask flaws [--seeds N]

Runs the engine over the reference store, and over the embedded one, with faults, dropped futures,
restarts and a clock that steps both ways, every choice from a seed, and checks each history. The
same seed is the same run. Beneath the embedded store lie files that crash at any write and sync:
unsynced writes are lost or torn, names vanish, syncs fail, the disk runs full. With --reference or
--embedded, only that store.
With --nodes, two or three nodes share a store over slow lines that are cut, with leases, notices
that lose their way, nodes that stand still, and standbys that take over.
With --rolling, nodes get a new policy one by one; see docs/verification.md for what that shows.
A fault that never happened in one of them fails, and a seed that failed is told with its world.
With flaws, the store is a wrong one, and must be caught in so many seeds.";

pub(crate) const MODEL_HELP: &str = "\
Usage: cargo xtask model [SIGN-INS OTHERS]

Takes the steps of so many sign-ins and so many other callers of one subject in every order, with
time that passes and crashes, at limits 1 and 2, and asks in every state whether the promises hold
and whether the code does what the specification says. Without numbers, three sign-ins and every
choice of one other caller.";
