//! The secret by which a device is recognised, and the public name of a device.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::token::{MalformedToken, RosterTag, array, checksum, decode, write_name};

/// The part of a device's name that tells it from the others of its roster: 96 random bits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DeviceSerial(pub [u8; Self::LEN]);

impl DeviceSerial {
    /// How many bytes it has.
    pub const LEN: usize = 12;
}

/// The public name of a device, written `dev_…`: for lists, logs and revocation.
///
/// Like a session's it finds the roster without an index, and opens nothing.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DeviceId {
    tag: RosterTag,
    serial: DeviceSerial,
}

impl DeviceId {
    const PREFIX: &str = "dev_";

    /// Names a device of the roster `tag`.
    #[must_use]
    pub const fn new(tag: RosterTag, serial: DeviceSerial) -> Self {
        Self { tag, serial }
    }

    /// The roster this device belongs to.
    #[must_use]
    pub const fn tag(&self) -> RosterTag {
        self.tag
    }

    /// The part that tells it from the other devices of its roster.
    #[must_use]
    pub const fn serial(&self) -> DeviceSerial {
        self.serial
    }

    /// Reads a name from outside.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let bytes: [u8; 28] = decode(text, Self::PREFIX)?;
        let (tag, serial) = bytes.split_at(16);
        Ok(Self {
            tag: RosterTag::from_bytes(array(tag)),
            serial: DeviceSerial(array(serial)),
        })
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, Self::PREFIX, self.tag, &self.serial.0)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}

/// The secret that a device holds: whoever presents it is taken for that device.
///
/// Written `ikd_…`: routing tag, 256 random bits, checksum. It signs nobody in. Like a session
/// token it has no `Display` and no `Clone`, and its `Debug` hides the value.
pub struct DeviceToken {
    tag: RosterTag,
    secret: DeviceSecret,
}

/// The random part of a device token.
#[derive(Zeroize, ZeroizeOnDrop)]
struct DeviceSecret([u8; DeviceToken::SECRET_LEN]);

impl DeviceToken {
    /// 256 bits; the mark of a remembered device asks for at least 128.
    pub const SECRET_LEN: usize = 32;
    const PREFIX: &str = "ikd_";
    const LEN: usize = 16 + Self::SECRET_LEN + 4;

    /// Puts a token together from random bytes drawn by the caller.
    #[must_use]
    pub const fn from_entropy(tag: RosterTag, secret: [u8; Self::SECRET_LEN]) -> Self {
        let secret = DeviceSecret(secret);
        Self { tag, secret }
    }

    /// Reads a token from outside. A wrong checksum is found without asking any store.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let mut bytes: [u8; Self::LEN] = decode(text, Self::PREFIX)?;
        let (body, sum) = bytes.split_at(Self::LEN - 4);
        let sound = checksum(Self::PREFIX, body) == sum;
        let token = Self::from_entropy(
            RosterTag::from_bytes(array(&body[..16])),
            array(&body[16..]),
        );
        bytes.zeroize();
        if sound {
            Ok(token)
        } else {
            Err(MalformedToken)
        }
    }

    /// The roster this token claims to belong to.
    #[must_use]
    pub const fn tag(&self) -> RosterTag {
        self.tag
    }

    /// What this token says to the roster `tag`: its digest, or nothing if it is another's.
    #[must_use]
    pub fn digest_for(&self, tag: RosterTag) -> Option<DeviceDigest> {
        (self.tag == tag).then(|| self.digest())
    }

    /// The random bytes, to seal.
    #[must_use]
    pub const fn secret(&self) -> &[u8; Self::SECRET_LEN] {
        &self.secret.0
    }

    /// What a roster keeps in its place. A plain hash is enough, as for a session token.
    #[must_use]
    pub fn digest(&self) -> DeviceDigest {
        DeviceDigest(Sha256::digest(self.secret.0).into())
    }

    /// The text for the cookie or the answer.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mut bytes = [0; Self::LEN];
        bytes[..16].copy_from_slice(self.tag.as_bytes());
        bytes[16..Self::LEN - 4].copy_from_slice(&self.secret.0);
        let sum = checksum(Self::PREFIX, &bytes[..Self::LEN - 4]);
        bytes[Self::LEN - 4..].copy_from_slice(&sum);
        let text = format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bytes));
        bytes.zeroize();
        text
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(hidden)")
    }
}

/// What a store knows of a device token.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DeviceDigest(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionId;
    use crate::token::SessionToken;

    fn tag() -> RosterTag {
        RosterTag::from_bytes([7; 16])
    }

    fn token() -> DeviceToken {
        DeviceToken::from_entropy(tag(), [9; 32])
    }

    #[test]
    fn given_an_issued_device_token_when_read_back_then_it_is_the_same() {
        let read = DeviceToken::parse(&token().reveal()).unwrap();

        assert_eq!(read.tag(), tag());
        assert_eq!(read.digest(), token().digest());
        assert_eq!(format!("{read:?}"), "DeviceToken(hidden)");
    }

    #[test]
    fn given_any_single_character_changed_when_read_then_the_device_token_is_refused() {
        let issued = token().reveal();

        for place in 0..issued.len() {
            for other in ["A", "z", "-", "="] {
                let mut damaged = issued.clone();
                damaged.replace_range(place..=place, other);
                if damaged != issued {
                    assert!(DeviceToken::parse(&damaged).is_err(), "{place} {other}");
                }
            }
        }
    }

    #[test]
    fn given_a_name_of_a_device_when_used_as_anything_else_then_it_is_refused() {
        let id = DeviceId::new(tag(), DeviceSerial([3; 12]));

        assert_eq!(DeviceId::parse(&id.to_string()), Ok(id));
        assert_eq!(format!("{id:?}"), format!("DeviceId({id})"));
        assert!(DeviceToken::parse(&id.to_string()).is_err());
        assert!(SessionId::parse(&id.to_string()).is_err());
        assert!(SessionToken::parse(&token().reveal()).is_err());
        assert!(DeviceToken::parse(&token().reveal().replacen("ikd_", "ik_", 1)).is_err());
    }
}
