//! The command line of `revocations`.

use clap::{Args, Subcommand};

use super::{ClientArguments, values};

pub(super) const MORE: &str = "\
Examples:
  innkeeper revocations list
  innkeeper revocations show rev_…    how far has it come?
  innkeeper revocations stop rev_…    what has ended stays ended

`innkeeper sessions revoke` with a filter orders one.";

/// `revocations`.
#[derive(Args, Debug)]
pub(crate) struct RevocationsArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// The tenant of the sessions
    #[arg(long, global = true, value_name = "TENANT", default_value = "default", value_parser = values::name)]
    pub(crate) tenant: String,
    /// What to do with bulk revocations.
    #[command(subcommand)]
    pub(crate) command: RevocationsCommand,
}

/// The commands of `revocations`.
#[derive(Debug, Subcommand)]
pub(crate) enum RevocationsCommand {
    /// List those under way and those that are over, the youngest first
    List,
    /// Show how far one has come
    Show {
        /// The id of the bulk revocation, rev_…
        #[arg(value_parser = values::revocation_id)]
        id: String,
    },
    /// Stop one; what has ended stays ended
    Stop {
        /// The id of the bulk revocation, rev_…
        #[arg(value_parser = values::revocation_id)]
        id: String,
    },
}
