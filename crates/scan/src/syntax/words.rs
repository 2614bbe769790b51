//! Names taken apart into words, so that `revokeOtherSessions` and `revoke_other_sessions` agree.

/// The words of a name or of a line of names, in lower case.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = '\0';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            close(&mut out, &mut word);
            before = c;
            continue;
        }
        // `userID` is user + id, `JWTToken` is jwt + token.
        let starts = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_ascii_digit()
                || before.is_uppercase() && chars.peek().is_some_and(|after| after.is_lowercase()));
        if starts {
            close(&mut out, &mut word);
        }
        if c.is_ascii() {
            word.push(c.to_ascii_lowercase());
        } else {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    close(&mut out, &mut word);
    out
}

fn close(out: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        out.push(std::mem::take(word));
    }
}

/// Is any of these words there, singular or plural? They are written as one line.
pub(crate) fn any(words: &[String], wanted: &str) -> bool {
    // The list is long and the words are few, so the list is taken apart once.
    !words.is_empty()
        && wanted
            .as_bytes()
            .split(|byte| *byte == b' ')
            .any(|w| words.iter().any(|word| is(word.as_bytes(), w)))
}

fn is(word: &[u8], wanted: &[u8]) -> bool {
    match word.len().wrapping_sub(wanted.len()) {
        0 => word == wanted,
        1 => word.strip_suffix(b"s") == Some(wanted),
        _ => false,
    }
}

/// Does a path with `*` for any run of characters match this text, letter case apart?
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (p, t) = (pattern.as_bytes(), text.as_bytes());
    let (mut pi, mut ti) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while ti < t.len() {
        if pi < p.len() && p[pi] == b'*' {
            star = Some((pi, ti));
            pi += 1;
        } else if pi < p.len() && p[pi].eq_ignore_ascii_case(&t[ti]) {
            pi += 1;
            ti += 1;
        } else if let Some((sp, st)) = star {
            pi = sp + 1;
            ti = st + 1;
            star = Some((sp, st + 1));
        } else {
            return false;
        }
    }
    p[pi..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_names_in_any_style_when_taken_apart_then_the_words_agree() {
        let expected = ["revoke", "other", "sessions"];
        assert_eq!(words("revokeOtherSessions"), expected);
        assert_eq!(words("revoke_other_sessions"), expected);
        assert_eq!(words("RevokeOther.sessions"), expected);
        assert_eq!(words("userID"), ["user", "id"]);
        assert_eq!(words("JWTToken"), ["jwt", "token"]);
    }

    #[test]
    fn given_stars_when_matched_then_they_stand_for_any_run() {
        assert!(glob("*.session.*", "req.session.userId"));
        assert!(glob("session", "Session"));
        assert!(!glob("*.session", "req.sessions"));
        assert!(glob("a*b*c", "aXXbYYbZc"));
    }
}
