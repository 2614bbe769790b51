//! Revocation: ends that somebody decided, and the fence that keeps them ended.

use crate::change::{Change, Keep};
use crate::check::{Check, check};
use crate::name::GroupName;
use crate::policy::{Policy, SessionLimit};
use crate::roster::{Contact, Roster};
use crate::session::{EndReason, Ending, Initiator, SessionId, Timestamp};
use crate::token::SessionToken;
use crate::{admission, policy};

/// The answer to a request to end one session.
#[derive(Clone, Debug)]
#[must_use]
pub enum Revocation {
    /// Commit these changes.
    End(Vec<Change>),
    /// It has ended already, so there is nothing to do.
    AlreadyEnded,
    /// No such session is known here. Foreign and absent look the same (S7).
    Absent,
}

/// Decides the end of one session.
pub fn revoke(
    roster: &Roster,
    id: SessionId,
    reason: EndReason,
    initiator: Initiator,
    now: Timestamp,
) -> Revocation {
    let now = now.max(roster.time_high);
    let Some(session) = roster.find(id) else {
        return match roster.find_ended(id, now) {
            Some(_) => Revocation::AlreadyEnded,
            None => Revocation::Absent,
        };
    };
    let mut changes = roster.expiries(now);
    if session.is_unexpired(now) {
        changes.push(Change::End {
            id,
            ending: Ending {
                at: now,
                reason,
                initiator,
            },
        });
    }
    Revocation::End(changes)
}

/// Decides the end of all live sessions but the kept ones, and raises the fence.
///
/// The fence rises even if nothing is live: a sign-in may be under way (S8).
#[must_use]
pub fn revoke_all(
    roster: &Roster,
    keep: Keep,
    reason: EndReason,
    initiator: Initiator,
    now: Timestamp,
) -> Vec<Change> {
    let now = now.max(roster.time_high);
    let mut changes = roster.expiries(now);
    changes.push(Change::Generation {
        to: roster.generation.next(),
        keep,
    });
    changes.extend(
        roster
            .live(now)
            .filter(|s| !keep.keeps(s.id))
            .map(|s| Change::End {
                id: s.id,
                ending: Ending {
                    at: now,
                    reason,
                    initiator,
                },
            }),
    );
    changes
}

/// Decides what disabling the subject does; `None` if it is disabled already.
#[must_use]
pub fn disable(roster: &Roster, initiator: Initiator, now: Timestamp) -> Option<Vec<Change>> {
    if roster.disabled {
        return None;
    }
    let mut changes = revoke_all(
        roster,
        Keep::None,
        EndReason::SubjectDisabled,
        initiator,
        now,
    );
    changes.push(Change::Disabled(true));
    Some(changes)
}

/// Decides what enabling the subject does; `None` if it is not disabled.
///
/// Nothing that was ended comes back, and evidence from before stays refused.
#[must_use]
pub fn enable(roster: &Roster, now: Timestamp) -> Option<Vec<Change>> {
    roster.disabled.then(|| {
        let mut changes = roster.expiries(now.max(roster.time_high));
        changes.push(Change::Disabled(false));
        changes
    })
}

/// The session that a token proves, to be kept when the others end.
#[must_use]
pub fn kept_by(roster: &Roster, token: &SessionToken, now: Timestamp) -> Option<SessionId> {
    match check(roster, token, now) {
        Check::Valid(valid) => Some(valid.session.id),
        Check::Replaced | Check::Reused(_) | Check::Ended(_) | Check::Unknown => None,
    }
}

/// What may be changed of a subject. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct SubjectPatch {
    /// Its groups.
    pub groups: Option<Box<[GroupName]>>,
    /// Its own limit; the inner `None` gives it back to the policy.
    pub own_limit: Option<Option<SessionLimit>>,
    /// How to reach it.
    pub contact: Option<Contact>,
}

/// Decides what changed groups, limit or contact do; `None` if nothing changes.
///
/// In force in the same step: sessions for which no seat is left end with it. New groups raise
/// the fence, and the sessions that stay step over it, so that a sign-in begun with the old
/// groups cannot bring them back (ASVS 8.3.2).
#[must_use]
pub fn amend(
    roster: &Roster,
    patch: &SubjectPatch,
    policy: &Policy,
    now: Timestamp,
) -> Option<Vec<Change>> {
    let now = now.max(roster.time_high);
    let mut changes = Vec::new();
    if let Some(groups) = patch.groups.as_ref().filter(|g| **g != roster.groups) {
        changes.push(Change::Groups(groups.clone()));
        changes.push(Change::Generation {
            to: roster.generation.next(),
            keep: Keep::All,
        });
    }
    if let Some(limit) = patch.own_limit.filter(|l| *l != roster.own_limit) {
        changes.push(Change::OwnLimit(limit));
    }
    if let Some(contact) = patch.contact.as_ref().filter(|c| **c != roster.contact) {
        changes.push(Change::Contact(contact.clone()));
    }
    if changes.is_empty() {
        return None;
    }
    let mut decided = roster.expiries(now);
    decided.append(&mut changes);
    settle(roster, decided, policy, now)
}

/// Decides what a roster must do to obey a newer policy; `None` if it already does.
///
/// A newer policy may shorten the time of a live session and end what no longer has a seat. It
/// never lengthens one: what a session was promised at birth is the most it gets.
#[must_use]
pub fn obey(roster: &Roster, policy: &Policy, now: Timestamp) -> Option<Vec<Change>> {
    if roster.policy >= policy.version {
        return None;
    }
    let now = now.max(roster.time_high);
    let mut changes = roster.expiries(now);
    changes.push(Change::Policy(policy.version));
    for session in roster.live(now) {
        let policy::Terms { idle, absolute, .. } = policy.terms(&roster.facts(session));
        let absolute_deadline = session.absolute_deadline.min(
            session
                .created_at
                .max(session.authentication.at)
                .plus(absolute),
        );
        if idle < session.idle || absolute_deadline < session.absolute_deadline {
            changes.push(Change::Shortening {
                id: session.id,
                idle,
                absolute_deadline,
            });
        }
    }
    settle(roster, changes, policy, now)
}

/// Adds the ends that `changes` make necessary: of sessions without a seat, and of those whose
/// shortened time has run out.
fn settle(
    roster: &Roster,
    mut changes: Vec<Change>,
    policy: &Policy,
    now: Timestamp,
) -> Option<Vec<Change>> {
    let mut after = roster.clone();
    after.apply(&changes, now);
    changes.extend(after.expiries(now).into_iter().map(|change| match change {
        // Its time did not run out, it was cut: the end is now, and the policy's doing.
        Change::End { id, .. } => Change::End {
            id,
            ending: by_policy(now),
        },
        other => other,
    }));
    changes.extend(
        admission::surplus(&after, policy, now)
            .into_iter()
            .map(|id| Change::End {
                id,
                ending: by_policy(now),
            }),
    );
    Some(changes)
}

const fn by_policy(at: Timestamp) -> Ending {
    Ending {
        at,
        reason: EndReason::PolicyChange,
        initiator: Initiator::Policy,
    }
}
