//! The secret with which an application calls, and its public name.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::token::{MalformedToken, array, checksum, decode};

/// A secret that opens an interface rather than a session, written `ikk_…`: an API key.
///
/// It names its own record (`id`) so that a register finds it without an index of secrets.
pub struct ApiKey {
    id: [u8; Self::ID_LEN],
    secret: [u8; 32],
}

impl ApiKey {
    /// 96 random bits.
    pub const ID_LEN: usize = 12;
    const PREFIX: &str = "ikk_";
    const ID_PREFIX: &str = "key_";
    const LEN: usize = Self::ID_LEN + 32 + 4;

    /// Takes random bytes drawn by the caller.
    #[must_use]
    pub const fn from_entropy(id: [u8; Self::ID_LEN], secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    /// Reads a key from outside.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let mut bytes: [u8; Self::LEN] = decode(text, Self::PREFIX)?;
        let (body, sum) = bytes.split_at(Self::LEN - 4);
        let sound = checksum(Self::PREFIX, body) == sum;
        let key = Self {
            id: array(&body[..Self::ID_LEN]),
            secret: array(&body[Self::ID_LEN..]),
        };
        bytes.zeroize();
        if sound { Ok(key) } else { Err(MalformedToken) }
    }

    /// The public name of the key, `key_…`.
    #[must_use]
    pub fn id(&self) -> String {
        let mut id = String::with_capacity(Self::ID_PREFIX.len() + Self::ID_LEN * 4 / 3);
        id.push_str(Self::ID_PREFIX);
        URL_SAFE_NO_PAD.encode_string(self.id, &mut id);
        id
    }

    /// Whether a text has the form of such a name.
    #[must_use]
    pub fn is_id(text: &str) -> bool {
        let random = text.strip_prefix(Self::ID_PREFIX);
        let bytes = random.and_then(|random| URL_SAFE_NO_PAD.decode(random).ok());
        bytes.is_some_and(|bytes| bytes.len() == Self::ID_LEN)
    }

    /// What the register keeps in its place.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    /// The text to show once.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mut bytes = [0; Self::LEN];
        bytes[..Self::ID_LEN].copy_from_slice(&self.id);
        bytes[Self::ID_LEN..Self::LEN - 4].copy_from_slice(&self.secret);
        let sum = checksum(Self::PREFIX, &bytes[..Self::LEN - 4]);
        bytes[Self::LEN - 4..].copy_from_slice(&sum);
        let text = format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bytes));
        bytes.zeroize();
        text
    }
}

impl Drop for ApiKey {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, hidden)", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKey {
        ApiKey::from_entropy([7; ApiKey::ID_LEN], [9; 32])
    }

    #[test]
    fn given_an_issued_key_when_read_back_then_it_is_the_same() {
        let read = ApiKey::parse(&key().reveal()).unwrap();

        assert_eq!(read.id(), key().id());
        assert_eq!(read.digest(), key().digest());
    }

    #[test]
    fn given_another_secret_when_digested_then_its_digest_is_another() {
        let other = ApiKey::from_entropy([7; ApiKey::ID_LEN], [8; 32]);

        assert_ne!(other.digest(), key().digest());
        let expected: [u8; 32] = Sha256::digest([9; 32]).into();
        assert_eq!(key().digest(), expected);
    }

    #[test]
    fn given_a_text_when_it_is_held_against_the_form_of_a_name_then_only_names_have_it() {
        assert!(ApiKey::is_id(&key().id()));

        let name = key().id();
        for other in ["", "key_", "key_AAAA", &name[4..], &format!("{name}AA")] {
            assert!(!ApiKey::is_id(other), "{other}");
        }
        assert!(!ApiKey::is_id(&key().reveal()));
    }

    #[test]
    fn given_a_key_when_it_is_shown_for_debugging_then_its_secret_is_hidden() {
        let shown = format!("{:?}", key());

        assert_eq!(shown, format!("ApiKey({}, hidden)", key().id()));
    }
}
