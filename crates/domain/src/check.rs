//! Validation: is this token good, for whom, and if not, why not?

use std::sync::Arc;
use std::time::Duration;

use crate::name::SubjectId;
use crate::roster::Roster;
use crate::session::{AssuranceLevel, Ending, Session, Timestamp};
use crate::token::{SessionToken, TokenDigest};

/// What a roster says of a token.
#[derive(Clone, Debug)]
#[must_use]
pub enum Check<'r> {
    /// It is one of the acceptable tokens of a live session.
    Valid(Valid<'r>),
    /// It was rotated away without a grace, by a call that may still be repeated: it fails, and
    /// harms nobody.
    Replaced,
    /// It was rotated away and its time is over: somebody kept a copy, so the session must end
    /// (S9).
    Reused(&'r Arc<Session>),
    /// It was good once. Its holder is told how that ended.
    Ended(Ending),
    /// It is not known here, or no longer.
    Unknown,
}

/// A session whose token is good.
#[derive(Clone, Copy, Debug)]
pub struct Valid<'r> {
    /// The session.
    pub session: &'r Arc<Session>,
    /// Which of its tokens was presented.
    pub presented: Presented,
}

/// Which of a session's acceptable tokens was presented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presented {
    /// The current one.
    Current,
    /// The one before it, within the grace of its rotation.
    Previous,
}

/// Decides what `token` is worth at `now`.
///
/// Writes nothing: a reuse that it finds is ended by a commit of its own before the answer.
pub fn check<'r>(roster: &'r Roster, token: &SessionToken, now: Timestamp) -> Check<'r> {
    check_digest(roster, token, token.secret().digest(), now)
}

fn check_digest<'r>(
    roster: &'r Roster,
    token: &SessionToken,
    digest: TokenDigest,
    now: Timestamp,
) -> Check<'r> {
    // A secret under another roster's tag is not a token that was issued (S6).
    if token.tag() != roster.tag {
        return Check::Unknown;
    }
    let now = now.max(roster.time_high);
    if let Some(valid) = find_valid(roster, digest, now) {
        return Check::Valid(valid);
    }

    // No acceptable token matches. Only now is the family asked for.
    let family = token.secret().family();
    if let Some(session) = roster.sessions.iter().find(|s| s.family == family) {
        if let Some(expired) = session.expiry(now) {
            return Check::Ended(expired);
        }
        if !roster.is_live(session, now) {
            return Check::Unknown;
        }
        let repeatable = session
            .previous
            .as_ref()
            .is_some_and(|p| p.digest == digest && p.is_repeatable(now));
        return if repeatable {
            Check::Replaced
        } else {
            Check::Reused(session)
        };
    }
    roster
        .remembered(now)
        .rfind(|e| e.session.family == family)
        .map_or(Check::Unknown, |e| Check::Ended(e.ending))
}

/// The live session that accepts a token of this digest.
///
/// The whole of a check that succeeds: everything else is about the answer to one that fails.
#[must_use]
pub fn find_valid(roster: &Roster, digest: TokenDigest, now: Timestamp) -> Option<Valid<'_>> {
    let now = now.max(roster.time_high);
    let (session, presented) = roster.sessions.iter().find_map(|session| {
        if session.token == digest {
            return Some((session, Presented::Current));
        }
        let previous = session.previous.as_ref()?;
        (previous.digest == digest && previous.is_accepted(now))
            .then_some((session, Presented::Previous))
    })?;
    roster
        .is_live(session, now)
        .then_some(Valid { session, presented })
}

/// What a caller asks of a session beyond being live.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// The subject the caller believes it acts for.
    pub subject: Option<SubjectId>,
    /// How strong the authentication must be.
    pub assurance: Option<AssuranceLevel>,
    /// How old it may be.
    pub max_age: Option<Duration>,
}

/// What a live session lacks for a demand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shortfall {
    /// It is another subject's: the caller is authorised, not the session it happens to hold.
    WrongSubject,
    /// Its authentication is too weak or too old (RFC 9470).
    StepUp,
}

impl Demand {
    /// What `session` of `roster` lacks, if anything.
    #[must_use]
    pub fn unmet(&self, roster: &Roster, session: &Session, now: Timestamp) -> Option<Shortfall> {
        if self.subject.as_ref().is_some_and(|s| *s != roster.subject) {
            return Some(Shortfall::WrongSubject);
        }
        let now = now.max(roster.time_high);
        let event = &session.authentication;
        let weak = self.assurance.is_some_and(|least| event.assurance < least);
        let old = self.max_age.is_some_and(|most| now.since(event.at) > most);
        (weak || old).then_some(Shortfall::StepUp)
    }
}
