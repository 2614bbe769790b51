//! The request that a proxy asks about, as the proxy tells it.

use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};

use super::Visit;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const X_FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const X_FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const X_ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const X_ORIGINAL_URI: HeaderName = HeaderName::from_static("x-original-uri");

/// In which words a proxy asks. Each reads its own and no other, since a recipe replaces those
/// that its proxy writes, and the rest may come from the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// Caddy, Traefik and our script for `HAProxy`: `X-Forwarded-Method` and `X-Forwarded-Uri`.
    Forwarded,
    /// nginx: `X-Original-Method` and `X-Original-URI`. It understands 2xx, 401 and 403 alone.
    Nginx,
}

/// What a proxy asks about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Original<'h> {
    /// Path and query, byte by byte as the client sent them.
    pub target: &'h [u8],
    /// What its sender would do with a page.
    pub visit: Visit,
}

/// Why nobody knows what a proxy asks about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unreadable {
    /// This header is not there.
    Missing(&'static str),
    /// It is there more than once: one of them may be the client's.
    Repeated(&'static str),
    /// It does not begin as a path does.
    NotAPath,
}

impl Dialect {
    /// The headers that name method and target.
    const fn headers(self) -> (HeaderName, HeaderName) {
        match self {
            Self::Forwarded => (X_FORWARDED_METHOD, X_FORWARDED_URI),
            Self::Nginx => (X_ORIGINAL_METHOD, X_ORIGINAL_URI),
        }
    }

    /// How they are written in a recipe.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Forwarded => ("X-Forwarded-Method", "X-Forwarded-Uri"),
            Self::Nginx => ("X-Original-Method", "X-Original-URI"),
        }
    }
}

impl<'h> Original<'h> {
    /// Reads what a proxy asks about.
    pub fn read(dialect: Dialect, headers: &'h HeaderMap) -> Result<Self, Unreadable> {
        let (method, target) = dialect.headers();
        let (method_word, target_word) = dialect.words();
        let method = only(headers, &method, method_word)?;
        let target = only(headers, &target, target_word)?.as_bytes();
        if !target.starts_with(b"/") {
            return Err(Unreadable::NotAPath);
        }
        let is_page = method.as_bytes() == b"GET" && wants_page(headers);
        let visit = if is_page { Visit::Page } else { Visit::Call };
        Ok(Self { target, visit })
    }
}

/// The value of a header that is there exactly once.
fn only<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    word: &'static str,
) -> Result<&'h HeaderValue, Unreadable> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Unreadable::Missing(word))?;
    match values.next() {
        None => Ok(value),
        Some(_) => Err(Unreadable::Repeated(word)),
    }
}

/// Whether a person would see what comes back: it takes a page, and where the browser says what
/// it does (Fetch metadata), it goes there.
fn wants_page(headers: &HeaderMap) -> bool {
    let navigates = headers
        .get(SEC_FETCH_MODE)
        .is_none_or(|mode| mode.as_bytes() == b"navigate");
    navigates && headers.get_all(ACCEPT).iter().any(takes_page)
}

/// Whether a list of media ranges has `text/html`. What it weighs is not looked at: whoever names
/// it shows pages.
fn takes_page(accept: &HeaderValue) -> bool {
    accept.as_bytes().split(|byte| *byte == b',').any(|range| {
        let name = range.split(|byte| *byte == b';').next();
        name.unwrap_or_default()
            .trim_ascii()
            .eq_ignore_ascii_case(b"text/html")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        headers
    }

    fn visit(more: &[(&'static str, &[u8])]) -> Visit {
        let named: [(&str, &[u8]); 2] = [("x-forwarded-method", b"GET"), ("x-forwarded-uri", b"/")];
        let headers = headers(&[&named, more].concat());
        Original::read(Dialect::Forwarded, &headers).unwrap().visit
    }

    #[test]
    fn given_the_words_of_a_proxy_when_read_then_only_its_own_count() {
        let headers = headers(&[
            ("x-forwarded-method", b"POST"),
            ("x-forwarded-uri", b"/forwarded?a=b"),
            ("x-original-method", b"GET"),
            ("x-original-uri", b"/\xfforiginal/..%2f"),
        ]);
        let target = |dialect| Original::read(dialect, &headers).unwrap().target;

        assert_eq!(target(Dialect::Forwarded), b"/forwarded?a=b");
        assert_eq!(target(Dialect::Nginx), b"/\xfforiginal/..%2f");
    }

    #[test]
    fn given_a_header_that_is_missing_or_repeated_when_read_then_nobody_knows() {
        let method: (&str, &[u8]) = ("x-forwarded-method", b"GET");
        let target: (&str, &[u8]) = ("x-forwarded-uri", b"/");
        let other: (&str, &[u8]) = ("x-original-uri", b"/");
        for (list, why) in [
            (&[][..], Unreadable::Missing("X-Forwarded-Method")),
            (&[target], Unreadable::Missing("X-Forwarded-Method")),
            (&[method, other], Unreadable::Missing("X-Forwarded-Uri")),
            (
                &[method, target, target],
                Unreadable::Repeated("X-Forwarded-Uri"),
            ),
            (
                &[method, method, target],
                Unreadable::Repeated("X-Forwarded-Method"),
            ),
        ] {
            let headers = headers(list);

            assert_eq!(Original::read(Dialect::Forwarded, &headers), Err(why));
        }
    }

    #[test]
    fn given_a_target_that_is_no_path_when_read_then_nobody_knows() {
        for target in [
            &b""[..],
            b"*",
            b"app.example:443",
            b"http://app.example/",
            b" /x",
        ] {
            let headers = headers(&[("x-forwarded-method", b"GET"), ("x-forwarded-uri", target)]);

            let read = Original::read(Dialect::Forwarded, &headers);

            assert_eq!(read, Err(Unreadable::NotAPath));
        }
    }

    #[test]
    fn given_what_a_client_accepts_when_read_then_only_one_who_shows_pages_is_a_visitor() {
        const FIREFOX: &[u8] = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let none: &[(&str, &[u8])] = &[];
        for (more, expected) in [
            (none, Visit::Call),
            (&[("accept", FIREFOX)], Visit::Page),
            (&[("accept", b" TEXT/HTML ; q=0.1")], Visit::Page),
            (&[("accept", b"*/*")], Visit::Call),
            (&[("accept", b"application/json")], Visit::Call),
            (&[("accept", b"text/htmlx, xtext/html")], Visit::Call),
            (
                &[("accept", FIREFOX), ("sec-fetch-mode", b"navigate")],
                Visit::Page,
            ),
            (
                &[("accept", FIREFOX), ("sec-fetch-mode", b"cors")],
                Visit::Call,
            ),
            (
                &[("accept", FIREFOX), ("sec-fetch-mode", b"websocket")],
                Visit::Call,
            ),
        ] {
            assert_eq!(visit(more), expected, "{more:?}");
        }
        let post = headers(&[
            ("x-forwarded-method", b"POST"),
            ("x-forwarded-uri", b"/"),
            ("accept", FIREFOX),
        ]);
        let post = Original::read(Dialect::Forwarded, &post).unwrap();
        assert_eq!(post.visit, Visit::Call, "a form is not sent again");
    }
}
