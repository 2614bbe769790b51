//! A secret on its way over the wire.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A token, key or ticket as text.
///
/// The type prevents leaks by accident: it has no `Display` and no `Clone`, and its `Debug`
/// hides the value, so that a request or an answer can be logged whole. It can be written as
/// JSON, because carrying the secret to its holder is what the wire is for; nothing but an
/// answer to the holder, and a request of the holder, may contain one.
#[derive(Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Secret<const MAX: usize = 2_048>(String);

/// A choice ticket, which carries evidence and is longer than any other secret.
pub type Ticket = Secret<{ 24 * 1_024 }>;

/// A token of whatever issuer: as long as a body may be, since one that is not ours is no error.
pub type AnyToken = Secret<{ 64 * 1_024 }>;

impl<const MAX: usize> Secret<MAX> {
    /// The longest text that is read as a secret, in bytes.
    pub const LEN_MAX: usize = MAX;

    /// Takes a secret that was just made, to be handed to its holder.
    #[must_use]
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The secret itself: the one word to search for when auditing where secrets are read.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Secret<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Secret<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(SecretVisitor::<MAX>)
    }
}

/// Reads a secret without ever quoting it in an error.
struct SecretVisitor<const MAX: usize>;

impl<const MAX: usize> Visitor<'_> for SecretVisitor<MAX> {
    type Value = Secret<MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a secret of at most {MAX} bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret<MAX>, E> {
        if text.len() > MAX {
            return Err(E::invalid_length(text.len(), &self));
        }
        Ok(Secret(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Secret<MAX>, E> {
        if text.len() > MAX {
            return Err(E::invalid_length(text.len(), &self));
        }
        Ok(Secret(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_secret_when_it_is_debugged_then_no_part_of_it_shows() {
        let secret = <Secret>::new("ik_abcdef".to_owned());

        let shown = format!("{secret:?}");

        assert_eq!(shown, "Secret(hidden)");
    }

    #[test]
    fn given_an_over_long_secret_when_read_then_it_is_refused_without_being_quoted() {
        let json = format!("\"{}\"", "s".repeat(<Secret>::LEN_MAX + 1));

        let error = serde_json::from_str::<Secret>(&json).expect_err("it is too long");

        assert!(!error.to_string().contains("sss"));
    }

    #[test]
    fn given_a_secret_when_written_and_read_then_it_is_the_same() {
        let secret = Secret::new("ik_abcdef".to_owned());

        let json = serde_json::to_string(&secret).expect("a string is written");
        let again: Secret = serde_json::from_str(&json).expect("it was just written");

        assert_eq!(again, secret);
    }
}
