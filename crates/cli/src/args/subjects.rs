//! The command line of `subjects`.

use clap::{Args, Subcommand};

use super::{ClientArguments, values};

pub(super) const MORE: &str = "\
Examples:
  innkeeper subjects show alice
  innkeeper subjects disable alice    ends all sessions and refuses new ones
  innkeeper subjects enable alice
  innkeeper subjects end alice        ends all sessions; new ones may begin
  innkeeper subjects export alice > alice.json
      all that is kept of a person, for whoever asks (GDPR, articles 15 and 20)
  innkeeper subjects erase alice      asks first; in a script it needs --yes";

/// `subjects`.
#[derive(Args, Debug)]
pub(crate) struct SubjectsArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// The tenant of the subject
    #[arg(long, global = true, value_name = "TENANT", default_value = "default", value_parser = values::name)]
    pub(crate) tenant: String,
    /// What to do with a subject.
    #[command(subcommand)]
    pub(crate) command: SubjectsCommand,
}

/// The commands of `subjects`.
#[derive(Debug, Subcommand)]
pub(crate) enum SubjectsCommand {
    /// Show what is known of a subject
    Show {
        /// The immutable id of the account, as the application names it
        #[arg(value_parser = values::name)]
        subject: String,
    },
    /// End all its sessions and refuse new ones
    Disable {
        /// The immutable id of the account, as the application names it
        #[arg(value_parser = values::name)]
        subject: String,
    },
    /// Let it sign in again; what was ended stays ended
    Enable {
        /// The immutable id of the account, as the application names it
        #[arg(value_parser = values::name)]
        subject: String,
    },
    /// End all its sessions, and let it sign in anew
    End {
        /// The immutable id of the account, as the application names it
        #[arg(value_parser = values::name)]
        subject: String,
        /// The one session that lives on, ses_…
        #[arg(long, value_name = "ID", value_parser = values::session_id)]
        except: Option<String>,
    },
    /// Print all that is kept of it, as JSON; needs a key with the scope admin
    Export {
        /// The immutable id of the account, as the application names it
        #[arg(value_parser = values::name)]
        subject: String,
    },
    /// End all its sessions and erase what is known of the person, in the journal too
    Erase {
        /// The immutable id of the account, as the application names it
        #[arg(value_parser = values::name)]
        subject: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}
