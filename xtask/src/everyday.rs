//! The everyday set: everything a change must pass, in the order in which it is checked.

use std::process::Command;
use std::time::Instant;

use crate::failure::Failure;
use crate::listed;
use crate::shell;
use crate::shuttle;
use crate::tools::{self, Need};

/// One thing a change must pass, which can also be run alone.
struct Step {
    name: &'static str,
    summary: &'static str,
    needs: &'static [Need],
    command: fn() -> Command,
    /// What a pass does not show, said where the pass is announced.
    leaves_open: Option<&'static str>,
}

const STEPS: [Step; 11] = [
    Step {
        name: "fmt",
        summary: "the code is formatted",
        needs: &[Need::Rustfmt],
        command: || cargo(&["fmt", "--all", "--check"]),
        leaves_open: None,
    },
    Step {
        name: "clippy",
        summary: "no lint has anything to say",
        needs: &[Need::Clippy],
        command: || {
            cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])
        },
        leaves_open: None,
    },
    Step {
        name: "tests",
        summary: "all tests pass, those of the binary, of its pages in a browser, behind proxies and of the book included",
        needs: &[
            Need::Browser,
            Need::Curl,
            Need::Node,
            Need::Postgres,
            Need::Proxies,
            Need::Redis,
        ],
        // Not `--all-targets`, which tests a library that says it has no tests.
        command: || cargo(&["test", "--workspace", "--tests", "--examples"]),
        leaves_open: None,
    },
    Step {
        name: "otel",
        summary: "a build that sends traces sends them, and nothing of whom they are about",
        needs: &[],
        // With the workspace, so that nothing but the binary is compiled anew.
        command: || {
            let feature = "innkeeper-cli/otel";
            cargo(&[
                "test",
                "--workspace",
                "--features",
                feature,
                "--test",
                "otel",
            ])
        },
        leaves_open: None,
    },
    Step {
        name: "fuzz",
        summary: "the fuzz targets compile, though another toolchain runs them",
        needs: &[],
        command: || {
            let mut check = apart("fuzz/Cargo.toml");
            // Nothing is linked, so libFuzzer need not be built.
            let nowhere = shell::root().join("target/apart/no-fuzzer.a");
            check.arg("--bins").env("CUSTOM_LIBFUZZER_PATH", nowhere);
            check
        },
        leaves_open: None,
    },
    Step {
        name: "benches",
        summary: "the timed functions compile",
        needs: &[],
        command: || {
            let mut check = apart("benches/Cargo.toml");
            check.arg("--benches");
            check
        },
        leaves_open: None,
    },
    Step {
        name: "shuttle",
        summary: "readers and the committing thread keep their promises in many orders",
        needs: &[],
        command: || cargo(&shuttle::TEST),
        leaves_open: None,
    },
    Step {
        name: "doctests",
        summary: "the examples in the documentation work",
        needs: &[],
        command: || cargo(&["test", "--workspace", "--doc"]),
        leaves_open: None,
    },
    Step {
        name: "docs",
        summary: "the documentation builds, and its links lead somewhere",
        needs: &[],
        command: || {
            let mut command = cargo(&["doc", "--workspace", "--no-deps"]);
            command.env("RUSTDOCFLAGS", "-D warnings");
            command
        },
        leaves_open: None,
    },
    Step {
        name: "deny",
        summary: "dependencies: none banned, every licence allowed, every source known",
        needs: &[Need::Deny],
        command: || {
            let mut command = tools::deny();
            command.args(["check", "bans", "licenses", "sources"]);
            command
        },
        leaves_open: Some(
            "known weaknesses were not looked up, since that needs the network: cargo xtask advisories",
        ),
    },
    Step {
        name: "typos",
        summary: "words are spelt right",
        needs: &[Need::Typos],
        command: tools::typos,
        leaves_open: None,
    },
];

/// Runs the steps that were named, or all of them, and stops at the first that fails.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let steps = choose(words)?;

    let mut needs: Vec<Need> = steps.iter().flat_map(|step| step.needs).copied().collect();
    needs.sort_unstable();
    needs.dedup();
    tools::ensure(&needs)?;

    let start = Instant::now();
    let total = steps.len();
    for (done, step) in steps.iter().enumerate() {
        let step_start = Instant::now();
        eprintln!(
            "\n== {} ({} of {total}): {}",
            step.name,
            done + 1,
            step.summary
        );
        let passed = shell::passes(&mut (step.command)())?;
        let took = step_start.elapsed().as_secs_f64();
        if !passed {
            return Err(Failure::Failed(format!(
                "{name} failed after {took:.1} s. To run just this step again: cargo xtask test {name}",
                name = step.name,
            )));
        }
        eprintln!("== {} passed in {took:.1} s", step.name);
        if let Some(open) = step.leaves_open {
            eprintln!("   {open}");
        }
    }

    eprintln!(
        "\n== {total} of {total} passed in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The steps of these names, in the order of the everyday set whatever the order of the names.
fn choose(names: &[String]) -> Result<Vec<&'static Step>, Failure> {
    if let Some(unknown) = names
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != *name))
    {
        return Err(Failure::Usage(format!(
            "there is no step `{unknown}`\n\n{}",
            help()
        )));
    }
    let is_wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(is_wanted).collect())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = shell::cargo();
    command.args(arguments);
    command
}

/// Checks a workspace of its own, with the versions that it names.
fn apart(manifest: &str) -> Command {
    let mut check = cargo(&["check", "--locked", "--manifest-path", manifest]);
    check.env("CARGO_TARGET_DIR", shell::root().join("target/apart"));
    check
}

pub(crate) fn help() -> String {
    let steps = listed(STEPS.iter().map(|step| (step.name, step.summary)));
    format!(
        "Usage: cargo xtask test [STEP…]\n\n\
         Runs the named steps, or all of them in this order, and stops at the first that fails.\n\
         What a step needs is installed first: the browser from Debian's packages, as root or with\n\
         a sudo that asks for no password; the other tools under target/tools. Where that is not\n\
         possible, the line to run is printed.\n\n\
         Steps:\n{steps}\n\n\
         For one test, ask cargo: cargo test -p innkeeper-domain NAME"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[&Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn given_no_names_when_steps_are_chosen_then_none_is_left_out() {
        let steps = choose(&[]).expect("no name is unknown");

        assert_eq!(
            names(&steps),
            [
                "fmt", "clippy", "tests", "otel", "fuzz", "benches", "shuttle", "doctests", "docs",
                "deny", "typos"
            ]
        );
    }

    #[test]
    fn given_names_in_any_order_when_steps_are_chosen_then_they_keep_their_own_order() {
        let steps = choose(&["typos".to_owned(), "fmt".to_owned()]).expect("both names are known");

        assert_eq!(names(&steps), ["fmt", "typos"]);
    }

    #[test]
    fn given_a_misspelt_name_when_steps_are_chosen_then_nothing_runs_and_the_steps_are_listed() {
        let answer = choose(&["fmt".to_owned(), "clipy".to_owned()]).map(|steps| names(&steps));

        let Err(Failure::Usage(text)) = answer else {
            panic!("expected wrong usage, got {answer:?}");
        };
        assert!(text.contains("`clipy`"), "{text}");
        assert!(text.contains("doctests"), "{text}");
    }
}
