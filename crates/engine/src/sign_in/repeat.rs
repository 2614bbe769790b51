//! Once is once (S10): what is remembered of a sign-in, and the same answer for its repeat.

use std::time::Duration;

use innkeeper_domain::check::find_valid;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::{Sealed, Timestamp};
use innkeeper_domain::token::TokenSecret;
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
    pub(crate) digest: KeyDigest,
    secret: Zeroizing<Vec<u8>>,
    pub(crate) request: [u8; 32],
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
    /// What to remember of an admission, under each key that stands for it.
    ///
    /// By its ticket alone a call cannot be repeated, so under that there is nothing to give again.
    pub(super) fn remember(
        &self,
        attempt: &Attempt,
        born: &Born,
        now: Timestamp,
    ) -> Result<Vec<Remembered>, EngineError> {
        let remembered = |key| {
            let (request, sealed) = match (&attempt.idempotency, &attempt.ticket) {
                (Some(idempotency), _) if idempotency.digest == key => {
                    let (secret, plain) = (&idempotency.secret, born.written());
                    let sealed = seal::seal(secret, Purpose::SignIn, &plain, &*self.entropy)?;
                    (idempotency.request, sealed)
                }
                (_, ticket) => {
                    let request = ticket.as_ref().map_or([0; 32], |t| t.request);
                    (request, Sealed(Box::default()))
                }
            };
            Ok(Remembered {
                key,
                request,
                session: attempt.drawn.newborn.id,
                sealed,
                until: now.plus(KEYS_FOR),
            })
        };
        attempt.keys().into_iter().map(remembered).collect()
    }
}

impl Attempt {
    /// Under what the admission is remembered: its ticket, and the key that came with the call.
    ///
    /// A ticket that was issued to a call with a key stands for that key.
    pub(super) fn keys(&self) -> Vec<KeyDigest> {
        let ticket = self.ticket.as_ref().map(|t| t.key);
        let sent = self.idempotency.as_ref().map(|i| i.digest);
        let sent = sent.filter(|key| Some(*key) != ticket);
        ticket.into_iter().chain(sent).collect()
    }

    /// The answer to a call whose key or ticket was used before; `None` if neither was.
    ///
    /// Only a repeat of the very call is given the answer again, and only as long as the token in
    /// it is good: one that was replaced opens nothing, or would be taken for a stolen copy.
    pub(super) fn repeat(&self, case: &Case<'_>) -> Result<Option<Decided>, EngineError> {
        let under = |key: KeyDigest| case.remembered.iter().find(|r| r.key == key);
        let sent = self.idempotency.as_ref();
        let Some((idempotency, remembered)) = sent.and_then(|i| Some((i, under(i.digest)?))) else {
            let is_used = self.ticket.as_ref().is_some_and(|t| under(t.key).is_some());
            return Ok(is_used.then_some(Decided::AlreadyUsed));
        };
        if remembered.session.tag() != self.drawn.tag || remembered.request != idempotency.request {
            return Ok(Some(Decided::KeyMisused));
        }
        // It was used up by the ticket that stood for it, whose answer is not this key's to open.
        if remembered.sealed.0.is_empty() {
            return Ok(Some(Decided::AlreadyUsed));
        }
        let plain = seal::open(&idempotency.secret, Purpose::SignIn, &remembered.sealed)
            .ok_or_else(|| {
                unreadable("it does not open under the key it is remembered by".into())
            })?;
        let born = Born::read(self.drawn.tag, &plain)?;
        let token = TokenSecret::from_entropy(born.said.secret).digest();
        let is_good = find_valid(case.roster, token, case.now())
            .is_some_and(|valid| valid.session.id == remembered.session);
        Ok(Some(if is_good {
            Decided::Repeated(Box::new(born))
        } else {
            Decided::AlreadyUsed
        }))
    }
}
