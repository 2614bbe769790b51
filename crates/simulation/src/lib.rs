//! Many nodes under one seed: faults, a clock turned by hand, and a checker of histories.
//!
//! [`checker`] says which promises a [`history`] breaks. It knows nothing of how the history came
//! about, so that hand-made ones show what it catches. [`world`] makes histories: nodes, store
//! and callers in one thread, every choice from one seed, so that a failure can be had again.
//! [`on_disk`] puts the embedded store beneath them, on files that lose what a crash may lose;
//! or each node has a [`mod@line`] of its own to a store that they share, and leases.
//! [`flaws`] plants wrong designs in a store, to see that the checker finds them.

pub mod checker;
pub mod dice;
pub mod flaws;
mod guests;
pub mod history;
mod hub;
pub mod inbox;
pub mod line;
mod mood;
pub mod on_disk;
mod scribe;
pub mod tally;
mod trace;
pub mod weather;
pub mod world;
pub mod wrong;
mod wrong_lease;
