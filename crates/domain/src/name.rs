//! Names from outside, in one canonical form.
//!
//! Two spellings share a roster if and only if they are one subject (S15). The form is NFC with
//! exact case: the `sub` of an ID token is case-sensitive, and folding would join two people.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is nothing in it.
    #[error("must not be empty or blank")]
    Empty,
    /// It is too long in its canonical form.
    #[error("must be at most {max} bytes in NFC")]
    TooLong {
        /// The most bytes such a name may have.
        max: usize,
    },
    /// It contains a control character or a line separator.
    #[error("must not contain control characters")]
    Control,
    /// It contains a character that reorders the text around it on a screen.
    #[error("must not contain bidirectional formatting characters")]
    Bidi,
    /// It is `.` or `..`: in the path of an address, clients drop it, with what stands before.
    #[error("must not be . or ..")]
    DotSegment,
}

/// Characters that make a name read as another one on a screen or in a log (UAX #9).
const fn is_bidi_format(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn canonical(text: &str, max: usize) -> Result<Arc<str>, NameError> {
    // Bounded before the work of normalising: NFC at most triples the bytes, and never shrinks
    // a text to less than a third.
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > max * 3 {
        return Err(NameError::TooLong { max });
    }
    let name: Arc<str> = if is_nfc(text) {
        text.into()
    } else {
        text.nfc().collect::<String>().into()
    };
    if name.len() > max {
        return Err(NameError::TooLong { max });
    }
    if name
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        return Err(NameError::Control);
    }
    if name.chars().any(is_bidi_format) {
        return Err(NameError::Bidi);
    }
    if matches!(&*name, "." | "..") {
        return Err(NameError::DotSegment);
    }
    Ok(name)
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $max:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most bytes such a name has, in NFC.
            pub const LEN_MAX: usize = $max;

            /// Reads a name from outside and brings it into its canonical form.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                canonical(text, Self::LEN_MAX).map(Self)
            }

            /// As [`Session::share_texts`](crate::session::Session::share_texts).
            pub fn share_text(&mut self, share: &mut dyn FnMut(&mut Arc<str>)) {
                share(&mut self.0);
            }

            /// The canonical text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

names! {
    /// The account whose sessions are counted, by its immutable id: the `sub` of an ID token.
    SubjectId, 256;
    /// The organisation, or part of one, that a subject belongs to. Nothing crosses tenants (S14).
    TenantId, 256;
    /// An application that subjects sign in to.
    ClientId, 256;
    /// A group or role of a subject, as policy rules name it.
    GroupName, 256;
    /// How identity was proved, in the words of RFC 8176 (`pwd`, `otp`, `hwk`, …).
    AuthenticationMethod, 64;
    /// A provider that signs people in, by its address: the `iss` of an ID token.
    Issuer, 256;
    /// What a provider calls a person: the `sub` of an ID token.
    IssuerSubject, 256;
    /// What a provider calls a session of its own: the `sid` of an ID token.
    IssuerSession, 256;
    /// Why somebody decided so, in their own words: for whoever reads it later.
    Reason, 512;
}

impl Default for TenantId {
    fn default() -> Self {
        Self("default".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_two_spellings_of_one_name_when_parsed_then_they_are_one_subject() {
        let composed = SubjectId::parse("Zo\u{eb}").unwrap();
        let decomposed = SubjectId::parse("Zoe\u{308}").unwrap();

        assert_eq!(composed, decomposed);
    }

    #[test]
    fn given_a_canonical_name_when_parsed_again_then_it_is_unchanged() {
        // S15: canon(canon(x)) = canon(x), also for texts that NFC reorders or lengthens.
        for text in [
            "a\u{323}\u{307}",
            "\u{1D160}",
            "\u{FB2C}",
            "q\u{307}\u{323}",
            "한글",
        ] {
            let once = SubjectId::parse(text).unwrap();
            assert_eq!(SubjectId::parse(once.as_str()).unwrap(), once, "{text:?}");
        }
    }

    #[test]
    fn given_a_text_three_times_as_long_as_its_canonical_form_when_parsed_then_it_fits() {
        // The kelvin sign has three bytes, and the letter K that it stands for has one.
        let name = SubjectId::parse(&"\u{212A}".repeat(256)).unwrap();

        assert_eq!(name.as_str(), "K".repeat(256));
        assert!(SubjectId::parse(&"\u{212A}".repeat(257)).is_err());
    }

    #[test]
    fn given_another_case_when_parsed_then_it_is_another_subject() {
        assert_ne!(
            SubjectId::parse("Alice").unwrap(),
            SubjectId::parse("alice").unwrap()
        );
    }

    #[test]
    fn given_hostile_text_when_parsed_then_it_is_refused_with_the_reason() {
        assert_eq!(SubjectId::parse(""), Err(NameError::Empty));
        assert_eq!(SubjectId::parse("  "), Err(NameError::Empty));
        assert_eq!(Reason::parse(" "), Err(NameError::Empty));
        assert_eq!(Reason::parse("\u{3000}"), Err(NameError::Empty));
        assert_eq!(SubjectId::parse("a\0b"), Err(NameError::Control));
        assert_eq!(SubjectId::parse("a\nb"), Err(NameError::Control));
        assert_eq!(SubjectId::parse("a\u{2028}b"), Err(NameError::Control));
        assert_eq!(SubjectId::parse("a\u{202E}b"), Err(NameError::Bidi));
        assert_eq!(SubjectId::parse("a\u{2066}b"), Err(NameError::Bidi));
        assert_eq!(SubjectId::parse("."), Err(NameError::DotSegment));
        assert_eq!(SubjectId::parse(".."), Err(NameError::DotSegment));
        assert!(SubjectId::parse("...").is_ok());
    }

    #[test]
    fn given_a_long_name_when_parsed_then_its_canonical_bytes_are_counted() {
        assert!(SubjectId::parse(&"a".repeat(256)).is_ok());
        assert_eq!(
            SubjectId::parse(&"a".repeat(257)),
            Err(NameError::TooLong { max: 256 })
        );
        // U+1D160 is one character of 4 bytes whose NFC has 12.
        assert_eq!(
            SubjectId::parse(&"\u{1D160}".repeat(22)),
            Err(NameError::TooLong { max: 256 })
        );
    }

    #[test]
    fn given_a_spelling_three_times_as_long_when_parsed_then_its_canonical_form_decides() {
        // Ohm sign, two accents and a subscript: 9 bytes that compose to 3.
        let spelling = "\u{2126}\u{313}\u{301}\u{345}".repeat(85);

        assert_eq!(SubjectId::parse(&spelling).unwrap().as_str().len(), 255);
    }

    #[test]
    fn given_each_control_or_formatting_character_when_parsed_then_it_is_refused() {
        let controls = ('\0'..='\u{1F}').chain('\u{7F}'..='\u{9F}');
        for c in controls.chain(['\u{2028}', '\u{2029}']) {
            assert_eq!(
                ClientId::parse(&format!("a{c}")),
                Err(NameError::Control),
                "{c:?}"
            );
        }
        let marks = ['\u{61C}', '\u{200E}', '\u{200F}'].into_iter();
        for c in marks
            .chain('\u{202A}'..='\u{202E}')
            .chain('\u{2066}'..='\u{2069}')
        {
            assert_eq!(
                ClientId::parse(&format!("a{c}")),
                Err(NameError::Bidi),
                "{c:?}"
            );
        }
    }

    #[test]
    fn given_nothing_said_when_a_tenant_is_needed_then_it_is_the_default_one() {
        assert_eq!(TenantId::default(), TenantId::parse("default").unwrap());
    }
}
