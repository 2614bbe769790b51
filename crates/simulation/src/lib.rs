//! Many nodes under one seed: faults, a clock turned by hand, and a checker of histories.
//!
//! [`checker`] says which promises a [`history`] breaks. It knows nothing of how the history came
//! about, so that hand-made ones show what it catches.

pub mod checker;
pub mod history;
