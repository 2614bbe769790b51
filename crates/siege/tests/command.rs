//! The command itself: what it refuses, and what it leaves behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs it, with a folder of its own for what is temporary.
fn siege(words: &[&str], temporary: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_innkeeper-siege"))
        .args(words)
        .env("TMPDIR", temporary)
        .output()
        .expect("the binary was built for this test")
}

fn left_in(temporary: &Path) -> Vec<String> {
    let entries = fs::read_dir(temporary).expect("it is there");
    let names = entries.map(|entry| entry.expect("it can be read").path());
    names.map(|path| path.display().to_string()).collect()
}

#[test]
fn given_a_siege_of_nothing_when_run_then_it_is_wrong_usage_and_begins_nothing() {
    let temporary = tempfile::tempdir().expect("there is a folder for what is temporary");

    let ran = siege(&["policy-try", "--subjects", "0"], temporary.path());

    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("from 1 up"), "{said}");
    assert!(left_in(temporary.path()).is_empty());
}

#[test]
fn given_a_server_that_does_not_start_when_laid_siege_to_then_what_is_left_is_kept_and_named() {
    let temporary = tempfile::tempdir().expect("there is a folder for what is temporary");
    let words = ["kills", "--full-every", "0", "--binary", "/bin/false"];

    let ran = siege(&words, temporary.path());

    let said = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(ran.status.code(), Some(3), "{said}");
    let left = left_in(temporary.path());
    let [folder] = &*left else {
        panic!("one folder is left: {left:?}");
    };
    assert!(said.contains(folder), "{said}");
    assert!(Path::new(folder).join("data.log").exists());
}
