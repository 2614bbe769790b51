//! What every parser of outside input must keep, whatever comes in: it does not panic, and what
//! it accepts it writes down so that it reads as the same again. Each says what it accepted.

mod bodies;
mod copies;
mod house;
mod proxies;
mod queries;
mod requests;
mod runs;
mod scanner;
mod seeds;
mod settings;
mod stored;
mod tally;
mod tokens;

/// The part of the binary that reads its configuration: it is no library, so its sources are
/// read from where they lie.
#[allow(
    dead_code,
    unused_imports,
    reason = "the binary uses what is not used here"
)]
#[path = "../../cli/src"]
mod cli {
    pub(crate) mod config;
    pub(crate) mod escape;
    pub(crate) mod outgoing;

    pub(crate) mod args {
        pub(crate) const URL_VARIABLE: &str = "INNKEEPER_URL";
    }
}

pub(crate) use cli::{args, config, escape, outgoing};

pub use bodies::body;
pub use copies::copy;
pub use innkeeper_scan::Language;
pub use proxies::proxy;
pub use queries::query;
pub use requests::headers;
pub use runs::{LENGTH_MAX, Run, runs};
pub use scanner::{accepted, config, language, reader, source};
pub use settings::settings;
pub use stored::stored;
pub use tally::Tally;
pub use tokens::token;
