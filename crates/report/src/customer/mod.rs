//! The finding that a customer receives: from saved results of `probe` and `scan` to one document,
//! in every form it is wanted in.

mod assemble;
mod document;
mod log;
mod pdf;
mod proof;
mod reference;
mod retest;
mod saved;
mod summary;
mod template;
mod topic;

pub use assemble::{Fetch, Given, assemble};
pub use document::{
    Again, Capability, Claim, Closed, Document, Excerpt, Looked, Place, Retest, Shown, Status,
};
pub use log::document_sarif;
pub use pdf::{NotPrinted, Printer};
pub use proof::Step;
pub use reference::{Reference, reference};
pub use saved::{Check, Code, Exchange, NotSaved, Picture, Probe, Saved, Scan, Unit, Verdict};
pub use template::{Form, NotWritten, Template};
pub use topic::{OTHER, TOPICS, Topic};
