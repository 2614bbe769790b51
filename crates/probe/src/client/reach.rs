//! Who is reached: each host of the scope is looked up once, and stays where it was found.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use tokio_rustls::rustls::pki_types::ServerName;

use super::wire::Call;
use crate::origin::{Origin, is_near};

/// The addresses of the scope, for the whole run.
#[derive(Clone, Debug)]
pub(crate) struct Reach(BTreeMap<Origin, SocketAddr>);

/// Why a host of the scope cannot be called.
#[derive(Debug, thiserror::Error)]
#[error("{host} cannot be found: {why}")]
pub(crate) struct Unreachable {
    host: String,
    why: String,
}

impl Reach {
    /// Looks every host of the scope up.
    pub(crate) async fn find(scope: &[Origin]) -> Result<Self, Unreachable> {
        let mut found = BTreeMap::new();
        for origin in scope {
            let unreachable = |why: String| Unreachable {
                host: origin.host.clone(),
                why,
            };
            let addresses: Vec<SocketAddr> = match origin.address() {
                Some(ip) => vec![SocketAddr::new(ip, origin.port)],
                None => tokio::net::lookup_host((origin.host.as_str(), origin.port))
                    .await
                    .map_err(|error| unreachable(error.to_string()))?
                    .collect(),
            };
            // If any of them is far away, the host is: one name must not hide the other. Among
            // equals, the older protocol is the likelier one to be listened on.
            if origin.is_tls && server_name(origin).is_none() {
                return Err(unreachable(
                    "no certificate can be made out to such a name".to_owned(),
                ));
            }
            let address = addresses
                .into_iter()
                .min_by_key(|address| (is_near(address.ip()), address.is_ipv6()))
                .ok_or_else(|| unreachable("it has no address".to_owned()))?;
            found.insert(origin.clone(), address);
        }
        Ok(Self(found))
    }

    /// The origins that are not on this machine or its own network.
    pub(crate) fn public(&self) -> impl Iterator<Item = &Origin> {
        self.0
            .iter()
            .filter(|(_, address)| !is_near(address.ip()))
            .map(|(origin, _)| origin)
    }

    pub(super) fn call(
        &self,
        origin: &Origin,
        source: Option<IpAddr>,
        bytes: Vec<u8>,
        is_head: bool,
    ) -> Call {
        let address = self.0[origin];
        Call {
            address,
            name: server_name(origin).filter(|_| origin.is_tls),
            source: source.filter(|ip| ip.is_ipv4() == address.is_ipv4()),
            bytes,
            is_head,
        }
    }
}

fn server_name(origin: &Origin) -> Option<ServerName<'static>> {
    let name = origin.host.trim_matches(['[', ']']).to_owned();
    ServerName::try_from(name).ok()
}
