//! The book keeps its word: every example in it runs, and prints what the book says it prints.

mod calls;
mod chapter;
mod coverage;
mod pattern;
mod shell;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::thread;

use calls::{Answered, Call};
use chapter::{Chapter, Step};
use shell::Shell;
use support::Server;

/// Where readers are told that the server listens. Here it listens somewhere else.
const DEFAULT_ADDRESS: &str = "127.0.0.1:7070";

/// The whole book, run once for all tests.
static BOOK: LazyLock<Outcome> = LazyLock::new(|| {
    let chapters = chapters();
    let run: Vec<Outcome> = thread::scope(|scope| {
        let running: Vec<_> = chapters
            .iter()
            .map(|chapter| scope.spawn(|| run(chapter)))
            .collect();
        let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
        ended.map(|one| one.expect("no chapter panics")).collect()
    });
    println!("{} chapters", chapters.len());
    run.into_iter().fold(Outcome::default(), Outcome::and)
});

/// What came of running a chapter, or several.
#[derive(Default)]
struct Outcome {
    /// How many examples ran.
    examples: usize,
    /// What was wrong.
    faults: Vec<String>,
    /// Which calls were made and answered.
    calls: BTreeSet<Call>,
}

impl Outcome {
    fn and(mut self, other: Self) -> Self {
        self.examples += other.examples;
        self.faults.extend(other.faults);
        self.calls.extend(other.calls);
        self
    }
}

#[test]
fn given_the_book_when_every_example_is_run_then_each_prints_what_the_book_says() {
    let Outcome {
        examples, faults, ..
    } = &*BOOK;

    println!("{examples} examples");
    assert!(*examples > 0, "the book has no examples");
    assert!(faults.is_empty(), "\n{}", faults.join("\n\n"));
}

#[test]
fn given_the_published_calls_when_the_book_is_run_then_none_is_without_an_example() {
    let published = calls::published();

    let made: Vec<_> = published.intersection(&BOOK.calls).collect();
    let left_out: Vec<_> = published.difference(&BOOK.calls).cloned().collect();

    println!(
        "{} of {} calls have an example",
        made.len(),
        published.len()
    );
    let names = left_out.join("\n  ");
    assert!(
        left_out.is_empty(),
        "docs/book has no example in which these are called and answered with 2xx:\n  {names}"
    );
}

#[test]
fn given_the_commands_when_the_book_is_read_then_none_is_without_an_example() {
    let left_out = coverage::commands_left_out(&chapters());

    let names = left_out.join(", ");
    assert!(left_out.is_empty(), "docs/book has no example of: {names}");
}

/// The chapters that the table of contents names, in its order.
fn chapters() -> Vec<Chapter> {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book");
    let summary = std::fs::read_to_string(book.join("SUMMARY.md")).expect("the book has one");
    let named: Vec<PathBuf> = summary
        .lines()
        .filter_map(|line| Some(line.split_once("](")?.1.split_once(')')?.0))
        .map(|name| book.join(name))
        .collect();
    assert!(!named.is_empty(), "SUMMARY.md names no chapter");
    named.iter().map(|path| Chapter::read(path)).collect()
}

/// Runs one chapter from top to bottom, as a reader would who starts with an empty folder.
fn run(chapter: &Chapter) -> Outcome {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let mut shell = Shell::start(folder.path());
    let mut running: Option<(Server, Answered)> = None;
    let mut outcome = Outcome::default();
    for step in &chapter.steps {
        let here = running.as_ref().map_or(DEFAULT_ADDRESS, |(server, _)| {
            server
                .base
                .strip_prefix("http://")
                .expect("it is plain http")
        });
        match step {
            Step::File { name, text } => {
                let text = text.replace(DEFAULT_ADDRESS, here);
                std::fs::write(folder.path().join(name), text).expect("it can be written");
            }
            Step::Serve { arguments } => {
                if let Some((before, _)) = running.take() {
                    before.stop();
                }
                let server = Server::start_with(serve(folder.path(), arguments));
                shell.run(&format!("export INNKEEPER_URL={}", server.base));
                let answered = Answered::begin(&server.base);
                running = Some((server, answered));
            }
            Step::Example(example) => {
                outcome.examples += 1;
                let ran = shell.run(&example.command.replace(DEFAULT_ADDRESS, here));
                let printed = ran.printed.replace(here, DEFAULT_ADDRESS);
                if let Some(fault) = example.fault(&printed, ran.status) {
                    let place = chapter.path.display();
                    let fault = format!("{place}:{}: {fault}", example.line);
                    outcome.faults.push(fault);
                }
                if let Some((_, answered)) = &mut running {
                    outcome.calls.extend(answered.by(example));
                }
            }
        }
    }
    outcome
}

/// `innkeeper serve` with the arguments of the book, on a port of its own.
fn serve(folder: &Path, arguments: &[String]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().current_dir(folder).arg("serve");
    command.args(arguments).args(["--listen", "127.0.0.1:0"]);
    command
}
