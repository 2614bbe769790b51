//! Who is admitted where all seats of the tenant are taken.

use super::*;
use crate::policy::Seats;
use crate::testing::{device, device_token, roster_with};

fn seats() -> Seats {
    Seats::new(7).expect("it is within bounds")
}

fn for_own_seat(roster: &Roster, sign_in: &SignIn, policy: &Policy) -> Admission {
    admit_for_own_seat(roster, sign_in, newborn(9), policy, seats(), at(20))
}

#[test]
fn given_no_session_of_its_own_when_the_tenant_is_full_then_the_subject_waits() {
    let refusal = no_seat(for_own_seat(&empty_roster(), &sign_in(), &evicting_at(5)));

    assert_eq!(refusal.limit, full_limit(Scope::Tenant, 7));
    assert_eq!(refusal.way_out, WayOut::Wait);
    assert!(refusal.endable.is_empty());
}

#[test]
fn given_a_session_of_its_own_when_the_tenant_is_full_then_that_one_goes_though_there_is_room() {
    let roster = roster([session(1).seen_at(1), session(2).seen_at(2)]);

    match for_own_seat(&roster, &sign_in(), &evicting_at(5)) {
        Admission::Admit(admitted) => {
            assert_eq!(ends(&admitted.changes), [(id(1), EndReason::Evicted)]);
        }
        Admission::Refuse(refusal) => panic!("refused: {refusal:?}"),
    }
}

#[test]
fn given_more_sessions_than_allowed_when_the_tenant_is_full_then_fewer_are_live_afterwards() {
    let roster = roster([1, 2, 3].map(session));

    match for_own_seat(&roster, &sign_in(), &evicting_at(1)) {
        Admission::Admit(admitted) => assert_eq!(ends(&admitted.changes).len(), 3),
        Admission::Refuse(refusal) => panic!("refused: {refusal:?}"),
    }
}

#[test]
fn given_a_policy_that_refuses_when_the_tenant_is_full_then_the_limit_named_is_the_tenants() {
    let roster = roster([session(1)]);

    let refusal = no_seat(for_own_seat(
        &roster,
        &sign_in(),
        &policy(5, Overflow::Refuse),
    ));

    assert_eq!(refusal.limit, full_limit(Scope::Tenant, 7));
    assert_eq!(refusal.endable.len(), 1, "one of its own may go");
}

#[test]
fn given_a_session_that_the_newcomer_supersedes_when_the_tenant_is_full_then_nobody_else_goes() {
    let roster = roster_with(
        [device(1)],
        [
            session(1).on(1),
            session(2).seen_at(1),
            session(3).seen_at(2),
        ],
    );
    let again = SignIn {
        device: Some(device_token(1).digest()),
        ..sign_in()
    };

    match for_own_seat(&roster, &again, &evicting_at(5)) {
        Admission::Admit(admitted) => {
            assert_eq!(ends(&admitted.changes), [(id(1), EndReason::Superseded)]);
        }
        Admission::Refuse(refusal) => panic!("refused: {refusal:?}"),
    }
}
