//! `events`: the journal, for people and for programs.

use std::num::NonZeroU64;

use clap::Args;

use super::{ClientArguments, values};

pub(super) const MORE: &str = "\
Examples:
  innkeeper events
  innkeeper events --subject alice
  innkeeper events --follow --after now
  innkeeper events --type session.ended --type subject --json
  innkeeper events --follow --json | your-program
      one object a line: the event, and the cursor after it; hand the last
      cursor to --after, and nothing is missed or told twice
  innkeeper events --follow --after now --type session.ended --limit 1
      wait for the next end of a session

Types are session.opened, session.ended and so on; a word before the dot stands
for all of its types. Following goes on where it was when the server comes back.";

/// `events`.
#[derive(Args, Debug)]
pub(crate) struct EventsArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// The tenant
    #[arg(long, value_name = "TENANT", default_value = "default", value_parser = values::name)]
    pub(crate) tenant: String,
    /// Only of this subject
    #[arg(long, value_name = "SUBJECT", value_parser = values::name)]
    pub(crate) subject: Option<String>,
    /// Go on with what happens, until stopped
    #[arg(long)]
    pub(crate) follow: bool,
    /// Begin after this cursor, or with what happens from `now` on [default: the first that is kept]
    // A cursor may begin with any letter of its alphabet, a hyphen too.
    #[arg(long, value_name = "CURSOR", value_parser = values::cursor, allow_hyphen_values = true)]
    pub(crate) after: Option<String>,
    /// Only this type; may be given more than once
    #[arg(long = "type", value_name = "TYPE", value_parser = values::event_type)]
    pub(crate) types: Vec<String>,
    /// Stop after so many
    #[arg(long, value_name = "N", value_parser = values::count)]
    pub(crate) limit: Option<NonZeroU64>,
}
