//! Amendment: what changed groups, limits or policies do to the sessions that are live.
//!
//! In force in the step that brings them: what they shorten is shortened, and who is left without
//! a seat ends. No session is ever lengthened; what it was promised at birth is the most it gets.

use std::borrow::Cow;

use crate::change::{Change, Keep};
use crate::name::GroupName;
use crate::policy::{Policy, SessionLimit, Terms};
use crate::roster::{Contact, Roster};
use crate::seats;
use crate::session::{EndReason, Initiator, Session, SessionId, Timestamp};

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
    (!news.is_empty()).then(|| enforce(roster, news, policy, now))
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
    Some(enforce(roster, news, policy, now))
}

/// The changes that new groups are, each once; none if they are the same, in whatever order.
pub(crate) fn regroup(roster: &Roster, groups: &[GroupName]) -> Vec<Change> {
    if roster.has_groups(groups) {
        return Vec::new();
    }
    let mut distinct: Vec<GroupName> = Vec::with_capacity(groups.len());
    for group in groups {
        if !distinct.contains(group) {
            distinct.push(group.clone());
        }
    }
    vec![
        Change::Groups(distinct.into()),
        Change::Generation {
            to: roster.generation.next(),
            keep: Keep::All,
        },
    ]
}

/// Adds to `news` all that follows from them: what they do to time, then to seats.
fn enforce(roster: &Roster, news: Vec<Change>, policy: &Policy, now: Timestamp) -> Vec<Change> {
    let now = now.max(roster.time_high);
    let (after, mut changes) = put_in_force(roster, news, policy, now);
    changes.extend(
        seats::surplus(&after, policy, now)
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
    Change::end(id, at, EndReason::PolicyChange, Initiator::Policy)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::{Condition, Overflow, PolicyVersion, Setting};
    use crate::roster::Generation;
    use crate::testing::{
        at, empty_roster, ends, evicting_at, groups, id, limit, live_ids, policy, roster, ruled,
        session,
    };

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
        ruled(evicting_at(5), 1, when, set)
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
    fn given_groups_named_twice_when_amended_then_each_is_kept_once_and_the_same_again_is_nothing()
    {
        let mut roster = roster([session(1)]);
        let repeated = made(groups(&["b", "a", "b", "a", "a"]));

        let changes = amend(&roster, &repeated, &Policy::default(), at(5)).unwrap();
        roster.apply(&changes, at(5));

        assert_eq!(roster.groups, groups(&["b", "a"]));
        assert_eq!(roster.generation, Generation(2));
        assert!(amend(&roster, &repeated, &Policy::default(), at(6)).is_none());
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
        let strict = evicting_at(1);

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
        let strict = evicting_at(1);

        assert!(obey(&roster, &version(3, strict.clone()), at(5)).is_none());
        assert!(obey(&roster, &version(2, strict.clone()), at(5)).is_none());
        assert!(obey(&roster, &version(4, strict), at(5)).is_some());
    }

    #[test]
    fn given_a_roster_in_which_nobody_is_live_when_a_policy_comes_then_looking_writes_nothing() {
        let newer = version(3, evicting_at(1));

        assert!(obey(&empty_roster(), &newer, at(5)).is_none());
        assert!(obey(&roster([session(1).idle_after(3)]), &newer, at(5)).is_none());
    }

    #[test]
    fn given_a_policy_with_fewer_seats_when_obeyed_then_the_surplus_ends_by_policy() {
        let mut roster = roster([session(1).seen_at(2), session(2).seen_at(1)]);
        let strict = version(3, evicting_at(1));

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
        let mut policy = evicting_at(1);
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
