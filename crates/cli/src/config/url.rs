//! Addresses of web origins, in the one form in which browsers send them.

use http::Uri;

/// Why a text is not the address of an origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NotAnOrigin {
    /// It cannot be read at all.
    #[error("it is not an address; hosts outside ASCII are written as xn--…")]
    Unreadable,
    /// It does not say http or https.
    #[error("it must begin with http:// or https://")]
    Scheme,
    /// It carries credentials.
    #[error("it must not hold a user name or a password")]
    Userinfo,
    /// It names a path, a query or a fragment.
    #[error("it must not have a path, a query or a fragment")]
    Path,
}

/// Reads an address and brings it into the form of an `Origin` header: lower case, no port
/// where it is the usual one, no slash at the end.
///
/// It is compared with what browsers send, so two spellings of one origin must become one text.
pub(crate) fn origin(text: &str) -> Result<String, NotAnOrigin> {
    // `Uri` forgets fragments while reading, so they are looked for here.
    if text.contains('#') {
        return Err(NotAnOrigin::Path);
    }
    let uri: Uri = text.parse().map_err(|_| NotAnOrigin::Unreadable)?;
    let usual_port = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return Err(NotAnOrigin::Scheme),
    };
    let authority = uri.authority().ok_or(NotAnOrigin::Unreadable)?;
    if authority.as_str().contains('@') {
        return Err(NotAnOrigin::Userinfo);
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Err(NotAnOrigin::Path);
    }
    let host = authority.host().to_ascii_lowercase();
    if !is_host(&host) {
        return Err(NotAnOrigin::Unreadable);
    }
    let port = match authority.as_str().get(host.len()..) {
        None | Some("") => usual_port,
        Some(rest) => rest
            .strip_prefix(':')
            .and_then(|port| port.parse::<u16>().ok())
            .filter(|port| *port != 0)
            .ok_or(NotAnOrigin::Unreadable)?,
    };
    let scheme = uri.scheme_str().unwrap_or_default();
    Ok(if port == usual_port {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{host}:{port}")
    })
}

/// Whether an origin is one of this machine, which what goes there does not leave.
pub(crate) fn is_on_this_machine(origin: &str) -> bool {
    let uri: Option<Uri> = origin.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    // Names under localhost lead nowhere else (RFC 6761, 6.3).
    host == "localhost"
        || host.ends_with(".localhost")
        || address
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// A name of letters, digits, dots and hyphens, or an IPv6 address in brackets. `Uri` lets
/// more through than any browser would put into an `Origin`.
fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    host.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::{NotAnOrigin, origin};

    #[test]
    fn given_spellings_of_one_origin_when_read_then_they_become_one_text() {
        for text in [
            "https://app.example",
            "HTTPS://App.Example/",
            "https://app.example:443",
        ] {
            assert_eq!(origin(text).as_deref(), Ok("https://app.example"), "{text}");
        }
        assert_eq!(
            origin("http://127.0.0.1:80/").as_deref(),
            Ok("http://127.0.0.1")
        );
        assert_eq!(
            origin("http://[::1]:7070").as_deref(),
            Ok("http://[::1]:7070")
        );
        assert_eq!(
            origin("https://a.example:80").as_deref(),
            Ok("https://a.example:80")
        );
    }

    #[test]
    fn given_what_is_no_origin_when_read_then_it_says_why() {
        for (text, why) in [
            ("app.example", NotAnOrigin::Scheme),
            ("ftp://app.example", NotAnOrigin::Scheme),
            ("//app.example", NotAnOrigin::Scheme),
            ("https://user:pw@app.example", NotAnOrigin::Userinfo),
            ("https://app.example/login", NotAnOrigin::Path),
            ("https://app.example?x=1", NotAnOrigin::Path),
            ("https://app.example#top", NotAnOrigin::Path),
            ("https://", NotAnOrigin::Unreadable),
            ("https://:443", NotAnOrigin::Unreadable),
            ("https://app.example:99999", NotAnOrigin::Unreadable),
            ("https://app.example:0", NotAnOrigin::Unreadable),
            ("https://app.example:", NotAnOrigin::Unreadable),
            ("https://a_b!c.example", NotAnOrigin::Unreadable),
            ("https://a..example", NotAnOrigin::Unreadable),
            ("https://[::g]", NotAnOrigin::Unreadable),
            ("https://münchen.example", NotAnOrigin::Unreadable),
            ("", NotAnOrigin::Unreadable),
        ] {
            assert_eq!(origin(text), Err(why), "{text}");
        }
    }
}
