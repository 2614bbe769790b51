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
    /// Whether repeating the call that replaced this token still finds the successor.
    #[must_use]
    pub fn is_repeatable(&self, now: Timestamp) -> bool {
        now < self.repeatable_until
    }
}

/// Why a token is replaced.
#[derive(Clone, Debug)]
pub enum Occasion {
    /// Its time has come, or the client asked. The old token is good for a grace.
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
/// One successor a token (S9): whoever repeats within the time allowed gets the same one.
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
        Check::Valid(valid) => valid.session,
        Check::Replaced => match roster.sessions.iter().find(|s| replaced(s, digest)) {
            Some(session) => session,
            None => return Rotation::Refuse,
        },
        Check::Reused(_) | Check::Ended(_) | Check::Unknown => return Rotation::Refuse,
    };
    if let Some(previous) = session.previous.as_ref().filter(|p| p.digest == digest) {
        return Rotation::Repeat {
            session: Arc::clone(session),
            sealed: previous.sealed_successor.clone(),
        };
    }

    let accepted_until = match occasion {
        Occasion::Renewal => now.plus(REPEATABLE_FOR),
        Occasion::Reauthentication(_) | Occasion::CredentialChange => now,
    };
    let mut changes = roster.expiries(now);
    changes.push(Change::Rotation {
        id: session.id,
        token: successor.digest,
        at: now,
        previous: Box::new(PreviousToken {
            digest,
            accepted_until: GraceEnd::new(accepted_until),
            repeatable_until: now.plus(REPEATABLE_FOR),
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

fn replaced(session: &Session, digest: TokenDigest) -> bool {
    session
        .previous
        .as_ref()
        .is_some_and(|p| p.digest == digest)
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
        .filter(|p| now < p.accepted_until.get() && end < p.accepted_until.get())
        .map(|_| end)
}

/// Whether the policy asks for a new token at this check.
#[must_use]
pub fn is_due(session: &Session, rotate_every: Option<Duration>, now: Timestamp) -> bool {
    rotate_every.is_some_and(|every| now >= session.token_made_at.plus(every))
}
