//! Nothing is left out of the book: every command has an example in it.

use std::process::Command;

use crate::chapter::{Chapter, Step};

/// The commands that the book shows elsewhere than in an example, since they judge or measure.
const NOT_IN_THE_BOOK: [&str; 2] = ["bench", "scan"];

/// The commands that no chapter has an example of.
pub(crate) fn commands_left_out(chapters: &[Chapter]) -> Vec<String> {
    let typed: Vec<&str> = chapters
        .iter()
        .flat_map(|chapter| &chapter.steps)
        .filter_map(|step| match step {
            Step::Example(example) => Some(&example.command[..]),
            Step::Serve { .. } => Some("innkeeper serve"),
            Step::File { .. } => None,
        })
        .collect();
    let mut known = Vec::new();
    find_commands(&mut vec!["innkeeper".to_owned()], &mut known);
    assert!(known.len() > 5, "the help names few commands: {known:?}");
    known.retain(|command| !typed.iter().any(|t| t.contains(command.as_str())));
    known
}

/// Asks each command for its subcommands, and collects those that have none.
fn find_commands(words: &mut Vec<String>, known: &mut Vec<String>) {
    let help = Command::new(env!("CARGO_BIN_EXE_innkeeper"))
        .env_clear()
        .args(&words[1..])
        .arg("--help")
        .output()
        .expect("the binary was built for this test");
    let help = String::from_utf8(help.stdout).expect("help is text");
    let subcommands: Vec<String> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A longer indent continues the words about the command above it.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help" && !NOT_IN_THE_BOOK.contains(&name.as_str()))
        .collect();
    if subcommands.is_empty() {
        known.push(words.join(" "));
    }
    for name in subcommands {
        words.push(name);
        find_commands(words, known);
        words.pop();
    }
}
