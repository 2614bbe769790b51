//! From source text to an outline: the calls, assignments and functions of one file.
//!
//! Every language is lowered to the same few shapes, so that what we know of sessions is written
//! once. Comments are never visited and a string is never taken for a name, which is what makes
//! "comments and strings never make a fact" true by construction.

mod language;
mod lower;
mod node;
mod outline;
mod route;
pub(crate) mod words;

pub use language::Language;
pub(crate) use lower::{Unparsed, outline};
pub(crate) use outline::{Annotation, Assign, Call, Compare, Function, Outline, Route};
