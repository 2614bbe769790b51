//! Several nodes over one store: none decides by a policy that a roster has left behind.

use std::time::Duration;

use innkeeper_domain::policy::Overflow;
use innkeeper_engine::EngineError;
use innkeeper_engine::follow::FOLLOWED_WITHIN;
use innkeeper_engine::sign_in::SignInAnswer;

use crate::stage::{Fault, Glances};
use crate::support::{arrival, finish, house, policy};

/// The smallest step of a store's time.
const JUST_LATER: Duration = Duration::from_millis(1);

/// S1: a rolling upgrade lowers the limit from 5 to 1, one node after the other. Alice is made to
/// obey by the new node; then her next sign-in comes to the old one, which knows of five seats.
#[test]
fn s1_given_a_node_with_an_older_policy_when_it_decides_then_the_newer_one_holds() {
    let older = house();
    let _ = older.sign_in("alice");
    let newer = older.reopened(policy(1, Overflow::Refuse));
    assert_eq!(newer.live("alice"), 1);
    let obeyed = newer.answer(arrival("alice"));
    assert!(matches!(obeyed, SignInAnswer::Refused(..)));

    let answer = older.answer(arrival("alice"));

    assert!(matches!(answer, SignInAnswer::Refused(..)), "{answer:?}");
    assert_eq!(older.live("alice"), 1);
    let (found, wanted) = (older.authority.policy(), newer.authority.policy());
    assert_eq!(found, wanted);
}

/// The same by way of a check, whose quick look must not answer by the older policy either.
#[test]
fn s1_given_a_node_with_an_older_policy_when_it_checks_then_it_takes_the_newer_one_up() {
    for glances in [Glances::Allowed, Glances::Refused] {
        let older = house();
        let signed_in = older.sign_in("alice");
        let newer = older.reopened(policy(1, Overflow::Refuse));
        assert!(newer.passes(&signed_in.token));
        older.stage.set_glances(glances);

        assert!(older.passes(&signed_in.token));

        assert_eq!(older.authority.policy(), newer.authority.policy());
    }
}

/// S17: the newer policy cannot be read, so the older node decides nothing.
#[test]
fn s17_given_a_newer_policy_that_cannot_be_read_when_asked_then_nothing_is_answered() {
    let older = house();
    let signed_in = older.sign_in("alice");
    let newer = older.reopened(policy(1, Overflow::Refuse));
    assert!(newer.passes(&signed_in.token));
    let before = older.snapshot();

    // The reading comes; the register does not answer.
    older.stage.fail_after(1, Fault::Unavailable);
    let answer = finish(older.authority.sign_in(arrival("alice")));
    assert!(matches!(answer, Err(EngineError::Store(_))), "{answer:?}");
    assert!(older.stage.heal());
    older.stage.fail_after(1, Fault::Unavailable);
    let answer = older.try_check(&signed_in.token);
    assert!(matches!(answer, Err(EngineError::Store(_))), "{answer:?}");

    assert_eq!(older.snapshot(), before);
}

/// S17: what the roster obeys is in no register: an older one was brought back beside it.
#[test]
fn s17_given_a_policy_that_is_nowhere_when_asked_then_nothing_is_answered() {
    let older = house();
    let signed_in = older.sign_in("alice");
    let newer = older.reopened(policy(1, Overflow::Refuse));
    assert!(newer.passes(&signed_in.token));
    older.forget_policy();

    let checked = older.try_check(&signed_in.token);
    let answer = finish(older.authority.sign_in(arrival("alice")));

    let behind = |e: &EngineError| {
        matches!(
            e,
            EngineError::PolicyBehind {
                obeyed: 2,
                found: 1
            }
        )
    };
    assert!(checked.as_ref().is_err_and(behind), "{checked:?}");
    assert!(answer.as_ref().is_err_and(behind), "{answer:?}");
}

/// Alice's roster was never at the newer node. The older one answers by the older policy for as
/// long as it is said to, and not a moment longer, whatever comes next.
#[test]
fn s1_given_a_newer_policy_when_the_time_to_follow_is_over_then_every_answer_obeys_it() {
    for glances in [Glances::Allowed, Glances::Refused] {
        let older = house();
        let first = older.sign_in("alice");
        let second = older.sign_in("alice");
        let newer = older.reopened(policy(1, Overflow::EvictOldest));
        older.stage.set_glances(glances);
        older.clock.pass(FOLLOWED_WITHIN);
        assert!(older.passes(&first.token));

        older.clock.pass(JUST_LATER);

        assert!(!older.passes(&first.token));
        assert!(older.passes(&second.token));
        assert_eq!(older.authority.policy(), newer.authority.policy());
    }
}

/// S17: a node that cannot look whether there is a newer policy does not answer by the old one.
#[test]
fn s17_given_a_register_out_of_reach_when_the_time_to_follow_is_over_then_nothing_is_answered() {
    let house = house();
    let signed_in = house.sign_in("alice");
    house.clock.pass(FOLLOWED_WITHIN + JUST_LATER);

    // The reading comes; the register does not answer.
    house.stage.fail_after(1, Fault::Unavailable);
    let checked = house.try_check(&signed_in.token);
    assert!(matches!(checked, Err(EngineError::Store(_))), "{checked:?}");
    assert!(house.stage.heal());

    assert!(house.passes(&signed_in.token));
}
