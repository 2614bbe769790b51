//! Why a chore stopped, in the terms of the exit code it leaves with.

use std::fmt;
use std::process::ExitCode;

/// Why a chore stopped.
///
/// The variants are told apart by their exit codes, which are those of `innkeeper` itself.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// A check ran and did not pass.
    Failed(String),
    /// The command line makes no sense.
    Usage(String),
    /// Something is missing that a person has to put there. The text holds the line to run.
    Missing(String),
    /// A program could not be started, or an installation broke off.
    CouldNotRun(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) | Self::Missing(_) => 2,
            Self::CouldNotRun(_) => 3,
        }
    }

    /// The exit code that tells a script what a person reads in the text.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(text)
            | Self::Usage(text)
            | Self::Missing(text)
            | Self::CouldNotRun(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_failed_check_and_a_missing_tool_when_a_script_asks_then_the_codes_differ() {
        let failed = Failure::Failed("clippy".into());
        let missing = Failure::Missing("chromium".into());

        assert_eq!((failed.code(), missing.code()), (1, 2));
    }
}
