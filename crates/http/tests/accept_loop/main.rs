//! The accept loop over real sockets: bounds that hold, and a drain that loses nothing.

mod bounds;
mod drain;
mod harness;
mod often;
mod protocol;
mod time;
mod tls;
