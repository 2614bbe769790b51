//! Flaws: lines that read otherwise, in a copy of the sources, so that none of it is in what ships.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::shell;

/// Where a line reads otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    /// From the root of the repository.
    pub(crate) file: &'static str,
    /// What is there once.
    pub(crate) right: &'static str,
    /// What is there instead.
    pub(crate) wrong: &'static str,
}

/// A copy of the sources, under target/flawed, with what is built of them.
#[derive(Debug)]
pub(crate) struct Copy(PathBuf);

impl Copy {
    /// Copies what git knows of, as it lies here, to where it was copied before.
    pub(crate) fn of_sources() -> Result<Self, Failure> {
        let to = shell::root().join("target/flawed");
        copy_sources(&to).map_err(|e| Failure::CouldNotRun(format!("{}: {e}", to.display())))?;
        Ok(Self(to))
    }

    /// Where something of it is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Cargo for the copy. What is built of it is not taken for what is built of the original.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = shell::cargo();
        cargo
            .current_dir(&self.0)
            .env("CARGO_TARGET_DIR", self.path("target"))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null());
        cargo
    }

    /// Does something while these lines read otherwise.
    pub(crate) fn with<T>(
        &self,
        edits: &[Edit],
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some((edit, rest)) = edits.split_first() else {
            return work();
        };
        let path = self.path(edit.file);
        let broken =
            |error: io::Error| Failure::CouldNotRun(format!("{}: {error}", path.display()));
        let right = fs::read_to_string(&path).map_err(broken)?;
        if right.matches(edit.right).count() != 1 {
            return Err(Failure::Failed(format!(
                "{} is to say this once, for a flaw to be planted there, and does not:\n{}",
                edit.file, edit.right
            )));
        }
        fs::write(&path, right.replace(edit.right, edit.wrong)).map_err(broken)?;
        let done = self.with(rest, work);
        fs::write(&path, right).map_err(broken)?;
        done
    }
}

fn copy_sources(to: &std::path::Path) -> io::Result<()> {
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
            fs::create_dir_all(to.parent().map_or_else(PathBuf::new, Into::into))?;
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// Fails unless each of these lines is in one place, as it has to be when it is planted.
#[cfg(test)]
pub(crate) fn assert_in_place(edits: &[Edit]) {
    for edit in edits {
        let text = fs::read_to_string(shell::root().join(edit.file)).expect("it is a source file");
        let count = text.matches(edit.right).count();
        assert_eq!(count, 1, "{} says this:\n{}", edit.file, edit.right);
    }
}
