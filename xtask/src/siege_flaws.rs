//! Servers with a planted flaw: the sieges have to catch them, or they would catch nothing.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::failure::Failure;
use crate::planted::{Copy, Edit};
use crate::shell;

/// A server that is wrong, and the siege that has to show it.
struct Flaw {
    name: &'static str,
    /// The words of the siege.
    siege: &'static [&'static str],
    /// The promises of which one must be seen broken; none of a server that has no flaw.
    must: &'static [&'static str],
    edits: &'static [Edit],
}

const ROUNDS: &[&str] = &["rounds", "--rounds", "20"];
const TWO_ROUNDS: &[&str] = &["rounds", "--rounds", "2"];
const KILLS: &[&str] = &["kills", "--rounds", "30", "--full-every", "0"];
/// What is wrong every time: each waits a while for events that do not come right.
const TEN_KILLS: &[&str] = &["kills", "--rounds", "10", "--full-every", "0"];

const FLAWS: [Flaw; 6] = [
    Flaw {
        name: "none, in rounds",
        siege: ROUNDS,
        must: &[],
        edits: &[],
    },
    Flaw {
        name: "none, in kills",
        siege: KILLS,
        must: &[],
        edits: &[],
    },
    Flaw {
        name: "count, then insert: nobody waits, and no version is compared",
        siege: ROUNDS,
        must: &["S1"],
        edits: &[
            Edit {
                file: "crates/engine/src/settle.rs",
                right: "let _turn = self.lanes.enter(tag).await;",
                wrong: "drop(self.lanes.enter(tag).await);",
            },
            Edit {
                file: "crates/store-embedded/src/round.rs",
                right: "        let ground = self.head.ground;\n        let roster = commit.",
                wrong: "        let ground = self.head.ground;
        if let Some(current) = current.as_deref().filter(|c| c.generation == commit.generation) {
            commit.version = current.version;
            commit.entry.previous = current.journal_head;
        }
        let roster = commit.",
            },
        ],
    },
    Flaw {
        name: "a key is not remembered with its sign-in",
        siege: TWO_ROUNDS,
        must: &["S10"],
        edits: &[Edit {
            file: "crates/store-embedded/src/round.rs",
            right: "let remember = std::mem::take(&mut commit.remember);",
            wrong: "let remember = Vec::new();",
        }],
    },
    Flaw {
        name: "answered before it is written",
        siege: KILLS,
        must: &["S2", "S3"],
        edits: &[Edit {
            file: "crates/store-embedded/src/committer.rs",
            right: "        let written = round.write(&self.mark);\n        shared.raise_asked",
            wrong: "        for answer in answers.drain(..) {
            answer(Ok(()));
        }
        let written = round.write(&self.mark);
        shared.raise_asked",
        }],
    },
    Flaw {
        name: "ends are left out of what is written",
        siege: TEN_KILLS,
        must: &["S2", "S3"],
        edits: &[Edit {
            file: "crates/store-embedded/src/disk.rs",
            right: "                let bytes = record::encode_roster_after(before, after);
                self.row(Kind::RosterAfter, tag.as_bytes(), &bytes);",
            wrong: "                let mut after = after.clone();
                let stays = |id| after.sessions.iter().any(|s| s.id == id);
                let gone = before.sessions.iter().filter(|s| !stays(s.id)).cloned();
                let gone: Vec<_> = gone.collect();
                after.sessions.extend(gone);
                self.row(Kind::Roster, tag.as_bytes(), &record::encode_roster(&after));",
        }],
    },
];

/// Builds a server with each flaw and lays siege to it; one that is not caught fails.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let all = FLAWS.iter().enumerate();
    let named = |number: usize| words.iter().any(|word| *word == (number + 1).to_string());
    let wanted = all.filter(|(number, _)| words.is_empty() || named(*number));
    let wanted: Vec<&Flaw> = wanted.map(|(_, flaw)| flaw).collect();
    if wanted.is_empty() || wanted.len() < words.len() {
        return Err(Failure::Usage(help()));
    }
    let copy = Copy::of_sources()?;
    println!("| Flaw | Siege | Must break | Broken |");
    println!("| --- | --- | --- | --- |");
    let mut missed = 0;
    for flaw in wanted {
        let broken = copy.with(flaw.edits, || broken(flaw, &copy))?;
        let rules: Vec<&str> = broken.iter().map(|(rule, _)| rule.as_str()).collect();
        missed += usize::from(!flaw.is_caught(&rules));
        let counts = broken.iter().map(|(rule, count)| format!("{rule} {count}"));
        let counts: Vec<String> = counts.collect();
        println!(
            "| {} | `{}` | {} | {} |",
            flaw.name,
            flaw.siege.join(" "),
            flaw.must.join(" or "),
            counts.join(", ")
        );
    }
    if missed > 0 {
        return Err(Failure::Failed(format!(
            "siege-flaws: {missed} were not told apart from a server that is right"
        )));
    }
    Ok(())
}

impl Flaw {
    /// Whether what was broken is what had to be: nothing, where there is no flaw.
    fn is_caught(&self, broken: &[&str]) -> bool {
        if self.must.is_empty() {
            broken.is_empty()
        } else {
            self.must.iter().any(|rule| broken.contains(rule))
        }
    }
}

/// Lays siege to the server of the copy, and says which promises it broke how often.
fn broken(flaw: &Flaw, copy: &Copy) -> Result<Vec<(String, String)>, Failure> {
    let mut build = copy.cargo();
    build.args(["build", "--quiet", "--package", "innkeeper-cli"]);
    if !shell::passes(&mut build)? {
        // One that does not compile is caught by nobody.
        return Err(Failure::Failed(format!("`{}` does not build", flaw.name)));
    }
    let broke_off = |error: std::io::Error| Failure::CouldNotRun(format!("{}: {error}", flaw.name));
    let left = copy.path("left");
    fs::create_dir_all(&left).map_err(broke_off)?;
    let laid = lay(flaw, &copy.path("target/debug/innkeeper"), &left).map_err(broke_off)?;
    // What a siege leaves of a server that is wrong on purpose is of no use.
    fs::remove_dir_all(&left).map_err(broke_off)?;
    let (held, said) = laid;
    let broken = rules_in(&said);
    if held == broken.is_empty() {
        Ok(broken)
    } else {
        Err(Failure::Failed(format!("`{}`: {said}", flaw.name)))
    }
}

/// Whether the siege held, and what it said.
fn lay(flaw: &Flaw, server: &Path, left: &Path) -> std::io::Result<(bool, String)> {
    let output = shell::cargo()
        .args(["run", "--quiet", "--package", "innkeeper-siege", "--"])
        .args(flaw.siege)
        .arg("--binary")
        .arg(server)
        .env("TMPDIR", left)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((output.status.success(), said))
}

/// The promises that a siege says were broken, and how often each.
fn rules_in(said: &str) -> Vec<(String, String)> {
    let rows = said.lines().filter_map(|line| {
        let (rule, count) = line.strip_prefix("of them ")?.split_once(' ')?;
        Some((rule.to_owned(), count.trim().to_owned()))
    });
    rows.collect()
}

pub(crate) fn help() -> String {
    let flaws = FLAWS.iter().enumerate();
    let flaws = flaws.map(|(number, flaw)| format!("  {}  {}", number + 1, flaw.name));
    let flaws: Vec<String> = flaws.collect();
    format!("{HELP}\n\nServers:\n{}", flaws.join("\n"))
}

const HELP: &str = "\
Usage: cargo xtask siege-flaws [NUMBER…]

Plants one flaw after another in a copy of the sources, under target/flawed, builds the server of
it without optimisation, and lays the siege to it that must show a broken promise. Those without a
flaw must show none. Numbers name some of them.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planted;

    #[test]
    fn given_the_sources_when_flaws_are_looked_up_then_each_has_one_place() {
        for flaw in &FLAWS {
            planted::assert_in_place(flaw.edits);
        }
    }

    #[test]
    fn given_what_a_siege_said_when_read_then_a_flaw_is_caught_by_what_it_must_break_alone() {
        let said = "violations           3\nof them S1           2\nof them S16          1\n";
        let rules = rules_in(said);
        let broken: Vec<&str> = rules.iter().map(|(rule, _)| rule.as_str()).collect();
        let caught = |flaw: &Flaw| flaw.is_caught(&broken);

        assert_eq!(broken, ["S1", "S16"]);
        assert_eq!(rules[0].1, "2");
        let by = FLAWS.iter().filter(|flaw| caught(flaw));
        assert!(by.map(|flaw| flaw.must).eq([&["S1"]]));
        assert!(FLAWS.iter().any(|flaw| flaw.is_caught(&[])));
    }
}
