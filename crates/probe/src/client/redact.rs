//! What must not be read by whoever reads the report: taken out before anything is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A run of characters of this length may be a token, whether or not we know it.
const RUN_MIN: usize = 24;
/// What is shorter than this says too little to be told from any other text.
const SECRET_MIN: usize = 4;

/// All secrets of a run, with what is shown in their place.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    shown: BTreeMap<String, String>,
}

impl Redactor {
    /// Remembers a password. Nothing of it is shown, and no hash: it could be guessed from one.
    pub(crate) fn hide_password(&mut self, password: &str) {
        self.hide(password, "(password)");
    }

    /// Remembers a token. Its first four characters and a hash stay, so that two can be told
    /// apart.
    pub(crate) fn hide_token(&mut self, token: &str) {
        let is_long = token.chars().count() >= SECRET_MIN * 2;
        if is_long {
            self.hide(token, &mark(token));
        }
    }

    fn hide(&mut self, secret: &str, shown: &str) {
        if secret.len() < SECRET_MIN {
            return;
        }
        let quoted = serde_json::Value::from(secret).to_string();
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let html = secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        for variant in [
            secret.to_owned(),
            quoted.trim_matches('"').to_owned(),
            form.replace('+', "%20"),
            form,
            html.replace('"', "&quot;"),
            html,
            STANDARD.encode(secret),
        ] {
            self.shown
                .entry(variant)
                .or_insert_with(|| shown.to_owned());
        }
    }

    /// A text without secrets: neither those that are known, nor what looks like a token.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut known: Vec<(&String, &String)> = self.shown.iter().collect();
        // The longest first, since one secret may begin with another.
        known.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        let mut text = text.to_owned();
        for (secret, shown) in known {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), shown);
            }
        }
        runs_marked(&text)
    }
}

/// Replaces every long run of the characters of tokens, unless it is plainly words.
fn runs_marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_alphanumeric() || "-_.~+/%=".contains(c) => run.push(c),
            other => {
                if looks_like_a_token(&run) {
                    out.push_str(&mark(&run));
                } else {
                    out.push_str(&run);
                }
                run.clear();
                out.extend(other);
            }
        }
    }
    out
}

fn looks_like_a_token(run: &str) -> bool {
    run.split(['/', '=']).any(|part| {
        part.len() >= RUN_MIN
            && part.chars().any(|c| c.is_ascii_digit())
            && part.chars().any(|c| c.is_ascii_alphabetic())
    })
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The first four characters, and the start of a hash.
pub(crate) fn mark(token: &str) -> String {
    let head: String = token.chars().take(4).collect();
    let digest = Sha256::digest(token.as_bytes());
    let hash = hex(&digest[..6]);
    format!("{head}…[sha256:{hash}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_password_in_any_clothes_when_cleaned_then_nothing_of_it_is_left() {
        let mut redactor = Redactor::default();
        redactor.hide_password("p&ss \"wörd");

        let clean = redactor.clean(
            "a=p%26ss%20%22w%C3%B6rd b=p%26ss+%22w%C3%B6rd {\"c\": \"p&ss \\\"wörd\"} \
             p&amp;ss &quot;wörd cCZzcyAid8O2cmQ= p&ss \"wörd",
        );

        assert_eq!(clean.matches("(password)").count(), 6, "{clean}");
        assert!(
            !clean.contains("ss") || !clean.contains('w') || !clean.contains("rd\""),
            "{clean}"
        );
    }

    #[test]
    fn given_a_token_when_cleaned_then_two_can_be_told_apart_and_not_used() {
        let mut redactor = Redactor::default();
        redactor.hide_token("abcdefgh");

        let clean = redactor.clean("sid=abcdefgh; t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc123");

        assert!(
            clean.starts_with("sid=abcd…[sha256:9c56cc51b374]; "),
            "{clean}"
        );
        assert!(!clean.contains("eyJzdWIiOiIxIn0"), "{clean}");
        assert_eq!(
            redactor.clean(&clean),
            clean,
            "cleaning twice changes nothing"
        );
    }

    #[test]
    fn given_plain_words_when_cleaned_then_they_stay() {
        let text =
            "GET /api/a-very-long-path-without-any-digits HTTP/1.1 1 2 3 2026-11-22T10:00:00Z";

        assert_eq!(Redactor::default().clean(text), text);
    }
}
