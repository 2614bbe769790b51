//! A password from standard input, or from a person at a terminal, who sees nothing of it.

use std::io::{self, BufRead, IsTerminal, Read};

use innkeeper_api::NewPassword;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::exit::Failure;
use crate::print;

/// Reads a new password: its line from standard input, or twice from a terminal.
pub(crate) fn read() -> Result<NewPassword, Failure> {
    if !io::stdin().is_terminal() {
        return line().map(NewPassword::new);
    }
    let first = prompt("New password: ")?;
    if first != prompt("Again: ")? {
        return Err(Failure::usage(
            "the two passwords differ; nothing was changed".to_owned(),
        ));
    }
    Ok(NewPassword::new(first))
}

fn prompt(text: &str) -> Result<String, Failure> {
    let _unseen = Unseen::begin()?;
    print::aside(text);
    let typed = line();
    print::aside("\n");
    typed
}

/// One line, without its end. More than any password has is not read.
fn line() -> Result<String, Failure> {
    let most = NewPassword::LEN_MAX as u64 + 2;
    let mut typed = String::new();
    io::stdin()
        .lock()
        .take(most)
        .read_line(&mut typed)
        .map_err(|error| Failure::cannot_run("no password could be read", error))?;
    let password = typed.strip_suffix('\n').unwrap_or(&typed);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return Err(Failure::usage(
            "no password; it is read from standard input".to_owned(),
        ));
    }
    if password.len() > NewPassword::LEN_MAX {
        let max = NewPassword::LEN_MAX;
        return Err(Failure::usage(format!(
            "a password must be at most {max} bytes long"
        )));
    }
    Ok(password.to_owned())
}

/// While it lives, the terminal does not show what is typed.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> Result<Self, Failure> {
        let failed = |error| Failure::cannot_run("the terminal cannot hide a password", error);
        let before = tcgetattr(io::stdin()).map_err(failed)?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
