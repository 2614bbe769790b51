//! Rotate: the next token of a session, once, however often the answer is lost.

use std::sync::Arc;

use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::check::{Check, Shown, check};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::revocation::revoke_all;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::rotation::{self, Occasion, Rotation, Successor};
use innkeeper_domain::session::{
    EndReason, Ending, Initiator, Sealed, Session, SessionId, Timestamp,
};
use innkeeper_domain::token::{SessionToken, TokenSecret};

use crate::revoke::count_ended;
use crate::seal::{self, Purpose};
use crate::settle::{Case, Step};
use crate::{Authority, EngineError};

/// The answer to a request for a new token.
#[derive(Debug)]
#[must_use]
pub enum RotateAnswer {
    /// Here it is; the same one for whoever repeats.
    Rotated(Box<Rotated>),
    /// The presented token is not good for this.
    NoSession(Option<Ending>),
    /// The session is bound to a device, and the token came without it. That was counted.
    DeviceMismatch,
}

/// A session with its next token.
#[derive(Debug)]
pub struct Rotated {
    /// The token.
    pub token: SessionToken,
    /// The session.
    pub session: Arc<Session>,
    /// Its roster.
    pub roster: Arc<Roster>,
    /// The store's time.
    pub now: Timestamp,
}

/// What a changed credential came to.
#[derive(Debug)]
pub struct CredentialChanged {
    /// How many sessions this call ended.
    pub ended: usize,
    /// The session that was kept, with its next token.
    pub kept: Option<Box<Rotated>>,
}

enum Decided {
    /// The session has this secret now.
    Token(SessionId, TokenSecret),
    /// Nothing was done.
    Nothing(Option<Ending>),
    /// Nothing was done but to count a token that came without its device.
    DeviceMismatch,
    /// An older token was presented: the session must end.
    Reused,
}

impl Authority {
    /// Gives the session of `token` its next token, by what was shown of a device, and only within
    /// one tenant if one is named.
    pub async fn rotate(
        &self,
        tenant: Option<&TenantId>,
        token: &SessionToken,
        device: Shown,
        occasion: Occasion,
    ) -> Result<RotateAnswer, EngineError> {
        let fresh = self.entropy.draw()?;
        let settled = self
            .settle_at(token.tag(), tenant, |case| {
                let occasion = occasion.clone();
                let (changes, decided) = self.next_token(case, token, device, fresh, occasion)?;
                Ok(if changes.is_empty() {
                    Step::Answer(decided)
                } else {
                    Step::Commit(changes, decided)
                })
            })
            .await?;
        let Some(settled) = settled else {
            return Ok(RotateAnswer::NoSession(None));
        };
        match settled.answer {
            Decided::Token(id, secret) => Ok(rotated(id, secret, settled.roster, settled.now)
                .map_or(RotateAnswer::NoSession(None), |r| {
                    RotateAnswer::Rotated(Box::new(r))
                })),
            Decided::Nothing(ending) => Ok(RotateAnswer::NoSession(ending)),
            Decided::DeviceMismatch => Ok(RotateAnswer::DeviceMismatch),
            Decided::Reused => self.end_reused(token).await.map(RotateAnswer::NoSession),
        }
    }

    /// Ends all sessions of a subject because a credential changed, and raises the generation.
    ///
    /// The session of `keep`, if that token is good and came with the device that its session is
    /// bound to, lives on with a new token. If it is not, everything ends: a changed credential
    /// never leaves a session that nobody vouched for.
    pub async fn credential_changed(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
        keep: Option<(&SessionToken, Shown)>,
        initiator: Initiator,
    ) -> Result<CredentialChanged, EngineError> {
        let fresh = self.entropy.draw()?;
        let tag = self.tag(tenant, subject);
        let keep = keep.filter(|(token, _)| token.tag() == tag);
        let settled = self
            .settle_for(tenant, subject, &[], |case| {
                let (rotation, decided) = match keep {
                    Some((token, device)) => {
                        let occasion = Occasion::CredentialChange;
                        self.next_token(case, token, device, fresh, occasion)?
                    }
                    None => (Vec::new(), Decided::Nothing(None)),
                };
                let kept = match &decided {
                    Decided::Token(id, _) => Keep::One(*id),
                    Decided::Nothing(_) | Decided::DeviceMismatch | Decided::Reused => Keep::None,
                };
                let (now, reason) = (case.now(), EndReason::CredentialChange);
                let mut changes = revoke_all(case.roster, kept, reason, initiator, now);
                let ended = count_ended(&changes, reason);
                // The expiries lead both decisions, and a session that ends needs no count of its
                // mismatches.
                changes.extend(
                    rotation
                        .into_iter()
                        .filter(|c| !matches!(c, Change::End { .. } | Change::Mismatch { .. })),
                );
                Ok(Step::Commit(changes, (ended, decided)))
            })
            .await?;
        let (ended, decided) = settled.answer;
        let kept = match decided {
            Decided::Token(id, secret) => rotated(id, secret, settled.roster, settled.now),
            Decided::Nothing(_) | Decided::DeviceMismatch | Decided::Reused => None,
        };
        Ok(CredentialChanged {
            ended,
            kept: kept.map(Box::new),
        })
    }

    /// Decides the next token of the session that `token` proves.
    fn next_token(
        &self,
        case: &Case<'_>,
        token: &SessionToken,
        device: Shown,
        fresh: [u8; 32],
        occasion: Occasion,
    ) -> Result<(Vec<Change>, Decided), EngineError> {
        let (roster, now) = (case.roster, case.now());
        let secret = token.secret().successor(fresh);
        let under = token.secret().reveal();
        let successor = Successor {
            digest: secret.digest(),
            sealed: seal::seal(under, Purpose::Successor, secret.reveal(), &*self.entropy)?,
        };
        Ok(
            match rotation::rotate(roster, token, device, successor, occasion, case.policy, now) {
                Rotation::Rotate { id, changes } => (changes, Decided::Token(id, secret)),
                Rotation::DeviceMismatch { changes } => (changes, Decided::DeviceMismatch),
                Rotation::Repeat { session, sealed } => match open(token, &sealed) {
                    Some(secret) => (Vec::new(), Decided::Token(session.id, secret)),
                    None => (Vec::new(), Decided::Nothing(None)),
                },
                Rotation::Refuse => match check(roster, token, now) {
                    Check::Reused(_) => (Vec::new(), Decided::Reused),
                    Check::Ended(ending) => (Vec::new(), Decided::Nothing(Some(ending))),
                    Check::Valid(_) | Check::Replaced(_) | Check::Unknown => {
                        (Vec::new(), Decided::Nothing(None))
                    }
                },
            },
        )
    }
}

/// The successor that `token` was replaced by, for the holder of `token`.
pub(crate) fn successor_of(session: &Session, token: &SessionToken) -> Option<SessionToken> {
    let sealed = &session.previous.as_ref()?.sealed_successor;
    Some(SessionToken::new(token.tag(), open(token, sealed)?))
}

fn open(token: &SessionToken, sealed: &Sealed) -> Option<TokenSecret> {
    let plain = seal::open(token.secret().reveal(), Purpose::Successor, sealed)?;
    Some(TokenSecret::from_entropy(plain.as_slice().try_into().ok()?))
}

fn rotated(
    id: SessionId,
    secret: TokenSecret,
    roster: Arc<Roster>,
    now: Timestamp,
) -> Option<Rotated> {
    let session = Arc::clone(roster.find(id)?);
    Some(Rotated {
        token: SessionToken::new(roster.tag, secret),
        session,
        roster,
        now,
    })
}
