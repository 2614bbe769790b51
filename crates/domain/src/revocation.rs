//! Revocation: ends that somebody decided, and the fence that keeps them ended.

use std::borrow::Cow;

use crate::admission;
use crate::change::{Change, Keep};
use crate::name::GroupName;
use crate::policy::{Policy, SessionLimit, Terms};
use crate::roster::{Contact, Roster};
use crate::session::{EndReason, Ending, Initiator, Session, SessionId, Timestamp};

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
        let idle = idle.min(session.idle);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::{Condition, Overflow, PolicyVersion, Setting};
    use crate::roster::Generation;
    use crate::testing::{
        at, empty_roster, ends, groups, id, limit, live_ids, policy, roster, ruled, session,
    };

    fn revoked(roster: &Roster, number: u8, seconds: u64) -> Revocation {
        let (reason, initiator) = (EndReason::RevokedByUser, Initiator::User);
        revoke(roster, id(number), reason, initiator, at(seconds))
    }

    fn all_but(roster: &Roster, keep: Keep, seconds: u64) -> Vec<Change> {
        let (reason, initiator) = (EndReason::RevokedByAdmin, Initiator::Admin);
        revoke_all(roster, keep, reason, initiator, at(seconds))
    }

    fn version(version: u64, policy: Policy) -> Policy {
        Policy {
            version: PolicyVersion(version),
            ..policy
        }
    }

    /// Policy 1, under which admins have these terms.
    fn admins_have(set: Setting) -> Policy {
        let when = Condition {
            groups: groups(&["admins"]).into(),
            ..Condition::default()
        };
        ruled(policy(5, Overflow::EvictLeastRecent), 1, when, set)
    }

    fn idle_of(seconds: u64) -> Setting {
        Setting {
            idle: Some(Duration::from_secs(seconds)),
            ..Setting::default()
        }
    }

    fn made(groups: Box<[GroupName]>) -> SubjectPatch {
        SubjectPatch {
            groups: Some(groups),
            ..SubjectPatch::default()
        }
    }

    #[test]
    fn given_a_live_session_when_it_is_revoked_then_it_ends_now_for_that_reason() {
        let mut roster = roster([session(1), session(2)]);

        let Revocation::End(changes) = revoked(&roster, 1, 5) else {
            panic!("nothing to end");
        };
        roster.apply(&changes, at(5));

        assert_eq!(live_ids(&roster, 5), [id(2)]);
        let ending = roster.find_ended(id(1), at(5)).unwrap().ending;
        assert_eq!(ending.at, at(5));
        assert_eq!(
            (ending.reason, ending.initiator),
            (EndReason::RevokedByUser, Initiator::User)
        );
    }

    #[test]
    fn given_an_expired_session_when_it_is_revoked_then_its_expiry_is_what_is_recorded() {
        let roster = roster([session(1).idle_after(3)]);

        let Revocation::End(changes) = revoked(&roster, 1, 5) else {
            panic!("nothing to end");
        };

        assert_eq!(ends(&changes), [(id(1), EndReason::Idle)]);
    }

    #[test]
    fn given_an_ended_session_when_it_is_revoked_then_there_is_nothing_to_do_while_it_is_known() {
        let mut roster = roster([session(1)]);
        roster.apply(&all_but(&roster, Keep::None, 5), at(5));
        let day = 24 * 3600;

        assert!(matches!(revoked(&roster, 1, 6), Revocation::AlreadyEnded));
        assert!(matches!(revoked(&roster, 1, 5 + day), Revocation::Absent));
        assert!(matches!(revoked(&roster, 9, 6), Revocation::Absent));
    }

    #[test]
    fn given_an_empty_roster_when_all_is_revoked_then_the_fence_rises_all_the_same() {
        let mut roster = empty_roster();

        roster.apply(&all_but(&roster, Keep::None, 5), at(5));

        assert_eq!(roster.generation, Generation(2));
    }

    #[test]
    fn given_one_to_keep_when_all_is_revoked_then_it_lives_on_above_the_fence() {
        let mut roster = roster([session(1), session(2), session(3).idle_after(4)]);

        let changes = all_but(&roster, Keep::One(id(2)), 5);
        roster.apply(&changes, at(5));

        assert_eq!(live_ids(&roster, 5), [id(2)]);
        let expected = [(id(3), EndReason::Idle), (id(1), EndReason::RevokedByAdmin)];
        assert_eq!(ends(&changes), expected);
    }

    #[test]
    fn given_a_subject_when_it_is_disabled_and_enabled_then_nobody_comes_back() {
        let mut roster = roster([session(1)]);

        let disabling = disable(&roster, Initiator::Admin, at(5)).unwrap();
        roster.apply(&disabling, at(5));
        assert!(disable(&roster, Initiator::Admin, at(6)).is_none());
        let enabling = enable(&roster, at(6)).unwrap();
        roster.apply(&enabling, at(6));

        assert!(enable(&roster, at(7)).is_none());
        assert!(live_ids(&roster, 7).is_empty());
        assert_eq!(ends(&disabling), [(id(1), EndReason::SubjectDisabled)]);
        assert_eq!(
            roster.generation,
            Generation(2),
            "evidence from before stays refused"
        );
    }

    #[test]
    fn given_a_patch_that_changes_nothing_when_decided_then_nothing_is_committed() {
        let mut roster = roster([session(1)]);
        roster.groups = groups(&["staff", "admins"]);
        let patch = SubjectPatch {
            groups: Some(groups(&["admins", "staff"])),
            own_limit: Some(None),
            contact: Some(Contact::default()),
        };

        assert!(amend(&roster, &patch, &Policy::default(), at(5)).is_none());
    }

    #[test]
    fn given_groups_and_an_own_limit_when_amended_together_then_both_hold_at_once() {
        let mut roster = roster([session(1), session(2).seen_at(15), session(3).seen_at(16)]);
        let patch = SubjectPatch {
            own_limit: Some(Some(limit(1))),
            ..made(groups(&["admins"]))
        };

        let changes = amend(&roster, &patch, &admins_have(idle_of(10)), at(20)).unwrap();
        roster.apply(&changes, at(20));

        let cut = EndReason::PolicyChange;
        assert_eq!(ends(&changes), [(id(1), cut), (id(2), cut)]);
        assert_eq!(live_ids(&roster, 20), [id(3)]);
        assert_eq!(roster.find(id(3)).unwrap().expires_at(), at(26));
        assert_eq!(roster.generation, Generation(2));
        assert_eq!(roster.own_limit, Some(limit(1)));
    }

    #[test]
    fn given_an_own_limit_when_it_is_given_back_then_the_rules_hold_again() {
        let mut roster = roster([session(1), session(2)]);
        roster.own_limit = Some(limit(9));
        let patch = SubjectPatch {
            own_limit: Some(None),
            ..SubjectPatch::default()
        };
        let strict = policy(1, Overflow::EvictLeastRecent);

        let changes = amend(&roster, &patch, &strict, at(5)).unwrap();

        assert_eq!(ends(&changes), [(id(1), EndReason::PolicyChange)]);
    }

    #[test]
    fn given_a_new_contact_when_amended_then_nobody_is_touched_and_no_fence_rises() {
        let mut roster = roster([session(1).idle_after(3), session(2)]);
        let contact = Contact {
            locale: Some("de".into()),
            ..Contact::default()
        };
        let patch = SubjectPatch {
            contact: Some(contact.clone()),
            ..SubjectPatch::default()
        };

        let changes = amend(&roster, &patch, &Policy::default(), at(5)).unwrap();
        roster.apply(&changes, at(5));

        assert_eq!(
            ends(&changes),
            [(id(1), EndReason::Idle)],
            "the expiry is recorded with it"
        );
        assert_eq!(
            (roster.generation, roster.contact),
            (Generation(1), contact)
        );
    }

    #[test]
    fn given_the_same_or_an_older_policy_when_asked_to_obey_then_there_is_nothing_to_do() {
        let mut roster = roster([session(1), session(2)]);
        roster.policy = PolicyVersion(3);
        let strict = policy(1, Overflow::EvictLeastRecent);

        assert!(obey(&roster, &version(3, strict.clone()), at(5)).is_none());
        assert!(obey(&roster, &version(2, strict.clone()), at(5)).is_none());
        assert!(obey(&roster, &version(4, strict), at(5)).is_some());
    }

    #[test]
    fn given_a_roster_in_which_nobody_is_live_when_a_policy_comes_then_looking_writes_nothing() {
        let newer = version(3, policy(1, Overflow::EvictLeastRecent));

        assert!(obey(&empty_roster(), &newer, at(5)).is_none());
        assert!(obey(&roster([session(1).idle_after(3)]), &newer, at(5)).is_none());
    }

    #[test]
    fn given_a_policy_with_fewer_seats_when_obeyed_then_the_surplus_ends_by_policy() {
        let mut roster = roster([session(1).seen_at(2), session(2).seen_at(1)]);
        let strict = version(3, policy(1, Overflow::EvictLeastRecent));

        let changes = obey(&roster, &strict, at(5)).unwrap();
        roster.apply(&changes, at(5));

        assert_eq!(ends(&changes), [(id(2), EndReason::PolicyChange)]);
        assert_eq!(roster.policy, PolicyVersion(3));
        assert!(obey(&roster, &strict, at(6)).is_none());
    }

    #[test]
    fn given_a_policy_with_shorter_times_when_obeyed_then_time_is_cut_and_freed_seats_are_counted()
    {
        // Session 1 has no time left under the new policy, so 2 keeps its seat.
        let mut roster = roster([session(1), session(2).seen_at(12)]);
        let mut policy = policy(1, Overflow::EvictLeastRecent);
        policy.terms.idle = Duration::from_secs(10);
        policy.terms.absolute = Duration::from_secs(25);

        let changes = obey(&roster, &version(3, policy), at(20)).unwrap();
        roster.apply(&changes, at(20));

        assert_eq!(ends(&changes), [(id(1), EndReason::PolicyChange)]);
        assert_eq!(
            roster.ended[0].ending.at,
            at(20),
            "it was cut, it did not run out"
        );
        let session = roster.find(id(2)).unwrap();
        assert_eq!(session.idle_deadline(), at(22));
        assert_eq!(session.absolute_deadline, at(25));
    }

    #[test]
    fn given_a_policy_with_longer_times_when_obeyed_then_no_session_gets_more_than_it_was_promised()
    {
        let mut roster = roster([session(1).idle_after(30).deadline(60)]);

        let changes = obey(&roster, &version(3, Policy::default()), at(5)).unwrap();
        assert!(
            matches!(changes[..], [Change::Policy(_)]),
            "nothing to tell"
        );
        roster.apply(&changes, at(5));

        let session = roster.find(id(1)).unwrap();
        assert_eq!(
            (session.idle_deadline(), session.absolute_deadline),
            (at(30), at(60))
        );
    }

    #[test]
    fn given_a_policy_that_shortens_one_time_when_obeyed_then_the_other_is_told_as_it_was() {
        let roster = roster([session(1).idle_after(30).deadline(60)]);
        let told = |idle, absolute| {
            let mut policy = version(3, Policy::default());
            policy.terms.idle = Duration::from_secs(idle);
            policy.terms.absolute = Duration::from_secs(absolute);
            match obey(&roster, &policy, at(5)).unwrap()[..] {
                [
                    Change::Policy(_),
                    Change::Shortening {
                        idle,
                        absolute_deadline,
                        ..
                    },
                ] => (idle.as_secs(), absolute_deadline),
                ref other => panic!("{other:?}"),
            }
        };

        assert_eq!(told(20, 99), (20, at(60)));
        assert_eq!(told(99, 50), (30, at(50)));
    }

    #[test]
    fn given_a_policy_that_observes_when_obeyed_then_nobody_ends() {
        let roster = roster([session(1), session(2)]);

        let changes = obey(&roster, &version(3, policy(1, Overflow::Observe)), at(5)).unwrap();

        assert!(ends(&changes).is_empty());
    }
}
