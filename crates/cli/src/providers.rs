//! The OpenID providers that people sign in with, and how they are called.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use innkeeper_federation::{
    ANSWER_MAX, ClientSecret, Endpoint, Network, Provider, Reply, Settings, Unreachable,
};
use innkeeper_http::rest::PREFIX;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, redirect};

use crate::config::{self, Config};
use crate::exit::Failure;
use crate::outgoing::{Outgoing, Way};
use crate::trust;

/// How long a provider may take for an answer, however slowly it speaks.
const PATIENCE: Duration = Duration::from_secs(8);

/// The most that is read of the file of a secret.
const SECRET_MAX: u64 = 4096;

/// The providers of a configuration. Nothing is asked of them yet.
pub(crate) fn providers(config: &Config) -> Result<Vec<Provider>, Failure> {
    if config.providers.is_empty() {
        return Ok(Vec::new());
    }
    let network: Arc<dyn Network> = Arc::new(Calls::new(&config.outgoing.allow, PATIENCE)?);
    let own = config.server.public_url.as_deref().unwrap_or_default();
    let at = |path: &str| {
        let address = Endpoint::parse(&format!("{own}{PREFIX}{path}"));
        address.map_err(|why| Failure::usage(format!("server.public_url: for a provider, {why}")))
    };
    let provider = |set: &config::Provider| {
        let settings = Settings {
            name: named(set.name.clone())?,
            issuer: named(set.issuer.clone())?,
            client_id: named(set.client_id.clone())?,
            client_secret: secret(set)?,
            redirect_uri: at("/oidc/callback")?,
            signed_out_uri: at("/oidc/signed-out")?,
            scopes: set.scopes.clone(),
            subject_claim: set.subject.clone(),
            groups_claim: set.groups.clone(),
            max_age: set.max_age,
            acr_values: set.acr_values.clone(),
            assurance: set.assurance.clone(),
        };
        Ok(Provider::new(settings, Arc::clone(&network)))
    };
    config.providers.iter().map(provider).collect()
}

/// What was refused as missing when the configuration was read.
fn named<T>(set: Option<T>) -> Result<T, Failure> {
    set.ok_or_else(|| Failure::usage("gateway.provider lacks a name, an issuer or a client_id"))
}

fn secret(set: &config::Provider) -> Result<Option<ClientSecret>, Failure> {
    if let Some(secret) = &set.client_secret {
        return Ok(Some(ClientSecret::new(secret.reveal())));
    }
    let read = |file: &Path| {
        let refused = |why: String| {
            let file = file.display();
            Failure::usage(format!("gateway.provider.client_secret_file: {file} {why}"))
        };
        let known = std::fs::metadata(file);
        let known = known.map_err(|error| refused(format!("cannot be read: {error}")))?;
        if !known.is_file() || known.len() > SECRET_MAX {
            return Err(refused(format!(
                "is no file of at most {SECRET_MAX} bytes that holds a secret alone"
            )));
        }
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|error| refused(format!("cannot be read: {error}")))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(refused(
                "is empty: write the client's secret into it".to_owned(),
            ));
        }
        Ok(ClientSecret::new(text))
    };
    set.client_secret_file.as_deref().map(read).transpose()
}

/// Calls providers over the network, wherever that may be called.
#[derive(Debug)]
struct Calls {
    outgoing: Outgoing,
    /// Where the configuration allows it by name.
    allowed: Client,
    /// Where names lead to public addresses.
    public: Client,
}

impl Calls {
    /// Calls that each take so long at most, and go to private addresses only where these say so.
    fn new(allow: &[String], patience: Duration) -> Result<Self, Failure> {
        Ok(Self {
            outgoing: Outgoing::new(allow),
            allowed: client(Way::Allowed, patience)?,
            public: client(Way::Public, patience)?,
        })
    }

    /// The client for an address, if that may be called at all.
    fn way_to(&self, address: &str) -> Result<&Client, Unreachable> {
        match self.outgoing.way_to(address) {
            Ok(Way::Allowed) => Ok(&self.allowed),
            Ok(Way::Public) => Ok(&self.public),
            Err(why) => Err(Unreachable(
                format!("{address} may not be called: {why}").into(),
            )),
        }
    }
}

fn client(way: Way, patience: Duration) -> Result<Client, Failure> {
    Client::builder()
        .tls_backend_preconfigured(trust::by(None)?)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .dns_resolver(Arc::new(way))
        .timeout(patience)
        .build()
        .map_err(|error| Failure::cannot_run("no calls can be made", error))
}

#[async_trait]
impl Network for Calls {
    async fn get(&self, url: &str) -> Result<Reply, Unreachable> {
        whole(self.way_to(url)?.get(url)).await
    }

    async fn post_form(
        &self,
        url: &str,
        authorization: Option<&str>,
        form: String,
    ) -> Result<Reply, Unreachable> {
        let mut request = self.way_to(url)?.post(url);
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        whole(request.body(form)).await
    }
}

/// An answer, if it is whole in time and not too large.
async fn whole(request: RequestBuilder) -> Result<Reply, Unreachable> {
    // The address of a token endpoint is no secret; what a query of it holds might be.
    let broken = |error: reqwest::Error| Unreachable(error.without_url().into());
    let request = request.header(ACCEPT, "application/json");
    let mut answer = request.send().await.map_err(broken)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(broken)? {
        if body.len() + piece.len() > ANSWER_MAX {
            let why = format!("its answer is larger than {ANSWER_MAX} bytes");
            return Err(Unreachable(why.into()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Reply { status, body })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers one call with these bytes and then says nothing; its address.
    async fn answering(bytes: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody calls");
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&bytes).await;
            std::future::pending::<()>().await;
        });
        address.to_string()
    }

    fn calls(allow: &str, patience: Duration) -> Calls {
        Calls::new(&[allow.to_owned()], patience).expect("they can be made")
    }

    fn with_body(status: &str, length: usize) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), vec![b'a'; length]].concat()
    }

    #[tokio::test]
    async fn given_an_answer_when_called_then_it_is_whole_up_to_the_bound_and_none_beyond_it() {
        let patience = Duration::from_secs(30);
        let address = answering(with_body("200 OK", ANSWER_MAX)).await;
        let answer = calls(&address, patience)
            .get(&format!("http://{address}/"))
            .await;
        assert_eq!(answer.expect("it is whole").body.len(), ANSWER_MAX);

        let address = answering(with_body("200 OK", 10 << 20)).await;
        let answer = calls(&address, patience)
            .get(&format!("http://{address}/"))
            .await;
        let why = answer.expect_err("it is too large").0.to_string();
        assert!(why.contains("larger than 262144 bytes"), "{why}");
    }

    #[tokio::test]
    async fn given_a_redirect_when_called_then_it_is_the_answer() {
        let there =
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        let address = answering(there.into()).await;
        let form = "a=b".to_owned();

        let calls = calls(&address, Duration::from_secs(30));
        let answer = calls
            .post_form(&format!("http://{address}/"), Some("Basic x"), form)
            .await;

        assert_eq!(answer.expect("it answers").status, 302);
    }

    #[tokio::test]
    async fn given_a_provider_that_says_half_and_waits_when_called_then_the_call_ends() {
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec();
        let address = answering(half).await;

        let calls = calls(&address, Duration::from_millis(50));
        let answer = calls.get(&format!("http://{address}/")).await;

        assert!(answer.is_err());
    }

    #[tokio::test]
    async fn given_an_address_that_is_not_allowed_when_called_then_nothing_is_sent() {
        let calls = calls("127.0.0.1:1", Duration::from_secs(30));

        for address in [
            "http://127.0.0.1:2/",
            "https://10.0.0.1/",
            "http://id.example/",
        ] {
            let why = calls.get(address).await.expect_err(address).0.to_string();
            assert!(why.contains("may not be called"), "{why}");
        }
    }
}
