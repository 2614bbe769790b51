//! Asking the person who is there before something that cannot be undone.

use std::io::{self, IsTerminal as _};

use crate::escape::Shown;
use crate::exit::Failure;
use crate::print;

/// Asks. Where nobody can be asked the answer is no, and `otherwise` says what to do: exit code 4.
pub(crate) fn confirm(question: &str, otherwise: &str) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::unsafe_to(otherwise));
    }
    print::aside(format_args!("{} [y/N] ", Shown(question)));
    let mut said = String::new();
    let heard = io::stdin().read_line(&mut said);
    heard.map_err(|error| Failure::cannot_run("the answer cannot be read", error))?;
    if matches!(said.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::unsafe_to("nothing was done"))
    }
}
