//! Sessions and the rules about them.
//!
//! Values in, decisions out: no clock, network, disk, randomness or async runtime is in reach.
//! Start with [`session`], then [`admission`].

pub mod admission;
pub mod amendment;
mod api_key;
mod authentication;
pub mod budget;
pub mod change;
pub mod check;
pub mod device;
mod device_token;
pub mod federation;
pub mod filter;
pub mod name;
pub mod notice;
pub mod policy;
pub mod protection;
pub mod revocation;
pub mod roster;
pub mod rotation;
pub mod seats;
pub mod session;
pub mod span;
#[cfg(test)]
mod testing;
pub mod ticket;
pub mod time;
pub mod token;
