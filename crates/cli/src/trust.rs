//! Whom a command trusts behind https: what a file holds and nobody else, or whom the system
//! trusts. And whether a certificate of our own holds.

mod authority;
mod der;
mod pinned;
mod validity;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, ConfigBuilder, Error as RustlsError, RootCertStore,
    WantsVerifier,
};

use crate::exit::Failure;
use pinned::Pinned;

/// The most that is read of a file of certificates: the authorities of a whole system are a
/// quarter of it.
const FILE_MAX: u64 = 1 << 20;

/// A client that trusts the certificates in a file, as they are and in what they have signed; or,
/// where no file is named, whom the system trusts.
pub(crate) fn by(file: Option<&Path>) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match file {
        Some(file) => {
            let trusted = certificates(file)?;
            let unusable = |error| unusable(file, error);
            Arc::new(Pinned::new(trusted, &provider).map_err(unusable)?)
        }
        None => Arc::new(Verifier::new(Arc::clone(&provider)).map_err(|error| {
            Failure::cannot_run(
                "this system trusts nobody; name the certificate of the server, or of who signed \
                 it, with --ca-file",
                error,
            )
        })?),
    };
    Ok(protocols(provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// A client for plain http.
pub(crate) fn nobody() -> Result<ClientConfig, Failure> {
    Ok(protocols(Arc::new(ring::default_provider()))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// What would help where a call failed because the server's certificate is not trusted.
pub(crate) fn advice(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let why = match cause(error)? {
        RustlsError::InvalidCertificate(why) => why,
        RustlsError::InvalidMessage(_) => {
            return Some("what answers there does not speak TLS: try http:// in place of https://");
        }
        _ => return None,
    };
    match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some("call the server by a name that its certificate is made out to")
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => None,
        // Also that it is an authority's: only one that is named may be the server's as well.
        _ => Some(
            "the server is not one that is trusted: name its certificate, or that of who signed \
             it, with --ca-file",
        ),
    }
}

fn lapse(error: &RustlsError) -> Option<String> {
    match error {
        RustlsError::InvalidCertificate(why) => validity::lapsed(why),
        _ => None,
    }
}

/// What TLS said, where an error came of that.
fn cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a RustlsError> {
    std::iter::successors(Some(error), |error| error.source()).find_map(of_tls)
}

fn of_tls<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a RustlsError> {
    // An I/O error does not name as its source what it was made from.
    match error.downcast_ref::<io::Error>() {
        Some(io) => of_tls(io.get_ref()?),
        None => error.downcast_ref(),
    }
}

/// In words, where a call failed because a certificate is of another time: which.
pub(crate) fn lapsed(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let when = lapse(cause(error)?)?;
    Some(format!(
        "the certificate of the server, or of an authority that signed it, {when}"
    ))
}

/// In words, where the certificate that a server of ours shows, the first of this file, does not
/// hold now: why, and what to do. Whether the file can be used at all is asked elsewhere.
pub(crate) fn own_lapsed(file: &Path) -> Option<String> {
    // Opening a pipe would wait until somebody writes to it.
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let own = certificates(file).ok()?.into_iter().next()?;
    let error = validity::holds(&own, UnixTime::now()).err()?;
    let when = lapse(&error)?;
    Some(format!(
        "the certificate in {} {when}, and clients refuse it: renew it",
        file.display()
    ))
}

fn protocols(
    provider: Arc<CryptoProvider>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Failure> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::cannot_run("no calls can be made", error))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(FILE_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::refused(&format!("{} cannot be read", file.display()), error))?;
    if bytes.len() as u64 > FILE_MAX {
        let what = format!("{} is no file of certificates", file.display());
        return Err(Failure::usage(format!(
            "{what}: it is larger than {FILE_MAX} bytes"
        )));
    }
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| unusable(file, error))?;
    if found.is_empty() {
        let what = format!("{} holds no certificate in PEM form", file.display());
        return Err(Failure::usage(format!(
            "{what}; one begins with -----BEGIN CERTIFICATE-----"
        )));
    }
    Ok(found)
}

fn unusable(file: &Path, error: impl Into<Box<dyn std::error::Error>>) -> Failure {
    let what = format!("{} holds a certificate that cannot be used", file.display());
    Failure::refused(&what, error)
}
