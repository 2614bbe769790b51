//! Rosters in Redis or Valkey, shared by many nodes.
//!
//! A roster is one key. A node reads it with the server's clock, carries the commit out as every
//! store does ([`Commit::carry_out`]), and hands the result to a function on the server, which
//! compares what it was made from with what is there and writes all of it in one step, or nothing.
//! No lock is held between the two; who comes second looks again.
//!
//! [`Commit::carry_out`]: innkeeper_store::Commit::carry_out

mod ask;
mod error;
mod greet;
mod incarnation;
mod journal;
mod link;
mod register;
mod rows;
mod server;
mod servers;
mod store;
mod sync;
mod time;
mod value;
mod watch;
mod write;

pub use error::OpenError;
pub use server::{Durability, Keeps, Replicas, Snapshots};
pub use servers::address;
pub use store::RedisStore;
