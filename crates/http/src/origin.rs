//! Who made the browser send this: the origin of a change that rests on a cookie.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::uri::{Authority, Scheme};
use http::{Method, Uri};
use innkeeper_api::{Problem, ProblemCode};

use crate::credentials::Credential;
use crate::problem::ProblemAnswer;

/// The origin that pages of ours have in the browser, like `https://app.example`.
///
/// Kept in the one form in which browsers write it, so that comparing bytes is enough.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicOrigin(String);

impl PublicOrigin {
    /// Reads the public address from the configuration.
    ///
    /// It is a scheme, a host in ASCII, and a port where that is not the scheme's own.
    pub fn parse(url: &str) -> Result<Self, PublicOriginError> {
        let uri: Uri = url.parse().map_err(|_| PublicOriginError::NotAnAddress)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(PublicOriginError::NotAnAddress);
        };
        let port_of_scheme = if *scheme == Scheme::HTTPS {
            443
        } else if *scheme == Scheme::HTTP {
            80
        } else {
            return Err(PublicOriginError::NotHttp);
        };
        if authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() {
            return Err(PublicOriginError::MoreThanAnOrigin);
        }
        let host = authority.host().to_ascii_lowercase();
        let origin = match authority.port_u16() {
            Some(port) if port != port_of_scheme => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        };
        Ok(Self(origin))
    }

    /// The origin as browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an address in the configuration is no origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicOriginError {
    /// It has no scheme or no host.
    #[error("expected an address like https://app.example")]
    NotAnAddress,

    /// It is for another protocol.
    #[error("expected an address that starts with https:// or http://")]
    NotHttp,

    /// It has a user, a path or a query.
    #[error("expected a scheme, a host and perhaps a port, and nothing after them")]
    MoreThanAnOrigin,
}

/// From where changes by cookie are taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OriginRule {
    /// From pages of the configured public address.
    Public(PublicOrigin),
    /// From pages of the loopback address that the request itself names, over plain http. For the
    /// demo and for a first try. A `Host` that is not loopback is refused, so that a name which
    /// somebody points at this machine opens nothing.
    Loopback,
}

impl OriginRule {
    /// Refuses a change by cookie that another site may have caused.
    ///
    /// A request that came with a bearer token, or with no credential, is let pass: no browser
    /// adds those by itself. Where the answer will set a cookie, as at sign-in, call
    /// [`require`](Self::require).
    pub fn guard(
        &self,
        method: &Method,
        headers: &HeaderMap,
        credential: &Credential<'_>,
    ) -> Result<(), ProblemAnswer> {
        match credential {
            Credential::Absent | Credential::Bearer(_) => Ok(()),
            Credential::Cookie(_) => self.require(method, headers),
        }
    }

    /// Refuses an unsafe method without an `Origin` that is exactly ours: 403 `forbidden`.
    ///
    /// An absent one, `null`, another spelling and two of them are refused alike.
    pub fn require(&self, method: &Method, headers: &HeaderMap) -> Result<(), ProblemAnswer> {
        if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        let is_ours = only(headers, ORIGIN).is_some_and(|origin| match self {
            Self::Public(ours) => origin == ours.as_str(),
            Self::Loopback => loopback_origin(headers).is_some_and(|ours| origin == &ours),
        });
        if is_ours {
            Ok(())
        } else {
            Err(Problem::new(ProblemCode::Forbidden)
                .detail("The Origin header must be that of this site.")
                .into())
        }
    }
}

/// The origin that a request to loopback names itself.
fn loopback_origin(headers: &HeaderMap) -> Option<String> {
    let host = only(headers, HOST)?.to_str().ok()?.to_ascii_lowercase();
    let authority: Authority = host.parse().ok()?;
    let name = authority.host();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = name == "localhost"
        || name.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
        || bare.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback());
    (is_loopback && !host.contains('@')).then(|| format!("http://{host}"))
}

/// The value of a header that is there exactly once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(url: &str) -> OriginRule {
        OriginRule::Public(PublicOrigin::parse(url).expect("it is an origin"))
    }

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    fn allows(rule: &OriginRule, pairs: &[(HeaderName, &'static str)]) -> bool {
        rule.require(&Method::POST, &headers(pairs)).is_ok()
    }

    #[test]
    fn given_addresses_in_a_configuration_when_parsed_then_they_are_as_browsers_write_them() {
        for (url, origin) in [
            ("https://app.example", "https://app.example"),
            ("https://App.Example/", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("https://app.example:8443", "https://app.example:8443"),
            ("http://app.example:80/", "http://app.example"),
            ("http://[::1]:7070", "http://[::1]:7070"),
        ] {
            let parsed = PublicOrigin::parse(url).expect("it is an origin");

            assert_eq!(parsed.as_str(), origin);
        }
    }

    #[test]
    fn given_what_is_no_origin_when_parsed_then_it_is_refused() {
        for url in [
            "",
            "app.example",
            "/",
            "ftp://app.example",
            "https://user@app.example",
            "https://app.example/path",
            "https://app.example/?q",
            "null",
        ] {
            assert!(PublicOrigin::parse(url).is_err(), "{url:?} is no origin");
        }
    }

    #[test]
    fn given_our_origin_when_a_change_is_asked_for_then_it_is_let_pass() {
        assert!(allows(
            &public("https://app.example"),
            &[(ORIGIN, "https://app.example")]
        ));
    }

    #[test]
    fn given_any_other_origin_when_a_change_is_asked_for_then_it_is_forbidden() {
        let rule = public("https://app.example");
        for pairs in [
            &[][..],
            &[(ORIGIN, "null")],
            &[(ORIGIN, "")],
            &[(ORIGIN, "http://app.example")],
            &[(ORIGIN, "https://app.example:443")],
            &[(ORIGIN, "https://app.example.evil")],
            &[(ORIGIN, "https://evil.app.example")],
            &[(ORIGIN, "https://APP.example")],
            &[(ORIGIN, "https://app.example/")],
            &[
                (ORIGIN, "https://app.example"),
                (ORIGIN, "https://app.example"),
            ],
            &[(HOST, "app.example")],
        ] {
            assert!(!allows(&rule, pairs), "{pairs:?} is refused");
        }
    }

    #[test]
    fn given_a_safe_method_or_no_cookie_when_asked_then_no_origin_is_needed() {
        let rule = public("https://app.example");
        let none = HeaderMap::new();

        assert!(rule.require(&Method::GET, &none).is_ok());
        assert!(
            rule.guard(&Method::DELETE, &none, &Credential::Bearer("ik_x"))
                .is_ok()
        );
        assert!(
            rule.guard(&Method::DELETE, &none, &Credential::Cookie("ik_x"))
                .is_err()
        );
    }

    #[test]
    fn given_loopback_when_the_origin_is_that_of_the_host_then_it_is_let_pass() {
        for (host, origin) in [
            ("127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("localhost:7070", "http://localhost:7070"),
            ("LocalHost", "http://localhost"),
            ("[::1]:7070", "http://[::1]:7070"),
        ] {
            assert!(
                allows(&OriginRule::Loopback, &[(HOST, host), (ORIGIN, origin)]),
                "{origin} is the origin of {host}"
            );
        }
    }

    /// A name of the attacker's that resolves to 127.0.0.1 makes the browser send a matching pair
    /// of `Host` and `Origin`; only the loopback names themselves may be believed.
    #[test]
    fn given_loopback_when_the_host_is_a_name_from_outside_then_it_is_forbidden() {
        for pairs in [
            [
                (HOST, "evil.example:7070"),
                (ORIGIN, "http://evil.example:7070"),
            ],
            [
                (HOST, "127.0.0.1.evil.example"),
                (ORIGIN, "http://127.0.0.1.evil.example"),
            ],
            [(HOST, "10.0.0.1:7070"), (ORIGIN, "http://10.0.0.1:7070")],
            [(HOST, "127.0.0.1:7070"), (ORIGIN, "http://127.0.0.1:8080")],
            [(HOST, "127.0.0.1:7070"), (ORIGIN, "https://127.0.0.1:7070")],
            [(HOST, "127.0.0.1:7070"), (ORIGIN, "http://localhost:7070")],
            [(HOST, "u@127.0.0.1"), (ORIGIN, "http://u@127.0.0.1")],
        ] {
            assert!(
                !allows(&OriginRule::Loopback, &pairs),
                "{pairs:?} is refused"
            );
        }
    }
}
