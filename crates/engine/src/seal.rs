//! Sealing: an answer can be given again without its token being kept.
//!
//! The random bytes of the answer are encrypted under a key derived (HKDF, RFC 5869) from what
//! the repeater must present again: the idempotency key at admission, the old token at rotation.
//! A store file alone opens nothing (D3).

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use innkeeper_domain::session::Sealed;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, NoEntropy};

/// What is sealed, so that bytes sealed for one purpose open for no other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The answer to a sign-in, under its idempotency key.
    SignIn,
    /// The successor of a token, under that token.
    Successor,
    /// A sign-in that found no seat, under the ticket key.
    Choice,
    /// A sign-in that was begun at a provider, under the ticket key.
    Begun,
}

const NONCE_LEN: usize = 12;

fn cipher(secret: &[u8], purpose: Purpose) -> ChaCha20Poly1305 {
    let info: &[u8] = match purpose {
        Purpose::SignIn => b"innkeeper sealed sign-in 1",
        Purpose::Successor => b"innkeeper sealed successor 1",
        Purpose::Choice => b"innkeeper sealed choice 1",
        Purpose::Begun => b"innkeeper sealed begun 1",
    };
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret)
        .expand(info, &mut *key)
        .expect("32 bytes are a length that HKDF can give");
    ChaCha20Poly1305::new(&Key::from(*key))
}

/// Encrypts `plain` so that only who holds `secret` can read it.
pub(crate) fn seal(
    secret: &[u8],
    purpose: Purpose,
    plain: &[u8],
    entropy: &dyn Entropy,
) -> Result<Sealed, NoEntropy> {
    let nonce = entropy.draw::<NONCE_LEN>()?;
    let mut sealed = nonce.to_vec();
    sealed.extend(
        cipher(secret, purpose)
            .encrypt(&Nonce::from(nonce), plain)
            .expect("a short text in memory can be encrypted"),
    );
    Ok(Sealed(sealed.into()))
}

/// Decrypts what was sealed under `secret`; `None` if it was not, or is damaged.
pub(crate) fn open(secret: &[u8], purpose: Purpose, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.0.split_first_chunk::<NONCE_LEN>()?;
    let plain = cipher(secret, purpose).decrypt(&Nonce::from(*nonce), text);
    plain.ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn given_sealed_bytes_when_opened_with_what_sealed_them_then_they_are_back() {
        let sealed = seal(b"key", Purpose::SignIn, b"secret", &OsEntropy).unwrap();

        assert_eq!(
            **open(b"key", Purpose::SignIn, &sealed).unwrap(),
            *b"secret"
        );
        assert!(!sealed.0.windows(6).any(|w| w == b"secret"));
    }

    #[test]
    fn given_sealed_bytes_when_anything_differs_then_they_stay_shut() {
        let sealed = seal(b"key", Purpose::SignIn, b"secret", &OsEntropy).unwrap();
        let mut damaged = sealed.clone();
        damaged.0[15] ^= 1;

        assert!(open(b"other", Purpose::SignIn, &sealed).is_none());
        assert!(open(b"key", Purpose::Successor, &sealed).is_none());
        assert!(open(b"key", Purpose::SignIn, &damaged).is_none());
        assert!(open(b"key", Purpose::SignIn, &Sealed(Box::default())).is_none());
    }
}
