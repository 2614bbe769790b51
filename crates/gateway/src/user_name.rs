//! The name that somebody signs in with, in one canonical form.

use std::fmt;

use caseless::Caseless;
use innkeeper_domain::name::{NameError, SubjectId};
use unicode_normalization::UnicodeNormalization;

/// A sign-in name: case, composition and surrounding blanks make no difference.
///
/// Folding is for this door alone (S15): it says which user is meant, and the user has a subject
/// id of its own, in which case counts.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UserName(String);

impl UserName {
    /// Reads a name as it was typed.
    ///
    /// The form is NFC of the case folding of NFD, as canonical caseless matching asks for
    /// (Unicode 3.13, D145). What no name may contain, this one may not either.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        // Folding makes a text at most three times as long, so this bounds the work.
        if typed.len() > 4 * SubjectId::LEN_MAX {
            return Err(NameError::TooLong {
                max: SubjectId::LEN_MAX,
            });
        }
        let folded: String = typed.trim().nfd().default_case_fold().nfc().collect();
        SubjectId::parse(&folded).map(|name| Self(name.as_str().to_owned()))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(typed: &str) -> UserName {
        UserName::parse(typed).expect("it is a name")
    }

    #[test]
    fn given_other_spellings_of_a_name_when_read_then_they_are_one_user() {
        for (one, other) in [
            ("alice", "Alice"),
            ("alice", " ALICE\u{a0}"),
            ("zo\u{eb}", "ZOE\u{308}"),
            ("stra\u{df}e", "STRASSE"),
            ("stra\u{df}e", "stra\u{1e9e}e"),
            (
                "\u{3c3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}",
                "\u{3a3}\u{38a}\u{3a3}\u{3a5}\u{3a6}\u{39f}\u{3a3}",
            ),
            ("k", "\u{212a}"),
        ] {
            assert_eq!(name(one), name(other), "{one:?} and {other:?}");
        }
    }

    #[test]
    fn given_names_that_only_look_alike_when_read_then_they_are_two_users() {
        for (one, other) in [
            ("alice", "\u{430}lice"),
            ("alice", "al ice"),
            ("e", "\u{e9}"),
            ("i", "\u{131}"),
        ] {
            assert_ne!(name(one), name(other), "{one:?} and {other:?}");
        }
    }

    #[test]
    fn given_hostile_text_when_read_then_it_is_no_name() {
        assert_eq!(UserName::parse("  "), Err(NameError::Empty));
        assert_eq!(UserName::parse("a\0"), Err(NameError::Control));
        assert_eq!(UserName::parse("a\u{202e}b"), Err(NameError::Bidi));
        assert!(matches!(
            UserName::parse(&"a".repeat(60_000)),
            Err(NameError::TooLong { .. })
        ));
    }

    proptest! {
        #[test]
        fn given_any_text_when_read_twice_then_it_is_as_it_was_read_once(typed in "\\PC{0,80}") {
            // S15: canon(canon(x)) = canon(x).
            if let Ok(once) = UserName::parse(&typed) {
                prop_assert_eq!(UserName::parse(once.as_str()), Ok(once));
            }
        }

        #[test]
        fn given_greek_with_marks_when_read_twice_then_it_is_as_it_was_read_once(
            typed in "[\u{370}-\u{3ff}\u{1f00}-\u{1fff}\u{300}-\u{345}\u{1e00}-\u{1eff}]{1,30}",
        ) {
            // Where folding and the order of marks meet: U+0345 becomes a letter.
            if let Ok(once) = UserName::parse(&typed) {
                prop_assert_eq!(UserName::parse(once.as_str()), Ok(once));
            }
        }
    }
}
