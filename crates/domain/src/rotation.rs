//! Rotation: a new token for the same session, and what the old one is still good for.

use std::sync::Arc;
use std::time::Duration;

use crate::change::Change;
use crate::check::{Check, check};
use crate::policy::Policy;
use crate::roster::Roster;
use crate::session::{
    AuthenticationEvent, GraceEnd, PreviousToken, Sealed, Session, SessionId, Timestamp,
    TokenDigest,
};
use crate::token::SessionToken;

/// For how long a rotation can be repeated, and a rotated token be good, at the most.
pub const REPEATABLE_FOR: Duration = Duration::from_mins(5);

impl PreviousToken {
    /// Whether this token still passes a check.
    #[must_use]
    pub fn is_accepted(&self, now: Timestamp) -> bool {
        now < self.accepted_until.get()
    }

    /// Whether repeating the call that replaced this token still finds the successor.
    #[must_use]
    pub fn is_repeatable(&self, now: Timestamp) -> bool {
        self.is_accepted(now) || now < self.repeatable_until
    }
}

/// Why a token is replaced.
#[derive(Clone, Debug)]
pub enum Occasion {
    /// Its time has come, or the client asked. The old token is good for a grace, and just so
    /// long finds its successor.
    Renewal,
    /// Identity was proved again (ASVS 7.2.4). The old token fails at once.
    Reauthentication(AuthenticationEvent),
    /// A credential changed. The old token fails at once.
    CredentialChange,
}

/// The successor of a token, drawn and sealed by the caller.
#[derive(Clone, Debug)]
pub struct Successor {
    /// Its digest.
    pub digest: TokenDigest,
    /// Its secret, sealed under the token it replaces.
    pub sealed: Sealed,
}

/// The answer to a request for a new token.
#[derive(Clone, Debug)]
#[must_use]
pub enum Rotation {
    /// Commit these changes; the successor is then the one current token.
    Rotate {
        /// The session.
        id: SessionId,
        /// What to commit.
        changes: Vec<Change>,
    },
    /// It was rotated before, and its answer may have been lost: this is the same successor.
    Repeat {
        /// The session.
        session: Arc<Session>,
        /// The successor's secret, sealed under the presented token.
        sealed: Sealed,
    },
    /// The presented token is not good for this. What [`check`] said applies.
    Refuse,
}

/// Decides what becomes of a session whose holder asks for a new token.
///
/// One successor a token (S9): whoever repeats the call within the time allowed gets the same
/// one. Only the same call is a repeat. If a renewal found the successor that a reauthentication
/// made, a copy of the old token would be worth the new assurance; and if a reauthentication in
/// the grace of a renewal were taken for its repeat, it would raise nothing. So the latter makes
/// a new token, and the one that the renewal made is withdrawn unused: presented, it is reuse.
pub fn rotate(
    roster: &Roster,
    token: &SessionToken,
    successor: Successor,
    occasion: Occasion,
    policy: &Policy,
    now: Timestamp,
) -> Rotation {
    let now = now.max(roster.time_high);
    let digest = token.secret().digest();
    let session = match check(roster, token, now) {
        Check::Valid(valid) => {
            if let Some(previous) = replaced(valid.session, digest)
                && matches!(occasion, Occasion::Renewal)
            {
                return repeat(valid.session, previous);
            }
            valid.session
        }
        Check::Replaced => {
            return find_replaced(roster, digest)
                .filter(|(session, _)| could_have_replaced(&occasion, session))
                .map_or(Rotation::Refuse, |(session, previous)| {
                    repeat(session, previous)
                });
        }
        Check::Reused(_) | Check::Ended(_) | Check::Unknown => return Rotation::Refuse,
    };

    let (accepted_until, repeatable_until) = match occasion {
        Occasion::Renewal => (now.plus(REPEATABLE_FOR), now),
        Occasion::Reauthentication(_) | Occasion::CredentialChange => {
            (now, now.plus(REPEATABLE_FOR))
        }
    };
    let mut changes = roster.expiries(now);
    changes.push(Change::Rotation {
        id: session.id,
        token: successor.digest,
        at: now,
        previous: Box::new(PreviousToken {
            digest,
            accepted_until: GraceEnd::new(accepted_until),
            repeatable_until,
            sealed_successor: successor.sealed,
        }),
    });
    if let Occasion::Reauthentication(mut event) = occasion {
        event.at = event.at.min(now);
        changes.push(Change::Reauthentication {
            id: session.id,
            event,
            absolute_deadline: now.plus(policy.terms(&roster.facts(session)).absolute),
        });
    }
    Rotation::Rotate {
        id: session.id,
        changes,
    }
}

fn repeat(session: &Arc<Session>, previous: &PreviousToken) -> Rotation {
    Rotation::Repeat {
        session: Arc::clone(session),
        sealed: previous.sealed_successor.clone(),
    }
}

fn replaced(session: &Session, digest: TokenDigest) -> Option<&PreviousToken> {
    session.previous.as_deref().filter(|p| p.digest == digest)
}

fn find_replaced(roster: &Roster, digest: TokenDigest) -> Option<(&Arc<Session>, &PreviousToken)> {
    roster
        .sessions
        .iter()
        .find_map(|session| Some((session, replaced(session, digest)?)))
}

/// Whether the call for this occasion may be the one that replaced a token without a grace.
///
/// A repeated reauthentication says what the session says already; another proof than that is
/// no repeat, and an answer that passed over it would be untrue.
fn could_have_replaced(occasion: &Occasion, session: &Session) -> bool {
    match occasion {
        Occasion::Renewal => false,
        Occasion::Reauthentication(event) => {
            let known = &session.authentication;
            event.methods == known.methods && event.assurance == known.assurance
        }
        Occasion::CredentialChange => true,
    }
}

/// The moment from which a rotated token is no longer good, now that its successor was seen.
///
/// `None` if nothing comes nearer by it.
#[must_use]
pub fn grace_end(session: &Session, grace: Duration, now: Timestamp) -> Option<Timestamp> {
    let end = now.plus(grace.min(REPEATABLE_FOR));
    session
        .previous
        .as_ref()
        .filter(|p| p.is_accepted(now) && end < p.accepted_until.get())
        .map(|_| end)
}

/// Whether the policy asks for a new token at this check.
///
/// Not while the token before still means something: a second rotation would make it one of
/// those whose reuse ends the session, and sign out the tabs that still hold it.
#[must_use]
pub fn is_due(session: &Session, rotate_every: Option<Duration>, now: Timestamp) -> bool {
    let is_settled = session
        .previous
        .as_ref()
        .is_none_or(|p| !p.is_repeatable(now));
    is_settled && rotate_every.is_some_and(|every| now >= session.token_made_at.plus(every))
}
