//! The command line of `doctor`, `completions` and `man`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::values::{self, ServerUrl};

pub(super) const DOCTOR_MORE: &str = "\
Examples:
  innkeeper doctor
  innkeeper doctor --config /etc/innkeeper/innkeeper.toml
  innkeeper doctor --server http://127.0.0.1:7080    it listens somewhere else
  innkeeper doctor --proxy http://127.0.0.1:8000 --application 127.0.0.1:8080
      is the proxy safe? with the application stopped, doctor hears what arrives

Looks at the settings, the data folder, the disk beneath it, the clock and the
store, and says which promises hold. The store of a stopped server is read whole;
a running one is asked whether it is ready, and which policy is in force.

With --proxy it sends what clients may try, in hundreds of requests, some with a
session that it opens for the subject innkeeper-doctor and ends. Without
--application it sees answers alone, and says what it cannot know.

Exits 1 if a check failed, 2 if a setting is refused, 3 if the store or the proxy
could not be looked at, 5 if nothing failed and not all could be seen.";

pub(super) const COMPLETIONS_MORE: &str = "\
Examples:
  innkeeper completions bash > /etc/bash_completion.d/innkeeper
  innkeeper completions zsh > ~/.zfunc/_innkeeper
  innkeeper completions fish > ~/.config/fish/completions/innkeeper.fish";

pub(super) const MAN_MORE: &str = "\
Examples:
  innkeeper man | man -l -
  innkeeper man --folder /usr/local/share/man/man1    a page for each command";

/// `doctor`.
#[derive(Args, Debug)]
pub(crate) struct DoctorArguments {
    /// Read the settings from this TOML file, as serve does
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data folder [default: innkeeper-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The running server, where it is not the one that the settings say
    #[arg(long, value_name = "URL", env = super::URL_VARIABLE, value_parser = values::server_url)]
    pub(crate) server: Option<ServerUrl>,
    /// Ask the running server with the API key in this file [default: DIR/admin.key]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Trust this certificate of the server or of who signed it, and no other (PEM) [default: whom the system trusts]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Send known tricks through the proxy at this address, and do nothing else
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub(crate) proxy: Option<ServerUrl>,
    /// Take the place of the application at this address for the while, to see what arrives there
    #[arg(long, value_name = "ADDR", value_parser = values::address, requires = "proxy")]
    pub(crate) application: Option<SocketAddr>,
    /// Print JSON for programs instead of tables for people
    #[arg(long)]
    pub(crate) json: bool,
}

/// `completions`.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArguments {
    /// For which shell
    pub(crate) shell: Shell,
}

/// `man`.
#[derive(Args, Debug)]
pub(crate) struct ManArguments {
    /// Write a page for each command into this folder, instead of printing the first
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
