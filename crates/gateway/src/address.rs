//! Where to go after a sign-in: a path on this site, and nothing else.

/// A path on this site, with its query, as it stands in a `Location`.
///
/// What is not plainly one is none: what browsers, proxies and we might read in different ways
/// (backslashes, control characters, `//`, dot segments, however they are spelled) is left out,
/// so that no sign-in here ends at somebody else's page (CWE-601).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SitePath(String);

impl SitePath {
    /// The longest that is followed, in bytes.
    const LEN_MAX: usize = 2048;

    /// Reads a path from outside.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::LEN_MAX {
            return None;
        }
        let (path, query) = text
            .split_once('?')
            .map_or((text, None), |(path, query)| (path, Some(query)));
        let segments = path.strip_prefix('/')?;
        let query_fits = query.is_none_or(|query| query.bytes().all(is_plain_in_query));
        let fits = path.bytes().all(is_plain) && query_fits && segments_fit(segments);
        fits.then(|| Self(text.to_owned()))
    }

    /// A path of ours.
    pub(crate) fn own(base: &str, path: &str) -> Self {
        Self(format!("{base}{path}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as a value in a query or a form.
    pub(crate) fn encoded(&self) -> String {
        use std::fmt::Write as _;

        let mut text = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
        text
    }
}

/// The bytes of a path or a query by RFC 3986, and `%`.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'%'
                | b'/'
        )
}

/// The bytes of a query, and those that browsers leave in one as they stand though the RFC would
/// have them escaped, but for the backslash. Links of applications are full of them, such as
/// `?filter[name]=x`; behind the `?` none of them leads anywhere.
const fn is_plain_in_query(byte: u8) -> bool {
    is_plain(byte) || matches!(byte, b'?' | b'[' | b']' | b'{' | b'}' | b'|' | b'^' | b'`')
}

/// Whether no segment is empty but the last, and none climbs, hides a separator or is broken.
fn segments_fit(segments: &str) -> bool {
    let mut rest = segments.split('/').peekable();
    while let Some(segment) = rest.next() {
        if segment.is_empty() && rest.peek().is_some() {
            return false;
        }
        let Some(plain) = unescaped(segment) else {
            return false;
        };
        let hides = |byte: &u8| matches!(byte, b'/' | b'\\' | b'%') || byte.is_ascii_control();
        if plain == b"." || plain == b".." || plain.iter().any(hides) {
            return false;
        }
    }
    true
}

/// The bytes that a segment stands for; nothing where an escape is broken.
fn unescaped(segment: &str) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    loop {
        rest = match rest {
            [] => return Some(plain),
            [b'%', high, low, tail @ ..] => {
                let hex = |digit: &u8| char::from(*digit).to_digit(16);
                plain.push(u8::try_from(hex(high)? << 4 | hex(low)?).ok()?);
                tail
            }
            [b'%', ..] => return None,
            [byte, tail @ ..] => {
                plain.push(*byte);
                tail
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_path_on_this_site_when_read_then_it_is_followed_as_it_stands() {
        for text in [
            "/",
            "/account",
            "/_innkeeper/account",
            "/a/b/",
            "/a?next=/b&x=%20?",
            "/caf%C3%A9",
            "/a.b/..c/.d",
            "/@me/a:b",
            "/orders?filter[state]=open&q={a|b}^`",
            "/a?next=//evil.example/../@x",
        ] {
            let path = SitePath::parse(text);

            assert_eq!(path.as_ref().map(SitePath::as_str), Some(text));
        }
    }

    #[test]
    fn given_what_is_not_plainly_a_path_here_when_read_then_it_is_none() {
        for text in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a//evil.example",
            "/..//evil.example",
            "/a/../b",
            "/./a",
            "/%2e%2e/a",
            "/.%2E/a",
            "/%2fevil.example",
            "/%5cevil.example",
            "/%252e%252e/a",
            "/a%0d%0aSet-Cookie:x",
            "/a%00",
            "/a%",
            "/a%g0",
            "/a b",
            "/a\tb",
            "/a\r\nSet-Cookie: x=y",
            "/a#b",
            "/caf\u{e9}",
            "/a?b#c",
            "/a?b\\c",
            " /a",
            "https://evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "?a",
            "/a\u{2028}",
            "/\u{ff0e}\u{ff0e}/a",
            "/\u{2215}evil.example",
            "/a[b]",
            "/a{b}",
            "/a|b",
            "/a?b\tc",
            "/a?b\r\nSet-Cookie: x=y",
            "/a?b\"c",
            "/a?<script>",
            "\t//evil.example",
            "\u{feff}/a",
            "@evil.example",
            ":8443/a",
            ".evil.example",
            "user:password@evil.example",
            "//user@evil.example:443",
            "/\t/evil.example",
            "/.//evil.example",
            "/;/../a",
            "HTTPS://EVIL.EXAMPLE",
            "http:/evil.example",
            "blob:https://evil.example/x",
        ] {
            assert_eq!(SitePath::parse(text), None, "{text:?}");
        }
        assert_eq!(SitePath::parse(&format!("/{}", "a".repeat(2048))), None);
    }

    #[test]
    fn given_a_path_when_encoded_then_nothing_of_it_means_anything_in_a_query() {
        let path = SitePath::parse("/a?b=c&d=%20").expect("it is a path");

        assert_eq!(path.encoded(), "%2Fa%3Fb%3Dc%26d%3D%2520");
    }
}
