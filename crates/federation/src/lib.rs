//! What an OpenID provider says of a person, and whether to believe it.
//!
//! [`Provider`] is one provider as it was set. [`Provider::begin`] leads a browser there,
//! [`Provider::redeem`] takes what it came back with, and [`Provider::read_logout`] takes the
//! provider's own word that somebody is signed out. Each answers with what was vouched for, never
//! with a token: those are read here, and go no further.
//!
//! The crate knows no clock and no network. The time is handed in, and whoever builds a provider
//! says how to call it ([`Network`]).

mod address;
mod claims;
mod error;
mod flow;
mod id_token;
mod jwk;
mod jws;
mod logout_token;
mod metadata;
mod network;
mod provider;
mod settings;

pub use address::{Endpoint, NotAnEndpoint};
pub use error::{FederationError, ProviderFault, TokenFault};
pub use flow::{Answered, Asked, Flow, Freshness};
pub use id_token::Vouched;
pub use logout_token::Logout;
pub use network::{ANSWER_MAX, Network, Reply, Unreachable};
pub use provider::Provider;
pub use settings::{ClientSecret, ProviderName, Settings};

/// How far the clock of a provider may be from ours, as is usual for the times in a JWT (RFC 7519,
/// 4.1.4: "no more than a few minutes").
pub const CLOCKS_DIFFER: std::time::Duration = std::time::Duration::from_mins(1);
