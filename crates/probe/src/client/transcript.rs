//! What was said, request by request, without its secrets.

use super::redact::{Redactor, mark};
use super::wire::Raw;

/// One request and its answer, as they may be read by anybody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exchange {
    /// `r1`, `r2`, …: what verdicts refer to.
    pub id: String,
    /// Which side asked: `A`, `B`, and so on.
    pub side: String,
    /// The request.
    pub request: String,
    /// The answer, or why there was none.
    pub response: String,
    /// How long it took.
    pub milliseconds: u64,
}

/// As much of a body as is kept.
const BODY_SHOWN: usize = 2_000;

/// A request as text: the head with its cookies masked, and the body.
pub(super) fn request(bytes: &[u8], redactor: &Redactor) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let head: Vec<String> = head
        .split("\r\n")
        .map(|line| redactor.clean(&header(line)))
        .collect();
    shown(&head.join("\n"), body, redactor)
}

/// An answer as text, likewise.
pub(super) fn response(raw: &Raw, redactor: &Redactor) -> String {
    let mut head = format!("HTTP/1.1 {}", raw.status);
    for (name, value) in &raw.headers {
        head.push('\n');
        head.push_str(&redactor.clean(&header(&format!("{name}: {value}"))));
    }
    shown(&head, &String::from_utf8_lossy(&raw.body), redactor)
}

fn shown(head: &str, body: &str, redactor: &Redactor) -> String {
    if body.is_empty() {
        return head.to_owned();
    }
    // Cleaned before it is cut, so that no half of a secret is left at the end.
    let clean = redactor.clean(body);
    let cut: String = clean.chars().take(BODY_SHOWN).collect();
    let more = if cut.len() < clean.len() {
        "\n… (cut)"
    } else {
        ""
    };
    format!("{head}\n\n{cut}{more}")
}

/// A line of a head, with what a header of credentials holds masked whatever it is.
fn header(line: &str) -> String {
    let Some((name, value)) = line.split_once(':') else {
        return line.to_owned();
    };
    let value = value.trim();
    match name.to_ascii_lowercase().as_str() {
        "cookie" => {
            let pairs: Vec<String> = value.split(';').map(pair).collect();
            format!("{name}: {}", pairs.join("; "))
        }
        "set-cookie" => {
            let (first, rest) = value.split_once(';').unwrap_or((value, ""));
            let mark = if rest.is_empty() { "" } else { ";" };
            format!("{name}: {}{mark}{rest}", pair(first))
        }
        "authorization" | "proxy-authorization" => {
            let (scheme, token) = value.split_once(' ').unwrap_or(("", value));
            format!("{name}: {scheme} {}", masked(token))
        }
        _ => line.to_owned(),
    }
}

fn pair(text: &str) -> String {
    match text.trim().split_once('=') {
        Some((name, value)) => format!("{name}={}", masked(value)),
        None => masked(text),
    }
}

fn masked(value: &str) -> String {
    match value.chars().count() {
        0 => String::new(),
        1..8 => "…".to_owned(),
        _ => mark(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_cookies_and_credentials_nobody_told_of_when_written_then_they_are_masked() {
        let bytes = b"GET / HTTP/1.1\r\nCookie: sid=abcdefghijk; x=short\r\nAuthorization: Bearer qwertyuiop\r\n\r\n";

        let text = request(bytes, &Redactor::default());

        assert!(text.contains("sid=abcd…[sha256:"), "{text}");
        for secret in ["efghijk", "short", "yuiop"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn given_a_secret_across_the_cut_when_written_then_no_half_of_it_is_left() {
        let mut redactor = Redactor::default();
        redactor.hide_password("correct horse");
        let raw = Raw {
            status: 200,
            headers: vec![("set-cookie".into(), "sid=abcdefghijk; HttpOnly".into())],
            body: [vec![b'.'; BODY_SHOWN - 5], b"correct horse".to_vec()].concat(),
        };

        let text = response(&raw, &redactor);

        assert!(!text.contains("corre"), "{text}");
        assert!(
            text.contains("; HttpOnly") && !text.contains("efghijk"),
            "{text}"
        );
    }
}
