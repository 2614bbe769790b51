//! Sign in: one more session for a subject, or a clear no.

mod born;
mod repeat;

use std::borrow::Cow;
use std::sync::Arc;

use self::born::{Born, Said, Told, displaced};
pub use self::repeat::{Idempotency, KEYS_FOR, KEYS_MAX};
use crate::budget::{Place, Try};
use crate::choice::{ChoiceRequest, Opened, Standing};
use crate::revoke::Scope;
use crate::settle::{Case, Step};
use crate::{Authority, EngineError};
use innkeeper_domain::admission::{self, Admission, Newborn, Recognition, Refusal, SignIn};
use innkeeper_domain::budget::{Left, Spent};
use innkeeper_domain::device::{DeviceId, DeviceSerial, DeviceToken};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::notice::Notice;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::seats::WayOut;
use innkeeper_domain::session::{
    EndReason, EndedSession, Initiator, Session, SessionId, Timestamp,
};
use innkeeper_domain::ticket::ChoiceTicket;
use innkeeper_domain::token::{RosterTag, SessionToken, TokenSecret};

/// A sign-in to carry out.
#[derive(Debug)]
pub struct SignInRequest {
    /// The tenant.
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
    /// The ticket was not issued here, at this place, for this subject, or its time is over.
    UnknownTicket,
    /// The key was used for another request.
    KeyMisused,
    /// The session that was born under this key has ended, or the ticket was used.
    AlreadyUsed,
    /// Too many keys of this subject are remembered already.
    TooManyKeys,
    /// There were too many sign-ins, and nothing was decided.
    OverBudget(Spent),
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
    /// What is left of the budget, where one was asked.
    pub left: Option<Left>,
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

enum Decided {
    Admitted(Box<Born>),
    Repeated(Box<Born>),
    Refused(Refusal, Option<ChoiceTicket>),
    UnknownTicket,
    KeyMisused,
    AlreadyUsed,
    TooManyKeys,
    OverBudget(Spent),
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
    /// Where it is made.
    place: Place,
    drawn: Drawn,
}

impl Authority {
    /// Signs a subject in on our own pages.
    ///
    /// The limit holds at every instant: the newcomer's birth and the ends that make room for it
    /// are one commit. When this returns, they are durable.
    ///
    /// No budget is asked here: who knows the proof asks [`spend`](Self::spend) before looking at
    /// it, or calls [`sign_in_within_budget`](Self::sign_in_within_budget).
    pub async fn sign_in(&self, request: SignInRequest) -> Result<SignInAnswer, EngineError> {
        self.sign_in_at(Place::Hosted, request).await
    }

    /// The same for an application, if the budget `api_sign_ins` has one left, where it is set.
    ///
    /// A repeat of an answered call is answered again and costs nothing; neither does the choice
    /// of whom to end, since its ticket works once.
    pub async fn sign_in_within_budget(
        &self,
        request: SignInRequest,
    ) -> Result<SignInAnswer, EngineError> {
        self.sign_in_at(Place::Api, request).await
    }

    async fn sign_in_at(
        &self,
        place: Place,
        request: SignInRequest,
    ) -> Result<SignInAnswer, EngineError> {
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
            place,
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
        let Some(mut opened) = self.open_ticket(drawn.tag, request.place, request.ticket) else {
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
            place: request.place,
            drawn,
        })
        .await
    }

    fn draw(&self, tenant: &TenantId, subject: &SubjectId) -> Result<Drawn, EngineError> {
        const BYTES: usize =
            TokenSecret::LEN + DeviceToken::SECRET_LEN + SessionId::SERIAL_LEN + DeviceSerial::LEN;

        let tag = self.tag(tenant, subject);
        let mut drawn = self.entropy.draw_handful::<BYTES>()?;
        let secret = TokenSecret::from_entropy(drawn.take());
        let fresh = DeviceToken::from_entropy(tag, drawn.take());
        let newborn = Newborn {
            id: SessionId::from_entropy(tag, drawn.take()),
            token: secret.digest(),
            family: secret.family(),
            device: DeviceSerial(drawn.take()),
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

        let keys = attempt.keys();
        // Asked once, however often this is decided.
        let mut asked = None;
        let decide = |case: &Case<'_>| match attempt.repeat(case)? {
            Some(answer) => Ok(Step::Answer(answer)),
            None => match *asked.get_or_insert_with(|| self.ask_budget(case, &attempt)) {
                Ok(_) => self.decide(case, &attempt),
                Err(spent) => Ok(Step::Answer(Decided::OverBudget(spent))),
            },
        };
        let settled = self
            .settle_tagged(tag, &attempt.tenant, &attempt.subject, &keys, decide)
            .await?;
        let left = asked.and_then(Result::ok).flatten();

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
            Decided::OverBudget(spent) => return Ok(SignInAnswer::OverBudget(spent)),
        };
        // Another subject's session on the same browser ends too, in a commit of its own, before
        // the answer. A repeat does it again, should the first try have been cut off.
        if let Some(token) = attempt.replaces.as_ref().filter(|t| t.tag() != tag) {
            let (reason, by) = (EndReason::Superseded, Initiator::User);
            self.revoke_by_token(Some(&attempt.tenant), token, reason, by)
                .await?;
        }
        let signed_in = born
            .into_answer(roster, now)
            .ok_or(EngineError::Contended(tag))?;
        if let Some(federation) = &attempt.sign_in.federation
            && self.is_over(&attempt.tenant, federation).await?
        {
            // The provider said so while this was under way, perhaps before there was a session
            // that could have ended by it.
            let (reason, by) = (EndReason::Federation, Initiator::System);
            let born = Scope::Tenant(&attempt.tenant);
            let _ = self.revoke(born, signed_in.session.id, reason, by).await?;
            let turned_away = TurnedAway {
                roster: signed_in.roster,
                now: signed_in.now,
                choice: None,
            };
            let refusal = Refusal::StaleGeneration;
            return Ok(SignInAnswer::Refused(refusal, Box::new(turned_away)));
        }
        let signed_in = Box::new(SignedIn { left, ..signed_in });
        Ok(if repeated {
            SignInAnswer::Repeated(signed_in)
        } else {
            SignInAnswer::Admitted(signed_in)
        })
    }

    fn ask_budget(&self, case: &Case<'_>, attempt: &Attempt) -> Result<Option<Left>, Spent> {
        // Our pages ask before the proof, and a choice was paid for by the call that gave it.
        if attempt.place == Place::Hosted || attempt.ticket.is_some() {
            return Ok(None);
        }
        let sign_in = &attempt.sign_in;
        let tried = Try {
            tenant: &attempt.tenant,
            who: attempt.subject.as_str(),
            ip: sign_in.origin.ip,
            device: sign_in.device,
            client: sign_in.client.as_ref(),
            class: sign_in.class,
            remember: sign_in.remember,
        };
        self.spend_under(case.policy, attempt.place, &tried, case.roster, case.now())
    }

    fn decide(&self, case: &Case<'_>, attempt: &Attempt) -> Result<Step<Decided>, EngineError> {
        let now = case.now();
        match attempt.ticket.as_ref().map(|t| t.proved.standing(case)) {
            Some(Standing::Void) => return Ok(Step::Answer(Decided::UnknownTicket)),
            Some(Standing::Stale) => {
                let refusal = if case.roster.disabled {
                    Refusal::Disabled
                } else {
                    Refusal::StaleGeneration
                };
                return Ok(Step::Answer(Decided::Refused(refusal, None)));
            }
            Some(Standing::Good) | None => {}
        }
        let mut sign_in = Cow::Borrowed(&attempt.sign_in);
        if case.reading.roster.is_none() && sign_in.evidence.is_some() {
            let floor = case.reading.ground.floor;
            let lifted = sign_in.evidence.map(|e| floor.lift(e));
            sign_in.to_mut().evidence = lifted;
        }
        let newborn = attempt.drawn.newborn;
        let (roster, policy) = (case.roster, case.policy);
        let admission = match case.full {
            None => admission::admit(roster, &sign_in, newborn, policy, now),
            Some(seats) => {
                admission::admit_for_own_seat(roster, &sign_in, newborn, policy, seats, now)
            }
        };
        let admitted = match admission {
            Admission::Admit(admitted) => admitted,
            Admission::Refuse(refusal) => {
                let ticket = self.ticket_for(case, attempt, &refusal)?;
                return Ok(Step::Answer(Decided::Refused(refusal, ticket)));
            }
        };
        let keys = attempt.keys().len();
        if keys > 0 && case.reading.keys_held + keys > KEYS_MAX {
            return Ok(Step::Answer(Decided::TooManyKeys));
        }

        let told = [
            (Told::UnseenDevice, admitted.tell_of_device),
            (Told::Concurrent, admitted.concurrent),
            (Told::OverLimit, admitted.over_limit),
        ];
        let told = told
            .into_iter()
            .filter_map(|(notice, is_so)| is_so.then_some(notice));
        let told = told.collect();
        let (is_known, device_token) = match (admitted.recognition, &attempt.device) {
            (Recognition::Known, Some(presented)) => (true, presented),
            (Recognition::Known | Recognition::Unseen, _) => (false, &attempt.drawn.fresh),
        };
        let born = Born {
            said: Said {
                secret: *attempt.drawn.secret.reveal(),
                serial: *newborn.id.serial(),
                device: admitted.device.serial().0,
                device_secret: *device_token.secret(),
                is_known,
                told,
            },
            ended: displaced(case.roster, &admitted.changes),
        };
        let remember = self.remember(attempt, &born, now)?;
        let answer = Decided::Admitted(Box::new(born));
        Ok(Step::Remember(admitted.changes, remember, answer))
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
                let sent = attempt.idempotency.as_ref();
                Ok(self.ticket(
                    case,
                    attempt.place,
                    &attempt.sign_in,
                    replaces,
                    device,
                    sent,
                )?)
            }
            Refusal::SessionLimit(_)
            | Refusal::Disabled
            | Refusal::DeviceNotTrusted
            | Refusal::StaleGeneration => Ok(None),
        }
    }
}
