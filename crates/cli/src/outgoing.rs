//! Where we may call: public addresses by https, and what the configuration allows by name.
//!
//! A name is judged again when it is resolved, by each address it leads to, and the connection
//! goes to the address that was judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// What may be called though it is private or plain http.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    allow: Vec<String>,
}

impl Outgoing {
    /// With these, each `host:port`.
    pub(crate) fn new(allow: &[String]) -> Self {
        Self {
            allow: allow.iter().map(|one| one.to_ascii_lowercase()).collect(),
        }
    }

    /// The way to an origin, if it may be called as far as can be told before its name is
    /// resolved; else why not.
    pub(crate) fn way_to(&self, origin: &str) -> Result<Way, String> {
        let uri: Uri = origin.parse().map_err(|_| "it is not an address")?;
        let is_https = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or("it names no host")?.to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let whole = format!("{host}:{port}");
        if self.allow.contains(&whole) {
            return Ok(Way::Allowed);
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let what = match bare.parse::<IpAddr>() {
            _ if !is_https => "plain http",
            Ok(ip) if !is_public(ip) => "a private address",
            Err(_) if ends_in_a_number(bare) => {
                return Err("it is a number in disguise: write the address as it is".to_owned());
            }
            Ok(_) | Err(_) => return Ok(Way::Public),
        };
        Err(format!(
            "it is {what}; if that is meant, write [outgoing] allow = [\"{whole}\"]"
        ))
    }
}

/// The way to one origin. What is allowed is a name with its port: another port of the same
/// machine may belong to somebody else, so leave for one is no leave for the name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// Wherever its name leads.
    Allowed,
    /// Only where its name leads to a public address.
    Public,
}

impl Way {
    /// Whether it may end at this address.
    pub(crate) fn may_end_at(self, address: IpAddr) -> bool {
        match self {
            Self::Allowed => true,
            Self::Public => is_public(address),
        }
    }
}

/// Whether resolvers may take this for an IPv4 address, though it is not written as one: by its
/// last part, as the URL Standard has it ("ends in a number").
fn ends_in_a_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x");
    !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())
        || hexadecimal.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether an address belongs to nobody's own network, by the registries of special addresses
/// (RFC 6890).
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !is_special
}

/// Only the global range; what in it stands for an IPv4 address or a tunnel is not.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    a & 0xe000 == 0x2000 && a != 0x2002 && !(a == 0x2001 && (b < 0x200 || b == 0xdb8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_origins_when_judged_then_only_public_https_needs_no_leave() {
        let outgoing = Outgoing::new(&[
            "collector.internal:4318".to_owned(),
            "[::1]:4318".to_owned(),
        ]);
        for fine in [
            "https://collector.example",
            "https://8.8.8.8",
            "http://collector.internal:4318",
            "http://[::1]:4318",
        ] {
            assert!(outgoing.way_to(fine).is_ok(), "{fine}");
        }
        for refused in [
            "http://collector.example",
            "http://collector.internal:4319",
            "https://127.0.0.1",
            "https://[::ffff:10.0.0.1]",
            "https://[fd00::1]",
            "https://169.254.169.254",
        ] {
            let why = outgoing.way_to(refused).expect_err(refused);
            assert!(why.contains("[outgoing] allow"), "{why}");
        }
    }

    /// `https://2130706433` was taken for a name, and resolvers take it for 127.0.0.1.
    #[test]
    fn given_a_number_in_disguise_when_judged_then_it_is_refused_as_such() {
        let outgoing = Outgoing::new(&[]);
        for host in [
            "2130706433",
            "0x7f000001",
            "127.1",
            "0177.0.0.1",
            "127.0.0.0x1",
            "127.1.",
        ] {
            let why = outgoing.way_to(&format!("https://{host}")).expect_err(host);
            assert!(why.contains("in disguise"), "{host}: {why}");
        }
        assert_eq!(outgoing.way_to("https://4.example"), Ok(Way::Public));
    }
}
