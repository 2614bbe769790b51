//! The words of `policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ClientArguments;

/// What stands below its help.
pub(crate) const MORE: &str = "\
Examples:
  innkeeper policy check innkeeper.toml    what does it say, and is it meant?
  innkeeper policy try innkeeper.toml      whom would it hit if it were put now?
  innkeeper policy try innkeeper.toml --history 30d
                                           and whom would it have hit since then?

check reads the file alone. It exits 1 if something is probably not meant, 2
if the file is refused. try asks a running server, and changes nothing there;
only the policy of the file is looked at.";

/// `policy`.
#[derive(Args, Debug)]
pub(crate) struct PolicyArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// What to do with a policy.
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

/// The commands of `policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say what a file sets, for whom, and what is probably not meant
    Check {
        /// The configuration file
        file: PathBuf,
    },
    /// Say how many sessions of whom it would end, without doing it
    Try {
        /// The configuration file
        file: PathBuf,
        /// Look at the journal, so far back as `30d`, or at `all` of it: what would the policy
        /// have ended and turned away, had it been in force? A history knows of no visits, so
        /// nobody ends by silence there, and of no groups but those of today
        #[arg(long, value_name = "DURATION|all", value_parser = super::values::history)]
        history: Option<String>,
    },
}
