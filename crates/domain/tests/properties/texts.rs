//! Any text: names have one form, and what is written down reads as the same or not at all.

use innkeeper_domain::name::SubjectId;
use innkeeper_domain::session::SessionId;
use innkeeper_domain::token::{ApiKey, RosterTag, SessionToken, TokenSecret};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use unicode_normalization::UnicodeNormalization;

use crate::modestly;

proptest! {
    #![proptest_config(modestly())]

    #[test]
    fn given_any_text_when_it_is_a_name_then_its_form_is_canonical(
        text in prop_oneof![any::<String>(), "[a-zA-Z\u{300}-\u{345}\u{1100}-\u{11FF}\u{2126}\u{212B}]{0,90}"],
    ) {
        if let Ok(name) = SubjectId::parse(&text) {
            let again = SubjectId::parse(name.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&name));
            let taken_apart: String = text.nfd().collect();
            if taken_apart.len() <= SubjectId::LEN_MAX * 3 {
                prop_assert_eq!(SubjectId::parse(&taken_apart), Ok(name));
            }
        }
    }

    #[test]
    fn given_any_token_when_written_and_read_then_it_is_the_same_and_damaged_it_is_refused(
        tag in any::<[u8; 16]>(),
        secret in vec(any::<u8>(), 48),
        damage in damage(),
    ) {
        let secret: [u8; 48] = secret.try_into().unwrap();
        let token = SessionToken::new(RosterTag::from_bytes(tag), TokenSecret::from_entropy(secret));
        let issued = token.reveal();

        let read = SessionToken::parse(&issued).unwrap();
        prop_assert_eq!(read.tag(), token.tag());
        prop_assert_eq!(read.secret().reveal(), token.secret().reveal());
        let damaged = damage.done_to(&issued);
        prop_assert!(damaged == issued || SessionToken::parse(&damaged).is_err(), "{}", damaged);
    }

    #[test]
    fn given_any_id_or_key_when_written_and_read_then_it_is_the_same_and_never_another_spelling(
        tag in any::<[u8; 16]>(),
        serial in any::<[u8; 12]>(),
        secret in any::<[u8; 32]>(),
        damage in damage(),
    ) {
        let id = SessionId::from_entropy(RosterTag::from_bytes(tag), serial);
        let key = ApiKey::from_entropy(serial, secret);
        let (written, shown) = (id.to_string(), key.reveal());

        prop_assert_eq!(SessionId::parse(&written), Ok(id));
        prop_assert_eq!(ApiKey::parse(&shown).unwrap().digest(), key.digest());
        let (other, damaged) = (damage.done_to(&written), damage.done_to(&shown));
        prop_assert!(other == written || SessionId::parse(&other) != Ok(id), "{}", other);
        prop_assert!(damaged == shown || ApiKey::parse(&damaged).is_err(), "{}", damaged);
        prop_assert!(SessionToken::parse(&written).is_err() && SessionToken::parse(&shown).is_err());
    }
}

/// What may happen to a text on its way.
#[derive(Clone, Debug)]
enum Damage {
    Replaced(Index, char),
    Inserted(Index, char),
    Removed(Index),
    Swapped(Index, Index),
    Cut(Index),
}

impl Damage {
    fn done_to(&self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let place = |index: &Index| index.index(letters.len());
        match self {
            Self::Replaced(at, with) => {
                let at = place(at);
                letters[at] = *with;
            }
            Self::Inserted(at, with) => {
                let at = place(at);
                letters.insert(at, *with);
            }
            Self::Removed(at) => {
                let at = place(at);
                letters.remove(at);
            }
            Self::Swapped(one, other) => {
                let (one, other) = (place(one), place(other));
                letters.swap(one, other);
            }
            Self::Cut(at) => {
                let at = place(at);
                letters.truncate(at);
            }
        }
        letters.into_iter().collect()
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let letter = || {
        prop_oneof![
            "[A-Za-z0-9_=-]".prop_map(|s| s.chars().next().unwrap()),
            any::<char>()
        ]
    };
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), letter()).prop_map(|(at, with)| Damage::Replaced(at, with)),
        1 => (at(), letter()).prop_map(|(at, with)| Damage::Inserted(at, with)),
        1 => at().prop_map(Damage::Removed),
        1 => (at(), at()).prop_map(|(one, other)| Damage::Swapped(one, other)),
        1 => at().prop_map(Damage::Cut),
    ]
}
