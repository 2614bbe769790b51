//! Characters that do something else than be read.

/// Whether a character acts on whoever reads it, or cannot be seen.
///
/// Control characters move the cursor of a terminal, recolour it or forge a line. Marks of
/// direction (Unicode Standard Annex 9) show a name as another one, and invisible characters and
/// tags make two names look like one.
#[must_use]
pub fn acts_on_a_reader(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00AD}'
                | '\u{061C}'
                | '\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

/// The text with each character that acts on a reader shown as U+FFFD.
#[must_use]
pub fn readable(text: &str) -> String {
    let shown = |c: char| if acts_on_a_reader(c) { '\u{FFFD}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_characters_that_hide_or_turn_text_when_made_readable_then_each_shows() {
        let hostile = "a\u{1b}[31m\u{9b}\n\u{202e}sj.\u{2066}\u{200b}\u{ad}\u{e0041}z é";

        let shown = readable(hostile);

        assert_eq!(
            shown,
            "a\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}sj.\u{fffd}\u{fffd}\u{fffd}\u{fffd}z é"
        );
    }
}
