//! Names of others, resolved to those of their addresses that may be called.

use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::outgoing::Way;

impl Resolve for Way {
    fn resolve(&self, name: Name) -> Resolving {
        let way = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let judged: Vec<SocketAddr> = found
                .filter(|address| way.may_end_at(address.ip()))
                .collect();
            if judged.is_empty() {
                let why = "the name leads to no address that may be called";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why).into());
            }
            let judged: Addrs = Box::new(judged.into_iter());
            Ok(judged)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::Outgoing;

    #[tokio::test]
    async fn given_a_name_that_leads_home_when_resolved_then_it_is_not_called_without_leave() {
        let resolve = async |allow: &[String], origin: &str| {
            let name: Name = "localhost".parse().expect("it is a name");
            let way = Outgoing::new(allow)
                .way_to(origin)
                .expect("it may be tried");
            way.resolve(name).await.is_ok()
        };
        let one = ["localhost:4318".to_owned()];

        assert!(!resolve(&[], "https://localhost:4318").await);
        assert!(resolve(&one, "https://localhost:4318").await);
        assert!(!resolve(&one, "https://localhost").await, "another port");
    }
}
