//! Sealed places: text that goes out, comes back, and says nothing in between.
//!
//! A place in the journal counts the commits of everybody. So it is encrypted, with a fresh nonce
//! each time, under a key of the store and for one tenant: two of them cannot be compared, and one
//! of another tenant cannot be opened. `XChaCha20` is what allows nonces that are drawn.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use innkeeper_domain::name::TenantId;
use innkeeper_domain::roster::StoreGeneration;
use innkeeper_store::Cursor;
use serde::{Deserialize, Serialize};

use super::Position;
use crate::EngineError;
use crate::entropy::Entropy;

/// The most that is read of a cursor, in characters.
const TEXT_MAX: usize = 512;
const NONCE_LEN: usize = 24;
/// So that all cursors of a store are of one length, wherever they lead.
const PADDED_TO: usize = 64;

#[derive(Deserialize, Serialize)]
struct PositionRecord {
    store: u64,
    after: Option<Vec<u8>>,
    within: Option<(Vec<u8>, u16)>,
}

/// What seals the cursors of one installation.
pub(crate) struct CursorKey(XChaCha20Poly1305);

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(hidden)")
    }
}

impl CursorKey {
    pub(crate) fn from_entropy(bytes: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&Key::from(bytes)))
    }

    pub(crate) fn seal(
        &self,
        tenant: &TenantId,
        position: &Position,
        entropy: &dyn Entropy,
    ) -> Result<String, EngineError> {
        let within = position.within.as_ref();
        let record = PositionRecord {
            store: position.store.0,
            after: position.after.as_ref().map(|c| c.0.to_vec()),
            within: within.map(|(entry, told)| (entry.0.to_vec(), *told)),
        };
        let mut plain = postcard::to_stdvec(&record).expect("a vector takes any record");
        plain.resize(plain.len().next_multiple_of(PADDED_TO), 0);
        let nonce = entropy.draw::<NONCE_LEN>()?;
        let payload = Payload {
            msg: &plain,
            aad: tenant.as_str().as_bytes(),
        };
        let mut sealed = nonce.to_vec();
        sealed.extend(
            self.0
                .encrypt(&XNonce::from(nonce), payload)
                .expect("a short text in memory can be encrypted"),
        );
        Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    pub(crate) fn open(&self, tenant: &TenantId, text: &str) -> Option<Position> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let payload = Payload {
            msg: text,
            aad: tenant.as_str().as_bytes(),
        };
        let plain = self.0.decrypt(&XNonce::from(*nonce), payload).ok()?;
        let (record, _padding): (PositionRecord, _) = postcard::take_from_bytes(&plain).ok()?;
        let cursor = |bytes: Vec<u8>| Cursor(bytes.into());
        Some(Position {
            store: StoreGeneration(record.store),
            after: record.after.map(cursor),
            within: record.within.map(|(entry, told)| (cursor(entry), told)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    fn key() -> CursorKey {
        CursorKey::from_entropy([5; 32])
    }

    fn position(after: Option<u64>) -> Position {
        Position {
            store: StoreGeneration(3),
            after: after.map(|place| Cursor(place.to_be_bytes().into())),
            within: after.map(|place| (Cursor((place + 1).to_be_bytes().into()), 7)),
        }
    }

    #[test]
    fn given_a_place_when_sealed_and_opened_then_it_is_the_same() {
        for position in [position(None), position(Some(99))] {
            let text = key().seal(&tenant("acme"), &position, &OsEntropy).unwrap();

            assert_eq!(key().open(&tenant("acme"), &text), Some(position));
        }
    }

    #[test]
    fn given_a_place_when_sealed_twice_then_nobody_sees_that_it_is_one() {
        let seal = || key().seal(&tenant("acme"), &position(Some(99)), &OsEntropy);

        let (one, other) = (seal().unwrap(), seal().unwrap());

        assert_ne!(one, other);
        assert_eq!(one.len(), other.len());
        let start = key().seal(&tenant("acme"), &position(None), &OsEntropy);
        assert_eq!(start.unwrap().len(), one.len());
    }

    #[test]
    fn given_a_sealed_place_when_anything_differs_then_it_stays_shut() {
        let text = key().seal(&tenant("acme"), &position(Some(99)), &OsEntropy);
        let text = text.unwrap();
        let other = CursorKey::from_entropy([6; 32]);

        assert_eq!(key().open(&tenant("other"), &text), None);
        assert_eq!(other.open(&tenant("acme"), &text), None);
        for place in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(key().open(&tenant("acme"), &forged), None, "{place}");
        }
        for nonsense in ["", "AAAA", "\u{0}", &"A".repeat(100_000)] {
            assert_eq!(key().open(&tenant("acme"), nonsense), None);
        }
    }
}
