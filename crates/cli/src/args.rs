//! The command line: what can be asked for, and help that teaches it.
//!
//! Values are parsed here into what the commands need, so that a mistake is a wrong usage
//! (exit code 2) before anything was sent or opened.

mod archive;
mod bench;
mod devices;
mod events;
mod keys;
mod operator;
mod policy;
mod probe;
mod refusal;
mod report;
mod revocations;
mod scan;
mod sessions;
mod subjects;
#[cfg(test)]
mod tests;
mod users;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use archive::{CopyArguments, ImportArguments, RestoreArguments};
pub(crate) use bench::BenchArguments;
pub(crate) use devices::{DeviceArguments, DevicesArguments, DevicesCommand};
pub(crate) use events::EventsArguments;
pub(crate) use keys::{KeysArguments, KeysCommand, Scope};
pub(crate) use operator::{CompletionsArguments, DoctorArguments, ManArguments};
pub(crate) use policy::{PolicyArguments, PolicyCommand};
pub(crate) use probe::{ProbeArguments, ProbeCommand};
pub(crate) use refusal::read;
pub(crate) use report::{ReportArguments, ReportFormat};
pub(crate) use revocations::{RevocationsArguments, RevocationsCommand};
pub(crate) use scan::{Format, ScanArguments};
pub(crate) use sessions::{
    ListArguments, Reason, RevokeArguments, SessionsArguments, SessionsCommand,
};
pub(crate) use subjects::{SubjectsArguments, SubjectsCommand};
pub(crate) use users::{UsersArguments, UsersCommand};
pub(crate) use values::ServerUrl;

const EXIT_CODES: &str = "\
Exit codes:
  0  fine, or nothing found
  1  findings, or a failed check
  2  wrong usage or configuration
  3  could not run (store, network)
  4  refused by a safety rail
  5  inconclusive";

const EXAMPLES: &str = "\
Examples:
  innkeeper serve --demo                     try it in a browser, with two users
  innkeeper serve --config innkeeper.toml    run it with your settings
  innkeeper sessions list alice              where is alice signed in?
  innkeeper subjects disable alice           end all of it, and let nobody in
  innkeeper scan .                           what is missing in this source code?";

const SERVE_MORE: &str = "\
Examples:
  innkeeper serve
      5 sessions a user, the least recently used goes; on 127.0.0.1:7070,
      with everything kept in ./innkeeper-data
  innkeeper serve --demo
      the same, with users to sign in as; their passwords are printed
  innkeeper serve --config innkeeper.toml --listen 127.0.0.1:8080
      the command line holds over the environment, that over the file

Each key of the file is also a variable: [policy] max_sessions is
INNKEEPER_POLICY__MAX_SESSIONS. The settings in force are logged at start.
The first start writes an API key for administrators to DIR/admin.key.

Exits 2 if a setting is refused, 3 if the store cannot be opened.";

const CLIENT_MORE: &str = "\
Talks to a running server. Without --key-file, the key is that of the data
folder, DIR/admin.key, which the server wrote at its first start. On a machine
with the service installed that is --data /var/lib/innkeeper, as root.

Exits 3 if the server cannot be reached.";

/// Knows every session of every user, holds the limit exactly, and ends any session everywhere.
#[derive(Debug, Parser)]
#[command(name = "innkeeper", version, arg_required_else_help = true)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the authority
    #[command(after_long_help = SERVE_MORE)]
    Serve(ServeArguments),
    /// See and end sessions
    #[command(after_long_help = format!("{}\n\n{CLIENT_MORE}", sessions::MORE))]
    Sessions(SessionsArguments),
    /// See a subject, shut it out, let it in again, export or erase it
    #[command(after_long_help = format!("{}\n\n{CLIENT_MORE}", subjects::MORE))]
    Subjects(SubjectsArguments),
    /// See the devices of a subject, trust or forget them
    #[command(after_long_help = format!("{}\n\n{CLIENT_MORE}", devices::MORE))]
    Devices(DevicesArguments),
    /// See and stop what ends sessions in bulk
    #[command(after_long_help = format!("{}\n\n{CLIENT_MORE}", revocations::MORE))]
    Revocations(RevocationsArguments),
    /// Make, see and revoke the API keys of applications
    #[command(after_long_help = format!("{}\n\n{CLIENT_MORE}", keys::MORE))]
    Keys(KeysArguments),
    /// Read what happened, or follow what happens
    #[command(after_long_help = format!("{}\n\n{CLIENT_MORE}", events::MORE))]
    Events(EventsArguments),
    /// Make, see and remove the users who sign in on the pages, and change their passwords
    #[command(after_long_help = format!("{}\n\n{CLIENT_MORE}", users::MORE))]
    Users(UsersArguments),
    /// Copy all that is kept into a file, while the server goes on
    #[command(after_long_help = archive::BACKUP_MORE)]
    Backup(CopyArguments),
    /// Make a store of a back-up; no session in it is valid
    #[command(after_long_help = archive::RESTORE_MORE)]
    Restore(RestoreArguments),
    /// Write subjects, users and keys in a form for other stores
    #[command(after_long_help = archive::EXPORT_MORE)]
    Export(CopyArguments),
    /// Read into a new store what export wrote
    #[command(after_long_help = archive::IMPORT_MORE)]
    Import(ImportArguments),
    /// Look at a policy before it is in force
    #[command(after_long_help = policy::MORE)]
    Policy(PolicyArguments),
    /// Say whether all is well here, and which promises hold
    #[command(after_long_help = operator::DOCTOR_MORE)]
    Doctor(DoctorArguments),
    /// Print completions for a shell
    #[command(after_long_help = operator::COMPLETIONS_MORE)]
    Completions(CompletionsArguments),
    /// Print the manual page, or write one for each command
    #[command(after_long_help = operator::MAN_MORE)]
    Man(ManArguments),
    /// Find the gaps in source code
    #[command(after_long_help = scan::MORE)]
    Scan(ScanArguments),
    /// Find the gaps in a running application
    #[command(after_long_help = probe::MORE)]
    Probe(ProbeArguments),
    /// Write what scan and probe found as a finding for whoever has to act on it
    #[command(after_long_help = report::MORE)]
    Report(ReportArguments),
    /// Measure this machine: every figure beside what the machine can do at best
    #[command(after_long_help = bench::MORE)]
    Bench(BenchArguments),
}

/// `serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// Read the settings from this TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Listen on this IP address and port [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDR", value_parser = values::address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Keep everything in this folder [default: innkeeper-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Add users to sign in as, and a page to do so
    #[arg(long)]
    pub(crate) demo: bool,
}

/// The variable that names the running server, for those who type many commands.
pub(crate) const URL_VARIABLE: &str = "INNKEEPER_URL";

/// The variable that names the data folder: that of the setting `store.path`, so that it is said
/// once for the server and for whoever works at it.
pub(crate) const DATA_VARIABLE: &str = "INNKEEPER_STORE__PATH";

/// How a command reaches the server.
#[derive(Args, Debug)]
pub(crate) struct ClientArguments {
    /// The running server
    #[arg(long, global = true, value_name = "URL", env = URL_VARIABLE, default_value = "http://127.0.0.1:7070", value_parser = values::server_url)]
    pub(crate) server: ServerUrl,
    /// Read the API key from this file [default: DIR/admin.key]
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Trust this certificate of the server or of who signed it, and no other (PEM) [default: whom the system trusts]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The data folder of the server, for its key
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = DATA_VARIABLE,
        default_value = "innkeeper-data"
    )]
    data: PathBuf,
    /// Print JSON for programs instead of tables for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl ClientArguments {
    /// The data folder of the server.
    pub(crate) fn data(&self) -> &std::path::Path {
        &self.data
    }

    /// The file that holds the API key.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.key_file
            .clone()
            .unwrap_or_else(|| self.data.join("admin.key"))
    }
}
