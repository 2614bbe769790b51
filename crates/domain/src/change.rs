//! What a commit may do to a roster: typed changes, none of which revives.

use std::sync::Arc;
use std::time::Duration;

use crate::name::GroupName;
use crate::policy::{PolicyVersion, SessionLimit};
use crate::roster::{Contact, Generation, LastSignIn, Roster};
use crate::session::{
    AuthenticationEvent, Ending, PreviousToken, Session, SessionId, Timestamp, TokenDigest,
};

/// One change to one roster.
#[derive(Clone, Debug)]
pub enum Change {
    /// A session is born. Decided only by admission.
    Birth(Arc<Session>),
    /// A session gets its next token.
    Rotation {
        /// The session.
        id: SessionId,
        /// The digest of the new token.
        token: TokenDigest,
        /// When it was made.
        at: Timestamp,
        /// The token it replaces.
        previous: Box<PreviousToken>,
    },
    /// Identity was proved again within a session: both timeouts start anew.
    Reauthentication {
        /// The session.
        id: SessionId,
        /// The new act of proof.
        event: AuthenticationEvent,
        /// The new absolute deadline.
        absolute_deadline: Timestamp,
    },
    /// A session ends.
    End {
        /// The session.
        id: SessionId,
        /// How.
        ending: Ending,
    },
    /// A stricter policy shortens the time of a session; never lengthens it.
    Shortening {
        /// The session.
        id: SessionId,
        /// The idle timeout from now on.
        idle: Duration,
        /// The absolute deadline from now on.
        absolute_deadline: Timestamp,
    },
    /// The fence rises, and the sessions to keep step over it.
    Generation {
        /// The new generation.
        to: Generation,
        /// Who lives on under it.
        keep: Keep,
    },
    /// The subject may hold no session, or may again.
    Disabled(bool),
    /// The groups of the subject.
    Groups(Box<[GroupName]>),
    /// The subject's own limit, in place of the policy's.
    OwnLimit(Option<SessionLimit>),
    /// How to reach the subject.
    Contact(Contact),
    /// The policy that the roster obeys from now on.
    Policy(PolicyVersion),
    /// The sign-in to tell of at the next one.
    SignIn(Box<LastSignIn>),
}

/// Which sessions live on when the generation rises.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// All that are live: a role change is no reason to sign anybody out.
    All,
    /// None.
    None,
    /// One.
    One(SessionId),
}

impl Keep {
    /// Whether the session of that name lives on.
    #[must_use]
    pub fn keeps(self, id: SessionId) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::One(kept) => kept == id,
        }
    }
}

impl Change {
    /// Does this to `roster`; [`Roster::apply`] is its one caller.
    pub(crate) fn carry_out(&self, roster: &mut Roster) {
        match self {
            Self::Birth(session) => bear(roster, session),
            Self::Rotation {
                id,
                token,
                at,
                previous,
            } => amend(roster, *id, |session| {
                session.token = *token;
                session.token_made_at = *at;
                session.previous = Some(previous.clone());
                session.last_seen.advance(*at);
            }),
            Self::Reauthentication {
                id,
                event,
                absolute_deadline,
            } => amend(roster, *id, |session| {
                session.authentication = event.clone();
                session.absolute_deadline = *absolute_deadline;
                session.last_seen.advance(event.at);
            }),
            Self::End { id, ending } => roster.end(*id, *ending),
            Self::Shortening {
                id,
                idle,
                absolute_deadline,
            } => amend(roster, *id, |session| {
                session.idle = session.idle.min(*idle);
                session.absolute_deadline = session.absolute_deadline.min(*absolute_deadline);
            }),
            Self::Generation { to, keep } => {
                let from = roster.generation;
                roster.generation = roster.generation.max(*to);
                let to = roster.generation;
                for session in &mut roster.sessions {
                    // A session that had fallen behind already does not step over the next fence.
                    if session.generation == from && keep.keeps(session.id) {
                        Arc::make_mut(session).generation = to;
                    }
                }
            }
            Self::Disabled(disabled) => {
                // What is still recorded under a disabled subject is dead, and stays so (S2).
                if roster.disabled {
                    roster.sessions.clear();
                }
                roster.disabled = *disabled;
            }
            Self::Groups(groups) => roster.groups.clone_from(groups),
            Self::OwnLimit(limit) => roster.own_limit = *limit,
            Self::Contact(contact) => roster.contact = contact.clone(),
            Self::Policy(version) => roster.policy = roster.policy.max(*version),
            Self::SignIn(last) => roster.last_sign_in = Some(last.clone()),
        }
    }
}

/// Records a newborn, unless that would bring something back: an id is never used twice, and a
/// birth from another generation than the roster's is as stale as the evidence for it (S8).
fn bear(roster: &mut Roster, session: &Arc<Session>) {
    let is_known = roster.find(session.id).is_some()
        || roster.ended.iter().any(|e| e.session.id == session.id);
    if roster.disabled || session.generation != roster.generation || is_known {
        return;
    }
    roster.births = roster.births.max(session.birth);
    roster.sessions.push(Arc::clone(session));
}

/// Changes a session if it is live at the moment of the commit. Otherwise a late rotation or
/// reauthentication would move the deadlines of a session that has passed one (S2).
fn amend(roster: &mut Roster, id: SessionId, how: impl FnOnce(&mut Session)) {
    let place = roster.sessions.iter().position(|s| s.id == id);
    if let Some(place) = place.filter(|p| roster.is_live(&roster.sessions[*p], roster.time_high)) {
        how(Arc::make_mut(&mut roster.sessions[place]));
    }
}
