//! What a roster remembers, when it may be forgotten, and how its numbers rise.

use super::*;
use crate::session::Origin;
use crate::testing::{at, device, empty_roster, ends, groups, id, live_ids, roster, session};

fn end_of(number: u8, seconds: u64) -> Change {
    Change::End {
        id: id(number),
        ending: Ending {
            at: at(seconds),
            reason: EndReason::Logout,
            initiator: Initiator::User,
            asker: None,
        },
    }
}

fn remembered(roster: &Roster, seconds: u64) -> Vec<SessionId> {
    roster
        .remembered(at(seconds))
        .map(|e| e.session.id)
        .collect()
}

#[test]
fn given_a_session_at_its_deadline_when_asked_then_it_is_not_live() {
    let roster = roster([session(1).deadline(10), session(2).idle_after(20)]);

    assert_eq!(roster.live(at(9)).count(), 2);
    assert_eq!(roster.live(at(10)).count(), 1);
    assert_eq!(roster.live(at(20)).count(), 0);
}

#[test]
fn given_a_clock_that_fell_back_when_asked_then_what_was_dead_stays_dead() {
    let mut roster = roster([session(1).deadline(10)]);
    roster.apply(&[], at(10));

    assert_eq!(roster.live(at(9)).count(), 0);
    assert_eq!(roster.expiries(at(9)).len(), 1);
    roster.apply(&[], at(3));
    assert_eq!(roster.time_high, at(10));
}

#[test]
fn given_forty_ends_when_asked_for_the_ended_then_the_latest_thirty_two_are_remembered() {
    let mut roster = roster((1..=40).map(session));
    let ends: Vec<_> = (1..=40).map(|n| end_of(n, 5)).collect();

    roster.apply(&ends, at(5));

    let expected: Vec<_> = (9..=40).map(id).collect();
    assert_eq!(remembered(&roster, 5), expected);
}

#[test]
fn given_an_end_when_a_day_has_passed_then_it_is_forgotten_at_that_moment() {
    let mut roster = roster([session(1), session(2)]);
    let day = 24 * 3600;
    roster.apply(&[end_of(1, 5)], at(5));
    roster.apply(&[end_of(2, 9)], at(9));

    assert_eq!(remembered(&roster, day + 4), [id(1), id(2)]);
    assert_eq!(remembered(&roster, day + 5), [id(2)]);
    assert!(roster.find_ended(id(1), at(day + 5)).is_none());
    roster.apply(&[], at(day + 5));
    assert_eq!(roster.ended.len(), 1);
    roster.time_high = at(day + 9);
    assert!(remembered(&roster, 9).is_empty(), "time does not fall");
}

#[test]
fn given_a_roster_of_another_store_generation_when_read_then_nothing_in_it_is_live() {
    let written = Arc::new(roster([session(1), session(2).idle_after(10)]));
    let store = StoreGeneration(7);

    let read = written.under(store);

    assert_eq!(written.live(at(5)).count(), 2);
    assert!(live_ids(&read, 5).is_empty());
    assert!(read.generation >= store.first_generation());
    assert_eq!(read.version, written.version, "it is no commit");
    let expected = [(id(2), EndReason::Idle), (id(1), EndReason::RevokedByAdmin)];
    assert_eq!(ends(&read.expiries(at(20))), expected);
    assert!(Arc::ptr_eq(&read.under(store), &read));
}

#[test]
fn given_a_roster_that_was_brought_back_when_its_next_commit_is_done_then_the_ends_are_on_file() {
    let mut read = Roster::clone(&Arc::new(roster([session(1)])).under(StoreGeneration(7)));

    read.apply(&read.expiries(at(5)), at(5));

    assert!(read.sessions.is_empty());
    assert_eq!(remembered(&read, 5), [id(1)]);
    assert_eq!(read.ended[0].ending.at, at(5));
}

#[test]
fn given_one_copy_restored_twice_when_numbered_then_the_second_lies_above_the_first() {
    let copy = StoreGeneration(0);
    let minute = 60_000;
    let first = copy.restored(Timestamp::from_millis(29_000_000 * minute));
    let second = copy.restored(Timestamp::from_millis(29_000_001 * minute));

    assert!(copy < first && first < second);
    assert!(
        first.restored(Timestamp::ZERO) > first,
        "whatever the clock says"
    );
    assert!(copy.restored(Timestamp::MAX) <= StoreGeneration::MAX);
    let last = StoreGeneration::MAX.first_generation();
    assert!(last.0 <= 1 << 53, "JSON keeps it exact");
    assert!(first.first_generation() < second.first_generation());
}

#[test]
fn given_a_store_generation_when_numbers_begin_under_it_then_they_lie_above_all_before() {
    let (one, two) = (StoreGeneration(1), StoreGeneration(2));

    assert_eq!(StoreGeneration::default().journal_start(), 0);
    assert_eq!(one.journal_start(), 1 << 34);
    assert_eq!(two.journal_start(), 2 << 34);
    assert_eq!(two.first_generation(), Generation(2 << 24));
    assert!(
        StoreGeneration::MAX.first_generation().0 <= 1 << 53,
        "exact in JSON"
    );
    assert_eq!(StoreGeneration::MAX.0, 536_870_912);
}

#[test]
fn given_several_expiries_when_recorded_then_they_come_in_the_order_of_the_clock() {
    // Otherwise the tail would forget the latest and keep the earliest.
    let roster = roster([
        session(1).idle_after(30),
        session(2).idle_after(10),
        session(3).deadline(20),
    ]);

    let expected = [
        (id(2), EndReason::Idle),
        (id(3), EndReason::Absolute),
        (id(1), EndReason::Idle),
    ];
    assert_eq!(ends(&roster.expiries(at(99))), expected);
    assert!(roster.expiries(at(9)).is_empty());
}

#[test]
fn given_live_and_expired_sessions_when_asked_how_long_a_decision_stands_then_until_the_next_expiry()
 {
    let roster = roster([
        session(1).idle_after(10),
        session(2).idle_after(30),
        session(3).deadline(40),
    ]);

    assert_eq!(roster.stands_until(at(5)), at(10));
    assert_eq!(roster.stands_until(at(10)), at(30));
    assert_eq!(roster.stands_until(at(30)), at(40));
    assert_eq!(roster.stands_until(at(40)), Timestamp::MAX);
}

#[test]
fn given_a_grace_when_asked_how_long_a_decision_stands_then_no_longer_than_that() {
    use crate::session::{GraceEnd, PreviousToken, Replacement, Sealed};
    let mut roster = roster([session(1)]);
    roster.apply(
        &[Change::Rotation {
            id: id(1),
            token: crate::testing::later_token(1, 50).secret().digest(),
            at: at(5),
            previous: Box::new(PreviousToken {
                digest: crate::testing::token(1).secret().digest(),
                accepted_until: GraceEnd::new(at(20)),
                repeatable_until: at(30),
                sealed_successor: Sealed(Box::default()),
                replaced_by: Replacement::Renewal,
            }),
        }],
        at(5),
    );

    assert_eq!(roster.stands_until(at(5)), at(20));
    assert_eq!(roster.stands_until(at(20)), at(30));
    assert_eq!(roster.stands_until(at(30)), at(3605));
}

#[test]
fn given_a_session_that_is_shortened_when_asked_how_long_that_stands_then_until_its_new_deadline() {
    let roster = roster([session(1), session(2).idle_after(50)]);
    let shortening = Change::Shortening {
        id: id(1),
        idle: Duration::from_secs(15),
        absolute_deadline: at(99),
    };

    assert_eq!(roster.changes_stand_until(&[shortening], at(5)), at(15));
    assert_eq!(roster.changes_stand_until(&[end_of(2, 5)], at(5)), at(50));
}

#[test]
fn given_a_birth_when_asked_how_long_it_stands_then_never_beyond_the_time_of_the_newborn() {
    let roster = roster([session(1).idle_after(50)]);
    let birth_of = |newborn: Session| [Change::Birth(Arc::new(newborn))];
    let short = birth_of(session(2).idle_after(12).build());
    let long = birth_of(session(2).idle_after(60).build());

    assert_eq!(roster.changes_stand_until(&short, at(5)), at(12));
    assert_eq!(roster.changes_stand_until(&long, at(5)), at(50));
}

#[test]
fn given_groups_in_any_order_when_compared_then_only_the_set_counts() {
    let mut roster = empty_roster();
    roster.groups = groups(&["a", "b"]);

    assert!(roster.has_groups(&groups(&["b", "a", "b"])));
    assert!(!roster.has_groups(&groups(&["a"])));
    assert!(!roster.has_groups(&groups(&["a", "b", "c"])));
}

#[test]
fn given_evidence_from_just_before_the_floor_rose_when_settled_then_it_is_as_good_as_fresh() {
    let floor = Floor {
        generation: Generation(9),
        generation_before: Generation(7),
        ..Floor::default()
    };

    assert_eq!(floor.lift(Generation(7)), Generation(9));
    assert_eq!(floor.lift(Generation(8)), Generation(8));
    assert_eq!(floor.lift(Generation(6)), Generation(6));
}

#[test]
fn given_a_roster_with_nothing_left_when_the_floor_has_risen_above_it_twice_then_it_may_go() {
    let floor = |epoch, before| Floor {
        epoch,
        generation: Generation(before + 1),
        generation_before: Generation(before),
        version: RosterVersion(5),
    };
    let left = empty_roster();

    assert!(left.is_forgettable(floor(2, 2), at(5)));
    assert!(!left.is_forgettable(floor(1, 2), at(5)), "only once");
    // An absent roster would accept evidence from before this one's last fence.
    assert!(!left.is_forgettable(floor(2, 1), at(5)));
    let ahead = Roster {
        version: RosterVersion(6),
        ..left
    };
    assert!(
        !ahead.is_forgettable(floor(2, 2), at(5)),
        "event ids would come twice"
    );
}

#[test]
fn given_anything_that_would_be_missed_when_asked_then_the_roster_stays() {
    let floor = Floor {
        epoch: 9,
        generation: Generation(9),
        generation_before: Generation(8),
        version: RosterVersion(99),
    };
    let spoil: [fn(&mut Roster); 6] = [
        |r| *r = roster([session(1)]),
        |r| {
            *r = roster([session(1)]);
            r.apply(&[end_of(1, 4)], at(4));
        },
        |r| r.disabled = true,
        |r| r.groups = groups(&["staff"]),
        |r| r.own_limit = SessionLimit::new(1),
        |r| r.contact.locale = Some("de".into()),
    ];

    assert!(empty_roster().is_forgettable(floor, at(5)));
    for (place, spoil) in spoil.into_iter().enumerate() {
        let mut left = empty_roster();
        spoil(&mut left);
        assert!(!left.is_forgettable(floor, at(5)), "{place}");
    }
}

#[test]
fn given_a_last_sign_in_when_it_is_long_past_then_it_is_no_longer_missed() {
    let floor = Floor {
        epoch: 9,
        generation: Generation(9),
        generation_before: Generation(8),
        version: RosterVersion(99),
    };
    let mut left = empty_roster();
    left.last_sign_in = Some(Arc::new(LastSignIn {
        at: at(0),
        origin: Origin::default(),
        failures_before: 0,
    }));

    assert!(!left.is_forgettable(floor, at(5)));
    assert!(left.is_forgettable(floor, at(400 * 24 * 3600)));
}

#[test]
fn given_a_device_when_it_was_not_seen_for_long_then_it_is_no_longer_missed() {
    let floor = Floor {
        epoch: 9,
        generation: Generation(9),
        generation_before: Generation(8),
        version: RosterVersion(99),
    };
    let mut left = empty_roster();
    left.devices.push(Arc::new(device(1)));
    let kept_for = Device::KEPT_FOR_HOURS * 3600;

    assert!(!left.is_forgettable(floor, at(kept_for - 1)));
    assert!(left.is_forgettable(floor, at(kept_for)));
}

#[test]
fn given_a_commit_when_applied_then_the_version_is_the_next() {
    let mut roster = empty_roster();
    let before = roster.version;

    roster.apply(&[], at(5));

    assert_eq!(roster.version, before.next());
}
