//! Whom a command trusts behind https: what a file says, and nobody else.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::exit::Failure;

/// A client that trusts the certificates in a file, and what they have signed.
pub(crate) fn only(file: Option<&Path>) -> Result<ClientConfig, Failure> {
    let file = file.ok_or_else(|| {
        Failure::usage(
            "--server: https needs --ca-file, the certificate of the server or of who signed it",
        )
    })?;
    let unusable = |error: Box<dyn std::error::Error>| {
        Failure::refused(&format!("{} holds no certificate", file.display()), error)
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unusable(e.into()))? {
        let certificate = certificate.map_err(|e| unusable(e.into()))?;
        roots.add(certificate).map_err(|e| unusable(e.into()))?;
    }
    trusting(roots)
}

/// A client for plain http.
pub(crate) fn nobody() -> Result<ClientConfig, Failure> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::cannot_run("no calls can be made", error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
