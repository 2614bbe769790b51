//! What a subject may choose to end where trust protects some of it: the list widens only as far
//! as it must.

use super::*;
use crate::device::Device;
use crate::session::Initiator;
use crate::testing::{SessionBuilder, device, roster_with, trusted};

const DAY: u64 = 24 * 3600;

/// Session `number`, on the device of that number, that lasts through these stories.
fn lasting(number: u8) -> SessionBuilder {
    let days = 9 * DAY;
    session(number).on(number).idle_after(days).deadline(days)
}

/// A sign-in from a device that nobody knows, whose subject chose to end these sessions.
fn choosing(numbers: &[u8]) -> SignIn {
    SignIn {
        end: numbers.iter().copied().map(id).collect(),
        ..sign_in()
    }
}

/// The answer to a sign-in a little after the second day began.
fn answer(roster: &Roster, sign_in: &SignIn, policy: &Policy) -> Admission {
    admit(roster, sign_in, newborn(9), policy, at(DAY + 60))
}

fn listed(roster: &Roster, sign_in: &SignIn, policy: &Policy) -> Vec<SessionId> {
    let no_seat = no_seat(answer(roster, sign_in, policy));
    assert_eq!(no_seat.way_out, WayOut::Choose);
    no_seat.endable
}

fn ended(roster: &Roster, sign_in: &SignIn, policy: &Policy) -> Vec<SessionId> {
    match answer(roster, sign_in, policy) {
        Admission::Admit(admitted) => ends(&admitted.changes).iter().map(|e| e.0).collect(),
        Admission::Refuse(refusal) => panic!("refused: {refusal:?}"),
    }
}

/// The owner's session 1, on a device trusted for a day, and four more on devices that were
/// trusted just now, by whoever signed in there.
fn besieged() -> Roster {
    let devices = [trusted(1, 0)];
    let of_thief = (2..=5).map(|number| trusted(number, DAY));
    roster_with(devices.into_iter().chain(of_thief), (1..=5).map(lasting))
}

/// A stolen password proves as much as the owner's. The thief signed in four times, called each of
/// those devices trusted, and so had every seat protected: the next refusal came with a ticket
/// that listed the owner's session too, and ended it.
#[test]
fn given_seats_that_a_thief_called_trusted_when_full_then_only_those_may_be_chosen() {
    let roster = besieged();
    let own = [id(2), id(3), id(4), id(5)];

    for policy in [
        evicting_at(5),
        policy(5, Overflow::Refuse),
        policy(5, Overflow::Ask),
    ] {
        assert_eq!(listed(&roster, &sign_in(), &policy), own);
        assert_eq!(listed(&roster, &choosing(&[1]), &policy), own);
        assert_eq!(listed(&roster, &choosing(&[1, 2]), &policy), own);
        assert_eq!(ended(&roster, &choosing(&[2]), &policy), [id(2)]);
    }
}

/// The owner's way back in, from a telephone that nobody knows (V4).
#[test]
fn given_nothing_but_long_trusted_sessions_when_full_then_those_may_be_chosen() {
    let roster = roster_with([trusted(1, 0), trusted(2, 0)], [lasting(1), lasting(2)]);

    assert_eq!(listed(&roster, &sign_in(), &evicting_at(2)), [id(1), id(2)]);
    assert_eq!(ended(&roster, &choosing(&[1]), &evicting_at(2)), [id(1)]);
}

#[test]
fn given_the_word_of_an_administrator_when_full_then_it_is_believed_at_once() {
    let mut by_admin = trusted(2, DAY);
    by_admin.trust.as_mut().unwrap().by = Initiator::Admin;
    let roster = roster_with([trusted(1, DAY), by_admin], [lasting(1), lasting(2)]);

    assert_eq!(listed(&roster, &sign_in(), &evicting_at(2)), [id(1)]);
}

#[test]
fn given_some_that_nobody_trusts_when_they_suffice_then_only_they_may_be_chosen() {
    let roster = roster_with(
        [trusted(1, 0), device(2), trusted(3, DAY)],
        [lasting(1), lasting(2), lasting(3)],
    );

    for overflow in [Overflow::Ask, Overflow::Refuse] {
        let full = policy(3, overflow);
        assert_eq!(listed(&roster, &sign_in(), &full), [id(2)]);
        assert_eq!(listed(&roster, &choosing(&[3]), &full), [id(2)]);
    }
}

#[test]
fn given_too_few_that_nobody_trusts_when_more_must_go_then_the_list_widens_step_by_step() {
    let roster = roster_with(
        [trusted(1, 0), device(2), trusted(3, DAY)],
        [lasting(1), lasting(2), lasting(3)],
    );
    let with_room_for = |sessions| {
        let newcomer = SignIn {
            remember: true,
            ..sign_in()
        };
        let policy = policy(3, Overflow::Ask);
        let policy = ruled(policy, 0, when_remembered(), at_most(sessions));
        listed(&roster, &newcomer, &policy)
    };

    assert_eq!(with_room_for(2), [id(2), id(3)]);
    assert_eq!(with_room_for(1), [id(1), id(2), id(3)]);
}

#[test]
fn given_a_limit_that_only_the_owner_fills_when_it_must_give_then_nobody_else_is_listed() {
    let roster = roster_with(
        [trusted(1, 0), device(2)],
        [lasting(1).client("tv"), lasting(2)],
    );
    let on_tv = SignIn {
        client: Some(client("tv")),
        ..sign_in()
    };
    let policy = Policy {
        limits: vec![per_client(1, &["tv"])],
        ..evicting_at(5)
    };

    assert_eq!(listed(&roster, &on_tv, &policy), [id(1)]);
}

#[test]
fn given_stronger_evidence_in_a_protected_seat_when_a_weaker_proof_comes_then_it_is_not_listed() {
    let devices: [Device; 3] = [trusted(1, 0), trusted(2, DAY), trusted(3, DAY)];
    let roster = roster_with(devices, [lasting(1), lasting(2).assured(2), lasting(3)]);

    assert_eq!(listed(&roster, &sign_in(), &evicting_at(3)), [id(3)]);
    let strong = roster_with(
        [trusted(1, 0), trusted(2, DAY)],
        [lasting(1).assured(3), lasting(2).assured(2)],
    );
    let no_seat = no_seat(answer(&strong, &sign_in(), &evicting_at(2)));
    assert_eq!(no_seat.way_out, WayOut::ProveMore(level(2)));
    assert!(no_seat.endable.is_empty());
}

/// A ticket for the thief's own sessions, one of which then makes room: the owner's is no more in
/// its reach than before.
#[test]
fn given_room_meanwhile_when_a_protected_session_was_chosen_then_it_lives_on() {
    assert!(ended(&besieged(), &choosing(&[1]), &evicting_at(6)).is_empty());
}
