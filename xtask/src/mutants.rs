//! Mistakes planted in the domain, one at a time, and whether a test notices.
//!
//! Each is first held against the tests beside the code, which are built alone and so in seconds;
//! what they let pass is then held against all tests of the crate.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::shell;
use crate::tools::{self, Need};

/// How many of a hundred have to be noticed.
const SHARE_LEAST: usize = 90;

/// Plants every mistake; fails if fewer are noticed than have to be.
pub(crate) fn run(words: &[String]) -> Result<(), Failure> {
    let goes_on = match words {
        [] => false,
        [word] if word == "--go-on" => true,
        _ => return Err(Failure::Usage(HELP.into())),
    };
    tools::ensure(&[Need::Mutants])?;
    let folder = shell::root().join("target/mutants");
    let broken = |error: io::Error| Failure::CouldNotRun(format!("{}: {error}", folder.display()));
    if !goes_on && folder.exists() {
        fs::remove_dir_all(&folder).map_err(broken)?;
    }
    fs::create_dir_all(&folder).map_err(broken)?;
    let mut tally = Tally::read(&folder).map_err(broken)?;
    for tests in ["--lib", "--tests"] {
        plant(tests, &folder)?;
        tally.add(&folder).map_err(broken)?;
    }
    println!("{}", tally.table());
    tally.judge()
}

/// Plants what was not noticed yet, and runs these tests.
fn plant(tests: &str, folder: &Path) -> Result<(), Failure> {
    let mut mutants = tools::mutants();
    mutants
        .args(["--package", "innkeeper-domain", "--iterate"])
        .args(["--cargo-arg", tests, "--output"])
        .arg(folder)
        // The tests that need it most are bounded; one that hangs is stopped after this long.
        .args(["--minimum-test-timeout", "20"]);
    let status = mutants.status().map_err(|error| {
        Failure::CouldNotRun(format!("cargo-mutants could not be started: {error}"))
    })?;
    match status.code() {
        // All were noticed, some were not, or some hung.
        Some(0 | 2 | 3) => Ok(()),
        _ => Err(Failure::CouldNotRun(
            "cargo-mutants stopped, and says why above; `--go-on` keeps what it has found".into(),
        )),
    }
}

/// What became of the mistakes, by their names.
#[derive(Debug, Default)]
struct Tally {
    caught: BTreeSet<String>,
    unviable: BTreeSet<String>,
    missed: BTreeSet<String>,
    timeouts: BTreeSet<String>,
}

impl Tally {
    /// What was found before: a run that is cut keeps it, and so does the one that goes on.
    fn read(folder: &Path) -> io::Result<Self> {
        let mut tally = Self {
            caught: lines(&folder.join("caught.txt"))?,
            unviable: lines(&folder.join("unviable.txt"))?,
            ..Self::default()
        };
        tally.add(folder)?;
        Ok(tally)
    }

    /// Adds what the last run found, and keeps what no later run looks at again.
    fn add(&mut self, folder: &Path) -> io::Result<()> {
        let last = folder.join("mutants.out");
        self.caught.extend(lines(&last.join("caught.txt"))?);
        self.unviable.extend(lines(&last.join("unviable.txt"))?);
        self.missed = lines(&last.join("missed.txt"))?;
        self.timeouts = lines(&last.join("timeout.txt"))?;
        for (name, kept) in [("caught", &self.caught), ("unviable", &self.unviable)] {
            let kept: Vec<_> = kept.iter().map(String::as_str).collect();
            fs::write(folder.join(format!("{name}.txt")), kept.join("\n"))?;
        }
        Ok(())
    }

    /// How many could be noticed: those that compile.
    fn viable(&self) -> usize {
        self.caught.len() + self.missed.len() + self.timeouts.len()
    }

    fn table(&self) -> String {
        let missed = self.missed.iter().map(|name| format!("missed: {name}\n"));
        let (viable, caught) = (self.viable(), self.caught.len());
        format!(
            "{}viable               {viable}\ncaught               {caught}\n\
             missed               {}\ntimeouts             {}\nunviable             {}\n\
             share caught         {}.{} % (goal: at least {SHARE_LEAST})",
            missed.collect::<String>(),
            self.missed.len(),
            self.timeouts.len(),
            self.unviable.len(),
            caught * 100 / viable.max(1),
            caught * 1000 / viable.max(1) % 10,
        )
    }

    fn judge(&self) -> Result<(), Failure> {
        let (viable, caught) = (self.viable(), self.caught.len());
        if viable == 0 {
            return Err(Failure::Failed("mutants: nothing was planted".into()));
        }
        if caught * 100 < viable * SHARE_LEAST {
            return Err(Failure::Failed(format!(
                "mutants: {caught} of {viable} were noticed; write tests for those above"
            )));
        }
        Ok(())
    }
}

fn lines(path: &PathBuf) -> io::Result<BTreeSet<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(ToOwned::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

pub(crate) const HELP: &str = "\
Usage: cargo xtask mutants [--go-on]

Plants one mistake after another in the domain (a comparison turned round, a body replaced by a
value) and runs its tests; fails if fewer than 90 of 100 are noticed. Takes an hour or two. With
--go-on, those that a run before this one did not get to, and those that were missed, against the
tests as they are now. What was found lies in target/mutants.";

#[cfg(test)]
mod tests {
    use super::*;

    fn names(numbers: std::ops::Range<u8>) -> BTreeSet<String> {
        numbers.map(|n| n.to_string()).collect()
    }

    #[test]
    fn given_nine_of_ten_caught_when_judged_then_it_passes_and_one_fewer_does_not() {
        let mut tally = Tally {
            caught: names(0..9),
            missed: names(9..10),
            ..Tally::default()
        };
        assert_eq!(tally.judge(), Ok(()));
        assert!(tally.table().contains("90.0 %"), "{}", tally.table());

        tally.timeouts = names(10..11);
        assert!(matches!(tally.judge(), Err(Failure::Failed(_))));
        assert!(matches!(Tally::default().judge(), Err(Failure::Failed(_)),));
    }

    #[test]
    fn given_a_run_that_was_cut_when_the_next_goes_on_then_what_it_caught_still_counts() {
        let folder = shell::root().join("target/mutants-test");
        let _ = fs::remove_dir_all(&folder);
        let last = folder.join("mutants.out");
        fs::create_dir_all(&last).unwrap();
        fs::write(last.join("caught.txt"), "a\nb\n").unwrap();
        fs::write(last.join("missed.txt"), "c\n").unwrap();
        Tally::read(&folder).unwrap();
        fs::write(last.join("caught.txt"), "c\n").unwrap();
        fs::write(last.join("missed.txt"), "").unwrap();

        let tally = Tally::read(&folder).unwrap();

        assert_eq!((tally.caught.len(), tally.missed.len()), (3, 0));
        fs::remove_dir_all(folder).unwrap();
    }
}
