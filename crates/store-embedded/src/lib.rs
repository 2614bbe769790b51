//! Rosters in one local folder, resident in memory and durable on disk.
//!
//! Every roster is in memory, and memory answers. Every change goes through one committing
//! thread, which takes all that wait, writes them as one batch, syncs once, and only then lets
//! anybody see them. Where to read:
//!
//! - [`store`]: what a caller meets.
//! - `committer` and `round`: how a change becomes durable and then visible.
//! - `time`: why time cannot fall across a crash.
//! - `log` and `checkpoint`: what lies on disk.
//! - `files`: what is asked of a file system, and all that is built on.
//! - `load` and `mark`: how opening knows that nothing acknowledged is missing.
//! - `place`: how opening knows a copy of a store for one.
//! - `snapshot` and [`restore`](mod@restore): all of it out at one point, and back.

mod aside;
mod chains;
mod checkpoint;
mod committer;
mod disk;
mod error;
pub mod files;
mod folder;
mod journal;
mod keys;
mod load;
mod log;
mod mark;
mod place;
mod register;
mod resident;
pub mod restore;
mod round;
mod shared;
mod snapshot;
pub mod store;
mod sync;
mod texts;
mod time;

pub use error::{Damage, OpenError};
pub use log::Sizes;
pub use restore::{Onto, RestoreError, Restored, restore};
pub use store::EmbeddedStore;
