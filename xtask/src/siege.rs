//! Sieges of the release binary: simultaneous sign-ins, kills under load, and work in bulk.

use crate::failure::Failure;
use crate::shell;

/// Simultaneous sign-ins, round after round; any violation fails.
pub(crate) fn rounds(words: &[String]) -> Result<(), Failure> {
    run("rounds", words)
}

/// Kills under load; any violation fails.
pub(crate) fn kills(words: &[String]) -> Result<(), Failure> {
    run("kills", words)
}

/// A policy tried over many subjects, and then put; any difference fails.
pub(crate) fn policy_try(words: &[String]) -> Result<(), Failure> {
    run("policy-try", words)
}

/// A bulk revocation beside sign-ins and checks; any count that is off fails.
pub(crate) fn bulk(words: &[String]) -> Result<(), Failure> {
    run("bulk", words)
}

fn run(chore: &str, words: &[String]) -> Result<(), Failure> {
    let mut build = shell::cargo();
    build.args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "innkeeper-cli",
    ]);
    if !shell::passes(&mut build)? {
        return Err(Failure::Failed("the binary does not build".into()));
    }
    let mut siege = shell::cargo();
    siege
        .args(["run", "--quiet", "--release"])
        .args(["--package", "innkeeper-siege", "--", chore])
        .args(words);
    if shell::passes(&mut siege)? {
        Ok(())
    } else {
        Err(Failure::Failed(format!(
            "{chore}: read above what was found"
        )))
    }
}

pub(crate) const HELP: &str = "\
Usage: cargo xtask rounds [--rounds 1000] [--limit 5] [--sign-ins 200]
                          [--postgres NODES | --redis NODES]
       cargo xtask kills [--rounds 500] [--pause-every 5] [--full-every 7]
       cargo xtask policy-try [--subjects 100000]
       cargo xtask bulk [--sessions 100000] [--checks 500] [--seconds 10]

Runs the release binary on folders of its own and calls it over HTTP. What callers were told in
rounds and kills is judged by the checker of the simulation. The folder goes once all held; else it
stays where it is said, with the history of each round that broke a promise.

rounds: so many sign-ins of one subject at once, with checks, rotations, revocations, disables
and changes of the limit among them, every other round where the policy refuses the newcomer. With --postgres
or --redis so many nodes share a server that is started for it, and are called by turns.
kills: kill -9 in the middle of such work; every few rounds the process is stopped for a while
before, or its disk is full. A full disk is a tmpfs, which takes the rights of root to mount;
--full-every 0 leaves it out.
policy-try: so many subjects of one to four sessions; a stricter policy is tried and then put, and
what was said is compared with what each subject has left.
bulk: so many sessions ended by a filter while others sign in, with so many checks a second before
(for so many seconds) and meanwhile. Counts must match; the ratio of the p99s is printed.";
