//! TLS on a real socket: a client that trusts one certificate, and certificates that change.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use innkeeper_http::envelope::enveloped;
use innkeeper_http::server::{self, Limits, Reloaded, Tls, TlsError, serve};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::harness::{PATIENT, SHORT, soon};

/// A folder with a certificate and its key, and a server that shows them.
struct House {
    folder: TempDir,
    tls: Arc<Tls>,
    address: std::net::SocketAddr,
    _stop: oneshot::Sender<()>,
}

fn certified() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec!["localhost".to_owned()]).expect("there is entropy")
}

fn put(folder: &TempDir, certificate: &str, key: &str) {
    fs::write(folder.path().join("cert.pem"), certificate).expect("there is room");
    fs::write(folder.path().join("key.pem"), key).expect("there is room");
}

fn load(folder: &TempDir) -> Result<Tls, TlsError> {
    let path = |name| folder.path().join(name);
    Tls::load(&path("cert.pem"), &path("key.pem"))
}

async fn house(shown: &CertifiedKey<KeyPair>, limits: Limits) -> House {
    let folder = tempfile::tempdir().expect("there is room");
    put(
        &folder,
        &shown.cert.pem(),
        &shown.signing_key.serialize_pem(),
    );
    let tls = Arc::new(load(&folder).expect("they belong together"));
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let router = enveloped(Router::new().route("/", get(async || "fine")));
    let (stop, stopped) = oneshot::channel();
    let house = server::House {
        limits,
        tls: Some(Arc::clone(&tls)),
        ..server::House::new(router)
    };
    let serving = serve(listener, house, async {
        let _ = stopped.await;
    });
    tokio::spawn(serving);
    House {
        folder,
        tls,
        address,
        _stop: stop,
    }
}

impl House {
    /// Shakes hands as a client that trusts this certificate and no other.
    async fn connect(
        &self,
        trusted: &CertificateDer<'static>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).expect("it is a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").expect("it is a name");
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("it is open");
    let mut answer = vec![0; 4096];
    let read = soon(stream.read(&mut answer)).await.expect("it is open");
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn given_a_certificate_when_a_client_trusts_it_then_it_is_served_and_others_are_not() {
    let (ours, other) = (certified(), certified());
    let house = house(&ours, PATIENT).await;

    let mut stream = house.connect(ours.cert.der()).await.expect("it is trusted");

    assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert!(house.connect(other.cert.der()).await.is_err());
    let mut plain = TcpStream::connect(house.address).await.expect("it listens");
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("it is open");
    let mut answer = Vec::new();
    let _ = soon(plain.read_to_end(&mut answer)).await;
    assert!(!answer.windows(4).any(|w| w == b"fine"), "nothing in clear");
}

#[tokio::test]
async fn given_a_new_certificate_when_reloaded_then_new_connections_see_it_and_old_ones_go_on() {
    let (first, second) = (certified(), certified());
    let house = house(&first, PATIENT).await;
    let mut open = house
        .connect(first.cert.der())
        .await
        .expect("it is trusted");
    assert_eq!(house.tls.reload().expect("as before"), Reloaded::Same);

    put(
        &house.folder,
        &second.cert.pem(),
        &second.signing_key.serialize_pem(),
    );
    assert_eq!(
        house.tls.reload().expect("they belong together"),
        Reloaded::Changed
    );

    assert!(house.connect(second.cert.der()).await.is_ok());
    assert!(house.connect(first.cert.der()).await.is_err());
    assert!(ask(&mut open).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn given_a_new_certificate_that_is_broken_when_reloaded_then_the_old_one_stays_in_force() {
    let (ours, other) = (certified(), certified());
    let house = house(&ours, PATIENT).await;
    let (cert, key) = (ours.cert.pem(), ours.signing_key.serialize_pem());
    let foreign_key = other.signing_key.serialize_pem();
    let broken = [
        (cert.as_str(), foreign_key.as_str()),
        ("", key.as_str()),
        (&cert[..cert.len() / 2], key.as_str()),
        (cert.as_str(), cert.as_str()),
    ];

    for (cert, key) in broken {
        put(&house.folder, cert, key);
        let error = house.tls.reload().expect_err("it is broken");
        assert!(!format!("{error:?}{error}").contains("PRIVATE"), "{error}");
        // In a storm of signals it is told of once.
        for _ in 0..100 {
            assert_eq!(house.tls.reload().expect("told already"), Reloaded::Same);
        }
        assert!(
            house.connect(ours.cert.der()).await.is_ok(),
            "the old one stays"
        );
    }
    fs::remove_file(house.folder.path().join("cert.pem")).expect("it is there");
    assert!(matches!(house.tls.reload(), Err(TlsError::File { .. })));
    assert!(house.connect(ours.cert.der()).await.is_ok());
    let mismatched = tempfile::tempdir().expect("there is room");
    put(&mismatched, &cert, &foreign_key);
    assert!(matches!(load(&mismatched), Err(TlsError::Mismatch { .. })));
}

/// Whoever opens a connection and never shakes hands would hold a place for ever.
#[tokio::test]
async fn given_a_handshake_that_never_comes_when_its_time_is_over_then_the_connection_is_cut() {
    let limits = Limits {
        header: SHORT,
        ..PATIENT
    };
    let house = house(&certified(), limits).await;
    let mut silent = TcpStream::connect(house.address).await.expect("it listens");
    silent.write_all(&[22, 3, 1]).await.expect("it is open");

    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(30), silent.read_to_end(&mut rest));

    assert!(ended.await.is_ok(), "it ended");
    assert!(rest.is_empty());
}
