//! TLS on a listener, with a certificate that can be changed while it serves.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error as RustlsError, ServerConfig};
use tokio_rustls::server::TlsStream;

/// A file larger than this is no certificate.
const FILE_MAX: u64 = 1 << 20;

/// The certificate and key that a listener shows, and where they are kept.
///
/// Each handshake takes those that are in force when it begins; connections that are open keep
/// theirs. TLS 1.2 and 1.3, HTTP/1.1.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    in_force: ArcSwap<ServerConfig>,
    /// What was read last, good or not: so that a broken one is told of once.
    read_last: Mutex<[Vec<u8>; 2]>,
}

/// Why a certificate and a key cannot be shown. No part of either is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what} in PEM form", .path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What the decoder said.
        source: pem::Error,
    },
    /// The key is another certificate's.
    #[error(
        "the key in {} does not belong to the certificate in {}; the first certificate of the \
         file must be the server's own",
        .key.display(),
        .certificate.display()
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// They cannot be used.
    #[error("the certificate or its key cannot be used")]
    Unusable(#[from] RustlsError),
}

/// What became of an order to read the certificate again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reloaded {
    /// The files say what they said before.
    Same,
    /// The new one is in force.
    Changed,
}

impl Tls {
    /// Reads a certificate, with what leads to its root behind it, and its key.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = [read(certificate)?, read(key)?];
        let config = config(&read, certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            in_force: ArcSwap::from_pointee(config),
            read_last: Mutex::new(read),
        })
    }

    /// Reads both files again. One that cannot be used changes nothing: the old one stays in
    /// force, and the error is told once for each content.
    pub fn reload(&self) -> Result<Reloaded, TlsError> {
        let read = [read(&self.certificate)?, read(&self.key)?];
        let mut last = self.read_last.lock();
        if *last == read {
            return Ok(Reloaded::Same);
        }
        let config = config(&read, &self.certificate, &self.key);
        *last = read;
        self.in_force.store(Arc::new(config?));
        Ok(Reloaded::Changed)
    }

    /// Shakes hands on a new connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.in_force.load_full())
            .accept(stream)
            .await
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::File {
        path: path.to_owned(),
        source,
    };
    // Opening a pipe would wait until somebody writes to it.
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() || found.len() > FILE_MAX {
        let what = format!("it is no regular file of at most {FILE_MAX} bytes");
        return Err(unreadable(io::Error::new(
            io::ErrorKind::InvalidInput,
            what,
        )));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    Ok(bytes)
}

fn config(
    [certificate, key]: &[Vec<u8>; 2],
    certificate_path: &Path,
    key_path: &Path,
) -> Result<ServerConfig, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.and_then(|chain| {
        if chain.is_empty() {
            Err(pem::Error::NoItemsFound)
        } else {
            Ok(chain)
        }
    });
    let chain = chain.map_err(|source| TlsError::Pem {
        path: certificate_path.to_owned(),
        what: "certificate",
        source,
    })?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|source| TlsError::Pem {
        path: key_path.to_owned(),
        what: "private key",
        source,
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            RustlsError::InconsistentKeys(_) => TlsError::Mismatch {
                certificate: certificate_path.to_owned(),
                key: key_path.to_owned(),
            },
            other => TlsError::Unusable(other),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
