//! `completions` and `man`: the command line, told to shells and to readers.

use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory;

use crate::args::{Arguments, CompletionsArguments, ManArguments};
use crate::exit::Failure;
use crate::print;

/// Runs `completions`.
pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "innkeeper", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Failure::cannot_run("this script is no text", error))?;
    print::to_reader(&script).map(drop)
}

/// Runs `man`.
pub(crate) fn man(arguments: &ManArguments) -> Result<(), Failure> {
    let command = Arguments::command();
    match &arguments.folder {
        Some(folder) => pages(command, folder),
        None => print::to_reader(&page(command)?).map(drop),
    }
}

/// Writes a page for each command into a folder.
fn pages(command: clap::Command, folder: &Path) -> Result<(), Failure> {
    let failed =
        |error| Failure::cannot_run(&format!("{} cannot be written", folder.display()), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("innkeeper") && name.ends_with(".1") {
            let page = std::fs::read_to_string(entry.path()).map_err(failed)?;
            std::fs::write(entry.path(), plain(&page)).map_err(failed)?;
        }
    }
    Ok(())
}

/// A page in ASCII, with the names that roff has for other characters (`groff_char(7)`): read as
/// bytes, they are warned of and shown as others.
fn plain(page: &str) -> String {
    let mut plain = String::with_capacity(page.len());
    for c in page.chars() {
        if c.is_ascii() {
            plain.push(c);
        } else {
            write!(plain, "\\[u{:04X}]", u32::from(c))
                .expect("a string takes what is written to it");
        }
    }
    plain
}

fn page(command: clap::Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::cannot_run("no page can be made", error))?;
    let page = String::from_utf8(page)
        .map_err(|error| Failure::cannot_run("this page is no text", error))?;
    Ok(plain(&page))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `groff` reads bytes: `ses_…` was shown as `ses_â`, with a warning.
    #[test]
    fn given_examples_with_other_letters_when_pages_are_made_then_they_are_ascii() {
        let folder = tempfile::tempdir().expect("there is room");

        pages(Arguments::command(), folder.path()).expect("they are made");

        let names = ["innkeeper.1", "innkeeper-sessions.1", "innkeeper-devices.1"];
        let page = |name| std::fs::read_to_string(folder.path().join(name)).expect("it is there");
        assert!(names.into_iter().all(|name| page(name).is_ascii()));
        assert!(page("innkeeper-devices.1").contains(r"dev_\[u2026]"));
        assert!(
            super::page(Arguments::command())
                .expect("it is made")
                .is_ascii()
        );
    }
}
