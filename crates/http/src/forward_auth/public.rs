//! Paths that need no session.

/// A path that needs no session, or with a slash at its end all paths below it.
///
/// It is compared with the path as the client wrote it. A path that an application could read in
/// another way than we do is never public: one with an escape (`%2e`, `%252e`), a backslash, a
/// semicolon, an empty or a dot segment, or a byte beyond ASCII. It needs a session, as if nothing
/// were public.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicPath(Box<str>);

/// Why a text names no public path.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAPublicPath {
    /// It would open everything.
    #[error("with \"/\" every path would be public; name the paths that need no session")]
    Everything,
    /// It is no path, or one that is never public.
    #[error(
        "it must begin with \"/\" and be plain: no escapes (%), no \\, ; or ?, no empty, \".\" or \
         \"..\" segments, ASCII only"
    )]
    NotPlain,
    /// It is longer than any.
    #[error("it has more than 256 bytes")]
    TooLong,
}

impl PublicPath {
    /// The most bytes it has.
    const LEN_MAX: usize = 256;

    /// Reads one from the configuration.
    pub fn parse(text: &str) -> Result<Self, NotAPublicPath> {
        if text == "/" {
            return Err(NotAPublicPath::Everything);
        }
        if text.len() > Self::LEN_MAX {
            return Err(NotAPublicPath::TooLong);
        }
        if is_plain(text.as_bytes()) {
            Ok(Self(text.into()))
        } else {
            Err(NotAPublicPath::NotPlain)
        }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path without its query is this one, or below it.
    pub(super) fn covers(&self, path: &[u8]) -> bool {
        let own = self.0.as_bytes();
        let is_below = own.ends_with(b"/") && path.starts_with(own);
        (is_below || path == own) && is_plain(path)
    }
}

/// Whether every reader takes a path for the same one.
fn is_plain(path: &[u8]) -> bool {
    let Some(segments) = path.strip_prefix(b"/") else {
        return false;
    };
    let mut segments = segments.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        let is_name = !segment.is_empty() && segment != b"." && segment != b"..";
        if !(is_name || is_last && segment.is_empty())
            || !segment.iter().copied().all(is_plain_byte)
        {
            return false;
        }
    }
    true
}

/// The bytes of a segment by RFC 3986, 3.3, without `%` and without `;`, behind which some
/// applications see parameters.
const fn is_plain_byte(byte: u8) -> bool {
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
                | b'='
                | b':'
                | b'@'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(own: &str, path: &[u8]) -> bool {
        PublicPath::parse(own).unwrap().covers(path)
    }

    #[test]
    fn given_a_plain_path_when_judged_then_it_is_public_where_it_is_named() {
        for path in [
            "/static/",
            "/static/a.css",
            "/static/v1.2/a-b_c~d@2x.png",
            "/static/..a",
        ] {
            assert!(covers("/static/", path.as_bytes()), "{path}");
        }
        assert!(covers("/a/b", b"/a/b"));
        for path in [
            "/static",
            "/Static/a",
            "/statics/a",
            "/",
            "",
            "static/a",
            "/a/static/b",
        ] {
            assert!(!covers("/static/", path.as_bytes()), "{path}");
        }
        for path in ["/a/b/", "/a/b/c", "/a/bc", "/a"] {
            assert!(!covers("/a/b", path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn given_a_path_that_can_be_read_in_two_ways_when_judged_then_it_is_never_public() {
        for path in [
            &b"/static/../admin"[..],
            b"/static/./a",
            b"/static/..",
            b"/static/.",
            b"/static//a",
            b"/static/%2e%2e/admin",
            b"/static/%2E./admin",
            b"/static/..%2fadmin",
            b"/static/%252e%252e/admin",
            b"/static/%252fadmin",
            b"/static/%5c../admin",
            b"/static/..\\admin",
            b"/static/\\..\\admin",
            b"/static/..;/admin",
            b"/static/a;x=/../../admin",
            b"/static/a%00.css",
            b"/static/a\0.css",
            b"/static/a%3b",
            b"/static/a b",
            b"/static/a\tb",
            b"/static/a#b",
            b"/static/\xc0\xae\xc0\xae/admin",
            "/static/\u{ff0e}\u{ff0e}/admin".as_bytes(),
            "/static/é".as_bytes(),
            b"/static/a%",
            b"/static/a|b",
            b"/static/a\"b",
        ] {
            assert!(!covers("/static/", path), "{}", path.escape_ascii());
        }
    }

    #[test]
    fn given_texts_of_a_configuration_when_read_then_only_plain_paths_are_taken() {
        assert_eq!(PublicPath::parse("/"), Err(NotAPublicPath::Everything));
        let long = format!("/{}", "a".repeat(256));
        assert_eq!(PublicPath::parse(&long), Err(NotAPublicPath::TooLong));
        for text in [
            "", "static/", "//", "/a//b", "/a/../b", "/a%20b", "/a;b", "/a?b", "/a/*/é",
        ] {
            assert_eq!(
                PublicPath::parse(text),
                Err(NotAPublicPath::NotPlain),
                "{text}"
            );
        }
    }
}
