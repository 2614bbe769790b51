//! Use cases: read a roster, decide in the domain, commit against its version.
//!
//! [`Authority`] is the whole of it. Each use case has a file of its own; [`sign_in`] is the one
//! to read first, and `settle` is the loop that all of them share.

pub mod archive;
mod ask;
mod authority;
pub mod budget;
pub mod bulk;
pub mod check;
pub mod choice;
pub mod devices;
pub mod entropy;
mod erase;
pub mod events;
pub mod federation;
pub mod follow;
mod journal;
pub mod keys;
mod lanes;
pub mod metrics;
pub mod policy;
pub mod retention;
pub mod revoke;
pub mod rotate;
mod seal;
pub mod search;
mod settle;
pub mod sign_in;
pub mod subjects;
pub mod sweep;

pub use authority::{Authority, EngineError, Services, tag_key};
