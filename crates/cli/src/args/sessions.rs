//! `sessions`: one subject's, or all that a filter means.

use clap::{Args, Command, Subcommand, ValueEnum};
use innkeeper_api as api;

use super::{ClientArguments, values};

pub(super) const MORE: &str = "\
Examples:
  innkeeper sessions list alice
  innkeeper sessions list alice --state ended         and why they did
  innkeeper sessions list --client tv --ip 203.0.113.0/24
  innkeeper sessions list --subject alice --client tv
  innkeeper sessions list alice --tenant acme --json
  innkeeper sessions revoke ses_… --reason risk
  innkeeper sessions revoke --client tv --dry-run     counts, and ends nothing
  innkeeper sessions revoke --client tv --reason risk
  innkeeper sessions revoke --all --yes               everybody signs in again

All that a filter names must be true of a session. Ending what a filter means
counts first and asks; where nobody can be asked, it needs --yes, and without
it exits 4. What is born after the order is not touched.";

/// `sessions`.
#[derive(Args, Debug)]
pub(crate) struct SessionsArguments {
    /// How to reach the server.
    #[command(flatten)]
    pub(crate) client: ClientArguments,
    /// The tenant of the subject or session
    #[arg(long, global = true, value_name = "TENANT", default_value = "default", value_parser = values::name)]
    pub(crate) tenant: String,
    /// What to do with sessions.
    #[command(subcommand)]
    pub(crate) command: SessionsCommand,
}

/// The commands of `sessions`.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List the open sessions of a subject, or those that a filter means
    List(Box<ListArguments>),
    /// Show one session
    Show {
        /// The id of the session, ses_…
        #[arg(value_parser = values::session_id)]
        id: String,
    },
    /// End one session, or all that a filter means, now and everywhere
    Revoke(Box<RevokeArguments>),
}

/// `sessions list`.
#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// The immutable id of the account, as the application names it
    #[arg(value_parser = values::name)]
    subject: Option<String>,
    /// The same, as the other filters are named
    #[arg(long = "subject", value_name = "SUBJECT", value_parser = values::name, conflicts_with = "subject")]
    of: Option<String>,
    /// Those that are open, that ended lately, or both; of one subject only [default: open]
    #[arg(long, value_name = "STATE", conflicts_with = "filter")]
    state: Option<State>,
    /// Which sessions are meant.
    #[command(flatten)]
    pub(crate) filter: FilterArguments,
}

impl SessionsCommand {
    /// Its word on the command line.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::List(_) => "list",
            Self::Show { .. } => "show",
            Self::Revoke(_) => "revoke",
        }
    }

    /// What to say where no session is named at all; `None` where one is.
    pub(super) fn nothing_named(&self) -> Option<String> {
        let (names_none, first, last) = match self {
            Self::Show { .. } => return None,
            Self::List(list) => (
                list.subject().is_none() && list.filter.names_none(),
                "whose: SUBJECT",
                "",
            ),
            Self::Revoke(revoke) => (
                revoke.id.is_none()
                    && revoke.subject.is_none()
                    && revoke.filter.names_none()
                    && !revoke.all,
                "which: its ID, ses_…",
                ", or --all",
            ),
        };
        let filters = FilterArguments::augment_args(Command::new("filter"));
        let names = filters.get_arguments().filter_map(|a| a.get_long());
        let names: Vec<_> = names.map(|name| format!(", --{name}")).collect();
        names_none.then(|| {
            let names = names.concat();
            format!(
                "no session is named; say {first}, or what must be true of all that are meant:\n  \
                 --subject{names}{last}"
            )
        })
    }
}

impl ListArguments {
    /// Whose sessions, if that was said.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.subject.as_deref().or(self.of.as_deref())
    }

    /// Which sessions of the subject, as the API takes it.
    pub(crate) fn state(&self) -> api::StateFilter {
        match self.state {
            None | Some(State::Open) => api::StateFilter::Open,
            Some(State::Ended) => api::StateFilter::Ended,
            Some(State::All) => api::StateFilter::All,
        }
    }
}

/// Whether sessions live.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum State {
    /// Those that are open
    Open,
    /// The last 32 that ended, for 24 hours
    Ended,
    /// Both
    All,
}

/// `sessions revoke`.
#[derive(Args, Debug)]
pub(crate) struct RevokeArguments {
    /// The id of the session, ses_…
    #[arg(value_parser = values::session_id, conflicts_with_all = ["filter", "subject", "all", "dry_run"])]
    pub(crate) id: Option<String>,
    /// Of this subject
    #[arg(long, value_name = "SUBJECT", value_parser = values::name)]
    pub(crate) subject: Option<String>,
    /// Which sessions are meant.
    #[command(flatten)]
    pub(crate) filter: FilterArguments,
    /// Every session of the tenant
    #[arg(long, conflicts_with_all = ["filter", "subject"])]
    pub(crate) all: bool,
    /// What their holders and the journal are told
    #[arg(long, value_name = "REASON", default_value = "revoked-by-admin")]
    pub(crate) reason: Reason,
    /// Only count
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

/// Which sessions are meant: all that is named must be true of them.
#[derive(Args, Clone, Debug, Default)]
#[group(id = "filter", multiple = true)]
pub(crate) struct FilterArguments {
    /// Opened for this application
    #[arg(long, value_name = "CLIENT", value_parser = values::name)]
    client: Option<String>,
    /// Of this class
    #[arg(long, value_name = "CLASS")]
    class: Option<Class>,
    /// Of subjects in this group
    #[arg(long, value_name = "GROUP", value_parser = values::name)]
    group: Option<String>,
    /// Opened from this address, or from one of a range like 203.0.113.0/24
    #[arg(long, value_name = "ADDR", value_parser = values::network)]
    ip: Option<String>,
    /// On this device, dev_…
    #[arg(long, value_name = "DEVICE", value_parser = values::device_id)]
    device: Option<String>,
    /// Opened before this moment, like 2026-01-02T03:04:05Z
    #[arg(long, value_name = "MOMENT", value_parser = values::moment)]
    created_before: Option<api::Timestamp>,
    /// Not heard from after this moment
    #[arg(long, value_name = "MOMENT", value_parser = values::moment)]
    idle_since: Option<api::Timestamp>,
    /// Tied to their holder like this
    #[arg(long, value_name = "BINDING")]
    binding: Option<Binding>,
}

impl FilterArguments {
    fn names_none(&self) -> bool {
        self.named(None) == api::SessionFilter::default()
    }

    /// The filter as the API takes it.
    pub(crate) fn named(&self, subject: Option<&str>) -> api::SessionFilter {
        api::SessionFilter {
            subject: subject.map(str::to_owned),
            client: self.client.clone(),
            class: self.class.map(|class| match class {
                Class::Interactive => api::Class::Interactive,
                Class::Machine => api::Class::Machine,
                Class::Impersonation => api::Class::Impersonation,
            }),
            group: self.group.clone(),
            ip: self.ip.clone(),
            device: self.device.clone(),
            created_before: self.created_before,
            idle_since: self.idle_since,
            binding: self.binding.map(|binding| match binding {
                Binding::None => api::BindingKind::None,
                Binding::DeviceCookie => api::BindingKind::DeviceCookie,
            }),
            all: None,
        }
    }
}

/// What a session is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Class {
    /// A person
    Interactive,
    /// A program
    Machine,
    /// Somebody who acts as another
    Impersonation,
}

/// What ties a token to its holder.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Binding {
    /// Nothing
    None,
    /// The token of its device
    DeviceCookie,
}

/// Why sessions end that an administrator ends. `policy_change` is the word of a policy that ended
/// them itself, and of nobody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Reason {
    /// An administrator wants it so
    RevokedByAdmin,
    /// They may be in the wrong hands
    Risk,
    /// The login service says so
    Federation,
}
