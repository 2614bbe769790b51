//! A sign-in at a provider on its way: the code flow with PKCE (RFC 6749, 4.1; RFC 7636).

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use innkeeper_domain::session::Timestamp;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A sign-in that a browser began. All its secrets come from one seed, which that browser keeps
/// sealed: what comes back without it belongs to nobody.
pub struct Flow {
    seed: Zeroizing<[u8; Self::SEED_LEN]>,
    /// When it was begun, by our clock.
    pub begun_at: Timestamp,
    /// Whether identity has to be proved in it.
    pub freshness: Freshness,
}

/// Whether a proof of identity from before will do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Freshness {
    /// One that is no older than is set.
    AsSet,
    /// None: the person has just signed out, or is to confirm who they are.
    Anew,
}

/// What the browser is sent to the provider with.
#[derive(Debug)]
pub struct Asked {
    /// The address.
    pub address: String,
    /// What it comes back with, by which the flow is found again.
    pub state: String,
}

/// What the browser came back with, each at most once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answered {
    /// The state that was given to it.
    pub state: Option<String>,
    /// The code, where the provider signed the person in.
    pub code: Option<String>,
    /// Which provider says so (RFC 9207).
    pub issuer: Option<String>,
    /// What went wrong, in the words of RFC 6749, 4.1.2.1.
    pub error: Option<String>,
}

impl Flow {
    /// 256 bits.
    pub const SEED_LEN: usize = 32;

    /// Begins one from random bytes, or takes up one that was begun with them.
    #[must_use]
    pub fn new(seed: [u8; Self::SEED_LEN], begun_at: Timestamp, freshness: Freshness) -> Self {
        Self {
            seed: Zeroizing::new(seed),
            begun_at,
            freshness,
        }
    }

    /// The seed, to be kept where only the browser and we can read it.
    #[must_use]
    pub fn reveal(&self) -> &[u8; Self::SEED_LEN] {
        &self.seed
    }

    /// What ties the answer to the request.
    #[must_use]
    pub fn state(&self) -> String {
        self.derived(b"state")
    }

    /// What ties the ID token to the request.
    pub(crate) fn nonce(&self) -> String {
        self.derived(b"nonce")
    }

    /// What ties the code to the request: who has the code alone cannot redeem it.
    pub(crate) fn verifier(&self) -> Zeroizing<String> {
        Zeroizing::new(self.derived(b"code verifier"))
    }

    /// What the provider is shown of the verifier before (S256).
    pub(crate) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier().as_bytes()))
    }

    /// The seed is uniform, so a plain hash tells nothing of it, nor of the others made from it.
    fn derived(&self, label: &[u8]) -> String {
        let mut hash = Sha256::new_with_prefix(b"innkeeper federated sign-in 1 ");
        hash.update(label);
        hash.update([0]);
        hash.update(self.seed.as_slice());
        BASE64_URL_SAFE_NO_PAD.encode(hash.finalize())
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("begun_at", &self.begun_at)
            .field("freshness", &self.freshness)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_seed_when_secrets_are_made_from_it_then_they_differ_and_come_again() {
        let flow = |seed| Flow::new([seed; 32], Timestamp::ZERO, Freshness::AsSet);

        let made = [
            flow(1).state(),
            flow(1).nonce(),
            flow(1).verifier().to_string(),
        ];

        assert!(made[0] != made[1] && made[1] != made[2] && made[0] != made[2]);
        assert_eq!(made[0], flow(1).state());
        assert_ne!(made[0], flow(2).state());
        assert!(
            made.iter().all(|text| text.len() == 43),
            "RFC 7636 asks for 43 to 128"
        );
    }
}
