//! `completions` and `man`: the command line, told to shells and to readers.

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
    show(script)
}

/// Runs `man`.
pub(crate) fn man(arguments: &ManArguments) -> Result<(), Failure> {
    let command = Arguments::command();
    match &arguments.folder {
        Some(folder) => pages(command, folder),
        None => show(page(command)?),
    }
}

/// Writes a page for each command into a folder.
fn pages(command: clap::Command, folder: &Path) -> Result<(), Failure> {
    let failed =
        |error| Failure::cannot_run(&format!("{} cannot be written", folder.display()), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(command, folder).map_err(failed)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::cannot_run("no page can be made", error))?;
    Ok(page)
}

fn show(text: Vec<u8>) -> Result<(), Failure> {
    let text = String::from_utf8(text)
        .map_err(|error| Failure::cannot_run("this page is no text", error))?;
    print::to_reader(&text).map(drop)
}
