//! `probe`: what can be asked of it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use innkeeper_probe::{Check, Class, span};

pub(super) const MORE: &str = "\
Signs in to a running application from two sides as the same user, and finds
out what it does about concurrent sessions: how many there may be, who goes,
whether users see and end them, what ends with a sign-out or a change of
password, whether a race gets past the limit. Nothing is decided by a status
alone; every verdict names the requests that show it.

A recipe says which application, whose accounts and how one signs in.
`innkeeper probe init` writes one, `innkeeper probe lint` says what it is good
for.

Examples:
  innkeeper probe recipe.yaml --dry-run         what would be done
  innkeeper probe recipe.yaml
  innkeeper probe recipe.yaml --only PRB-LIMIT-001,PRB-REV-001
  innkeeper probe recipe.yaml --allow burst     races, too
  innkeeper probe recipe.yaml --max-wait 5m     time-outs, too
  innkeeper probe recipe.yaml --json --output result.json
  innkeeper probe lint recipe.yaml

The rails, which no recipe can leave:
  Only the origins of `target.scope` are called, and only the accounts of the
  recipe are used; nothing is guessed. Public hosts need --i-own and a proof.
  At most 5,000 requests, 300 sign-ins, 15 minutes; a recipe sets lower limits.
  Changes of the account need --allow account, and are undone.
  Passwords come from the environment or from files, and with every token are
  kept out of what is written.
  All sessions that were opened are signed out at the end, also on Ctrl-C.

Exits 0 if nothing was found, 1 if a check failed, 2 for a wrong recipe, 3 if
the application cannot be reached, 4 if a rail refuses or stops the run, 5 if
something could not be found out.";

pub(super) const INIT_MORE: &str = "\
Asks ten questions, each with a likely answer in brackets, and writes a recipe
for an application that signs in with a form and keeps sessions in a cookie.
The answers can be piped in, one on each line.

Examples:
  innkeeper probe init recipe.yaml
  innkeeper probe init recipe.yaml < answers.txt";

/// `probe`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ProbeArguments {
    /// What else to do with recipes.
    #[command(subcommand)]
    pub(crate) command: Option<ProbeCommand>,
    /// The recipe (YAML)
    #[arg(value_name = "RECIPE", required = true)]
    pub(crate) recipe: Option<PathBuf>,
    /// Make only these checks
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = check)]
    pub(crate) only: Vec<&'static Check>,
    /// Do not make these checks
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = check)]
    pub(crate) skip: Vec<&'static Check>,
    /// Allow more than reading, and signing the recipe's accounts in and out
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) allow: Vec<Allow>,
    /// Say that this public host is yours; the recipe holds the proof
    #[arg(long, value_name = "HOST")]
    pub(crate) i_own: Vec<String>,
    /// Wait at most this long for one check, to see whether sessions end in time [default: not at all]
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) max_wait: Option<Duration>,
    /// Print what would be done, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON for programs, with all requests and answers: innkeeper.probe/1
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) json: bool,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The commands of `probe`.
#[derive(Debug, Subcommand)]
pub(crate) enum ProbeCommand {
    /// Write a recipe, by questions
    #[command(after_long_help = INIT_MORE)]
    Init {
        /// The file to write; it must not exist
        #[arg(value_name = "RECIPE")]
        recipe: PathBuf,
    },
    /// Say which checks a recipe makes possible, and which an addition would
    Lint {
        /// The recipe (YAML)
        #[arg(value_name = "RECIPE")]
        recipe: PathBuf,
    },
}

/// What can be allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Allow {
    /// Many requests at one moment, and ladders of more than five sign-ins
    Burst,
    /// A change of the account's password, undone afterwards
    Account,
}

impl From<Allow> for Class {
    fn from(allow: Allow) -> Self {
        match allow {
            Allow::Burst => Self::Burst,
            Allow::Account => Self::Account,
        }
    }
}

/// No check has this name.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("there is no such check; `innkeeper probe RECIPE --dry-run` lists them")]
pub(crate) struct NoCheck;

fn check(name: &str) -> Result<&'static Check, NoCheck> {
    Check::find(name).ok_or(NoCheck)
}
