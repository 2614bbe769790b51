//! Repository chores: what the desk and CI run, kept in one place so that they run the same.

mod advisories;
mod book;
mod dist;
mod everyday;
mod failure;
mod functions;
mod fuzz;
mod mutants;
mod openapi;
mod planted;
mod probe_checks;
mod sarif;
mod scan_corpus;
mod scan_speed;
mod schemathesis;
mod shell;
mod shuttle;
mod siege;
mod siege_flaws;
mod simulation;
mod tools;

use std::env;
use std::process::ExitCode;

use failure::Failure;

/// A subcommand of `cargo xtask`.
struct Chore {
    name: &'static str,
    summary: &'static str,
    help: fn() -> String,
    run: fn(&[String]) -> Result<(), Failure>,
}

/// Everything `cargo xtask` can do. A chore is a module and a line here.
const CHORES: &[Chore] = &[
    Chore {
        name: "test",
        summary: "the everyday set: format, lints, tests, docs, licences, spelling",
        help: everyday::help,
        run: everyday::run,
    },
    Chore {
        name: "advisories",
        summary: "known weaknesses in the crates we depend on; needs the network",
        help: || advisories::HELP.into(),
        run: advisories::run,
    },
    Chore {
        name: "book",
        summary: "the book as pages, in target/book; its examples are run by `test`",
        help: || book::HELP.into(),
        run: book::run,
    },
    Chore {
        name: "dist",
        summary: "the release binary and all that belongs to it, in target/dist: [--container]",
        help: || dist::HELP.into(),
        run: dist::run,
    },
    Chore {
        name: "openapi",
        summary: "renew spec/openapi.json from the routes",
        help: || openapi::HELP.into(),
        run: openapi::run,
    },
    Chore {
        name: "probe-checks",
        summary: "renew docs/probe-checks.md from the checks and their cases",
        help: || probe_checks::HELP.into(),
        run: probe_checks::run,
    },
    Chore {
        name: "schemathesis",
        summary: "every published call, by a tester that others wrote: [--seed N] [--examples N]",
        help: || schemathesis::HELP.into(),
        run: schemathesis::run,
    },
    Chore {
        name: "sarif",
        summary: "what the scanner writes for code hosts, against the schema of SARIF 2.1.0",
        help: || sarif::HELP.into(),
        run: sarif::run,
    },
    Chore {
        name: "simulate",
        summary: "many seeds of the simulation: --seeds N [--from S], or --seed S [--trace]",
        help: || simulation::HELP.into(),
        run: simulation::simulate,
    },
    Chore {
        name: "flaws",
        summary: "planted flaws, each run until the simulation catches it: [--seeds N]",
        help: || simulation::HELP.into(),
        run: simulation::flaws,
    },
    Chore {
        name: "model",
        summary: "the one-subject specification beside the code, every state of small worlds",
        help: || simulation::MODEL_HELP.into(),
        run: simulation::model,
    },
    Chore {
        name: "shuttle",
        summary: "readers and the committing thread in many orders, then flaws: [--schedules N]",
        help: || shuttle::HELP.into(),
        run: shuttle::run,
    },
    Chore {
        name: "mutants",
        summary: "mistakes planted in the domain, one by one: [--go-on]",
        help: || mutants::HELP.into(),
        run: mutants::run,
    },
    Chore {
        name: "fuzz",
        summary: "the parsers of outside input under libFuzzer: [--seconds N] [TARGET…]",
        help: || fuzz::HELP.into(),
        run: fuzz::run,
    },
    Chore {
        name: "functions",
        summary: "how long single functions take, by Criterion: [WORD…]",
        help: || functions::HELP.into(),
        run: functions::run,
    },
    Chore {
        name: "rounds",
        summary: "simultaneous sign-ins against the release binary: [--rounds N] [--limit L]",
        help: || siege::HELP.into(),
        run: siege::rounds,
    },
    Chore {
        name: "kills",
        summary: "kill -9, stops and full disks under the release binary: [--rounds N]",
        help: || siege::HELP.into(),
        run: siege::kills,
    },
    Chore {
        name: "siege-flaws",
        summary: "servers with a planted flaw, which rounds and kills have to catch",
        help: siege_flaws::help,
        run: siege_flaws::run,
    },
    Chore {
        name: "policy-try",
        summary: "a policy tried over 100,000 subjects, and what putting it then ends",
        help: || siege::HELP.into(),
        run: siege::policy_try,
    },
    Chore {
        name: "bulk",
        summary: "100,000 sessions ended by a filter beside sign-ins and checks",
        help: || siege::HELP.into(),
        run: siege::bulk,
    },
    Chore {
        name: "scan-corpus",
        summary: "how well the scanner reads labelled repositories",
        help: || scan_corpus::HELP.into(),
        run: scan_corpus::run,
    },
    Chore {
        name: "scan-speed",
        summary: "how fast the scanner reads a tree, beside ripgrep and ast-grep",
        help: || scan_speed::HELP.into(),
        run: scan_speed::run,
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();

    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            failure.exit_code()
        }
    }
}

fn dispatch(words: &[String]) -> Result<(), Failure> {
    let Some((name, rest)) = words.split_first() else {
        return Err(Failure::Usage(format!("no chore named\n\n{}", help())));
    };
    if asks_for_help(name) {
        println!("{}", help());
        return Ok(());
    }
    match CHORES.iter().find(|chore| chore.name == name) {
        Some(chore) if rest.iter().any(|word| asks_for_help(word)) => {
            println!("{}", (chore.help)());
            Ok(())
        }
        Some(chore) => (chore.run)(rest),
        None => Err(Failure::Usage(format!(
            "there is no chore `{name}`\n\n{}",
            help()
        ))),
    }
}

/// Is this word a request for help rather than an argument?
fn asks_for_help(word: &str) -> bool {
    matches!(word, "-h" | "--help" | "help")
}

/// Refuses words where a chore takes none.
fn no_words(words: &[String], help: &str) -> Result<(), Failure> {
    match words {
        [] => Ok(()),
        [word, ..] => Err(Failure::Usage(format!(
            "`{word}` is not understood\n\n{help}"
        ))),
    }
}

fn help() -> String {
    let chores = listed(CHORES.iter().map(|chore| (chore.name, chore.summary)));
    format!("Usage: cargo xtask <CHORE> [--help]\n\nChores:\n{chores}")
}

/// Names and what they stand for, one pair a line, as they appear under a heading of a help text.
fn listed<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    rows.map(|(name, summary)| format!("  {name:<12} {summary}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_unknown_chore_when_it_is_called_then_the_answer_names_those_that_exist() {
        let words = ["tset".to_owned()];

        let answer = dispatch(&words);

        let Err(Failure::Usage(text)) = answer else {
            panic!("expected wrong usage, got {answer:?}");
        };
        assert!(text.contains("`tset`"), "{text}");
        assert!(text.contains("test"), "{text}");
        assert!(text.contains("advisories"), "{text}");
    }
}
