//! Seats of a tenant: how many sessions all its subjects may hold together.

use std::task::Poll;
use std::time::Duration;

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::{Overflow, Policy, Seats, TenantLimit};
use innkeeper_domain::seats::{NoSeat, Scope, WayOut};
use innkeeper_domain::session::EndReason;
use innkeeper_domain::token::{SessionToken, TokenSecret};
use innkeeper_engine::sign_in::SignInAnswer;

use crate::support::{
    House, admitted, arrival, copy, event, finish, house_with, just_before, policy, poll_once,
};

/// A policy of so many seats for every tenant, each by itself.
fn seats(count: u64, at_limit: Overflow) -> Policy {
    Policy {
        tenants: vec![TenantLimit {
            tenants: Vec::new(),
            seats: Seats::new(count).expect("it is a number of seats"),
        }],
        ..policy(5, at_limit)
    }
}

fn refused(answer: SignInAnswer) -> NoSeat {
    match answer {
        SignInAnswer::Refused(Refusal::SessionLimit(no_seat), _) => no_seat,
        answer => panic!("expected a refusal, got {answer:?}"),
    }
}

fn live(house: &House, names: &[String]) -> usize {
    names.iter().map(|name| house.live(name)).sum()
}

/// S1 over a tenant: what usual code gets wrong is that all of them count before any writes.
#[test]
fn s1_given_200_subjects_and_50_seats_when_all_sign_in_at_once_then_exactly_50_are_let_in() {
    let house = house_with(seats(50, Overflow::EvictLeastRecent));
    let names: Vec<_> = (0..200).map(|n| format!("guest {n}")).collect();
    let mut guests: Vec<_> = names
        .iter()
        .map(|name| Box::pin(house.authority.sign_in(arrival(name))))
        .collect();

    let (mut let_in, mut turned_away) = (0, 0);
    while !guests.is_empty() {
        guests.retain_mut(|guest| match poll_once(guest.as_mut()) {
            Poll::Ready(answer) => {
                match answer.expect("the store is sound") {
                    SignInAnswer::Admitted(_) => let_in += 1,
                    answer => {
                        let no_seat = refused(answer);
                        assert_eq!(
                            (no_seat.limit.scope, no_seat.limit.max, no_seat.way_out),
                            (Scope::Tenant, 50, WayOut::Wait)
                        );
                        turned_away += 1;
                    }
                }
                false
            }
            Poll::Pending => true,
        });
    }

    assert_eq!((let_in, turned_away), (50, 150));
    assert_eq!(live(&house, &names), 50);
    house.assert_journal_is_whole();
}

/// V1: a seat is free at once when somebody leaves, and at the deadline of who held it.
#[test]
fn v1_given_no_seat_left_when_one_ends_or_expires_then_the_next_is_let_in() {
    let house = house_with(seats(2, Overflow::Refuse));
    let first = house.sign_in("alice");
    house.clock.pass(Duration::from_mins(10));
    let second = house.sign_in("bob");
    let _ = refused(house.answer(arrival("carol")));

    let _ = house.revoke(second.session.id);
    let _ = house.sign_in("carol");
    let _ = refused(house.answer(arrival("dave")));
    let left = first.session.idle.saturating_sub(Duration::from_mins(10));
    house.clock.pass(just_before(left));
    let _ = refused(house.answer(arrival("dave")));
    house.clock.pass(Duration::from_millis(1));

    let _ = house.sign_in("dave");
    assert_eq!((house.live("alice"), house.live("dave")), (0, 1));
}

/// The total stays: whoever signs in again gives up a session of their own, by the policy's order.
#[test]
fn given_no_seat_left_when_a_subject_has_sessions_of_its_own_then_one_of_those_makes_room() {
    let house = house_with(seats(3, Overflow::EvictOldest));
    let first = house.sign_in("alice");
    let _ = house.sign_in("alice");
    let _ = house.sign_in("bob");

    let third = house.sign_in("alice");

    let ended: Vec<_> = third
        .ended
        .iter()
        .map(|e| (e.session.id, e.ending.reason))
        .collect();
    assert_eq!(ended, [(first.session.id, EndReason::Evicted)]);
    assert_eq!((house.live("alice"), house.live("bob")), (2, 1));
}

#[test]
fn given_no_seat_left_when_the_policy_asks_then_the_subject_may_choose_among_its_own() {
    let house = house_with(seats(2, Overflow::Ask));
    let first = house.sign_in("alice");
    let _ = house.sign_in("bob");

    let answer = house.answer(arrival("alice"));

    let SignInAnswer::Refused(Refusal::SessionLimit(no_seat), turned_away) = answer else {
        panic!("expected a refusal, got {answer:?}");
    };
    assert_eq!(no_seat.limit.scope, Scope::Tenant);
    assert_eq!(no_seat.endable, [first.session.id]);
    assert!(turned_away.choice.is_some());
    let stranger = refused(house.answer(arrival("carol")));
    assert_eq!(
        (stranger.endable.len(), stranger.way_out),
        (0, WayOut::Wait)
    );
}

/// Under `observe` nobody is evicted, and the seats of the tenant are no less taken.
#[test]
fn given_no_seat_left_when_the_policy_observes_then_the_newcomer_is_turned_away_all_the_same() {
    let house = house_with(seats(1, Overflow::Observe));
    let _ = house.sign_in("alice");

    let no_seat = refused(house.answer(arrival("alice")));

    assert_eq!((no_seat.limit.scope, no_seat.limit.max), (Scope::Tenant, 1));
    assert_eq!(house.live("alice"), 1);
}

#[test]
fn s14_given_a_full_tenant_when_somebody_signs_in_to_another_then_seats_are_free_there() {
    let house = house_with(seats(1, Overflow::Refuse));
    let _ = house.sign_in("alice");
    let mut elsewhere = arrival("alice");
    elsewhere.tenant = TenantId::parse("acme").expect("it is a name");

    let _ = admitted(house.answer(elsewhere));

    let _ = refused(house.answer(arrival("bob")));
}

#[test]
fn given_a_known_browser_when_it_signs_in_again_in_a_full_tenant_then_it_takes_over_its_own_seat() {
    let house = house_with(seats(1, Overflow::Refuse));
    let first = house.sign_in("alice");
    let mut again = arrival("alice");
    again.sign_in.authentication = event(1);
    again.replaces = Some(first.token);

    let second = admitted(house.answer(again));

    assert_eq!(second.ended.len(), 1);
    assert_eq!(house.live("alice"), 1);
}

/// S11, S5, S14: a full tenant says the same whatever is to be replaced, and nobody's session ends
/// for a newcomer who is not let in.
#[test]
fn s11_given_no_seat_left_when_another_is_to_be_replaced_then_nobody_ends_and_nothing_is_told() {
    let elsewhere = TenantId::parse("elsewhere").expect("it is a name");
    for at_limit in [Overflow::Refuse, Overflow::EvictLeastRecent, Overflow::Ask] {
        let house = house_with(seats(1, at_limit));
        let gone = house.sign_in("bob");
        let _ = house.revoke(gone.session.id);
        let bob = house.sign_in("bob");
        let mut there = arrival("carol");
        there.tenant = elsewhere.clone();
        let there = admitted(house.answer(there));
        let before = house.snapshot();

        let nobody = SessionToken::new(bob.token.tag(), TokenSecret::from_entropy([7; 48]));
        let tokens = [
            None,
            Some(&bob.token),
            Some(&gone.token),
            Some(&there.token),
            Some(&nobody),
        ];
        let answers = tokens.map(|token| {
            let mut request = arrival("alice");
            request.replaces = token.map(copy);
            refused(house.answer(request))
        });

        for answer in &answers {
            assert_eq!(answer, &answers[0]);
            assert_eq!(
                (answer.limit.scope, answer.way_out),
                (Scope::Tenant, WayOut::Wait)
            );
            assert!(answer.endable.is_empty());
        }
        assert_eq!(house.snapshot(), before, "{at_limit:?}");
        assert!(house.passes(&bob.token));
    }
}

/// Whoever is let in by a seat of the own ends what the same browser held of another, and the seat
/// of that one is free for whoever comes next, and for nobody before.
#[test]
fn given_no_seat_left_when_an_own_one_is_given_up_and_another_replaced_then_both_end_in_turn() {
    let house = house_with(seats(2, Overflow::EvictLeastRecent));
    let bob = house.sign_in("bob");
    let before = house.sign_in("alice");
    let mut request = arrival("alice");
    request.replaces = Some(copy(&bob.token));

    let after = admitted(house.answer(request));

    let ended: Vec<_> = after.ended.iter().map(|e| e.session.id).collect();
    assert_eq!(ended, [before.session.id], "another's are not told");
    assert_eq!(house.why_not(&before.token), Some(EndReason::Evicted));
    assert_eq!(house.why_not(&bob.token), Some(EndReason::Superseded));
    assert_eq!((house.live("alice"), house.live("bob")), (1, 0));
    let _ = house.sign_in("carol");
    let _ = refused(house.answer(arrival("dave")));
}

/// Nobody ends because seats are lowered, and whoever is there may still sign in elsewhere.
#[test]
fn given_fewer_seats_than_sessions_when_those_who_are_there_sign_in_then_the_total_stays() {
    let house = house_with(seats(3, Overflow::EvictOldest));
    let _ = house.sign_in("alice");
    let _ = house.sign_in("bob");
    let _ = house.sign_in("alice");
    let lowered = house
        .authority
        .put_policy(seats(1, Overflow::EvictOldest), None);
    let _ = finish(lowered).expect("the store is sound");

    let _ = house.sign_in("alice");

    assert_eq!((house.live("alice"), house.live("bob")), (2, 1));
    let _ = refused(house.answer(arrival("carol")));
}
