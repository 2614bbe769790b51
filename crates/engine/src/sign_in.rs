//! Sign in: one more session for a subject, or a clear no.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::admission::{self, Admission, Newborn, Recognition, Refusal, SignIn};
use innkeeper_domain::change::Change;
use innkeeper_domain::check::{Check, check};
use innkeeper_domain::device::{DeviceId, DeviceSerial, DeviceToken};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::revocation::{Revocation, revoke};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{
    EndReason, EndedSession, Initiator, Session, SessionId, Timestamp,
};
use innkeeper_domain::token::{RosterTag, SessionToken, TokenSecret};
use innkeeper_store::{KeyDigest, Remembered};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::seal::{self, Purpose};
use crate::settle::{Case, Step};
use crate::{Authority, EngineError};

/// For how long an idempotency key is remembered.
pub const KEYS_FOR: Duration = Duration::from_mins(10);
/// How many keys of one subject are remembered at once.
pub const KEYS_MAX: usize = 1024;

/// A sign-in to carry out.
#[derive(Debug)]
pub struct SignInRequest {
    /// The realm.
    pub tenant: TenantId,
    /// Who signs in.
    pub subject: SubjectId,
    /// What is known of the sign-in.
    pub sign_in: SignIn,
    /// The token the browser held before, whoever's it was.
    pub replaces: Option<SessionToken>,
    /// The device token that came with it, whoever's it is.
    pub device: Option<DeviceToken>,
    /// What makes a repeat of this request known as one.
    pub idempotency: Option<Idempotency>,
}

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

/// The answer to a sign-in.
#[derive(Debug)]
#[must_use]
pub enum SignInAnswer {
    /// A session was born; its token is handed out here and never again.
    Admitted(Box<SignedIn>),
    /// This key was answered before: the same answer, with the session as it now stands.
    Repeated(Box<SignedIn>),
    /// The policy says no, and nothing changed.
    Refused(Refusal, Arc<Roster>, Timestamp),
    /// The key was used for another request.
    KeyMisused,
    /// The session that was born under this key has ended.
    AlreadyUsed,
    /// Too many keys of this subject are remembered already.
    TooManyKeys,
}

/// A subject that is signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The session's first token.
    pub token: SessionToken,
    /// The session.
    pub session: Arc<Session>,
    /// The device it is on.
    pub device: SignedInDevice,
    /// Its roster.
    pub roster: Arc<Roster>,
    /// The sessions that ended to make room, or because the same browser held them.
    pub ended: Vec<EndedSession>,
    /// What the subject should be told.
    pub notices: Vec<Notice>,
    /// The store's time.
    pub now: Timestamp,
}

/// The device of a sign-in.
#[derive(Debug)]
pub struct SignedInDevice {
    /// Its public name.
    pub id: DeviceId,
    /// The token it is to hold: the one it presented, or a new one.
    pub token: DeviceToken,
    /// Whether it was known before.
    pub recognition: Recognition,
}

/// What a subject should be told of a sign-in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Notice {
    /// Other sessions are live beside it.
    Concurrent,
    /// A limit is exceeded that the policy only observes.
    OverLimit,
    /// The device was not seen before.
    UnseenDevice,
}

enum Decided {
    Admitted(Box<Born>),
    Repeated(Box<Born>),
    Refused(Refusal),
    KeyMisused,
    AlreadyUsed,
    TooManyKeys,
}

/// What a sign-in is decided with: its random parts, and the device token that came with it.
struct Drawn<'a> {
    newborn: Newborn,
    secret: &'a TokenSecret,
    fresh: &'a DeviceToken,
    presented: Option<&'a DeviceToken>,
}

/// What the answer says beyond the session itself; sealed for a repeat.
#[derive(Deserialize, Serialize)]
struct Born {
    #[serde(with = "secret_bytes")]
    secret: [u8; TokenSecret::LEN],
    serial: [u8; SessionId::SERIAL_LEN],
    device: [u8; 12],
    device_secret: [u8; DeviceToken::SECRET_LEN],
    is_known: bool,
    ended: Vec<[u8; SessionId::SERIAL_LEN]>,
    notices: Vec<Notice>,
}

impl Authority {
    /// Signs a subject in.
    ///
    /// The limit holds at every instant: the newcomer's birth and the ends that make room for it
    /// are one commit. When this returns, they are durable.
    pub async fn sign_in(&self, request: SignInRequest) -> Result<SignInAnswer, EngineError> {
        let tag = self.tag(&request.tenant, &request.subject);
        let secret = TokenSecret::from_entropy(self.entropy.draw()?);
        let fresh = DeviceToken::from_entropy(tag, self.entropy.draw()?);
        let newborn = Newborn {
            id: SessionId::from_entropy(tag, self.entropy.draw()?),
            token: secret.digest(),
            family: secret.family(),
            device: DeviceSerial(self.entropy.draw()?),
            device_token: fresh.digest(),
        };
        let mut sign_in = request.sign_in.clone();
        // Another subject's device token says nothing here: it is one that nobody knows.
        let presented = request.device.as_ref().filter(|t| t.tag() == tag);
        sign_in.device = presented.and_then(|t| t.digest_for(tag));
        let drawn = Drawn {
            newborn,
            secret: &secret,
            fresh: &fresh,
            presented,
        };
        let replaced_here = request.replaces.as_ref().filter(|t| t.tag() == tag);
        sign_in.replaces = replaced_here.map(|t| t.secret().family());

        let key = request.idempotency.as_ref().map(|i| i.digest);
        let settled = self
            .settle_for(&request.tenant, &request.subject, key, |case| {
                if let Some(idempotency) = &request.idempotency
                    && let Some(answer) = repeat(case, tag, idempotency)?
                {
                    return Ok(Step::Answer(answer));
                }
                self.decide(case, &sign_in, &drawn, request.idempotency.as_ref())
            })
            .await?;

        let (roster, now) = (settled.roster, settled.now);
        let (born, repeated) = match settled.answer {
            Decided::Admitted(born) => (born, false),
            Decided::Repeated(born) => (born, true),
            Decided::Refused(refusal) => return Ok(SignInAnswer::Refused(refusal, roster, now)),
            Decided::KeyMisused => return Ok(SignInAnswer::KeyMisused),
            Decided::AlreadyUsed => return Ok(SignInAnswer::AlreadyUsed),
            Decided::TooManyKeys => return Ok(SignInAnswer::TooManyKeys),
        };
        // Another subject's session on the same browser ends too, in a commit of its own, before
        // the answer. A repeat does it again, should the first try have been cut off.
        if let Some(token) = request.replaces.as_ref().filter(|t| t.tag() != tag) {
            self.supersede(&request.tenant, token).await?;
        }
        let signed_in = born
            .into_answer(roster, now)
            .ok_or(EngineError::Contended(tag))?;
        let signed_in = Box::new(signed_in);
        Ok(if repeated {
            SignInAnswer::Repeated(signed_in)
        } else {
            SignInAnswer::Admitted(signed_in)
        })
    }

    fn decide(
        &self,
        case: &Case<'_>,
        sign_in: &SignIn,
        drawn: &Drawn<'_>,
        idempotency: Option<&Idempotency>,
    ) -> Result<Step<Decided>, EngineError> {
        let (now, newborn) = (case.now(), drawn.newborn);
        let mut sign_in = sign_in.clone();
        if case.reading.roster.is_none() {
            let floor = case.reading.ground.floor;
            sign_in.evidence = sign_in.evidence.map(|e| floor.lift(e));
        }
        let admitted = match admission::admit(case.roster, &sign_in, newborn, case.policy, now) {
            Admission::Admit(admitted) => admitted,
            Admission::Refuse(refusal) => return Ok(Step::Answer(Decided::Refused(refusal))),
        };
        if idempotency.is_some() && case.reading.keys_held >= KEYS_MAX {
            return Ok(Step::Answer(Decided::TooManyKeys));
        }

        let mut notices = Vec::new();
        if admitted.tell_of_device {
            notices.push(Notice::UnseenDevice);
        }
        if admitted.concurrent {
            notices.push(Notice::Concurrent);
        }
        if admitted.over_limit {
            notices.push(Notice::OverLimit);
        }
        let (is_known, device_token) = match (admitted.recognition, drawn.presented) {
            (Recognition::Known, Some(presented)) => (true, presented),
            (Recognition::Known | Recognition::Unseen, _) => (false, drawn.fresh),
        };
        let born = Born {
            secret: *drawn.secret.reveal(),
            serial: *newborn.id.serial(),
            device: admitted.device.serial().0,
            device_secret: *device_token.secret(),
            is_known,
            ended: admitted.changes.iter().filter_map(displaced).collect(),
            notices,
        };
        let remember = idempotency
            .map(|i| self.remember(i, newborn.id, &born, now))
            .transpose()?;
        let answer = Decided::Admitted(Box::new(born));
        Ok(Step::Commit(admitted.changes, remember, answer))
    }

    fn remember(
        &self,
        idempotency: &Idempotency,
        session: SessionId,
        born: &Born,
        now: Timestamp,
    ) -> Result<Remembered, EngineError> {
        let plain = Zeroizing::new(postcard::to_stdvec(born).expect("a vector takes any record"));
        let sealed = seal::seal(&idempotency.secret, Purpose::SignIn, &plain, &*self.entropy)?;
        Ok(Remembered {
            key: idempotency.digest,
            request: idempotency.request,
            session,
            sealed,
            until: now.plus(KEYS_FOR),
        })
    }

    /// Ends the session of a token that the browser held before, if it is of this tenant.
    async fn supersede(&self, tenant: &TenantId, token: &SessionToken) -> Result<(), EngineError> {
        self.settle_at(token.tag(), Some(tenant), |case| {
            let session = match check(case.roster, token, case.now()) {
                Check::Valid(valid) => Some(valid.session),
                Check::Reused(session) | Check::Replaced(session) => Some(session),
                Check::Ended(_) | Check::Unknown => None,
            };
            let Some(session) = session else {
                return Ok(Step::Answer(()));
            };
            let (reason, by) = (EndReason::Superseded, Initiator::User);
            Ok(
                match revoke(case.roster, session.id, reason, by, case.now()) {
                    Revocation::End(changes) => Step::Commit(changes, None, ()),
                    Revocation::AlreadyEnded | Revocation::Absent => Step::Answer(()),
                },
            )
        })
        .await
        .map(|_| ())
    }
}

/// The answer that is remembered under a key, if there is one.
fn repeat(
    case: &Case<'_>,
    tag: RosterTag,
    idempotency: &Idempotency,
) -> Result<Option<Decided>, EngineError> {
    let Some(remembered) = &case.reading.remembered else {
        return Ok(None);
    };
    if remembered.session.tag() != tag || remembered.request != idempotency.request {
        return Ok(Some(Decided::KeyMisused));
    }
    let live = case
        .roster
        .live(case.now())
        .any(|s| s.id == remembered.session);
    if !live {
        return Ok(Some(Decided::AlreadyUsed));
    }
    let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| EngineError::Register {
        name: "remembered answer".into(),
        source,
    };
    let plain = seal::open(&idempotency.secret, Purpose::SignIn, &remembered.sealed)
        .ok_or_else(|| unreadable("it does not open under the key it is remembered by".into()))?;
    let born = postcard::from_bytes(&plain).map_err(|e| unreadable(e.into()))?;
    Ok(Some(Decided::Repeated(Box::new(born))))
}

/// The session that a change of an admission displaces. An expiry displaces nobody.
fn displaced(change: &Change) -> Option<[u8; SessionId::SERIAL_LEN]> {
    match change {
        Change::End { id, ending } => {
            let expired = matches!(ending.reason, EndReason::Idle | EndReason::Absolute);
            (!expired).then_some(*id.serial())
        }
        _ => None,
    }
}

impl Born {
    /// Puts the answer together; `None` if the session is not in the roster, which a store that
    /// keeps its contract never says of a commit that is done.
    fn into_answer(self, roster: Arc<Roster>, now: Timestamp) -> Option<SignedIn> {
        let tag = roster.tag;
        let session = Arc::clone(roster.find(SessionId::from_entropy(tag, self.serial))?);
        let ended = self
            .ended
            .iter()
            .filter_map(|serial| roster.find_ended(SessionId::from_entropy(tag, *serial), now))
            .cloned()
            .collect();
        Some(SignedIn {
            token: SessionToken::new(tag, TokenSecret::from_entropy(self.secret)),
            device: SignedInDevice {
                id: DeviceId::new(tag, DeviceSerial(self.device)),
                token: DeviceToken::from_entropy(tag, self.device_secret),
                recognition: if self.is_known {
                    Recognition::Known
                } else {
                    Recognition::Unseen
                },
            },
            session,
            ended,
            notices: self.notices,
            roster,
            now,
        })
    }
}

mod secret_bytes {
    //! Arrays longer than serde knows, as bytes.

    use innkeeper_domain::token::TokenSecret;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        bytes: &[u8; TokenSecret::LEN],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; TokenSecret::LEN], D::Error> {
        let bytes = Vec::<u8>::deserialize(deserializer)?;
        bytes
            .try_into()
            .map_err(|_| D::Error::custom("a secret has another length"))
    }
}
