//! Rosters in PostgreSQL, shared by many nodes.
//!
//! One advisory lock a roster orders what happens to it. Under it a commit reads the roster and
//! the server's clock, compares as every store does ([`Commit::carry_out`]), writes what changed
//! and commits, all in one transaction. Nothing rests on the state of a connection, so a pooler
//! that hands out connections by the transaction may stand between.
//!
//! [`Commit::carry_out`]: innkeeper_store::Commit::carry_out

mod error;
mod heed;
mod journal;
mod keeps;
mod link;
mod migrate;
mod register;
mod rows;
mod store;
mod time;
mod watch;
mod write;

pub use error::OpenError;
pub use keeps::{Keeps, Standbys};
pub use link::address;
pub use store::PostgresStore;
