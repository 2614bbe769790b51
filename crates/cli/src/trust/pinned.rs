//! Trust in the certificates of a file: in each as it is, and in what its authorities have signed.
//!
//! A certificate that somebody names is either an authority's or the server's own. What path
//! validation makes of the second is of no use: a certificate that signed itself is refused as an
//! authority that poses as a server (`openssl req -x509` makes such), one that another has signed
//! for want of that other. So what the server shows is first compared, byte for byte, with what
//! was named. Its name and its time are asked of it all the same.
//!
//! Path validation in turn asks nothing of the certificate that it ends at. So only those are
//! authorities here that say so, or the key of a server would sign others; and they are asked for
//! their time too.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::{authority, validity};

/// Trusts these certificates as they are, and those of authorities in what they have signed.
#[derive(Debug)]
pub(super) struct Pinned {
    certificates: Vec<CertificateDer<'static>>,
    authorities: Vec<Authority>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// One that signs others.
#[derive(Debug)]
struct Authority {
    certificate: CertificateDer<'static>,
    signed: Arc<WebPkiServerVerifier>,
}

impl Authority {
    fn new(
        certificate: CertificateDer<'static>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone())?;
        let signed =
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(provider))
                .build()
                .map_err(|error| Error::Other(OtherError(Arc::new(error))))?;
        Ok(Self {
            certificate,
            signed,
        })
    }
}

impl Pinned {
    pub(super) fn new(
        certificates: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let mut authorities = Vec::new();
        for certificate in &certificates {
            if authority::is_one(certificate) {
                authorities.push(Authority::new(certificate.clone(), provider)?);
            } else {
                ParsedCertificate::try_from(certificate)?;
            }
        }
        Ok(Self {
            certificates,
            authorities,
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.certificates.contains(shown) {
            validity::holds(shown, now)?;
            verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let mut refusal = CertificateError::UnknownIssuer.into();
        for authority in &self.authorities {
            let signed = &authority.signed;
            let verified = signed.verify_server_cert(shown, intermediates, name, ocsp, now);
            match verified.and_then(|it| validity::holds(&authority.certificate, now).map(|()| it))
            {
                Ok(verified) => return Ok(verified),
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, shown, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, shown, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
