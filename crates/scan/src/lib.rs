//! Reads source code and finds gaps in how it handles concurrent sessions.
//!
//! One pass over a file gives an outline, what is known of frameworks and of the words of the
//! field turns outlines into facts, facts decide the state of each control for a whole deployable,
//! and a control that is missing where sessions are made is a finding. Absence is never decided
//! by a line: a line cannot show that something is nowhere.
//!
//! Nothing that is read is executed, nothing leaves the machine, and no link is followed.

pub mod baseline;
mod budget;
mod cache;
mod config;
mod cookie;
mod fact;
mod flow;
mod judge;
mod keys;
mod knowledge;
mod leak;
mod manifest;
mod model;
mod pattern;
mod policies;
mod policy;
mod prefilter;
mod primitive;
mod report;
mod rewrite;
mod rules;
mod scan;
mod shared;
mod syntax;
mod unit;
mod value;
mod verdict;
mod vocabulary;
mod walk;

pub use fact::{Fact, Kind, Subject, Via};
pub use policies::Error;
pub use policy::{OnExceed, Policy, Span};
pub use report::{Report, UnitReport, explain};
pub use rules::{RULES, rule};
pub use scan::{Options, Progress, judge_text, read_config, run};
pub use syntax::Language;
pub use verdict::{Controls, State};
pub use walk::{Part, Passed, SkipReason, Skipped};
