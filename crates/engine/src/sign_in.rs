//! Sign in: one more session for a subject, or a clear no.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::admission::{self, Admission, Newborn, Recognition, Refusal, SignIn};
use innkeeper_domain::change::Change;
use innkeeper_domain::device::{DeviceId, DeviceSerial, DeviceToken};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::seats::WayOut;
use innkeeper_domain::session::{
    EndReason, EndedSession, Initiator, Sealed, Session, SessionId, Timestamp,
};
use innkeeper_domain::ticket::ChoiceTicket;
use innkeeper_domain::token::{RosterTag, SessionToken, TokenSecret};
use innkeeper_store::{KeyDigest, Remembered, record};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::choice::{ChoiceRequest, Opened, Standing};
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
    Refused(Refusal, Box<TurnedAway>),
    /// The ticket was not issued here for this subject, or its time is over.
    UnknownTicket,
    /// The key was used for another request.
    KeyMisused,
    /// The session that was born under this key has ended, or the ticket was used.
    AlreadyUsed,
    /// Too many keys of this subject are remembered already.
    TooManyKeys,
}

/// What a sign-in found that was turned away.
#[derive(Debug)]
pub struct TurnedAway {
    /// The roster.
    pub roster: Arc<Roster>,
    /// The store's time.
    pub now: Timestamp,
    /// What the subject comes back with to choose whom to end, where that helps.
    pub choice: Option<ChoiceTicket>,
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
    Refused(Refusal, Option<ChoiceTicket>),
    UnknownTicket,
    KeyMisused,
    AlreadyUsed,
    TooManyKeys,
}

/// The random parts of a sign-in.
struct Drawn {
    tag: RosterTag,
    newborn: Newborn,
    secret: TokenSecret,
    /// The token of the device, should it not be a known one.
    fresh: DeviceToken,
}

/// A sign-in on its way, with proof or with the ticket that stands for it.
struct Attempt {
    tenant: TenantId,
    subject: SubjectId,
    sign_in: SignIn,
    replaces: Option<SessionToken>,
    /// The device token that came with it, if it is of this roster.
    device: Option<DeviceToken>,
    idempotency: Option<Idempotency>,
    ticket: Option<Opened>,
    drawn: Drawn,
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
    /// The sessions that ended for it, in their stored form: the roster forgets.
    ended: Vec<u8>,
    notices: Vec<Notice>,
}

impl Authority {
    /// Signs a subject in.
    ///
    /// The limit holds at every instant: the newcomer's birth and the ends that make room for it
    /// are one commit. When this returns, they are durable.
    pub async fn sign_in(&self, request: SignInRequest) -> Result<SignInAnswer, EngineError> {
        let drawn = self.draw(&request.tenant, &request.subject)?;
        let mut sign_in = request.sign_in;
        // Another subject's device token says nothing here: it is one that nobody knows.
        let device = request.device.filter(|t| t.tag() == drawn.tag);
        sign_in.device = device.as_ref().and_then(|t| t.digest_for(drawn.tag));
        self.carry_out(Attempt {
            tenant: request.tenant,
            subject: request.subject,
            sign_in,
            replaces: request.replaces,
            device,
            idempotency: request.idempotency,
            ticket: None,
            drawn,
        })
        .await
    }

    /// Signs a subject in that was asked whom to end, by the ticket of that refusal.
    ///
    /// All is decided anew. The ticket works once: whoever presents it again, with another choice
    /// or the same, is told that it was used, save a repeat of this very call.
    pub async fn choose(&self, request: ChoiceRequest) -> Result<SignInAnswer, EngineError> {
        let drawn = self.draw(&request.tenant, &request.subject)?;
        let Some(mut opened) = self.open_ticket(drawn.tag, request.ticket) else {
            let answer = Ok(SignInAnswer::UnknownTicket);
            self.metrics.admitted(answer.as_ref());
            return answer;
        };
        let mut sign_in = opened.sign_in.clone();
        sign_in.end = request.end;
        let device = opened.device.take();
        sign_in.device = device.as_ref().and_then(|t| t.digest_for(drawn.tag));
        self.carry_out(Attempt {
            tenant: request.tenant,
            subject: request.subject,
            sign_in,
            replaces: request.replaces.or_else(|| opened.replaces.take()),
            device,
            idempotency: request.idempotency,
            ticket: Some(opened),
            drawn,
        })
        .await
    }

    fn draw(&self, tenant: &TenantId, subject: &SubjectId) -> Result<Drawn, EngineError> {
        let tag = self.tag(tenant, subject);
        let secret = TokenSecret::from_entropy(self.entropy.draw()?);
        let fresh = DeviceToken::from_entropy(tag, self.entropy.draw()?);
        let newborn = Newborn {
            id: SessionId::from_entropy(tag, self.entropy.draw()?),
            token: secret.digest(),
            family: secret.family(),
            device: DeviceSerial(self.entropy.draw()?),
            device_token: fresh.digest(),
        };
        Ok(Drawn {
            tag,
            newborn,
            secret,
            fresh,
        })
    }

    async fn carry_out(&self, attempt: Attempt) -> Result<SignInAnswer, EngineError> {
        let answer = self.decide_and_commit(attempt).await;
        self.metrics.admitted(answer.as_ref());
        answer
    }

    async fn decide_and_commit(&self, mut attempt: Attempt) -> Result<SignInAnswer, EngineError> {
        let tag = attempt.drawn.tag;
        let replaced_here = attempt.replaces.as_ref().filter(|t| t.tag() == tag);
        attempt.sign_in.replaces = replaced_here.map(|t| t.secret().family());

        let settled = self
            .settle_for(
                &attempt.tenant,
                &attempt.subject,
                attempt.key(),
                |case| match attempt.repeat(case)? {
                    Some(answer) => Ok(Step::Answer(answer)),
                    None => self.decide(case, &attempt),
                },
            )
            .await?;

        let (roster, now) = (settled.roster, settled.now);
        let (born, repeated) = match settled.answer {
            Decided::Admitted(born) => (born, false),
            Decided::Repeated(born) => (born, true),
            Decided::Refused(refusal, fresh) => {
                let choice = match (attempt.ticket, &refusal) {
                    // The same one: it gets neither older nor younger by being refused.
                    (Some(opened), Refusal::SessionLimit(no_seat)) => {
                        (no_seat.way_out == WayOut::Choose).then_some(opened.ticket)
                    }
                    _ => fresh,
                };
                let turned_away = TurnedAway {
                    roster,
                    now,
                    choice,
                };
                return Ok(SignInAnswer::Refused(refusal, Box::new(turned_away)));
            }
            Decided::UnknownTicket => return Ok(SignInAnswer::UnknownTicket),
            Decided::KeyMisused => return Ok(SignInAnswer::KeyMisused),
            Decided::AlreadyUsed => return Ok(SignInAnswer::AlreadyUsed),
            Decided::TooManyKeys => return Ok(SignInAnswer::TooManyKeys),
        };
        // Another subject's session on the same browser ends too, in a commit of its own, before
        // the answer. A repeat does it again, should the first try have been cut off.
        if let Some(token) = attempt.replaces.as_ref().filter(|t| t.tag() != tag) {
            let (reason, by) = (EndReason::Superseded, Initiator::User);
            self.revoke_by_token(Some(&attempt.tenant), token, reason, by)
                .await?;
        }
        let signed_in = born
            .into_answer(roster, now)?
            .ok_or(EngineError::Contended(tag))?;
        let signed_in = Box::new(signed_in);
        Ok(if repeated {
            SignInAnswer::Repeated(signed_in)
        } else {
            SignInAnswer::Admitted(signed_in)
        })
    }

    fn decide(&self, case: &Case<'_>, attempt: &Attempt) -> Result<Step<Decided>, EngineError> {
        let now = case.now();
        match attempt.ticket.as_ref().map(|t| t.proved.standing(case)) {
            Some(Standing::Void) => return Ok(Step::Answer(Decided::UnknownTicket)),
            Some(Standing::Stale) => {
                let refusal = Refusal::StaleGeneration;
                return Ok(Step::Answer(Decided::Refused(refusal, None)));
            }
            Some(Standing::Good) | None => {}
        }
        let mut sign_in = attempt.sign_in.clone();
        if case.reading.roster.is_none() {
            let floor = case.reading.ground.floor;
            sign_in.evidence = sign_in.evidence.map(|e| floor.lift(e));
        }
        let newborn = attempt.drawn.newborn;
        let admitted = match admission::admit(case.roster, &sign_in, newborn, case.policy, now) {
            Admission::Admit(admitted) => admitted,
            Admission::Refuse(refusal) => {
                let ticket = self.ticket_for(case, attempt, &refusal)?;
                return Ok(Step::Answer(Decided::Refused(refusal, ticket)));
            }
        };
        let key = attempt.key();
        if key.is_some() && case.reading.keys_held >= KEYS_MAX {
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
        let (is_known, device_token) = match (admitted.recognition, &attempt.device) {
            (Recognition::Known, Some(presented)) => (true, presented),
            (Recognition::Known | Recognition::Unseen, _) => (false, &attempt.drawn.fresh),
        };
        let born = Born {
            secret: *attempt.drawn.secret.reveal(),
            serial: *newborn.id.serial(),
            device: admitted.device.serial().0,
            device_secret: *device_token.secret(),
            is_known,
            ended: record::encode_ended(&displaced(case.roster, &admitted.changes)),
            notices,
        };
        let remember = key
            .map(|key| self.remember(key, attempt, &born, now))
            .transpose()?;
        let answer = Decided::Admitted(Box::new(born));
        Ok(Step::Commit(admitted.changes, remember, answer))
    }

    /// The ticket that goes out with a first refusal, where the subject has a choice.
    fn ticket_for(
        &self,
        case: &Case<'_>,
        attempt: &Attempt,
        refusal: &Refusal,
    ) -> Result<Option<ChoiceTicket>, EngineError> {
        match refusal {
            Refusal::SessionLimit(no_seat)
                if no_seat.way_out == WayOut::Choose && attempt.ticket.is_none() =>
            {
                let replaces = attempt.replaces.as_ref();
                let device = attempt.device.as_ref();
                Ok(self.ticket(case, &attempt.sign_in, replaces, device, attempt.key())?)
            }
            Refusal::SessionLimit(_)
            | Refusal::Disabled
            | Refusal::DeviceNotTrusted
            | Refusal::StaleGeneration => Ok(None),
        }
    }

    fn remember(
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
    fn key(&self) -> Option<KeyDigest> {
        let ticket = self.ticket.as_ref().map(|t| t.key);
        ticket.or_else(|| self.idempotency.as_ref().map(|i| i.digest))
    }

    /// The answer that is remembered under the key, if there is one.
    fn repeat(&self, case: &Case<'_>) -> Result<Option<Decided>, EngineError> {
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

fn unreadable(source: Box<dyn std::error::Error + Send + Sync>) -> EngineError {
    EngineError::Register {
        name: "remembered answer".into(),
        source,
    }
}

/// The sessions that an admission displaces, as it leaves them. An expiry displaces nobody.
fn displaced(roster: &Roster, changes: &[Change]) -> Vec<EndedSession> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::End { id, ending } => {
                let expired = matches!(ending.reason, EndReason::Idle | EndReason::Absolute);
                let session = roster.find(*id).filter(|_| !expired)?;
                Some(EndedSession {
                    session: Arc::clone(session),
                    ending: *ending,
                })
            }
            _ => None,
        })
        .collect()
}

impl Born {
    /// Puts the answer together; `None` if the session is not in the roster, which a store that
    /// keeps its contract never says of a commit that is done.
    fn into_answer(
        self,
        roster: Arc<Roster>,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, EngineError> {
        let tag = roster.tag;
        let id = SessionId::from_entropy(tag, self.serial);
        let Some(session) = roster.find(id).map(Arc::clone) else {
            return Ok(None);
        };
        let ended = record::decode_ended(tag, &self.ended).map_err(|e| unreadable(e.into()))?;
        Ok(Some(SignedIn {
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
        }))
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
