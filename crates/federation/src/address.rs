//! Addresses of a provider.

use std::fmt;

use url::{Host, Url};

/// An address that a provider is called at, or that browsers are led to: by https, or by plain
/// http on this very machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint(Url);

/// Why a text is not the address of an endpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAnEndpoint {
    /// It cannot be read, or names no host.
    #[error("it is not an address, such as https://id.example")]
    Unreadable,
    /// It is neither https nor, on loopback, http.
    #[error("it must begin with https://; plain http is taken on loopback only")]
    Scheme,
    /// It holds a user name or a password.
    #[error("it must not hold a user name or a password")]
    Userinfo,
    /// It has a fragment.
    #[error("it must not have a fragment")]
    Fragment,
    /// It is longer than [`Endpoint::LEN_MAX`].
    #[error("it is longer than {} bytes", Endpoint::LEN_MAX)]
    TooLong,
}

impl Endpoint {
    /// The longest that is taken, in bytes.
    pub const LEN_MAX: usize = 2048;

    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, NotAnEndpoint> {
        if text.len() > Self::LEN_MAX {
            return Err(NotAnEndpoint::TooLong);
        }
        let url = Url::parse(text).map_err(|_| NotAnEndpoint::Unreadable)?;
        let Some(host) = url.host() else {
            return Err(NotAnEndpoint::Unreadable);
        };
        let is_here = match host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            _ => return Err(NotAnEndpoint::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotAnEndpoint::Userinfo);
        }
        if url.fragment().is_some() {
            return Err(NotAnEndpoint::Fragment);
        }
        Ok(Self(url))
    }

    /// The address as it is called.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same with these in its query, behind what is there.
    pub(crate) fn with(&self, pairs: &[(&str, &str)]) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(pairs);
        url.into()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_addresses_when_read_then_only_https_and_loopback_are_taken() {
        for fine in [
            "https://id.example",
            "https://id.example:8443/realms/one?x=y",
            "http://127.0.0.1:3000",
            "http://localhost:3000/a",
            "http://[::1]:3000/",
        ] {
            assert!(Endpoint::parse(fine).is_ok(), "{fine}");
        }
        for (text, why) in [
            ("http://id.example", NotAnEndpoint::Scheme),
            ("http://localhost.evil.example", NotAnEndpoint::Scheme),
            ("http://127.0.0.1.evil.example", NotAnEndpoint::Scheme),
            ("file:///etc/passwd", NotAnEndpoint::Unreadable),
            ("ftp://id.example", NotAnEndpoint::Scheme),
            ("javascript:alert(1)", NotAnEndpoint::Unreadable),
            ("//id.example", NotAnEndpoint::Unreadable),
            ("https://", NotAnEndpoint::Unreadable),
            ("https://user@id.example", NotAnEndpoint::Userinfo),
            ("https://id.example/#a", NotAnEndpoint::Fragment),
        ] {
            assert_eq!(Endpoint::parse(text), Err(why), "{text}");
        }
        let long = format!("https://id.example/{}", "a".repeat(2048));
        assert_eq!(Endpoint::parse(&long), Err(NotAnEndpoint::TooLong));
    }

    #[test]
    fn given_an_address_with_a_query_when_more_is_added_then_what_was_there_stays() {
        let endpoint = Endpoint::parse("https://id.example/auth?tenant=one").unwrap();

        let with = endpoint.with(&[("state", "a b&c")]);

        assert_eq!(with, "https://id.example/auth?tenant=one&state=a+b%26c");
    }
}
