//! The settings: one line for each, with its type, what it accepts and its default.
//!
//! A line here is all that a new key needs. The list of known keys, the reading, the bounds and
//! the effective configuration are made from it. Those of a policy stand in the domain's table of
//! [`Terms`](innkeeper_domain::policy::Terms), and are read by [`policy`](super::policy). Keys that are known but whose feature is not
//! built yet stand in [`unavailable`](super::unavailable); to build one, its line moves here.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;
use innkeeper_domain::name::ClientId;
use innkeeper_domain::session::AssuranceLevel;
use innkeeper_http::forward_auth::HeaderNames;
use innkeeper_http::peers::TrustedPeers;

use super::effective::Lines;
use super::kinds::{
    Address, Folder, Header, Hosts, Kind, Maybe, Named, Networks, PemFile, Secret, SecretFile,
    SecretText, Span, Truth, Url, Words,
};
use super::read::Reader;

/// Settings that stand together in one table.
pub(super) trait Section {
    /// Their keys, without the section's own name.
    const KEYS: &'static [&'static str];

    /// Reads them; what is missing or wrong gets its default.
    fn read(from: &mut Reader<'_, '_>) -> Self;

    /// Writes those that are set.
    fn write(&self, to: &mut Lines<'_>);
}

macro_rules! sections {
    ($(
        $(#[$about:meta])*
        $section:ident {$(
            $(#[$note:meta])*
            $key:ident: $type:ty = $kind:expr, $default:expr;
        )*}
    )*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub(crate) struct $section {$(
            $(#[$note])*
            pub(crate) $key: $type,
        )*}

        impl Section for $section {
            const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];

            fn read(from: &mut Reader<'_, '_>) -> Self {
                Self {$( $key: from.take(stringify!($key), &$kind).unwrap_or_else(|| $default), )*}
            }

            fn write(&self, to: &mut Lines<'_>) {
                $( to.line(stringify!($key), $kind.literal(&self.$key)); )*
            }
        }

        impl $section {
            /// The keys whose values are others in another reading.
            pub(in crate::config) fn changed(&self, there: &Self) -> Vec<&'static str> {
                let mut changed = Vec::new();
                $( if self.$key != there.$key { changed.push(stringify!($key)); } )*
                changed
            }
        }
    )*};
}

/// At least a day: whoever follows may be away for a night.
const KEEP: Span = Span {
    least: Duration::from_hours(24),
    most: Duration::from_hours(3650 * 24),
    step: Duration::from_secs(1),
};

/// The lease of a shared store for which none is set.
pub(crate) const LEASE_UNSET: Duration = Duration::from_secs(1);

/// At most a minute: for that long another node may let in who was ended here.
const LEASE: Span = Span {
    least: Duration::ZERO,
    most: Duration::from_mins(1),
    step: Duration::from_millis(1),
};

sections! {
    /// `[server]`: where we listen and how browsers see us.
    Server {
        /// The address to listen on.
        listen: SocketAddr = Address, SocketAddr::from((Ipv4Addr::LOCALHOST, 7070));
        /// The address to show metrics on; without one, they are beside everything else.
        metrics_listen: Option<SocketAddr> = Maybe(Address), None;
        /// The origin under which browsers see us, as they send it in `Origin`.
        public_url: Option<String> = Maybe(Url), None;
        /// The proxies whose word about a request counts: its id, its trace, its client.
        trusted_peers: TrustedPeers = Networks, TrustedPeers::default();
        /// Whether a logout has the browser clear what pages stored.
        clear_storage_at_logout: bool = Truth, false;
    }

    /// `[server.tls]`: what the listener shows; without it, it speaks plain http.
    Tls {
        /// The certificate, with what leads to its root behind it.
        cert_file: Option<PathBuf> = Maybe(PemFile), None;
        /// Its key.
        key_file: Option<PathBuf> = Maybe(PemFile), None;
    }

    /// `[store]`: where rosters are kept.
    Store {
        /// Which store.
        kind: StoreKind = STORE_KIND, StoreKind::Embedded;
        /// Its folder; beside a shared store, that of the administrator's key.
        path: PathBuf = Folder, PathBuf::from("innkeeper-data");
        /// Where a shared store is. It may hold a password, and is never shown.
        url: Option<Secret> = Maybe(SecretText), None;
        /// The file that holds it instead.
        url_file: Option<PathBuf> = Maybe(SecretFile), None;
        /// How long a node answers from memory where the store is shared (B), unless it is to be
        /// [`LEASE_UNSET`]; nothing asks the store each time.
        lease: Option<Duration> = Maybe(LEASE), None;
        /// Whether a Redis will do that keeps snapshots only, from which ended sessions come back.
        allow_snapshots: bool = Truth, false;
    }

    /// `[log]`: what is said on standard error.
    Log {
        /// For people, or for programs.
        format: LogFormat = LOG_FORMAT, LogFormat::Text;
        /// How much.
        level: LogLevel = LOG_LEVEL, LogLevel::Info;
    }

    /// `[journal]`: how long it is known what happened.
    Journal {
        /// How long an entry stays; longer where a session may live longer, and until all that
        /// carries the journal outward has it.
        keep: Duration = KEEP, Duration::from_hours(90 * 24);
    }

    /// `[gateway]`: the pages on which people sign in.
    Gateway {
        /// Whether they are served. Unless it is set, they are where the section stands at all;
        /// whoever reads the configuration finds it set.
        sign_in: Option<bool> = Maybe(Truth), None;
        /// The client of the sessions that are opened there.
        client: ClientId = Named(ClientId::parse), ClientId::parse("web").expect("it is a name");
    }
}

sections! {
    /// `[gateway.headers]`: in which headers an application behind a proxy is told who asks.
    GatewayHeaders {
        /// The subject.
        user: HeaderName = Header, HeaderNames::default().user;
        /// Its groups.
        groups: HeaderName = Header, HeaderNames::default().groups;
        /// Its tenant.
        tenant: HeaderName = Header, HeaderNames::default().tenant;
        /// The id of its session.
        session: HeaderName = Header, HeaderNames::default().session;
        /// How much its authentication proved.
        assurance: HeaderName = Header, HeaderNames::default().assurance;
    }
}

sections! {
    /// `[outgoing]`: what may be called though it is private or plain http.
    Outgoing {
        /// Each `host:port`.
        allow: Vec<String> = Hosts, Vec::new();
    }
}

mod provider;
pub(crate) use provider::Provider;

/// What each strength of a proof is worth.
pub(crate) type Assurances = BTreeMap<String, AssuranceLevel>;

impl GatewayHeaders {
    /// As those who write them take them.
    pub(crate) fn names(&self) -> HeaderNames {
        HeaderNames {
            user: self.user.clone(),
            groups: self.groups.clone(),
            tenant: self.tenant.clone(),
            session: self.session.clone(),
            assurance: self.assurance.clone(),
        }
    }
}

impl Gateway {
    /// Whether the pages are served.
    pub(crate) fn is_on(&self) -> bool {
        self.sign_in == Some(true)
    }
}

/// Where a store keeps its rosters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StoreKind {
    /// In a local folder.
    Embedded,
    /// In PostgreSQL, shared by many nodes.
    Postgres,
    /// In Redis or Valkey, shared by many nodes.
    Redis,
}

const STORE_KIND: Words<StoreKind> = Words(&[
    ("embedded", StoreKind::Embedded),
    ("postgres", StoreKind::Postgres),
    ("redis", StoreKind::Redis),
]);

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

const LOG_FORMAT: Words<LogFormat> = Words(&[("text", LogFormat::Text), ("json", LogFormat::Json)]);

/// The least that is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogLevel {
    /// What does not work.
    Error,
    /// And what somebody should look at.
    Warn,
    /// And a line for each request, but for checks.
    Info,
    /// And one for each check.
    Debug,
    /// And every step.
    Trace,
}

const LOG_LEVEL: Words<LogLevel> = Words(&[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
]);

#[cfg(feature = "otel")]
mod calling_out {
    //! What only a build that calls out knows.

    use std::path::PathBuf;

    use super::super::effective::Lines;
    use super::super::kinds::{Kind, Maybe, PemFile, Url};
    use super::super::read::Reader;
    use super::Section;

    sections! {
        /// `[telemetry]`: where traces go.
        Telemetry {
            /// The collector, by OTLP over HTTP.
            endpoint: Option<String> = Maybe(Url), None;
            /// Its certificate, or that of who signed it, where it is https.
            ca_file: Option<PathBuf> = Maybe(PemFile), None;
        }
    }
}
#[cfg(feature = "otel")]
pub(crate) use calling_out::Telemetry;
