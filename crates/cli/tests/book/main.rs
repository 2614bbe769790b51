//! The book keeps its word: every example in it runs, and prints what the book says it prints.

mod chapter;
mod coverage;
mod pattern;
mod shell;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::thread;

use chapter::{Chapter, Step};
use shell::Shell;
use support::Server;

/// Where readers are told that the server listens. Here it listens somewhere else.
const DEFAULT_ADDRESS: &str = "127.0.0.1:7070";

#[test]
fn given_the_book_when_every_example_is_run_then_each_prints_what_the_book_says() {
    let chapters = chapters();

    let run: Vec<(usize, Vec<String>)> = thread::scope(|scope| {
        let running: Vec<_> = chapters
            .iter()
            .map(|chapter| scope.spawn(|| run(chapter)))
            .collect();
        let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
        ended.map(|one| one.expect("no chapter panics")).collect()
    });

    let examples: usize = run.iter().map(|(examples, _)| examples).sum();
    let faults: Vec<String> = run.into_iter().flat_map(|(_, faults)| faults).collect();
    println!("{examples} examples in {} chapters", chapters.len());
    assert!(examples > 0, "the book has no examples");
    assert!(faults.is_empty(), "\n{}", faults.join("\n\n"));
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
/// Returns how many examples ran, and what was wrong.
fn run(chapter: &Chapter) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let mut shell = Shell::start(folder.path());
    let mut server: Option<Server> = None;
    let mut faults = Vec::new();
    let mut examples = 0;
    for step in &chapter.steps {
        match step {
            Step::File { name, text } => {
                std::fs::write(folder.path().join(name), text).expect("it can be written");
            }
            Step::Serve { arguments } => {
                if let Some(before) = server.take() {
                    before.stop();
                }
                let started = Server::start_with(serve(folder.path(), arguments));
                shell.run(&format!("export INNKEEPER_URL={}", started.base));
                server = Some(started);
            }
            Step::Example(example) => {
                examples += 1;
                let here = server.as_ref().map_or(DEFAULT_ADDRESS, |s| {
                    s.base.strip_prefix("http://").expect("it is plain http")
                });
                let ran = shell.run(&example.command.replace(DEFAULT_ADDRESS, here));
                let printed = ran.printed.replace(here, DEFAULT_ADDRESS);
                if let Some(fault) = example.fault(&printed, ran.status) {
                    let place = chapter.path.display();
                    faults.push(format!("{place}:{}: {fault}", example.line));
                }
            }
        }
    }
    (examples, faults)
}

/// `innkeeper serve` with the arguments of the book, on a port of its own.
fn serve(folder: &Path, arguments: &[String]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    command.env_clear().current_dir(folder).arg("serve");
    command.args(arguments).args(["--listen", "127.0.0.1:0"]);
    command
}
