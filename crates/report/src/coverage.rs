//! What a check did not look at, said beside what it found.

use serde::Serialize;

/// How much was looked at, so that silence about the rest is not taken for a clean bill.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Coverage {
    /// Whether anything at all was judged.
    pub is_judged: bool,
    /// Whether the time was up before all of it was judged. What was not is among the unread.
    pub is_cut_short: bool,
    /// What should have been read and was not, by path.
    pub unread: Vec<Unread>,
    /// What was passed over on purpose, by kind.
    pub apart: Vec<Apart>,
    /// What silence means besides, as sentences: where the rules had nothing to be held against.
    pub notes: Vec<String>,
}

/// A file or folder that was not read, and why.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Unread {
    /// Path with forward slashes, relative to the root.
    pub file: String,
    /// Why, as words that follow "not read: ".
    pub why: &'static str,
}

/// How many files or folders of one kind were passed over on purpose.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Apart {
    /// What they are, in the plural.
    pub what: &'static str,
    /// How many.
    pub count: usize,
}
