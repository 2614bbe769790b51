//! What a finding is, and the formats it is written in.
//!
//! A finding is one thing a check observed, with the lines that show it. Whoever finds (the
//! scanner, the prober) fills in the types here and nothing else, so that what a program reads
//! and what a person reads are written from the same values.

mod coverage;
pub mod customer;
mod escape;
mod finding;
mod markdown;
mod sarif;

pub use coverage::{Apart, Coverage, Unread};
pub use escape::{acts_on_a_reader, readable};
pub use finding::{
    Confidence, Evidence, Finding, Location, Outcome, Rule, RuleId, Severity, Suppression,
};
pub use markdown::{markdown, places};
pub use sarif::{Tool, sarif};
