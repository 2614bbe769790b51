//! What is wrong with a recipe, and where.

use std::fmt;

/// One mistake in a recipe.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The line, counted from one.
    pub line: usize,
    /// The place in the recipe, such as `steps.login[1]`; empty for the recipe as a whole.
    pub place: String,
    /// What is wrong, and what is accepted.
    pub message: String,
}

impl Fault {
    pub(crate) fn at(line: usize, place: &str, message: impl Into<String>) -> Self {
        Self {
            line,
            place: place.to_owned(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
