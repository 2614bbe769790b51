//! The threads of the embedded store under a scheduler, and flaws that it has to catch.

use crate::failure::Failure;
use crate::planted::{Copy, Edit};
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

/// A flaw of the store.
struct Flaw {
    name: &'static str,
    /// Which tests meet it, by a part of their names.
    story: &'static str,
    edit: Edit,
}

const FLAWS: [Flaw; 8] = [
    Flaw {
        name: "a roster is shown before its batch is on disk",
        story: "power_goes",
        edit: Edit {
            file: "crates/store-embedded/src/round.rs",
            right: "        let begun = match self.batch.commit() {",
            wrong: "        for (tag, pending) in &self.rosters {
            let mut shard = self.shared.resident.hold(*tag);
            self.shared.resident.replace(&mut shard, *tag, pending.roster.clone());
        }
        let begun = match self.batch.commit() {",
        },
    },
    Flaw {
        name: "a reading does not wait for a change under way",
        story: "moved_when_read",
        edit: Edit {
            file: "crates/store-embedded/src/store.rs",
            right: "shard.get(&tag).is_some_and(|p| p.changing)",
            wrong: "false",
        },
    },
    Flaw {
        name: "a visit does not wait for a change under way",
        story: "moved_when_visited",
        edit: Edit {
            file: "crates/store-embedded/src/store.rs",
            right: "return if place.changing {",
            wrong: "return if false {",
        },
    },
    Flaw {
        name: "a visit finds it silent beside others",
        story: "who_touch_it",
        edit: Edit {
            file: "crates/store-embedded/src/store.rs",
            right: "&*self.shared.alone(tag)?, touch",
            wrong: "&self.shared.resident.look(tag), touch",
        },
    },
    Flaw {
        name: "a reading finds it silent beside others",
        story: "who_read_it",
        edit: Edit {
            file: "crates/store-embedded/src/store.rs",
            right: "let shard = self.shared.alone(tag)?;",
            wrong: "drop(self.shared.alone(tag)?);
            let shard = self.shared.resident.look(tag);",
        },
    },
    Flaw {
        name: "a roster and its answer do not appear together",
        story: "moved_when_read",
        edit: Edit {
            file: "crates/store-embedded/src/round.rs",
            right: "replace(&mut places, tag, pending.roster);",
            wrong: "replace(&mut places, tag, pending.roster);\n            drop(places);",
        },
    },
    Flaw {
        name: "what was heard meanwhile is not carried over",
        story: "closed",
        edit: Edit {
            file: "crates/store-embedded/src/resident.rs",
            right: "                carry_over(place.opened(), &roster);\n",
            wrong: "",
        },
    },
    Flaw {
        name: "closing does not wait for those who look",
        story: "closed",
        edit: Edit {
            file: "crates/store-embedded/src/round.rs",
            right: "        self.shared.resident.wait_for_lookers();\n",
            wrong: "",
        },
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
    let copy = Copy::of_sources()?;
    let mut missed = 0;
    for flaw in FLAWS {
        let broke = copy.with(&[flaw.edit], || broken(&flaw, &copy, schedules))?;
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

/// Runs the schedules of a flaw in the copy, and says what broke, if anything did.
fn broken(flaw: &Flaw, copy: &Copy, schedules: &str) -> Result<Option<String>, Failure> {
    let mut test = copy.cargo();
    test.args(TEST).arg(flaw.story).env("SCHEDULES", schedules);
    let output = test
        .output()
        .map_err(|error| Failure::CouldNotRun(format!("{}: {error}", flaw.name)))?;
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

pub(crate) const HELP: &str = "\
Usage: cargo xtask shuttle [--schedules 1000]

Runs the threads of the embedded store under a scheduler that chooses who goes on at every lock,
flag, queue, write and sync: each story in so many schedules, half of them at random and half with
priorities that change. Then plants one flaw after another in a copy of the sources, under
target/flawed, and has each caught; one that is not fails.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted;

    #[test]
    fn given_the_sources_when_flaws_are_looked_up_then_each_has_one_place() {
        planted::assert_in_place(&FLAWS.map(|flaw| flaw.edit));
    }

    #[test]
    fn given_what_a_failed_test_said_when_read_then_the_promise_is_named() {
        let said = "Compiling\nthread 'x' (7) panicked at house.rs:1:2:\nS2: dead\nmore";

        assert_eq!(what_broke(said).as_deref(), Some("S2: dead"));
        assert_eq!(what_broke("error: does not compile"), None);
    }
}
