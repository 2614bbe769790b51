//! Running other programs from the root of the repository.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// The folder that holds the workspace manifest.
///
/// Cargo names the manifest at run time; the path known at build time would be another
/// clone's when two clones share a target folder.
pub(crate) fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent()
        .expect("xtask lies one folder below the root of the repository")
        .to_path_buf()
}

/// A program to be run at the root of the repository.
///
/// What `cargo run` told us about our own package is taken out of its environment: build
/// scripts that watch those variables would otherwise be rebuilt each time somebody changes
/// between `cargo test` and `cargo xtask test`.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        let told_by_cargo = name
            .to_str()
            .is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_"));
        if told_by_cargo {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that runs us, so that one toolchain does everything.
pub(crate) fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Shows the command, runs it with its output going where ours goes, and says whether it passed.
pub(crate) fn passes(command: &mut Command) -> Result<bool, Failure> {
    eprintln!("$ {}", readable(command));
    match command.status() {
        Ok(status) => Ok(status.success()),
        Err(error) => Err(Failure::CouldNotRun(format!(
            "could not start `{}`: {error}",
            readable(command)
        ))),
    }
}

/// What the command prints on standard output, if it can be run and succeeds. Says nothing itself.
pub(crate) fn answer_of(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Would a shell find this program?
pub(crate) fn is_on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// The command as a person would type it, with what we set in its environment before it.
fn readable(command: &Command) -> String {
    let settings = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value)))
    });
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let arguments = command
        .get_args()
        .map(|argument| quoted(&argument.to_string_lossy()));

    settings
        .chain([name.to_string_lossy().into_owned()])
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    if word.contains(char::is_whitespace) {
        format!("'{word}'")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_clone_when_the_root_is_asked_for_then_it_holds_this_workspace() {
        assert!(root().join("xtask/src/shell.rs").is_file());
    }

    #[test]
    fn given_what_cargo_told_us_when_a_command_is_made_then_it_is_not_passed_on() {
        let command = command("true");

        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_owned())
            .collect();
        assert!(removed.iter().any(|name| name == "CARGO_MANIFEST_DIR"));
        assert!(removed.iter().any(|name| name == "CARGO_PKG_NAME"));
    }

    #[test]
    fn given_a_program_that_does_not_exist_when_it_is_run_then_it_could_not_run() {
        let answer = passes(&mut command("innkeeper-no-such-program"));

        assert!(matches!(answer, Err(Failure::CouldNotRun(_))), "{answer:?}");
    }

    #[test]
    fn given_a_setting_with_a_space_when_a_command_is_shown_then_it_can_be_pasted() {
        let mut doc = command("/usr/bin/cargo");
        doc.arg("doc").env("RUSTDOCFLAGS", "-D warnings");

        assert_eq!(readable(&doc), "RUSTDOCFLAGS='-D warnings' cargo doc");
    }
}
