//! A value as it came in, before anybody said what it should be.

use std::fmt::Write as _;

use toml::de::DeValue;

use super::problem::Origin;
use crate::escape::Shown;

/// A value from the file, or a word from the environment.
///
/// A word has no type of its own; it takes the type of the key, so `5` can be a number or a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    /// A value of the file, with its TOML type.
    Toml(&'a DeValue<'a>),
    /// A word from the environment.
    Word(&'a str),
}

impl<'a> Raw<'a> {
    /// The value as text.
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Self::Toml(value) => value.as_str(),
            Self::Word(word) => Some(word),
        }
    }

    /// The value as a whole number. One that is too large to count reads as the largest, which
    /// is out of the bounds of every key.
    pub(super) fn integer(self) -> Option<i64> {
        match self {
            Self::Toml(DeValue::Integer(number)) => {
                Some(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX))
            }
            Self::Toml(_) => None,
            Self::Word(word) => word.parse().ok(),
        }
    }

    /// The value as true or false.
    pub(super) fn truth(self) -> Option<bool> {
        match self {
            Self::Toml(value) => value.as_bool(),
            Self::Word(word) => word.parse().ok(),
        }
    }

    /// The members, if the value is a list in the file.
    pub(super) fn members(self) -> Option<impl Iterator<Item = Raw<'a>>> {
        match self {
            Self::Toml(value) => Some(value.as_array()?.iter().map(|v| Raw::Toml(v.get_ref()))),
            Self::Word(_) => None,
        }
    }

    /// Whether the value is the one that this TOML literal writes.
    ///
    /// Only for texts, truths and lists of texts, which is all that it is asked about.
    pub(super) fn is(self, literal: &str) -> bool {
        match self {
            Self::Toml(_) => self.plain_literal().as_deref() == Some(literal),
            Self::Word(word) => literal.trim_matches('"') == word,
        }
    }

    fn plain_literal(self) -> Option<String> {
        if let Some(text) = self.text() {
            return Some(quoted(text));
        }
        if let Some(truth) = self.truth() {
            return Some(truth.to_string());
        }
        let members: Option<Vec<_>> = self.members()?.map(Self::plain_literal).collect();
        Some(format!("[{}]", members?.join(", ")))
    }

    /// What a person would call this value, safe to print.
    pub(super) fn described(self) -> String {
        match self {
            Self::Word(text) => format!("\"{}\"", Shown(text)),
            Self::Toml(value) => match value {
                DeValue::String(text) => format!("the text \"{}\"", Shown(text)),
                DeValue::Integer(number) => format!("the number {}", Shown(&number.to_string())),
                DeValue::Float(number) => format!("the number {}", Shown(number.as_str())),
                DeValue::Boolean(truth) => truth.to_string(),
                DeValue::Datetime(_) => "a date".to_owned(),
                DeValue::Array(_) => "a list".to_owned(),
                DeValue::Table(_) => "a table".to_owned(),
            },
        }
    }
}

/// A value and the door it came through.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    pub(super) raw: Raw<'a>,
    pub(super) origin: Origin,
}

/// Writes text as a TOML string, in ASCII wherever a character could act on a reader.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if c == '"' || c == '\\' {
            out.push('\\');
            out.push(c);
        } else if crate::escape::acts_on_a_reader(c) {
            // All of them lie in the first plane, which the short form of TOML covers.
            write!(out, "\\u{:04X}", u32::from(c)).expect("a string takes what is written to it");
        } else {
            out.push(c);
        }
    }
    out.push('"');
    out
}
