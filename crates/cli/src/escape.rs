//! Text from outside, made safe to print on a terminal or in a log.

use std::fmt::{self, Write as _};

pub(crate) use innkeeper_report::acts_on_a_reader;

/// Shows text from outside with everything escaped that could act on a terminal.
///
/// Control characters could move the cursor, recolour the screen or forge a line of a log;
/// bidirectional and invisible ones could make a name read as another one. What is longer than
/// [`Shown::CHARS_MAX`] is cut, so that one message stays one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl Shown<'_> {
    /// The most characters of the text that are shown.
    pub(crate) const CHARS_MAX: usize = 160;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, c) in self.0.chars().enumerate() {
            if place == Self::CHARS_MAX {
                return f.write_char('…');
            }
            write_safe(f, c)?;
        }
        Ok(())
    }
}

/// The same, but not cut: text that is bounded elsewhere, and of which the end matters too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<'a>(pub(crate) &'a str);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write_safe(f, c))
    }
}

fn write_safe(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    if acts_on_a_reader(c) {
        write!(f, "{}", c.escape_unicode())
    } else {
        f.write_char(c)
    }
}

/// Whether a character has no place in a name: the server refuses the same ones.
///
/// Joiners are not among them, though they cannot be seen: some scripts need them.
pub(crate) fn is_barred_from_names(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}'
                | '\u{200E}'
                | '\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn given_text_with_an_escape_sequence_when_shown_then_the_terminal_sees_only_letters() {
        let hostile = "a\u{1b}[31mb\r\n\u{9b}c\u{202e}d\u{200b}";

        let shown = Shown(hostile).to_string();

        assert_eq!(shown, r"a\u{1b}[31mb\u{d}\u{a}\u{9b}c\u{202e}d\u{200b}");
    }

    #[test]
    fn given_very_long_text_when_shown_then_it_is_cut() {
        let long = "x".repeat(Shown::CHARS_MAX + 1);

        let shown = Shown(&long).to_string();

        assert_eq!(shown.chars().count(), Shown::CHARS_MAX + 1);
        assert!(shown.ends_with('…'));
    }
}
