//! Once is once (S10): what is remembered of a sign-in, and the same answer for its repeat.

use std::time::Duration;

use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::{Sealed, Timestamp};
use innkeeper_store::{KeyDigest, Remembered};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::born::{Born, unreadable};
use super::{Attempt, Decided};
use crate::seal::{self, Purpose};
use crate::settle::Case;
use crate::{Authority, EngineError};

/// For how long an idempotency key is remembered.
pub const KEYS_FOR: Duration = Duration::from_mins(10);
/// How many keys of one subject are remembered at once.
pub const KEYS_MAX: usize = 1024;

/// An idempotency key, with the request it came with.
pub struct Idempotency {
    digest: KeyDigest,
    secret: Zeroizing<Vec<u8>>,
    request: [u8; 32],
}

impl Idempotency {
    /// Takes the key as it was sent, and the request in a form that says what it means.
    #[must_use]
    pub fn new(tenant: &TenantId, key: &str, request: &[u8]) -> Self {
        let mut hash = Sha256::new_with_prefix(b"innkeeper idempotency key 1");
        hash.update((tenant.as_str().len() as u64).to_be_bytes());
        hash.update(tenant.as_str());
        hash.update(key);
        // The key is in it, so that what is stored gives away nothing of the request.
        let mut meaning = Sha256::new_with_prefix(b"innkeeper idempotent request 1");
        meaning.update((key.len() as u64).to_be_bytes());
        meaning.update(key);
        meaning.update(request);
        Self {
            digest: KeyDigest(hash.finalize().into()),
            secret: Zeroizing::new(key.as_bytes().to_vec()),
            request: meaning.finalize().into(),
        }
    }
}

impl std::fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idempotency(hidden)")
    }
}

impl Authority {
    pub(super) fn remember(
        &self,
        key: KeyDigest,
        attempt: &Attempt,
        born: &Born,
        now: Timestamp,
    ) -> Result<Remembered, EngineError> {
        let (request, sealed) = match &attempt.idempotency {
            Some(idempotency) => {
                let plain = postcard::to_stdvec(born).expect("a vector takes any record");
                let plain = Zeroizing::new(plain);
                let secret = &idempotency.secret;
                let sealed = seal::seal(secret, Purpose::SignIn, &plain, &*self.entropy)?;
                (idempotency.request, sealed)
            }
            // By its ticket alone a call cannot be repeated, so there is nothing to give again.
            None => ([0; 32], Sealed(Box::default())),
        };
        Ok(Remembered {
            key,
            request,
            session: attempt.drawn.newborn.id,
            sealed,
            until: now.plus(KEYS_FOR),
        })
    }
}

impl Attempt {
    /// Under what the admission is remembered: the ticket before the key that came with it.
    pub(super) fn key(&self) -> Option<KeyDigest> {
        let ticket = self.ticket.as_ref().map(|t| t.key);
        ticket.or_else(|| self.idempotency.as_ref().map(|i| i.digest))
    }

    /// The answer that is remembered under the key, if there is one.
    pub(super) fn repeat(&self, case: &Case<'_>) -> Result<Option<Decided>, EngineError> {
        let Some(remembered) = &case.reading.remembered else {
            return Ok(None);
        };
        let same = self.idempotency.as_ref().filter(|i| {
            remembered.session.tag() == self.drawn.tag && remembered.request == i.request
        });
        let Some(idempotency) = same else {
            return Ok(Some(match self.ticket {
                Some(_) => Decided::AlreadyUsed,
                None => Decided::KeyMisused,
            }));
        };
        let live = case
            .roster
            .live(case.now())
            .any(|s| s.id == remembered.session);
        if !live {
            return Ok(Some(Decided::AlreadyUsed));
        }
        let plain = seal::open(&idempotency.secret, Purpose::SignIn, &remembered.sealed)
            .ok_or_else(|| {
                unreadable("it does not open under the key it is remembered by".into())
            })?;
        let born = postcard::from_bytes(&plain).map_err(|e| unreadable(e.into()))?;
        Ok(Some(Decided::Repeated(Box::new(born))))
    }
}
