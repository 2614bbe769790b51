//! The configuration: one file, the environment and the command line, read into plain types.
//!
//! A configuration is accepted whole or refused whole, with everything that is wrong said at
//! once. Nothing is ignored: not a key that nobody knows, and not one that asks for a feature
//! which is not built yet, since somebody would rely on it.

mod effective;
mod environment;
mod kinds;
mod known;
mod policy;
mod preset;
mod problem;
mod providers;
mod public;
mod raw;
mod read;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod together;
mod unavailable;
pub(crate) mod url;
mod walk;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use environment::Variable;
use innkeeper_domain::policy::Policy;
use innkeeper_http::forward_auth::PublicPath;
use known::Known;
use problem::Problems;
pub(crate) use problem::{Origin, Refused};
use read::{Origins, Reader};
use schema::{Gateway, GatewayHeaders, Journal, Server, Tls};
pub(crate) use schema::{LEASE_UNSET, Log, LogFormat, LogLevel, Provider, Store, StoreKind};
use source::Source;
use walk::{Entries, FileWalk};

/// All settings, each within its bounds.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where we listen and how browsers see us.
    pub(crate) server: Server,
    /// What the listener shows.
    pub(crate) tls: Tls,
    /// Where rosters are kept.
    pub(crate) store: Store,
    /// How long it is known what happened.
    pub(crate) journal: Journal,
    /// What is said on standard error.
    pub(crate) log: Log,
    /// The pages on which people sign in.
    pub(crate) gateway: Gateway,
    /// In which headers an application behind a proxy is told who asks.
    pub(crate) headers: GatewayHeaders,
    /// The paths behind a proxy that need no session.
    pub(crate) public: Vec<PublicPath>,
    /// Where traces go.
    #[cfg(feature = "otel")]
    pub(crate) telemetry: schema::Telemetry,
    /// What may be called.
    pub(crate) outgoing: schema::Outgoing,
    /// The OpenID providers that people sign in with.
    pub(crate) providers: Vec<Provider>,
    /// The policy; its version is the register's to give.
    pub(crate) policy: Policy,
    /// The sections that ask for nothing that is built, and what they are about.
    unserved: BTreeMap<String, &'static str>,
    origins: Origins,
}

/// The doors through which settings come, the weakest first.
#[derive(Debug, Default)]
pub(crate) struct Doors<'a> {
    /// The configuration file, if one was named.
    pub(crate) file: Option<&'a Path>,
    /// The environment, all of it.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// `--listen`.
    pub(crate) listen: Option<SocketAddr>,
    /// `--data`.
    pub(crate) data: Option<PathBuf>,
}

impl Config {
    /// Reads the configuration from all its doors.
    pub(crate) fn load(doors: Doors<'_>) -> Result<Self, Refused> {
        let mut problems = Problems::default();
        let source = doors
            .file
            .and_then(|path| Source::read(path, &mut problems));
        let variables = environment::ours(doors.environment);

        let mut config = Self::read(source.as_ref(), &variables, &mut problems);
        if let Some(listen) = doors.listen {
            config.server.listen = listen;
            config.came_from("server.listen", "--listen");
        }
        if let Some(data) = doors.data {
            config.store.path = data;
            config.came_from("store.path", "--data");
        }
        config.judge(&mut problems);
        problems.into_result()?;
        Ok(config)
    }

    /// Where the value of a key came from, such as `policy.idle`.
    pub(crate) fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    fn came_from(&mut self, key: &str, option: &'static str) {
        let origin = Origin::CommandLine(option);
        self.origins.insert(key.to_owned(), origin);
    }

    fn read(source: Option<&Source>, variables: &[Variable], problems: &mut Problems) -> Self {
        let known = Known::gather();
        let mut entries = Entries::empty(Origin::Default);
        let table = source.and_then(|source| source.parse(problems));
        // A file that could not be read may have said anything.
        entries.untidy = problems.any();
        if let (Some(source), Some(table)) = (source, &table) {
            let mut walk = FileWalk {
                known: &known,
                source,
                problems,
            };
            walk.table("", table, &mut entries);
        }
        environment::sort_into(&mut entries, variables, &known, problems);

        let mut origins = Origins::new();
        let at_gateway = entries.section("gateway").cloned();
        let mut config = Self {
            server: Reader::section("server", &entries, problems, &mut origins),
            tls: Reader::section("server.tls", &entries, problems, &mut origins),
            store: Reader::section("store", &entries, problems, &mut origins),
            journal: Reader::section("journal", &entries, problems, &mut origins),
            log: Reader::section("log", &entries, problems, &mut origins),
            gateway: Reader::section("gateway", &entries, problems, &mut origins),
            headers: Reader::section("gateway.headers", &entries, problems, &mut origins),
            public: public::public(&entries, problems, &mut origins),
            #[cfg(feature = "otel")]
            telemetry: Reader::section("telemetry", &entries, problems, &mut origins),
            providers: providers::providers(&entries, problems, &mut origins),
            outgoing: Reader::section("outgoing", &entries, problems, &mut origins),
            policy: policy::policy(&entries, problems, &mut origins),
            unserved: entries.unserved,
            origins,
        };
        if config.gateway.sign_in.is_none() {
            config.gateway.sign_in = Some(at_gateway.is_some());
            let origin = at_gateway.map(|origin| ("gateway.sign_in".to_owned(), origin));
            config.origins.extend(origin);
        }
        config
    }
}
