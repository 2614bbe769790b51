//! Whom to believe: the proxies before us, and what they say of whom they stand for.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use http::Extensions;
use http::header::{HeaderMap, HeaderName};
use innkeeper_domain::filter;
use ipnet::IpNet;

use crate::server::Peer;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The peers whose word about a request counts: its id, its trace, and whom it comes from.
///
/// Everybody else may write these headers too, so from everybody else they are not read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedPeers(Arc<[IpNet]>);

/// A text that is neither an address nor a range of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("neither an IP address nor a range like 10.0.0.0/8 with no bits beyond it")]
pub struct NotANetwork;

impl TrustedPeers {
    /// Whether this peer is believed. An IPv4 address is one, also where the socket speaks IPv6.
    #[must_use]
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// The ranges, as they were given.
    pub fn networks(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }

    /// From whom a request comes that `peer` brings: the last address of `X-Forwarded-For` that
    /// is not itself a trusted peer.
    ///
    /// What stands before that was written by somebody who is not believed. Where a trusted peer
    /// names somebody in words that are no address, nobody knows: `None`, and not the peer, or
    /// whoever it brings would share what belongs to the proxy.
    #[must_use]
    pub fn client_of(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let named = lines
            .map(|line| line.to_str().unwrap_or_default())
            .flat_map(|line| line.rsplit(','));
        for name in named {
            if !self.contains(client) {
                break;
            }
            client = address(name.trim())?;
        }
        Some(client)
    }
}

impl FromIterator<IpNet> for TrustedPeers {
    fn from_iter<T: IntoIterator<Item = IpNet>>(networks: T) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// Reads an address or a range.
pub fn network(text: &str) -> Result<IpNet, NotANetwork> {
    filter::network(text).ok_or(NotANetwork)
}

/// As proxies write it: alone, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = IpAddr::from_str(text).ok();
    let address = bare.or_else(|| Some(SocketAddr::from_str(text).ok()?.ip()));
    address.map(|address| address.to_canonical())
}

/// From whom a request comes, among its extensions where a trusted peer brought it; `None` where
/// that peer's word cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientIp(pub Option<IpAddr>);

impl ClientIp {
    /// From whom a request comes, as far as we can know.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<IpAddr> {
        match extensions.get::<Self>() {
            Some(brought) => brought.0,
            None => Some(extensions.get::<Peer>()?.0.ip().to_canonical()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.1.2.3";

    fn trusted() -> TrustedPeers {
        let ranges = ["10.0.0.0/8", "::1"].map(|text| network(text).expect("it is a range"));
        ranges.into_iter().collect()
    }

    fn client(peer: &str, forwarded: &[&'static str]) -> String {
        let headers = forwarded
            .iter()
            .map(|line| (X_FORWARDED_FOR, line.parse().expect("it is a header")))
            .collect();
        let peer = peer.parse().expect("it is an address");
        let client = trusted().client_of(peer, &headers);
        client.map_or_else(|| "nobody".to_owned(), |ip| ip.to_string())
    }

    #[test]
    fn given_a_peer_that_is_not_trusted_when_it_names_another_then_it_is_itself() {
        assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
    }

    #[test]
    fn given_a_proxy_when_it_names_its_client_then_that_is_the_client() {
        assert_eq!(client(PROXY, &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(PROXY, &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client("::ffff:10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(PROXY, &[]), PROXY);
    }

    #[test]
    fn given_a_client_that_wrote_the_header_itself_when_read_then_its_words_do_not_count() {
        assert_eq!(client(PROXY, &["127.0.0.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            client(PROXY, &["127.0.0.1", "198.51.100.1"]),
            "198.51.100.1"
        );
    }

    #[test]
    fn given_proxies_in_a_row_when_read_then_the_first_that_is_none_of_ours_is_the_client() {
        assert_eq!(client(PROXY, &["198.51.100.1, 10.9.9.9"]), "198.51.100.1");
    }

    /// A proxy that wrote `unknown` was taken for the client itself, and all whom it brought shared
    /// one address: their budget, and what was allowed to it.
    #[test]
    fn given_words_of_a_proxy_that_cannot_be_read_when_read_then_the_client_is_unknown() {
        for list in [
            "unknown",
            "",
            "198.51.100.1, ",
            "198.51.100.1, _hidden",
            "198.51.100.300",
        ] {
            assert_eq!(client(PROXY, &[list]), "nobody", "{list}");
        }
        assert_eq!(client(PROXY, &["nonsense, 10.9.9.9"]), "nobody");
        assert_eq!(client(PROXY, &["nonsense, 198.51.100.1"]), "198.51.100.1");
    }
}
