use super::*;
use crate::policy::Terms;
use crate::session::Initiator;
use crate::testing::{SessionBuilder, at, device, id, level, roster_with, session, trusted};

const DAY: u64 = 24 * 3600;

fn protecting() -> Policy {
    Policy::default()
}

/// An old session on the trusted device 1, and session 2 on device 2, born at second 10.
fn house(second: Device, asker: SessionBuilder) -> Roster {
    roster_with(
        [trusted(1, 0), second],
        [session(1).on(1), asker.on(2).born_at(10)],
    )
}

fn is_covered(roster: &Roster, seconds: u64) -> bool {
    let (old, asker) = (roster.find(id(1)).unwrap(), roster.find(id(2)).unwrap());
    Protection::from_session(roster, asker, &protecting(), at(seconds)).covers(old)
}

#[test]
fn given_a_young_session_on_an_untrusted_device_when_it_asks_then_older_trusted_ones_are_covered() {
    let roster = house(device(2), session(2));

    assert!(is_covered(&roster, 11));
    assert!(is_covered(&roster, 10 + DAY - 1));
    assert!(!is_covered(&roster, 10 + DAY));
}

#[test]
fn given_a_device_trusted_for_long_when_a_young_session_on_it_asks_then_nothing_is_covered() {
    let roster = house(trusted(2, 0), session(2));

    assert!(is_covered(&roster, DAY - 1));
    assert!(!is_covered(&roster, DAY));
}

/// Whoever stole a password signs in, calls the own device trusted, and ends the owner's session:
/// the mark alone must not open that door, and neither must one more sign-in under it.
#[test]
fn given_a_device_that_was_just_trusted_when_it_asks_then_older_trusted_ones_are_still_covered() {
    let roster = house(trusted(2, 20), session(2));
    let again = Protection::from_newcomer(
        &roster,
        Some(&roster.devices[1]),
        Terms::default().protect_trusted_for,
        at(30),
    );

    assert!(is_covered(&roster, 30));
    assert!(again.covers(roster.find(id(1)).unwrap()));
}

#[test]
fn given_an_administrators_word_for_a_device_when_it_asks_then_it_counts_at_once() {
    let mut second = trusted(2, 20);
    second.trust.as_mut().unwrap().by = Initiator::Admin;

    assert!(!is_covered(&house(second, session(2)), 30));
}

#[test]
fn given_younger_or_untrusted_sessions_when_a_young_one_asks_then_they_are_not_covered() {
    let roster = roster_with(
        [device(1), device(2), trusted(3, 0)],
        [
            session(1).on(1),
            session(2).on(2).born_at(10),
            session(3).on(3).born_at(20),
        ],
    );
    let asker = roster.find(id(2)).unwrap();
    let protection = Protection::from_session(&roster, asker, &protecting(), at(30));

    assert!(
        !protection.covers(roster.find(id(1)).unwrap()),
        "nobody trusts its device"
    );
    assert!(
        !protection.covers(roster.find(id(3)).unwrap()),
        "it is younger"
    );
}

#[test]
fn given_sessions_on_one_device_when_one_asks_then_the_others_are_not_covered_from_it() {
    let roster = roster_with(
        [trusted(1, 5)],
        [session(1).on(1), session(2).on(1).born_at(10)],
    );

    assert!(!is_covered(&roster, 30));
}

#[test]
fn given_no_span_in_the_policy_when_anybody_asks_then_nothing_is_covered() {
    let roster = house(device(2), session(2));
    let mut policy = protecting();
    policy.terms.protect_trusted_for = Duration::ZERO;
    let (old, asker) = (roster.find(id(1)).unwrap(), roster.find(id(2)).unwrap());

    assert!(!Protection::from_session(&roster, asker, &policy, at(11)).covers(old));
    assert!(!Protection::from_newcomer(&roster, None, Duration::ZERO, at(11)).covers(old));
}

#[test]
fn given_stronger_evidence_when_a_young_session_asks_then_it_is_no_dead_end() {
    let roster = house(device(2), session(2).assured(2));
    let (old, asker) = (roster.find(id(1)).unwrap(), roster.find(id(2)).unwrap());
    let protection = Protection::from_session(&roster, asker, &protecting(), at(11));

    assert!(protection.covers_from(old, level(1)));
    assert!(!protection.covers_from(old, level(2)));
}

#[test]
fn given_a_trusted_device_when_a_young_session_would_end_it_then_it_is_covered_as_its_sessions_are()
{
    let roster = house(device(2), session(2));
    let empty = roster_with([trusted(1, 0), device(2)], [session(2).on(2).born_at(10)]);
    let covers = |roster: &Roster, device: usize, evidence| {
        let asker = roster.find(id(2)).unwrap();
        let protection = Protection::from_session(roster, asker, &protecting(), at(11));
        protection.covers_device(&roster.devices[device], level(evidence), at(11))
    };

    assert!(covers(&roster, 0, 1));
    assert!(!covers(&roster, 0, 2));
    assert!(!covers(&roster, 1, 1), "its own");
    assert!(
        covers(&empty, 0, 2),
        "nothing there that evidence could be stronger than"
    );
}

#[test]
fn given_devices_when_a_young_session_would_end_one_then_only_a_trusted_other_is_covered() {
    let is_covered = |device: &Device| {
        let roster = roster_with(
            [device.clone(), trusted(2, 20)],
            [session(1).on(1), session(2).on(2).born_at(10)],
        );
        let asker = roster.find(id(2)).unwrap();
        let protection = Protection::from_session(&roster, asker, &protecting(), at(30));
        let own = protection.covers_device(&roster.devices[1], level(1), at(30));
        assert!(!own, "its own device is its own affair");
        protection.covers_device(&roster.devices[0], level(1), at(30))
    };

    assert!(is_covered(&trusted(1, 0)));
    assert!(!is_covered(&device(1)));
}
