//! Revocation: ends that somebody decided, and the fence that keeps them ended.

use crate::change::{Change, Keep};
use crate::name::SubjectId;
use crate::roster::Roster;
use crate::session::{EndReason, Initiator, SessionId, Timestamp};

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
    if roster.unrecorded_end(session, now).is_none() {
        changes.push(Change::end(id, now, reason, initiator));
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
            .map(|s| Change::end(s.id, now, reason, initiator)),
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

/// Decides what deleting the subject does: all ends, evidence from before is refused, and what is
/// known of the person goes.
///
/// One that was disabled stays so: deleting somebody lets nobody in.
#[must_use]
pub fn erase(roster: &Roster, initiator: Initiator, now: Timestamp) -> Vec<Change> {
    let reason = EndReason::RevokedByAdmin;
    let mut changes = revoke_all(roster, Keep::None, reason, initiator, now);
    changes.push(Change::Erasure);
    changes
}

/// Decides what deleting `actor` does to another subject, as whom it acted; `None` if nothing here
/// tells of that.
///
/// Whoever acted is no more, so those sessions end; and where they came from was the actor's.
#[must_use]
pub fn erase_actor(
    roster: &Roster,
    actor: &SubjectId,
    initiator: Initiator,
    now: Timestamp,
) -> Option<Vec<Change>> {
    let now = now.max(roster.time_high);
    let ended = roster.ended.iter().map(|e| &e.session);
    if !roster
        .sessions
        .iter()
        .chain(ended)
        .any(|s| s.is_acted_by(actor))
    {
        return None;
    }
    let reason = EndReason::RevokedByAdmin;
    let mut changes = roster.expiries(now);
    let live = roster.live(now).filter(|s| s.is_acted_by(actor));
    changes.extend(live.map(|s| Change::end(s.id, now, reason, initiator)));
    changes.push(Change::ActorErasure(actor.clone()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::device::DeviceLabel;
    use crate::roster::{Contact, Generation};
    use crate::session::{Binding, BoundDevice, Origin, Session};
    use crate::testing::{
        at, device, empty_roster, ends, federated, groups, id, limit, live_ids, roster, session,
    };

    fn name(text: &str) -> SubjectId {
        SubjectId::parse(text).unwrap()
    }

    fn revoked(roster: &Roster, number: u8, seconds: u64) -> Revocation {
        let (reason, initiator) = (EndReason::RevokedByUser, Initiator::User);
        revoke(roster, id(number), reason, initiator, at(seconds))
    }

    fn all_but(roster: &Roster, keep: Keep, seconds: u64) -> Vec<Change> {
        let (reason, initiator) = (EndReason::RevokedByAdmin, Initiator::Admin);
        revoke_all(roster, keep, reason, initiator, at(seconds))
    }

    #[test]
    fn given_an_actor_who_is_erased_when_nobody_was_acted_as_then_nothing_changes() {
        let (staff, other) = (name("staff"), name("other"));
        let roster = roster([session(1), session(2).acted_by(&other)]);

        let changes = erase_actor(&roster, &staff, Initiator::Admin, at(5));

        assert!(changes.is_none());
    }

    #[test]
    fn given_an_actor_who_is_erased_when_they_acted_then_those_sessions_end_and_are_emptied() {
        let staff = name("staff");
        let mut roster = roster([
            session(1),
            session(2).acted_by(&staff),
            session(3).acted_by(&staff).deadline(4),
        ]);

        let changes = erase_actor(&roster, &staff, Initiator::Admin, at(5)).unwrap();
        roster.apply(&changes, at(5));

        assert_eq!(
            ends(&changes),
            [
                (id(3), EndReason::Absolute),
                (id(2), EndReason::RevokedByAdmin)
            ]
        );
        assert_eq!(live_ids(&roster, 5), [id(1)]);
        assert!(roster.ended.iter().all(|e| e.session.actor.is_none()));
        let again = erase_actor(&roster, &staff, Initiator::Admin, at(6));
        assert!(again.is_none(), "nothing tells of them any more");
    }

    #[test]
    fn given_an_actor_who_is_erased_when_what_they_did_is_over_then_it_is_emptied_too() {
        let staff = name("staff");
        let mut roster = roster([session(1).acted_by(&staff)]);
        let Revocation::End(changes) = revoked(&roster, 1, 5) else {
            panic!("nothing to end");
        };
        roster.apply(&changes, at(5));

        let changes = erase_actor(&roster, &staff, Initiator::Admin, at(6)).unwrap();

        assert!(matches!(&changes[..], [Change::ActorErasure(of)] if *of == staff));
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
    fn given_a_subject_when_it_is_deleted_then_only_the_fence_and_the_reasons_are_left() {
        let mut known = session(2).build();
        known.origin.label = DeviceLabel::of_text("Firefox");
        known.attributes = Some("{}".into());
        known.federation = Some(Box::new(federated(None)));
        known.device = Some(device(1).id.serial());
        known.binding = Binding::DeviceCookie(Box::new(BoundDevice {
            token: device(1).token,
            mismatches: 0,
        }));
        let mut roster = roster([session(1)]);
        roster.apply(&[Change::Birth(Arc::new(known))], at(0));
        roster.devices = vec![Arc::new(device(1))];
        roster.groups = groups(&["staff"]);
        roster.own_limit = Some(limit(3));
        roster.contact.email = Some("alice@example.org".into());

        let changes = erase(&roster, Initiator::Admin, at(5));
        roster.apply(&changes, at(5));

        assert!(live_ids(&roster, 5).is_empty());
        assert_eq!(roster.generation, Generation(2), "evidence from before");
        let told: Vec<_> = roster.ended.iter().map(|e| e.ending.reason).collect();
        assert_eq!(told, [EndReason::RevokedByAdmin; 2]);
        let personal = |s: &Session| {
            let origin = s.origin != Origin::default() || s.device.is_some();
            let told = s.attributes.is_some() || s.federation.is_some();
            origin || told || s.binding != Binding::None
        };
        assert!(roster.devices.is_empty());
        assert!(roster.ended.iter().all(|e| !personal(&e.session)));
        assert!(roster.groups.is_empty() && roster.own_limit.is_none());
        assert_eq!(roster.contact, Contact::default());
    }

    #[test]
    fn given_a_disabled_subject_when_it_is_deleted_then_it_stays_disabled() {
        let mut roster = roster([session(1)]);
        roster.apply(&disable(&roster, Initiator::Admin, at(5)).unwrap(), at(5));

        roster.apply(&erase(&roster, Initiator::Admin, at(6)), at(6));

        assert!(roster.disabled);
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
}
