//! Words: the choices of a policy by the names that people and programs write.

use super::{BindTo, Overflow, Per, SameDevice, UnseenDevice};
use crate::session::SessionClass;

/// A choice among few.
///
/// A word of several parts has an underscore, as in JSON; in a configuration file it has a hyphen.
pub trait Word: Copy + Eq + Sized + 'static {
    /// Every one, in the order in which a message lists them.
    const WORDS: &'static [(&'static str, Self)];

    /// Its word.
    #[must_use]
    fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, choice)| *choice == self);
        found.expect("every choice has a word").0
    }

    /// The choice of this word, if there is one.
    #[must_use]
    fn of_word(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, choice)| *choice)
    }
}

impl Word for Overflow {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("evict_oldest", Self::EvictOldest),
        ("evict_least_recent", Self::EvictLeastRecent),
        ("refuse", Self::Refuse),
        ("ask", Self::Ask),
        ("observe", Self::Observe),
    ];
}

impl Word for Per {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("client", Self::Client),
        ("device_class", Self::DeviceClass),
    ];
}

impl Word for SameDevice {
    const WORDS: &'static [(&'static str, Self)] =
        &[("replace", Self::Replace), ("count", Self::Count)];
}

impl Word for UnseenDevice {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("allow", Self::Allow),
        ("notify", Self::Notify),
        ("refuse", Self::Refuse),
    ];
}

impl Word for BindTo {
    const WORDS: &'static [(&'static str, Self)] =
        &[("none", Self::Nothing), ("device_cookie", Self::Device)];
}

impl Word for SessionClass {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("interactive", Self::Interactive),
        ("machine", Self::Machine),
        ("impersonation", Self::Impersonation),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_choice_when_written_and_read_then_it_is_the_same() {
        assert_eq!(Overflow::EvictLeastRecent.word(), "evict_least_recent");
        assert_eq!(SessionClass::Machine.word(), "machine");
        for (word, choice) in Overflow::WORDS {
            assert_eq!(Overflow::of_word(word), Some(*choice));
            assert_eq!(choice.word(), *word);
        }
        assert_eq!(Overflow::of_word("evict-oldest"), None, "that is a file's");
    }
}
