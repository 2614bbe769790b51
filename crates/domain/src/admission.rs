//! Admission: may one more session open for this subject, and at whose expense?
//!
//! This is the decision at the limit. [`admit`] decides and nothing else; the caller commits its
//! changes against the roster version and the moment they were made for, and decides again if
//! either has passed. Counting here and writing there, without that check, would let two
//! sign-ins share the last seat.

use std::sync::Arc;

use crate::amendment;
use crate::change::Change;
use crate::name::{ClientId, GroupName};
use crate::policy::{Facts, Overflow, Policy, Terms};
use crate::roster::{Contact, Generation, LastSignIn, Roster};
use crate::seats::{FullLimit, Limits, Observed};
use crate::session::{
    AuthenticationEvent, EndReason, FamilyDigest, Initiator, LastSeen, Origin, Session,
    SessionClass, SessionId, Timestamp, TokenDigest,
};

/// A sign-in that asks for a session.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The application it is for.
    pub client: Option<ClientId>,
    /// What kind of access.
    pub class: SessionClass,
    /// Whether it asks to be remembered.
    pub remember: bool,
    /// How identity was proved.
    pub authentication: AuthenticationEvent,
    /// The generation read when the credential was checked; without it a sign-in that overlaps
    /// a credential change cannot be told from a fresh one (S8).
    pub evidence: Option<Generation>,
    /// The groups of the subject, if they are now known.
    pub groups: Option<Box<[GroupName]>>,
    /// How to reach the subject, if that is now known.
    pub contact: Option<Contact>,
    /// The family of the token the browser held before: its session ends in the same step, so
    /// that no token ever survives a sign-in (CWE-384).
    pub replaces: Option<FamilyDigest>,
    /// Where it comes from.
    pub origin: Origin,
    /// What the application keeps with the session.
    pub attributes: Option<Box<str>>,
}

/// The random parts of a session to be born, drawn by the caller.
#[derive(Clone, Copy, Debug)]
pub struct Newborn {
    /// Its name.
    pub id: SessionId,
    /// The digest of its first token.
    pub token: TokenDigest,
    /// The digest of its family.
    pub family: FamilyDigest,
}

/// The answer to a sign-in.
#[derive(Clone, Debug)]
#[must_use]
pub enum Admission {
    /// There is a seat, once these changes are committed.
    Admit(Admitted),
    /// There is none, and nothing changes. A refusal is never a failed sign-in.
    Refuse(Refusal),
}

/// A sign-in that is let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// What to commit.
    pub changes: Vec<Change>,
    /// The session to be born.
    pub session: Arc<Session>,
    /// Whose seats it takes, in the order of the choice.
    pub evicted: Vec<SessionId>,
    /// Whether others are live beside it.
    pub concurrent: bool,
    /// Whether a limit is exceeded that the policy only observes.
    pub over_limit: bool,
}

/// Why a sign-in is turned away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Every seat is taken, and the policy gives none up.
    SessionLimit(FullLimit),
    /// The subject is disabled.
    Disabled,
    /// The evidence is older than the last revoke-all, disable or credential change.
    StaleGeneration,
}

/// Decides whether a subject may open one more session.
///
/// Only live sessions hold a seat; one that expired before `now` does not, even if nothing has
/// swept it away yet. Victims are the fewest that suffice, in the policy's order; equal rank is
/// broken by birth, then id, so two nodes looking at the same roster choose the same sessions
/// (S11).
///
/// Groups that the sign-in brings, and a policy newer than the one the roster obeys, come into
/// force for everybody in the same step: the newcomer is judged beside what they leave live.
pub fn admit(
    roster: &Roster,
    sign_in: &SignIn,
    newborn: Newborn,
    policy: &Policy,
    now: Timestamp,
) -> Admission {
    let now = now.max(roster.time_high);
    if roster.disabled {
        return Admission::Refuse(Refusal::Disabled);
    }
    if sign_in.evidence.is_some_and(|e| e != roster.generation) {
        return Admission::Refuse(Refusal::StaleGeneration);
    }

    let mut news = Vec::new();
    if let Some(groups) = &sign_in.groups {
        news.extend(amendment::regroup(roster, groups));
    }
    if roster.policy < policy.version {
        news.push(Change::Policy(policy.version));
    }
    let (roster, mut changes) = amendment::put_in_force(roster, news, policy, now);

    let newcomer = Facts {
        groups: &roster.groups,
        client: sign_in.client.as_ref(),
        class: sign_in.class,
        remember: sign_in.remember,
    };
    let terms = policy.terms(&newcomer);
    let (superseded, seated): (Vec<_>, Vec<_>) = roster
        .live(now)
        .partition(|s| sign_in.replaces == Some(s.family));
    changes.extend(
        superseded
            .iter()
            .map(|s| Change::end(s.id, now, EndReason::Superseded, Initiator::User)),
    );

    let limits = Limits::new(&roster, policy, Observed::Free);
    let reason = match (terms.at_limit, limits.find_full(&newcomer, &seated)) {
        (Overflow::Refuse, Some(full)) => return Admission::Refuse(Refusal::SessionLimit(full)),
        // The newcomer has a seat; who must go all the same does so by the groups it brought.
        (Overflow::Refuse, None) => EndReason::PolicyChange,
        (Overflow::EvictOldest | Overflow::EvictLeastRecent | Overflow::Observe, _) => {
            EndReason::Evicted
        }
    };
    let victims = limits.victims(&seated, Some(&newcomer), terms.at_limit);
    changes.extend(
        victims
            .iter()
            .map(|s| Change::end(s.id, now, reason, Initiator::Policy)),
    );
    let over_limit = terms.at_limit == Overflow::Observe
        && Limits::new(&roster, policy, Observed::Counted)
            .find_full(&newcomer, &seated)
            .is_some();

    let session = Arc::new(bear(&roster, sign_in, newborn, &terms, now));
    changes.push(Change::Birth(Arc::clone(&session)));
    if let Some(contact) = &sign_in.contact
        && *contact != roster.contact
    {
        changes.push(Change::Contact(contact.clone()));
    }
    changes.push(Change::SignIn(Arc::new(LastSignIn {
        at: now,
        origin: sign_in.origin.clone(),
    })));

    Admission::Admit(Admitted {
        changes,
        session,
        evicted: victims.iter().map(|s| s.id).collect(),
        concurrent: seated.len() > victims.len(),
        over_limit,
    })
}

fn bear(
    roster: &Roster,
    sign_in: &SignIn,
    newborn: Newborn,
    terms: &Terms,
    now: Timestamp,
) -> Session {
    let mut authentication = sign_in.authentication.clone();
    authentication.at = authentication.at.min(now);
    Session {
        id: newborn.id,
        birth: roster.births + 1,
        generation: roster.generation,
        client: sign_in.client.clone(),
        class: sign_in.class,
        remember: sign_in.remember,
        fenced: sign_in.evidence.is_some(),
        created_at: now,
        authentication,
        last_seen: LastSeen::new(now),
        idle: terms.idle,
        absolute_deadline: now.plus(terms.absolute),
        token: newborn.token,
        token_made_at: now,
        family: newborn.family,
        previous: None,
        origin: sign_in.origin.clone(),
        previous_sign_in: roster.last_sign_in.clone(),
        attributes: sign_in.attributes.clone(),
    }
}

#[cfg(test)]
mod tests;
