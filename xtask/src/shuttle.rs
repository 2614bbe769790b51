//! The threads of the embedded store under a scheduler, and flaws that it has to catch.
//!
//! A flaw is a line of the store that reads otherwise. It is planted in a copy of the sources, so
//! that none of it is in the store that ships.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::failure::Failure;
use crate::shell;

/// How the test is run. With the workspace, so that nothing but the store is compiled anew.
pub(crate) const TEST: [&str; 8] = [
    "test",
    "--workspace",
    "--features",
    "innkeeper-store-embedded/shuttle",
    "--test",
    "schedules",
    "--",
    "--nocapture",
];

/// A line that reads otherwise.
struct Flaw {
    name: &'static str,
    /// Which tests meet it, by a part of their names.
    story: &'static str,
    /// Below the sources of the store.
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
}

const FLAWS: [Flaw; 8] = [
    Flaw {
        name: "a roster is shown before its batch is on disk",
        story: "power_goes",
        file: "round.rs",
        right: "        let begun = match self.batch.commit() {",
        wrong: "        for (tag, pending) in &self.rosters {
            let mut shard = self.shared.resident.hold(*tag);
            self.shared.resident.replace(&mut shard, *tag, pending.roster.clone());
        }
        let begun = match self.batch.commit() {",
    },
    Flaw {
        name: "a reading does not wait for a change under way",
        story: "moved_when_read",
        file: "store.rs",
        right: "shard.get(&tag).is_some_and(|p| p.changing)",
        wrong: "false",
    },
    Flaw {
        name: "a visit does not wait for a change under way",
        story: "moved_when_visited",
        file: "store.rs",
        right: "return if place.changing {",
        wrong: "return if false {",
    },
    Flaw {
        name: "a visit finds it silent beside others",
        story: "who_touch_it",
        file: "store.rs",
        right: "&*self.shared.alone(tag)?, touch",
        wrong: "&self.shared.resident.look(tag), touch",
    },
    Flaw {
        name: "a reading finds it silent beside others",
        story: "who_read_it",
        file: "store.rs",
        right: "let shard = self.shared.alone(tag)?;",
        wrong: "drop(self.shared.alone(tag)?);
            let shard = self.shared.resident.look(tag);",
    },
    Flaw {
        name: "a roster and its answer do not appear together",
        story: "moved_when_read",
        file: "round.rs",
        right: "replace(&mut places, tag, pending.roster);",
        wrong: "replace(&mut places, tag, pending.roster);\n            drop(places);",
    },
    Flaw {
        name: "what was heard meanwhile is not carried over",
        story: "closed",
        file: "resident.rs",
        right: "                carry_over(place.opened(), &roster);\n",
        wrong: "",
    },
    Flaw {
        name: "closing does not wait for those who look",
        story: "closed",
        file: "round.rs",
        right: "        self.shared.resident.wait_for_lookers();\n",
        wrong: "",
    },
];

/// Runs many schedules, then each flaw until it is caught; one that is not fails.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let schedules = match words {
        [] => "1000",
        [name, number] if name == "--schedules" && number.parse::<u32>().is_ok_and(|n| n > 0) => {
            number
        }
        _ => return Err(Failure::Usage(HELP.into())),
    };
    let mut test = shell::cargo();
    if !shell::passes(test.args(TEST).env("SCHEDULES", schedules))? {
        return Err(Failure::Failed("shuttle: read above what was found".into()));
    }
    let copy = shell::root().join("target/flawed");
    copy_sources(&copy).map_err(|e| Failure::CouldNotRun(format!("{}: {e}", copy.display())))?;
    let mut missed = 0;
    for flaw in FLAWS {
        let broke = plant(&flaw, &copy, schedules)?;
        missed += usize::from(broke.is_none());
        println!(
            "{:<54} {}",
            flaw.name,
            broke.as_deref().unwrap_or("NOT CAUGHT")
        );
    }
    if missed > 0 {
        return Err(Failure::Failed(format!(
            "shuttle: {missed} flaws were not caught"
        )));
    }
    Ok(())
}

/// Runs the schedules with a flaw planted in the copy, and says what broke, if anything did.
fn plant(flaw: &Flaw, copy: &Path, schedules: &str) -> Result<Option<String>, Failure> {
    let path = copy.join("crates/store-embedded/src").join(flaw.file);
    let broken = |error: io::Error| Failure::CouldNotRun(format!("{}: {error}", path.display()));
    let right = fs::read_to_string(&path).map_err(broken)?;
    if right.matches(flaw.right).count() != 1 {
        return Err(Failure::Failed(format!(
            "`{}` is to be planted in {} where it says this once, and it does not:\n{}",
            flaw.name, flaw.file, flaw.right
        )));
    }
    fs::write(&path, right.replace(flaw.right, flaw.wrong)).map_err(broken)?;
    let output = shell::cargo()
        .args(TEST)
        .arg(flaw.story)
        .current_dir(copy)
        // What is built of the copy must not be taken for what is built of the original.
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("RUST_BACKTRACE", "0")
        .env("SCHEDULES", schedules)
        .stdin(Stdio::null())
        .output();
    fs::write(&path, right).map_err(broken)?;
    let output = output.map_err(broken)?;
    let said = String::from_utf8_lossy(&output.stderr);
    match (output.status.success(), what_broke(&said)) {
        (true, _) => Ok(None),
        (false, Some(broke)) => Ok(Some(broke)),
        // One that does not compile is caught by nobody.
        (false, None) => Err(Failure::Failed(format!("{}: {said}", flaw.name))),
    }
}

/// What a scheduled test said when it failed: the line after that of a panic.
fn what_broke(said: &str) -> Option<String> {
    let mut lines = said.lines().map(str::trim);
    lines.find(|line| line.starts_with("thread '") && line.contains("panicked at"))?;
    lines.next().map(|line| line.chars().take(60).collect())
}

/// Copies what git knows of, as it lies here, to where it was copied before.
fn copy_sources(to: &Path) -> io::Result<()> {
    let mut git = shell::command("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = git.output()?;
    if !listed.status.success() {
        return Err(io::Error::other("git does not list the files"));
    }
    for name in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
        let (from, to) = (shell::root().join(name), to.join(name));
        // Not one that is gone from the folder and still in the index, nor one that is the same,
        // which would be compiled anew.
        if from.is_file() && fs::read(&from)? != fs::read(&to).unwrap_or_default() {
            fs::create_dir_all(to.parent().map_or_else(PathBuf::new, Path::to_path_buf))?;
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

pub(crate) const HELP: &str = "\
Usage: cargo xtask shuttle [--schedules 1000]

Runs the threads of the embedded store under a scheduler that chooses who goes on at every lock,
flag, queue, write and sync: each story in so many schedules, half of them at random and half with
priorities that change. Then plants one flaw after another in a copy of the sources, under
target/flawed, and has each caught; one that is not fails.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_sources_when_flaws_are_looked_up_then_each_has_one_place() {
        for flaw in FLAWS {
            let path = shell::root().join("crates/store-embedded/src");
            let text = fs::read_to_string(path.join(flaw.file)).expect("it is a source file");
            assert_eq!(text.matches(flaw.right).count(), 1, "{}", flaw.name);
        }
    }

    #[test]
    fn given_what_a_failed_test_said_when_read_then_the_promise_is_named() {
        let said = "Compiling\nthread 'x' (7) panicked at house.rs:1:2:\nS2: dead\nmore";

        assert_eq!(what_broke(said).as_deref(), Some("S2: dead"));
        assert_eq!(what_broke("error: does not compile"), None);
    }
}
