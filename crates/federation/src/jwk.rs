//! The keys that a provider signs with (RFC 7517), as far as they are used here.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;

/// The most keys that are kept of a provider.
const KEYS_MAX: usize = 64;

/// How a token is signed. What is not here is never accepted: `none` proves nothing, and with
/// the `HS` family whoever can read a key that is meant to be public can sign by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    const ALL: [(&'static str, Self); 10] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("EdDSA", Self::EdDsa),
        ("Ed25519", Self::EdDsa),
    ];

    /// The algorithm of that name (RFC 7518, 3.1; RFC 8037; RFC 9864), if it is accepted.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, algorithm)| algorithm)
    }
}

/// The keys of a provider.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    material: Material,
}

/// The public part of a key.
#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct RawKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    for_use: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a key set. Keys of kinds that are not known, or for other uses, are passed over, as
    /// RFC 7517, 5, asks.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let set: KeySet = serde_json::from_slice(json)?;
        let keys = set.keys.into_iter().take(KEYS_MAX);
        Ok(Self(
            keys.filter_map(|raw| Key::read(serde_json::from_value(raw).ok()?))
                .collect(),
        ))
    }

    /// Whether a token that names this key, or none, could have been signed by one of these.
    pub(crate) fn has(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        self.meant(id, algorithm).next().is_some()
    }

    /// Whether the signature is by the key that is meant. Where none is named there must be one
    /// only that it could be (OpenID Connect Core, 10.1).
    pub(crate) fn verify(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> bool {
        let mut meant = self.meant(id, algorithm);
        let (Some(key), None) = (meant.next(), meant.next()) else {
            return false;
        };
        key.verify(algorithm, signed, signature)
    }

    fn meant<'k>(
        &'k self,
        id: Option<&'k str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'k Key> {
        self.0.iter().filter(move |key| {
            key.algorithm.is_none_or(|its| its == algorithm)
                && key.material.goes_with(algorithm)
                && id.is_none_or(|id| key.id.as_deref() == Some(id))
        })
    }
}

impl Key {
    fn read(raw: RawKey) -> Option<Self> {
        if raw.for_use.as_deref().is_some_and(|u| u != "sig") {
            return None;
        }
        let algorithm = match raw.alg.as_deref() {
            Some(name) => Some(Algorithm::named(name)?),
            None => None,
        };
        let bytes = |text: Option<String>| BASE64_URL_SAFE_NO_PAD.decode(text?).ok();
        let point = |x, y, length: usize| {
            let (x, y) = (bytes(x)?, bytes(y)?);
            let fits = x.len() == length && y.len() == length;
            // Uncompressed, as SEC 1 has it.
            fits.then(|| [&[4], x.as_slice(), y.as_slice()].concat())
        };
        let material = match (raw.kty.as_str(), raw.crv.as_deref()) {
            ("RSA", _) => Material::Rsa {
                n: bytes(raw.n)?,
                e: bytes(raw.e)?,
            },
            ("EC", Some("P-256")) => Material::P256(point(raw.x, raw.y, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(raw.x, raw.y, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(raw.x).filter(|x| x.len() == 32)?),
            _ => return None,
        };
        Some(Self {
            id: raw.kid,
            algorithm,
            material,
        })
    }

    fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let by = |how: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(how, key).verify(signed, signature)
        };
        let verified = match (&self.material, algorithm) {
            (Material::Rsa { n, e }, algorithm) => {
                let how = match algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                    Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return false,
                };
                RsaPublicKeyComponents { n, e }.verify(how, signed, signature)
            }
            (Material::P256(key), Algorithm::Es256) => by(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Material::P384(key), Algorithm::Es384) => by(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Material::Ed25519(key), Algorithm::EdDsa) => by(&signature::ED25519, key),
            _ => return false,
        };
        verified.is_ok()
    }
}

impl Material {
    /// Whether a signature by that algorithm could be by such a key.
    const fn goes_with(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => matches!(self, Self::Rsa { .. }),
            Algorithm::Es256 => matches!(self, Self::P256(_)),
            Algorithm::Es384 => matches!(self, Self::P384(_)),
            Algorithm::EdDsa => matches!(self, Self::Ed25519(_)),
        }
    }
}
