//! The secret a browser presents, the digests a store keeps in its place, and the public ids.
//!
//! A token and an id both begin with the routing tag of their roster, so either finds it in one
//! look-up and no index from token to subject exists (D3).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::name::{SubjectId, TenantId};

pub use crate::api_key::ApiKey;

/// Why a text is not a token or an id that we could have issued.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not in the form of one that was issued here")]
pub struct MalformedToken;

/// The key under which routing tags are computed.
///
/// It hides names in tokens, ids and store files; no session rests on it. It is made with the
/// store, backed up with it, and never rotated: a new one would orphan every token.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TagKey([u8; 32]);

impl TagKey {
    /// Takes 256 random bits drawn by the caller.
    #[must_use]
    pub const fn from_entropy(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A name that only we can compute, for a bucket of [`budget`](crate::budget).
    pub(crate) fn name_of_bucket(&self, kind: &str, parts: &[Option<&str>]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0)
            .expect("an HMAC takes a key of any length");
        mac.update(b"innkeeper sign-in budget 1");
        for part in std::iter::once(Some(kind)).chain(parts.iter().copied()) {
            // The length in front keeps ("ab", "c") and ("a", "bc") apart, and nothing from "".
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            mac.update(&length.to_be_bytes());
            mac.update(part.unwrap_or_default().as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey(hidden)")
    }
}

/// What leads from a token or an id to its roster: a keyed hash of tenant and subject.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RosterTag([u8; 16]);

impl RosterTag {
    /// Computes the tag of a subject.
    #[must_use]
    pub fn of(key: &TagKey, tenant: &TenantId, subject: &SubjectId) -> Self {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key.0)
            .expect("an HMAC takes a key of any length");
        // The length in front keeps ("ab", "c") and ("a", "bc") apart.
        mac.update(&(tenant.as_str().len() as u64).to_be_bytes());
        mac.update(tenant.as_str().as_bytes());
        mac.update(subject.as_str().as_bytes());
        let full = mac.finalize().into_bytes();
        let mut tag = [0; 16];
        tag.copy_from_slice(&full[..16]);
        Self(tag)
    }

    /// Rebuilds a tag from stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, to store or to route by.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The shard of this roster: the first six bits of the tag, for good (D3).
    #[must_use]
    pub const fn shard(&self) -> u8 {
        self.0[0] >> 2
    }
}

impl fmt::Display for RosterTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for RosterTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RosterTag({self})")
    }
}

/// The public name of a session, written `ses_…`: for lists, logs and revocation.
///
/// It finds the roster without an index and opens nothing.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionId {
    tag: RosterTag,
    serial: [u8; Self::SERIAL_LEN],
}

impl SessionId {
    /// 96 random bits: never reused, and not to be guessed within a roster.
    pub const SERIAL_LEN: usize = 12;
    const PREFIX: &str = "ses_";

    /// Names a session of the roster `tag` by random bytes drawn by the caller.
    #[must_use]
    pub const fn from_entropy(tag: RosterTag, serial: [u8; Self::SERIAL_LEN]) -> Self {
        Self { tag, serial }
    }

    /// The roster this session belongs to.
    #[must_use]
    pub const fn tag(&self) -> RosterTag {
        self.tag
    }

    /// The part that tells it from the other sessions of its roster.
    #[must_use]
    pub const fn serial(&self) -> &[u8; Self::SERIAL_LEN] {
        &self.serial
    }

    /// Reads an id from outside.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let bytes: [u8; 28] = decode(text, Self::PREFIX)?;
        let (tag, serial) = bytes.split_at(16);
        Ok(Self {
            tag: RosterTag(array(tag)),
            serial: array(serial),
        })
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, Self::PREFIX, self.tag, &self.serial)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// The secret half of a session: whoever presents it is let in.
///
/// Written `ik_…`: routing tag, family, 256 random bits, checksum. A token lives in the browser
/// and in the request being handled, nowhere else. Stores keep its [`TokenDigest`], so a stolen
/// backup signs nobody in. For the same reason the type has no `Display` and no `Clone`, its
/// `Debug` hides the value, and [`reveal`](Self::reveal) is the one word to search for when
/// auditing where secrets leave the process.
pub struct SessionToken {
    tag: RosterTag,
    secret: TokenSecret,
}

/// The random part of a token: its family and its own 256 bits.
///
/// The family is the same in every token of one session and as secret as the rest: it is how a
/// token that was rotated away is still known to be of that session (S9).
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TokenSecret([u8; Self::LEN]);

impl TokenSecret {
    /// 128 bits of family and 256 of its own. ASVS 7.2.3 asks for at least 128.
    pub const LEN: usize = Self::FAMILY_LEN + 32;
    /// The bytes of the family, at the front.
    pub const FAMILY_LEN: usize = 16;

    /// Takes random bytes drawn by the caller.
    ///
    /// The domain owns no randomness, so a test can name the token it expects.
    #[must_use]
    pub const fn from_entropy(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The next secret of the same session: this family, with fresh random bytes.
    #[must_use]
    pub fn successor(&self, fresh: [u8; 32]) -> Self {
        let mut bytes = [0; Self::LEN];
        bytes[..Self::FAMILY_LEN].copy_from_slice(&self.0[..Self::FAMILY_LEN]);
        bytes[Self::FAMILY_LEN..].copy_from_slice(&fresh);
        Self(bytes)
    }

    /// The bytes, to seal or to derive a key from.
    #[must_use]
    pub const fn reveal(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// What a roster keeps in this secret's place.
    ///
    /// A plain hash is enough: the input is already uniform, so there is no dictionary for a
    /// slow hash to defend against. Looking up by digest also takes the secret out of every
    /// comparison, and with it the timing question. Family and secret fit one block of SHA-256.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0).into())
    }

    /// What a roster keeps in the family's place; looked for only when no digest matches.
    #[must_use]
    pub fn family(&self) -> FamilyDigest {
        FamilyDigest(Sha256::digest(&self.0[..Self::FAMILY_LEN]).into())
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(hidden)")
    }
}

impl SessionToken {
    /// What its text begins with, so that it can be told from the tokens of others.
    pub const PREFIX: &str = "ik_";
    const LEN: usize = 16 + TokenSecret::LEN + 4;

    /// Puts a token together.
    #[must_use]
    pub const fn new(tag: RosterTag, secret: TokenSecret) -> Self {
        Self { tag, secret }
    }

    /// Reads a token from outside. A wrong checksum is found without asking any store.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let mut bytes: [u8; Self::LEN] = decode(text, Self::PREFIX)?;
        let (body, sum) = bytes.split_at(Self::LEN - 4);
        let sound = checksum(Self::PREFIX, body) == sum;
        let token = Self {
            tag: RosterTag(array(&body[..16])),
            secret: TokenSecret(array(&body[16..])),
        };
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

    /// The random part.
    #[must_use]
    pub const fn secret(&self) -> &TokenSecret {
        &self.secret
    }

    /// The text for the cookie or the answer.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mut bytes = [0; Self::LEN];
        bytes[..16].copy_from_slice(&self.tag.0);
        bytes[16..Self::LEN - 4].copy_from_slice(&self.secret.0);
        let sum = checksum(Self::PREFIX, &bytes[..Self::LEN - 4]);
        bytes[Self::LEN - 4..].copy_from_slice(&sum);
        let text = format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bytes));
        bytes.zeroize();
        text
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(hidden)")
    }
}

/// What a store knows of a token: enough to find its session, too little to use it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TokenDigest(pub [u8; 32]);

/// What a store knows of a token family.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FamilyDigest(pub [u8; 32]);

/// The prefix is part of the sum, so a body moved under another prefix is damaged.
pub(crate) fn checksum(prefix: &str, body: &[u8]) -> [u8; 4] {
    let mut crc = crc32fast::Hasher::new();
    crc.update(prefix.as_bytes());
    crc.update(body);
    crc.finalize().to_be_bytes()
}

/// Writes the public name of what a roster holds: the roster's tag and a serial, behind a prefix.
pub(crate) fn write_name(
    f: &mut fmt::Formatter<'_>,
    prefix: &str,
    tag: RosterTag,
    serial: &[u8; 12],
) -> fmt::Result {
    let mut bytes = [0; 28];
    bytes[..16].copy_from_slice(&tag.0);
    bytes[16..].copy_from_slice(serial);
    let mut text = [0; 42];
    let (front, rest) = text.split_at_mut(prefix.len());
    front.copy_from_slice(prefix.as_bytes());
    URL_SAFE_NO_PAD
        .encode_slice(bytes, rest)
        .expect("28 bytes are 38 characters, behind a prefix of four");
    f.write_str(str::from_utf8(&text).expect("base64 is ASCII"))
}

pub(crate) fn decode<const N: usize>(text: &str, prefix: &str) -> Result<[u8; N], MalformedToken> {
    let body = text.strip_prefix(prefix).ok_or(MalformedToken)?;
    // The length is known, so nothing long is ever decoded.
    if body.len() != (N * 8).div_ceil(6) {
        return Err(MalformedToken);
    }
    let mut bytes = [0; N];
    match URL_SAFE_NO_PAD.decode_slice(body, &mut bytes) {
        Ok(len) if len == N => Ok(bytes),
        _ => Err(MalformedToken),
    }
}

pub(crate) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the caller split at this length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag_of(tenant: &str, subject: &str) -> RosterTag {
        RosterTag::of(
            &TagKey::from_entropy([7; 32]),
            &TenantId::parse(tenant).unwrap(),
            &SubjectId::parse(subject).unwrap(),
        )
    }

    fn token() -> SessionToken {
        SessionToken::new(
            tag_of("default", "alice"),
            TokenSecret::from_entropy([9; 48]),
        )
    }

    #[test]
    fn given_an_issued_token_when_read_back_then_it_is_the_same() {
        let read = SessionToken::parse(&token().reveal()).unwrap();

        assert_eq!(read.tag(), token().tag());
        assert_eq!(read.secret().digest(), token().secret().digest());
    }

    #[test]
    fn given_any_single_character_changed_when_read_then_the_token_is_refused() {
        let issued = token().reveal();
        for place in 0..issued.len() {
            for other in ["A", "z", "-", "=", " "] {
                let mut damaged = issued.clone();
                damaged.replace_range(place..=place, other);
                if damaged != issued {
                    assert!(SessionToken::parse(&damaged).is_err(), "{place} {other}");
                }
            }
        }
    }

    #[test]
    fn given_a_foreign_or_cut_text_when_read_then_it_is_refused() {
        let issued = token().reveal();
        for text in [
            "",
            "ik_",
            "ik",
            &issued[1..],
            &issued[..issued.len() - 1],
            "ses_AAAA",
            "ik_é",
            &issued.replacen("ik_", "id_", 1),
        ] {
            assert!(SessionToken::parse(text).is_err(), "{text}");
        }
        assert!(SessionToken::parse(&format!("{issued}A")).is_err());
        assert!(SessionToken::parse(&issued.replacen("ik_", "ikk_", 1)).is_err());
    }

    #[test]
    fn given_a_session_id_when_used_as_a_token_then_it_is_refused() {
        let id = SessionId::from_entropy(tag_of("default", "alice"), [3; 12]);

        assert!(SessionToken::parse(&id.to_string()).is_err());
        assert_eq!(SessionId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn given_names_that_concatenate_alike_when_tagged_then_the_tags_differ() {
        // S14: nothing crosses tenants.
        assert_ne!(tag_of("ab", "c"), tag_of("a", "bc"));
        assert_ne!(tag_of("t1", "alice"), tag_of("t2", "alice"));
    }

    #[test]
    fn given_a_successor_when_compared_then_it_shares_the_family_and_nothing_else() {
        let old = TokenSecret::from_entropy([9; 48]);
        let new = old.successor([4; 32]);

        assert_eq!(old.family(), new.family());
        assert_ne!(old.digest(), new.digest());
    }

    #[test]
    fn given_a_secret_when_debugged_then_nothing_of_it_shows() {
        let shown = format!("{:?} {:?} {:?}", token(), token().secret(), TagKey([1; 32]));

        assert!(!shown.contains(&token().reveal()[3..20]), "{shown}");
        assert!(shown.matches("hidden").count() == 3, "{shown}");
        let key = ApiKey::from_entropy([1; 12], [2; 32]);
        let shown = format!("{key:?}");
        assert!(!shown.contains(&key.reveal()[20..]), "{shown}");
        assert!(shown.contains("ApiKey"), "{shown}");
    }

    #[test]
    fn given_a_name_when_debugged_then_it_reads_as_it_is_written() {
        let (tag, id) = (
            token().tag(),
            SessionId::from_entropy(token().tag(), [3; 12]),
        );

        assert_eq!(format!("{tag:?}"), format!("RosterTag({tag})"));
        assert_eq!(format!("{id:?}"), format!("SessionId({id})"));
    }

    #[test]
    fn given_an_api_key_when_read_back_then_its_id_and_digest_are_the_same() {
        let key = ApiKey::from_entropy([1; 12], [2; 32]);
        let read = ApiKey::parse(&key.reveal()).unwrap();

        assert_eq!(read.id(), key.id());
        assert!(key.id().len() >= 16, "{}", key.id());
        assert_eq!(read.digest(), key.digest());
        assert!(SessionToken::parse(&key.reveal()).is_err());
    }

    #[test]
    fn given_a_damaged_api_key_when_read_then_it_is_refused() {
        let issued = ApiKey::from_entropy([1; 12], [2; 32]).reveal();
        for place in 0..issued.len() {
            for other in ["A", "z", "-"] {
                let mut damaged = issued.clone();
                damaged.replace_range(place..=place, other);
                if damaged != issued {
                    assert!(ApiKey::parse(&damaged).is_err(), "{place} {other}");
                }
            }
        }
    }

    #[test]
    fn given_a_last_letter_whose_spare_bits_differ_when_read_then_it_is_no_second_spelling() {
        let token = token().reveal();
        let id = SessionId::from_entropy(tag_of("default", "alice"), [3; 12]).to_string();
        let spellings_of = |text: &str, is_read: fn(&str) -> bool| {
            let stem = &text[..text.len() - 1];
            let letters = ('A'..='Z')
                .chain('a'..='z')
                .chain('0'..='9')
                .chain(['-', '_']);
            letters
                .filter(|last| is_read(&format!("{stem}{last}")))
                .count()
        };

        assert_eq!(spellings_of(&token, |t| SessionToken::parse(t).is_ok()), 1);
        // An id has no checksum: of its 64 last letters, 4 leave the spare bits empty.
        assert_eq!(spellings_of(&id, |t| SessionId::parse(t).is_ok()), 4);
    }

    #[test]
    fn given_one_body_under_two_prefixes_when_summed_then_the_checksums_differ() {
        assert_ne!(checksum("ik_", &[1; 64]), checksum("ikd_", &[1; 64]));
    }

    #[test]
    fn given_a_tag_when_asked_for_its_shard_then_it_is_the_first_six_bits() {
        assert_eq!(RosterTag::from_bytes([0xFF; 16]).shard(), 63);
        assert_eq!(RosterTag::from_bytes([0x07; 16]).shard(), 1);
    }
}
