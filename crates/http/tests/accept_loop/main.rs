//! The accept loop over real sockets: bounds that hold, and a drain that loses nothing.

mod bounds;
mod direct;
mod drain;
#[path = "../rest/flaky.rs"]
mod flaky;
mod harness;
mod protocol;
mod time;
mod tls;
