//! What a command says, to whoever reads it: the one place that writes to standard output and to
//! standard error.
//!
//! A reader may go away before the end, as `head` does. It has read enough: the command goes on
//! to its own end, prints no more, and exits as it would have. Other failures to print, such as a
//! full disk behind `>`, are failures of the command.

use std::fmt::{Display, Write as _};
use std::io::{self, ErrorKind, IsTerminal as _, Write};

use rustix::termios::tcgetwinsize;
use serde_json::Value;

use crate::escape::acts_on_a_reader;
use crate::exit::Failure;

/// Whether somebody still reads what is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reader {
    There,
    Gone,
}

/// How many columns the reader sees: none where it is no terminal, and a line has no end.
pub(crate) fn columns() -> Option<u16> {
    /// What a terminal has that does not tell.
    const USUAL: u16 = 80;
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let told = tcgetwinsize(&out).map_or(0, |size| size.ws_col);
    Some(if told == 0 { USUAL } else { told })
}

/// Prints text as it is, for commands that stop when nobody reads any more.
pub(crate) fn to_reader(text: &str) -> Result<Reader, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::cannot_run("nothing can be printed", error)),
    }
}

/// Prints lines; the last one is ended if it is not.
pub(crate) fn lines(text: impl Display) -> Result<(), Failure> {
    let mut text = text.to_string();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    to_reader(&text).map(drop)
}

/// Prints JSON for programs. It may land on a terminal all the same, so what could act there is
/// written as an escape, which a program reads back as the character.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    lines(escaped(&format!("{value:#}")))
}

/// Prints the document for programs, or the words for people.
pub(crate) fn answer(is_json: bool, document: &Value, words: impl Display) -> Result<(), Failure> {
    if is_json {
        json(document)
    } else {
        lines(words)
    }
}

/// Says something on standard error, beside what the command prints. Nothing can be done where
/// that cannot be written.
pub(crate) fn aside(text: impl Display) {
    let mut error = io::stderr().lock();
    let _ = write!(error, "{text}").and_then(|()| error.flush());
}

/// JSON with what could act on a terminal as escapes.
pub(crate) fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && acts_on_a_reader(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::escaped;

    #[test]
    fn given_json_with_what_acts_on_a_terminal_when_printed_then_it_is_escaped_and_reads_back() {
        let value = json!({"a": "\u{9b}31m \u{202e} \u{7f} \u{1b} é 😀", "b": [1, "line\nbreak"]});

        let printed = escaped(&format!("{value:#}"));

        assert!(
            !printed.contains(['\u{9b}', '\u{202e}', '\u{7f}', '\u{1b}']),
            "{printed}"
        );
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), value);
    }
}
