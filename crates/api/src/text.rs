//! Texts and lists from outside, with the most that is read of them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A text of at most `MAX` bytes.
///
/// A longer one is refused when read, not cut: what was stored is what was sent. Whether its
/// characters are fit for a name is for the domain to say.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Takes a text, unless it is too long.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        (text.len() <= MAX).then_some(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, to keep.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let len = text.len();
        Self::new(text)
            .ok_or_else(|| de::Error::invalid_length(len, &&*format!("at most {MAX} bytes")))
    }
}

/// Reads a list of at most `MAX` entries, for `#[serde(deserialize_with = "…")]`.
///
/// It stops at the first entry too many, so that a long list costs no more than a short one.
pub fn bounded_list<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_seq(ListVisitor::<T, MAX>(PhantomData))
}

/// The same for a list that may be absent or `null`.
pub(crate) fn bounded_list_option<'de, const MAX: usize, T, D>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let list = Option::<BoundedList<T, MAX>>::deserialize(deserializer)?;
    Ok(list.map(|list| list.0))
}

/// A list of at most `MAX` entries, where a field attribute cannot reach.
pub(crate) struct BoundedList<T, const MAX: usize>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for BoundedList<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bounded_list::<MAX, T, D>(deserializer).map(Self)
    }
}

struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX} entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if list.len() == MAX {
                return Err(de::Error::invalid_length(MAX + 1, &self));
            }
            list.push(entry);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Names(#[serde(deserialize_with = "bounded_list::<2, _, _>")] Vec<Text<4>>);

    #[test]
    fn given_a_text_at_its_bound_when_read_then_it_is_taken_and_one_byte_more_is_refused() {
        assert!(serde_json::from_str::<Text<4>>(r#""abcd""#).is_ok());
        assert!(serde_json::from_str::<Text<4>>(r#""abcde""#).is_err());
        assert!(serde_json::from_str::<Text<4>>(r#""äöü""#).is_err());
    }

    #[test]
    fn given_a_list_at_its_bound_when_read_then_it_is_taken_and_one_entry_more_is_refused() {
        let names: Names = serde_json::from_str(r#"["a", "b"]"#).expect("two are allowed");

        assert_eq!(names.0.len(), 2);
        assert!(serde_json::from_str::<Names>(r#"["a", "b", "c"]"#).is_err());
    }
}
