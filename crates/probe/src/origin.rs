//! Scheme, host and port: the unit in which a scope is given.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// One origin: what every request, and every redirect that is followed, is held against.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Origin {
    pub(crate) is_tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    /// Reads an origin. The error says what is accepted.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let wrong =
            || "accepted is scheme, host and port, such as http://localhost:3000".to_owned();
        let url = Url::parse(text).map_err(|_| wrong())?;
        let bare = matches!(url.path(), "/" | "") && url.query().is_none();
        let bare = bare && url.fragment().is_none() && !text.contains('@');
        Self::of(&url).filter(|_| bare).ok_or_else(wrong)
    }

    /// The origin of an address, where it is one of http or https.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        Some(Self {
            is_tls,
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// The host as an address, where it is written as one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match Host::parse(&self.host).ok()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(_) => None,
        }
    }

    /// What the `Host` header says.
    pub(crate) fn authority(&self) -> String {
        let usual = if self.is_tls { 443 } else { 80 };
        if self.port == usual {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// Whether an address is reached without leaving this machine or its own network.
///
/// Anything else is a public host, whose owner has to be asked.
pub(crate) fn is_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_address_when_judged_then_only_loopback_and_private_ranges_are_near() {
        for near in [
            "127.0.0.2",
            "10.1.2.3",
            "192.168.0.1",
            "172.31.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_near(near.parse().unwrap()), "{near}");
        }
        for far in [
            "8.8.8.8",
            "172.32.0.1",
            "192.0.2.1",
            "0.0.0.0",
            "2001:db8::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_near(far.parse().unwrap()), "{far}");
        }
    }

    #[test]
    fn given_more_than_an_origin_when_read_then_it_is_refused() {
        for text in [
            "localhost:3000",
            "ftp://a",
            "http://a/b",
            "http://a?b",
            "http://u@a",
            "http://",
        ] {
            assert!(Origin::read(text).is_err(), "{text}");
        }
        assert_eq!(
            Origin::read("http://A.test:80/").unwrap().to_string(),
            "http://a.test"
        );
        assert_eq!(
            Origin::read("https://[::1]:8443").unwrap().to_string(),
            "https://[::1]:8443"
        );
    }
}
