//! A bare look-up: the least that could answer a check. It knows which digests are good, in shards
//! that lock apart, and nothing else.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use innkeeper_domain::session::TokenDigest;
use innkeeper_domain::token::SessionToken;
use parking_lot::RwLock;

use crate::population::{EACH, House};

/// As many shards as the store has.
const SHARDS: usize = 64;

type Shard = HashMap<TokenDigest, u64, BuildHasherDefault<DigestHasher>>;

pub(crate) struct LookUp(Vec<RwLock<Shard>>);

impl LookUp {
    /// All tokens of the first so many subjects.
    pub(crate) fn of(house: &House, subjects: u64) -> Self {
        let look_up = Self((0..SHARDS).map(|_| RwLock::default()).collect());
        for subject in 0..subjects {
            for number in 0..EACH {
                let digest = house.token(subject, number).secret().digest();
                look_up.shard(digest).write().insert(digest, subject);
            }
        }
        look_up
    }

    /// One SHA-256, one lock and one look-up.
    pub(crate) fn knows(&self, token: &SessionToken) -> bool {
        let digest = token.secret().digest();
        self.shard(digest).read().contains_key(&digest)
    }

    fn shard(&self, digest: TokenDigest) -> &RwLock<Shard> {
        &self.0[usize::from(digest.0[31]) % SHARDS]
    }
}

/// Takes a digest for the hash that it is, as the store takes its tags.
#[derive(Debug, Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length in front of the bytes says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
