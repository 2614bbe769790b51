//! A chapter as something to run: what it starts, what it writes, what it types.
//!
//! In a block marked `console`, a line that starts with `$ ` is typed (`> ` continues it), and
//! the lines below it are what it prints, in the words of [`pattern`](crate::pattern). A line
//! `? N` right below it says that it exits with N. `$ innkeeper serve …` starts a server for the
//! rest of the chapter; `<!-- serve … -->` does so unseen. `<!-- file NAME -->` above a block
//! writes that block to a file.

use std::path::{Path, PathBuf};

use crate::pattern;

pub(crate) struct Chapter {
    pub(crate) path: PathBuf,
    pub(crate) steps: Vec<Step>,
}

pub(crate) enum Step {
    Serve { arguments: Vec<String> },
    File { name: String, text: String },
    Example(Example),
}

/// One command with what it prints.
pub(crate) struct Example {
    pub(crate) line: usize,
    pub(crate) command: String,
    status: i32,
    printed: Vec<String>,
}

impl Chapter {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            path: path.to_owned(),
            steps: steps(&text),
        }
    }
}

impl Example {
    /// What is wrong with how it ran, if anything is.
    pub(crate) fn fault(&self, printed: &str, status: i32) -> Option<String> {
        let expected = self.status;
        if status != expected {
            let command = &self.command;
            return Some(format!(
                "exits with {status}, not {expected}\n$ {command}\n{printed}"
            ));
        }
        if self.printed.is_empty() || pattern::matches(&self.printed, printed) {
            return None;
        }
        let expected = self.printed.join("\n");
        Some(format!(
            "prints something else\n$ {}\n--- the book says\n{expected}\n--- it prints\n{printed}",
            self.command
        ))
    }
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut file = None;
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(note) = comment(line) {
            match note.split_once(' ').unwrap_or((note, "")) {
                ("serve", arguments) => steps.push(Step::Serve {
                    arguments: words(arguments),
                }),
                ("file", name) => file = Some(name.to_owned()),
                _ => {}
            }
        } else if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| !line.starts_with("```"))
                .collect();
            if let Some(name) = file.take() {
                let text = block.join("\n") + "\n";
                steps.push(Step::File { name, text });
            } else if language == "console" {
                // Lines of a file are counted from one, and the block starts below its mark.
                console(at + 2, &block, &mut steps);
            }
        }
    }
    steps
}

fn console(first: usize, block: &[&str], steps: &mut Vec<Step>) {
    for (line, text) in (first..).zip(block) {
        if let Some(command) = text.strip_prefix("$ ") {
            if let Some(arguments) = command.strip_prefix("innkeeper serve") {
                let arguments = words(arguments);
                steps.push(Step::Serve { arguments });
                continue;
            }
            steps.push(Step::Example(Example {
                line,
                command: command.to_owned(),
                status: 0,
                printed: Vec::new(),
            }));
            continue;
        }
        // What a server prints when it starts is for the reader.
        let Some(Step::Example(example)) = steps.last_mut() else {
            continue;
        };
        if let Some(more) = text.strip_prefix("> ") {
            example.command = format!("{}\n{more}", example.command);
        } else if let (Some(status), []) = (text.strip_prefix("? "), &example.printed[..]) {
            example.status = status.parse().expect("an exit code is a number");
        } else {
            example.printed.push((*text).to_owned());
        }
    }
}

fn comment(line: &str) -> Option<&str> {
    Some(line.strip_prefix("<!--")?.strip_suffix("-->")?.trim())
}

fn words(arguments: &str) -> Vec<String> {
    arguments.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn given_a_chapter_when_read_then_each_command_has_its_output_and_its_exit_code() {
    let steps = steps(
        "Words.\n<!-- file a.toml -->\n```toml\nx = 1\n```\n```console\n$ innkeeper serve --demo\n\
         hello\n$ false\n? 1\nno\n$ one \\\n> two\n```\n",
    );

    let [
        Step::File { name, text },
        Step::Serve { arguments },
        Step::Example(first),
        Step::Example(second),
    ] = &steps[..]
    else {
        panic!("four steps, found {}", steps.len());
    };
    assert_eq!((&name[..], &text[..]), ("a.toml", "x = 1\n"));
    assert_eq!(arguments[..], ["--demo".to_owned()]);
    assert_eq!((first.line, first.status), (9, 1));
    assert_eq!(first.printed, ["no"]);
    assert_eq!(second.command, "one \\\ntwo");
    assert!(first.fault("no", 0).is_some());
    assert!(first.fault("yes", 1).is_some());
    assert!(first.fault("no\n", 1).is_none());
}
