//! The command line of `users`.

use clap::{Args, Subcommand};

use super::{ClientArguments, values};

pub(super) const MORE: &str = "\
Examples:
  innkeeper users add carol                       asks for the password, unseen
  pass show carol | innkeeper users add carol     takes it from standard input
  innkeeper users passwd carol                    and ends all sessions of carol
  innkeeper users remove carol                    ends all sessions of carol first
  innkeeper users list

A user can sign in at once where there is a sign-in page: with a section [gateway]
in the configuration, or with serve --demo.";

/// `users`.
#[derive(Args, Debug)]
pub(crate) struct UsersArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// The tenant of the user
    #[arg(long, global = true, value_name = "TENANT", default_value = "default", value_parser = values::name)]
    pub(crate) tenant: String,
    /// What to do with users.
    #[command(subcommand)]
    pub(crate) command: UsersCommand,
}

/// The commands of `users`.
#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// Make a user; the password is read from standard input or asked for
    Add {
        /// The name to sign in with; case makes no difference
        #[arg(value_parser = values::name)]
        name: String,
        /// The immutable id whose sessions are counted [default: a random one]
        #[arg(long, value_name = "SUBJECT", value_parser = values::name)]
        subject: Option<String>,
        /// A group that a sign-in brings along; may be given more than once
        #[arg(long = "group", value_name = "GROUP", value_parser = values::name)]
        groups: Vec<String>,
    },
    /// Give a user another password, and end all sessions that rest on the old one
    Passwd {
        /// The name to sign in with
        #[arg(value_parser = values::name)]
        name: String,
    },
    /// End all sessions of a user and remove it; what is known of its subject stays
    Remove {
        /// The name to sign in with
        #[arg(value_parser = values::name)]
        name: String,
    },
    /// List the users, without what is secret in them
    List,
}
