//! "Did you mean …?": the known key that is nearest to the one that was written.

use strsim::damerau_levenshtein;

/// A longer word is no misspelling of ours, and comparing it would be wasted work.
const ASKED_MAX: usize = 96;

/// Finds the known word nearest to the one asked for, if any is near.
///
/// A key in the wrong section is as near as one with two letters wrong: people remember the
/// name of a setting before its place.
#[must_use]
pub fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if asked.len() > ASKED_MAX {
        return None;
    }
    let asked = asked.to_lowercase();
    let near_enough = (asked.len() / 3).max(2);
    known
        .into_iter()
        .map(|word| {
            let letters = damerau_levenshtein(&asked, &word.to_lowercase());
            let misplaced = asked.contains('.') && last(&asked) == last(word);
            let distance = if misplaced { letters.min(2) } else { letters };
            ((distance, letters), word)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|((distance, _), _)| *distance <= near_enough)
        .map(|(_, word)| word)
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KNOWN: [&str; 4] = [
        "server.listen",
        "policy.max_sessions",
        "policy.idle",
        "store.kind",
    ];

    #[test]
    fn given_a_misspelt_key_when_asked_then_the_one_meant_is_named() {
        assert_eq!(
            nearest("policy.max_session", KNOWN),
            Some("policy.max_sessions")
        );
        assert_eq!(
            nearest("policy.MAX-SESSIONS", KNOWN),
            Some("policy.max_sessions")
        );
        assert_eq!(nearest("store.knid", KNOWN), Some("store.kind"));
    }

    #[test]
    fn given_a_key_in_the_wrong_section_when_asked_then_its_right_place_is_named() {
        assert_eq!(nearest("server.idle", KNOWN), Some("policy.idle"));
        assert_eq!(
            nearest("gateway.max_sessions", KNOWN),
            Some("policy.max_sessions")
        );
    }

    #[test]
    fn given_a_key_like_nothing_known_when_asked_then_nothing_is_named() {
        assert_eq!(nearest("colour", KNOWN), None);
        assert_eq!(nearest(&"policy.idle".repeat(100), KNOWN), None);
    }
}
