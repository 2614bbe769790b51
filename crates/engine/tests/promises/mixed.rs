//! A store that answers one question with the answer to another (rule 12): nobody believes it.

use innkeeper_domain::check::Shown;
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::EngineError;
use innkeeper_engine::revoke::Scope;
use innkeeper_engine::sign_in::SignedIn;

use crate::stage::{Glances, Mixed};
use crate::support::{House, MINUTE, arrival, finish, house, subject, tenant};

/// Alice and bob are signed in; from now on such calls are answered about bob.
fn mixed(call: Mixed) -> (House, SignedIn) {
    let house = house();
    let alice = house.sign_in("alice");
    let _ = house.sign_in("bob");
    house.clock.pass(MINUTE);
    let bob = house.authority.tag(&tenant(), &subject("bob"));
    house.stage.mix(call, bob);
    (house, alice)
}

fn is_mixed<T>(answer: &Result<T, EngineError>) -> bool {
    matches!(answer, Err(EngineError::Mixed(_)))
}

/// S5: bob's roster comes where alice's was asked for. Whoever decided by it would name bob, end
/// his sessions, or let alice in at his expense.
#[test]
fn s5_given_readings_of_another_roster_when_anything_is_asked_then_nothing_is_answered() {
    let (house, alice) = mixed(Mixed::Reading);
    house.stage.set_glances(Glances::Refused);
    let before = house.snapshot();
    let (realm, name) = (tenant(), subject("alice"));
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);

    let order = Scope::Tenant(&realm);
    let revoked = house.authority.revoke(order, alice.session.id, reason, by);
    let all = house.authority.revoke_all(&realm, &name, None, reason, by);

    assert!(is_mixed(&house.try_check(&alice.token)));
    assert!(is_mixed(&finish(house.authority.sign_in(arrival("alice")))));
    assert!(is_mixed(&finish(house.authority.rotate(
        None,
        &alice.token,
        Shown::Nothing,
        Occasion::Renewal
    ))));
    assert!(is_mixed(&finish(house.authority.subject(&realm, &name))));
    assert!(is_mixed(&finish(revoked)) && is_mixed(&finish(all)));
    assert_eq!(house.snapshot(), before);
}

/// S5: the commit was done, its answer shows another's roster: nobody knows, nobody is named.
#[test]
fn s5_given_commits_answered_about_another_roster_when_signing_in_then_it_is_unknown() {
    let (house, _) = mixed(Mixed::Commit);

    assert!(is_mixed(&finish(house.authority.sign_in(arrival("alice")))));
}

#[test]
fn s5_given_touches_answered_about_another_session_when_checked_then_it_is_unknown() {
    let (house, alice) = mixed(Mixed::Touch);
    house.stage.set_glances(Glances::Refused);

    assert!(is_mixed(&house.try_check(&alice.token)));
}
