//! Lays siege to the real binary over HTTP, and has the checker judge what was answered.
//!
//! The simulation turns every knob but runs in one thread over a store in memory. Here it is the
//! other way round: the program as it is shipped, its disk, its sockets, real concurrency and
//! `kill -9`; and of all that happens only what callers were told is believed. Nothing here
//! knows the server's code: it speaks the published API, and writes down what it hears as a
//! [`History`](innkeeper_simulation::history::History).

mod book;
pub mod bulk;
mod client;
mod crowd;
mod disk;
mod hand;
pub mod kills;
mod pace;
pub mod policy_try;
mod reading;
pub mod rounds;
mod server;
pub mod tally;
mod told;
