//! Revocation: ends that somebody decided, and the fence that keeps them ended.

use std::borrow::Cow;

use crate::admission;
use crate::change::{Change, Keep};
use crate::check::{Check, check};
use crate::name::GroupName;
use crate::policy::{Policy, SessionLimit, Terms};
use crate::roster::{Contact, Roster};
use crate::session::{EndReason, Ending, Initiator, Session, SessionId, Timestamp};
use crate::token::SessionToken;

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

/// The session that a token proves, to be kept when a credential change ends the others.
///
/// A token that such a call has just replaced proves it still, to whoever repeats the call:
/// otherwise the repeat would end the very session that the first call kept.
#[must_use]
pub fn kept_by(roster: &Roster, token: &SessionToken, now: Timestamp) -> Option<SessionId> {
    match check(roster, token, now) {
        Check::Valid(valid) => Some(valid.session.id),
        Check::Replaced => {
            let family = token.secret().family();
            let session = roster.sessions.iter().find(|s| s.family == family)?;
            Some(session.id)
        }
        Check::Reused(_) | Check::Ended(_) | Check::Unknown => None,
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
/// In force in the same step: what the new groups shorten is shortened, and sessions for which
/// no seat is left end with it. New groups raise the fence, and the sessions that stay step over
/// it, so that a sign-in begun with the old groups cannot bring them back (ASVS 8.3.2).
#[must_use]
pub fn amend(
    roster: &Roster,
    patch: &SubjectPatch,
    policy: &Policy,
    now: Timestamp,
) -> Option<Vec<Change>> {
    let mut news = Vec::new();
    if let Some(groups) = &patch.groups {
        news.extend(regroup(roster, groups));
    }
    if let Some(limit) = patch.own_limit.filter(|l| *l != roster.own_limit) {
        news.push(Change::OwnLimit(limit));
    }
    if let Some(contact) = patch.contact.as_ref().filter(|c| **c != roster.contact) {
        news.push(Change::Contact(contact.clone()));
    }
    (!news.is_empty()).then(|| settle(roster, news, policy, now))
}

/// Decides what a roster must do to obey a newer policy; `None` if it has nothing to do.
///
/// A newer policy may shorten the time of a live session and end what no longer has a seat. It
/// never lengthens one: what a session was promised at birth is the most it gets. A roster
/// without a live session has nothing that could disobey, so looking at one writes nothing; the
/// next sign-in takes the policy up.
#[must_use]
pub fn obey(roster: &Roster, policy: &Policy, now: Timestamp) -> Option<Vec<Change>> {
    if roster.policy >= policy.version || roster.live(now).next().is_none() {
        return None;
    }
    let news = vec![Change::Policy(policy.version)];
    Some(settle(roster, news, policy, now))
}

/// The changes that new groups are; none if they are the same, in whatever order.
pub(crate) fn regroup(roster: &Roster, groups: &[GroupName]) -> Vec<Change> {
    if roster.has_groups(groups) {
        return Vec::new();
    }
    vec![
        Change::Groups(groups.into()),
        Change::Generation {
            to: roster.generation.next(),
            keep: Keep::All,
        },
    ]
}

/// Carries out `news` and what follows from them, until every limit holds.
fn settle(roster: &Roster, news: Vec<Change>, policy: &Policy, now: Timestamp) -> Vec<Change> {
    let now = now.max(roster.time_high);
    let (after, mut changes) = put_in_force(roster, news, policy, now);
    changes.extend(
        admission::surplus(&after, policy, now)
            .into_iter()
            .map(|id| cut(id, now)),
    );
    changes
}

/// Adds to `news` what they do to the time of live sessions, and returns all of it with the
/// roster as it is after.
///
/// Expiries come first. Then the news; then, since other terms may hold now, each live session
/// is shortened to them, and ends if no time is left. Seats are the caller's matter.
pub(crate) fn put_in_force<'r>(
    roster: &'r Roster,
    news: Vec<Change>,
    policy: &Policy,
    now: Timestamp,
) -> (Cow<'r, Roster>, Vec<Change>) {
    let mut changes = roster.expiries(now);
    if news.is_empty() {
        return (Cow::Borrowed(roster), changes);
    }
    changes.extend(news);
    let mut after = roster.clone();
    after.apply(&changes, now);

    let shortened = shortenings(&after, policy, now);
    after.apply(&shortened, now);
    changes.extend(shortened);

    // Their time did not run out, it was cut: the end is now, and the policy's doing.
    let ends: Vec<_> = after
        .sessions
        .iter()
        .filter(|s| !s.is_unexpired(now))
        .map(|s| cut(s.id, now))
        .collect();
    after.apply(&ends, now);
    changes.extend(ends);
    (Cow::Owned(after), changes)
}

fn shortenings(roster: &Roster, policy: &Policy, now: Timestamp) -> Vec<Change> {
    let shortening = |session: &Session| {
        let Terms { idle, absolute, .. } = policy.terms(&roster.facts(session));
        let begun = session.created_at.max(session.authentication.at);
        let absolute_deadline = session.absolute_deadline.min(begun.plus(absolute));
        let shorter = idle < session.idle || absolute_deadline < session.absolute_deadline;
        shorter.then_some(Change::Shortening {
            id: session.id,
            idle,
            absolute_deadline,
        })
    };
    roster.live(now).filter_map(|s| shortening(s)).collect()
}

const fn cut(id: SessionId, at: Timestamp) -> Change {
    Change::End {
        id,
        ending: Ending {
            at,
            reason: EndReason::PolicyChange,
            initiator: Initiator::Policy,
        },
    }
}
