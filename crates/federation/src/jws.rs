//! A signed token, in three parts (RFC 7515, 7.1), before and after its signature is verified.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::claims::Claims;
use crate::error::TokenFault;
use crate::jwk::{Algorithm, Keys};

/// The longest token that is looked at, in bytes.
const LEN_MAX: usize = 32 << 10;

/// A token of which nothing is believed yet.
#[derive(Debug)]
pub(crate) struct Unverified<'t> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Option<String>,
    kind: Option<String>,
    signed: &'t str,
    signature: Vec<u8>,
    claims: Claims,
}

impl<'t> Unverified<'t> {
    pub(crate) fn parse(token: &'t str) -> Result<Self, TokenFault> {
        if token.len() > LEN_MAX {
            return Err(TokenFault::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        let decoded = |text: &str| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text);
            bytes.map_err(|_| TokenFault::Malformed)
        };
        let header = Claims::parse(&decoded(header)?)?;
        if header.has("crit") {
            return Err(TokenFault::Critical);
        }
        let algorithm = Algorithm::named(header.required("alg")?).ok_or(TokenFault::Algorithm)?;
        Ok(Self {
            algorithm,
            key: header.text("kid")?.map(str::to_owned),
            kind: header.text("typ")?.map(str::to_ascii_lowercase),
            signed,
            signature: decoded(signature)?,
            claims: Claims::parse(&decoded(payload)?)?,
        })
    }

    /// What it says, for finding out whose word it would be. Nothing of it is believed.
    pub(crate) const fn hearsay(&self) -> &Claims {
        &self.claims
    }

    /// The kind of token that it says to be, in small letters and without `application/`.
    pub(crate) fn kind(&self) -> Option<&str> {
        let kind = self.kind.as_deref()?;
        Some(kind.strip_prefix("application/").unwrap_or(kind))
    }

    /// What it says, if one of these keys signed it.
    pub(crate) fn verify(self, keys: &Keys) -> Result<Claims, TokenFault> {
        let key = self.key.as_deref();
        if !keys.has(key, self.algorithm) {
            return Err(TokenFault::UnknownKey);
        }
        let signed = self.signed.as_bytes();
        if keys.verify(key, self.algorithm, signed, &self.signature) {
            Ok(self.claims)
        } else {
            Err(TokenFault::Signature)
        }
    }
}
