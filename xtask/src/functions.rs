//! How long single functions take, by Criterion.

use crate::failure::Failure;
use crate::shell;

pub(crate) const HELP: &str = "\
Usage: cargo xtask functions [WORD…]

Times the functions that every check and every sign-in pass, at five and at a thousand live
sessions, with Criterion, beside one SHA-256. Words go to Criterion: a part of a name, or
`--save-baseline NAME` and later `--baseline NAME` to compare. `innkeeper bench` times the whole.";

/// Runs it.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let mut bench = shell::cargo();
    bench
        .args(["bench", "--quiet", "--locked"])
        .args(["--manifest-path", "benches/Cargo.toml"])
        .args(["--bench", "functions", "--"])
        .args(words)
        .env("CARGO_TARGET_DIR", shell::root().join("target/functions"));
    if !shell::passes(&mut bench)? {
        return Err(Failure::Failed("functions: read above why".into()));
    }
    Ok(())
}
