//! Whether a certificate is that of an authority, which others may be signed with.

use super::der::{BOOLEAN, Der, INTEGER, OCTETS, OID, SEQUENCE};

const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// 2.5.29.19.
const BASIC_CONSTRAINTS: Der<'_> = Der(&[0x55, 0x1d, 0x13]);

/// Whether a certificate says to be an authority's (RFC 5280, 4.2.1.9). One of version 1, which
/// cannot say so, is where it signed itself. One that is not understood is not.
pub(super) fn is_one(certificate: &[u8]) -> bool {
    says_so(certificate).unwrap_or(false)
}

fn says_so(certificate: &[u8]) -> Option<bool> {
    let mut body = Der(certificate).of(SEQUENCE)?.of(SEQUENCE)?;
    let version = body.of_maybe(VERSION);
    let _serial = body.of(INTEGER)?;
    let _algorithm = body.of(SEQUENCE)?;
    let issuer = body.of(SEQUENCE)?;
    let _validity = body.of(SEQUENCE)?;
    let subject = body.of(SEQUENCE)?;
    let _key = body.of(SEQUENCE)?;
    if version.is_none() {
        return Some(issuer == subject);
    }
    // Identifiers of issuer and subject may lie before them.
    while !body.0.is_empty() {
        let (tag, value) = body.next()?;
        if tag == EXTENSIONS {
            return constraints(value);
        }
    }
    Some(false)
}

fn constraints(mut extensions: Der<'_>) -> Option<bool> {
    let mut extensions = extensions.of(SEQUENCE)?;
    while !extensions.0.is_empty() {
        let mut extension = extensions.of(SEQUENCE)?;
        let id = extension.of(OID)?;
        let _is_critical = extension.of_maybe(BOOLEAN);
        let mut value = extension.of(OCTETS)?;
        if id == BASIC_CONSTRAINTS {
            let is_authority = value.of(SEQUENCE)?.of_maybe(BOOLEAN);
            return Some(is_authority == Some(Der(&[0xff])));
        }
    }
    Some(false)
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;

    fn certificate(is_ca: IsCa) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn given_certificates_when_asked_then_those_are_authorities_that_say_so() {
        for constraints in [
            BasicConstraints::Unconstrained,
            BasicConstraints::Constrained(1),
        ] {
            assert!(is_one(&certificate(IsCa::Ca(constraints))));
        }
        for leaf in [IsCa::NoCa, IsCa::ExplicitNoCa] {
            assert!(!is_one(&certificate(leaf)));
        }
    }

    #[test]
    fn given_a_certificate_that_is_cut_or_changed_when_asked_then_nothing_panics() {
        let certificate = certificate(IsCa::Ca(BasicConstraints::Unconstrained));
        for cut in 0..60 {
            assert!(!is_one(&certificate[..cut]), "{cut}");
        }
        for place in 0..certificate.len() {
            for byte in [0, 0x7f, 0x80, 0x83, 0x84, 0xff] {
                let mut changed = certificate.clone();
                changed[place] = byte;
                let _ = is_one(&changed);
            }
        }
    }
}
