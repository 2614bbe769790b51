//! A password on its way from a form to its hash.

use std::fmt;

use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A password, as somebody typed it or as it was just made.
///
/// It is brought into NFC, so that one typed on another keyboard is the same (SP 800-63B,
/// 3.1.1.2); nothing else about it is changed. It is wiped when dropped, and cannot be shown.
pub struct Password(Zeroizing<String>);

impl Password {
    /// The longest that is hashed, in bytes. A longer one is wrong like any other wrong one.
    pub const LEN_MAX: usize = 1024;

    /// The fewest characters of a new one (ASVS 6.2.1).
    pub const CHARACTERS_MIN: usize = 8;

    /// Takes a password from outside.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // Enough is kept to know that it is too long, and no more is worked on.
        let mut kept = Zeroizing::new(String::with_capacity(3 * text.len().min(Self::LEN_MAX + 4)));
        for c in text.nfc() {
            if kept.len() > Self::LEN_MAX {
                break;
            }
            kept.push(c);
        }
        Self(kept)
    }

    /// Whether it is too long to be anybody's.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.0.len() > Self::LEN_MAX
    }

    /// Whether it is too short to become anybody's.
    #[must_use]
    pub fn is_too_short(&self) -> bool {
        self.0.chars().count() < Self::CHARACTERS_MIN
    }

    pub(crate) fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Ok(Self::new(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_one_password_typed_on_two_keyboards_when_taken_then_it_is_the_same() {
        let composed = Password::new("caf\u{e9}");
        let decomposed = Password::new("cafe\u{301}");

        assert_eq!(composed.reveal(), decomposed.reveal());
    }

    #[test]
    fn given_case_and_blanks_when_taken_then_they_are_kept() {
        assert_eq!(Password::new(" A b ").reveal(), b" A b ");
    }

    #[test]
    fn given_a_huge_password_when_taken_then_it_is_too_long_and_little_is_kept() {
        let password = Password::new(&"x".repeat(60_000));

        assert!(password.is_too_long());
        assert!(password.reveal().len() < 2000);
        assert!(!Password::new(&"x".repeat(Password::LEN_MAX)).is_too_long());
    }

    #[test]
    fn given_a_password_when_debugged_then_it_does_not_show() {
        assert_eq!(
            format!("{:?}", Password::new("swordfish")),
            "Password(hidden)"
        );
    }
}
