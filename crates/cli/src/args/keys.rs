//! The command line of `keys`.

use clap::{Args, Subcommand, ValueEnum};

use super::{ClientArguments, values};

pub(super) const MORE: &str = "\
Examples:
  innkeeper keys create web --scope admit --scope check
  innkeeper keys create acme --scope manage --tenant acme --json
  innkeeper keys list
  innkeeper keys list --tenant acme
  innkeeper keys create rescue --scope admin --data DIR --offline
      without a key, by whoever may write to the folder; the server is stopped

A new key is shown once and cannot be shown again.";

/// `keys`.
#[derive(Args, Debug)]
pub(crate) struct KeysArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// What to do with keys.
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

/// The commands of `keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key for an application; it is shown once
    Create {
        /// A name by which people know it
        #[arg(value_parser = values::name)]
        name: String,
        /// What it may do; may be given more than once
        #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1.., value_delimiter = ',')]
        scopes: Vec<Scope>,
        /// The one tenant that the key may name [default: all]
        #[arg(long, value_name = "TENANT", value_parser = values::name)]
        tenant: Option<String>,
        /// Write it into the data folder of a server that is stopped; for who has lost every key
        #[arg(long, conflicts_with = "key_file")]
        offline: bool,
    },
    /// List the keys, without what is secret in them
    List {
        /// Only those that may name this one tenant and no other
        #[arg(long, value_name = "TENANT", value_parser = values::name)]
        tenant: Option<String>,
    },
    /// Revoke a key: it opens nothing any more
    Revoke {
        /// The id of the key, not the key itself
        #[arg(value_parser = values::key_id)]
        id: String,
    },
}

/// What a key may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Scope {
    /// Open sessions
    Admit,
    /// Ask whether a session is good
    Check,
    /// See and end sessions, change subjects
    Manage,
    /// Read events
    Events,
    /// Everything, keys included
    Admin,
}
