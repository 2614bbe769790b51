//! Exit codes, the same for every command.

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

use crate::escape::Whole;
use crate::print;

/// Why a command did not do what it was asked, and what to tell the caller.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// Findings or a failed check: exit code 1.
    pub(crate) fn found(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code: 1, text }
    }

    /// Wrong usage or configuration: exit code 2.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code: 2, text }
    }

    /// Refused by a safety rail: exit code 4.
    pub(crate) fn unsafe_to(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code: 4, text }
    }

    /// Something could not be found out: exit code 5.
    pub(crate) fn inconclusive(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code: 5, text }
    }

    /// Wrong usage or configuration, with its cause: exit code 2.
    pub(crate) fn refused(what: &str, cause: impl Into<Box<dyn Error>>) -> Self {
        Self {
            code: 2,
            ..Self::cannot_run(what, cause)
        }
    }

    /// Could not run, for want of the store or the network: exit code 3.
    pub(crate) fn cannot_run(what: &str, cause: impl Into<Box<dyn Error>>) -> Self {
        let cause: Box<dyn Error> = cause.into();
        let mut text = what.to_owned();
        let mut cause: Option<&dyn Error> = Some(&*cause);
        while let Some(error) = cause {
            // Some libraries repeat their cause in their own text.
            let part = error.to_string();
            if !text.ends_with(&part) {
                let _ = write!(text, ": {part}");
            }
            cause = error.source();
        }
        Self { code: 3, text }
    }

    /// What it says.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The same, with what holds nevertheless.
    pub(crate) fn but(mut self, more: &str) -> Self {
        self.text.push('\n');
        self.text.push_str(more);
        self
    }

    /// Whether trying again may help: nobody could be reached, or could answer.
    pub(crate) fn may_pass(&self) -> bool {
        self.code == 3
    }

    /// Tells the caller on standard error, and gives the code to exit with.
    pub(crate) fn report(self) -> ExitCode {
        for line in self.text.lines() {
            print::aside(format_args!("{}\n", Whole(line)));
        }
        ExitCode::from(self.code)
    }
}
