//! `replaces`: no token survives a sign-in on the same browser (CWE-384).

use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Overflow;
use innkeeper_domain::session::EndReason;
use innkeeper_engine::check::CheckAnswer;
use innkeeper_engine::sign_in::SignInAnswer;

use crate::stage::Fault;
use crate::support::{admitted, arrival, check_of, copy, finish, house, house_with, keyed, policy};

#[test]
fn s8_given_a_token_of_the_same_subject_when_replaced_then_it_ends_in_the_same_commit() {
    let house = house_with(policy(1, Overflow::Refuse));
    let before = house.sign_in("alice");
    let mut request = arrival("alice");
    request.replaces = Some(copy(&before.token));

    let after = admitted(house.answer(request));

    assert_eq!(house.why_not(&before.token), Some(EndReason::Superseded));
    assert!(house.passes(&after.token), "its seat went to the newcomer");
    assert_eq!(after.ended.len(), 1);
    assert_eq!(house.journal().len(), 2);
}

/// S8: the browser presents a token that was rotated away long ago. The session goes all the same.
#[test]
fn s8_given_an_older_token_of_the_session_when_replaced_then_the_session_ends() {
    let house = house();
    let before = house.sign_in("alice");
    let current = house.renew(&before.token);
    let mut request = arrival("alice");
    request.replaces = Some(copy(&before.token));

    let _ = admitted(house.answer(request));

    assert_eq!(house.why_not(&current.token), Some(EndReason::Superseded));
}

/// Two people on one browser: the second one's sign-in ends the first one's session, in a commit
/// of its own, before the answer.
#[test]
fn s8_given_a_token_of_another_subject_when_replaced_then_it_ends_before_the_answer() {
    let house = house();
    let alice = house.sign_in("alice");
    let other = house.sign_in("alice");
    let mut request = arrival("bob");
    request.replaces = Some(copy(&alice.token));

    let bob = admitted(house.answer(request));

    assert_eq!(house.why_not(&alice.token), Some(EndReason::Superseded));
    assert!(house.passes(&other.token) && house.passes(&bob.token));
    assert!(bob.ended.is_empty(), "another's sessions are not told (S5)");
    house.assert_journal_is_whole();
}

/// S14: a token of another tenant is nobody's here. It is not ended, nor is it told from one that
/// does not exist.
#[test]
fn s14_given_a_token_of_another_tenant_when_replaced_then_it_is_left_alone() {
    let house = house();
    let acme = TenantId::parse("acme").expect("it is a name");
    let mut there = arrival("alice");
    there.tenant = acme.clone();
    let there = admitted(house.answer(there));
    let mut request = arrival("bob");
    request.replaces = Some(copy(&there.token));

    let _ = admitted(house.answer(request));

    let mut check = check_of(&there.token);
    check.tenant = Some(acme);
    let answer = finish(house.authority.check(&check)).expect("the store is sound");
    assert!(matches!(answer, CheckAnswer::Valid(_)));
}

/// S11: a refused sign-in ends nothing, whatever it would have replaced.
#[test]
fn s11_given_a_refusal_when_it_named_a_token_of_another_then_that_one_lives() {
    let house = house_with(policy(1, Overflow::Refuse));
    let alice = house.sign_in("alice");
    let _ = house.sign_in("bob");
    let mut request = arrival("bob");
    request.replaces = Some(copy(&alice.token));

    let answer = house.answer(request);

    assert!(matches!(answer, SignInAnswer::Refused(..)), "{answer:?}");
    assert!(house.passes(&alice.token));
}

/// S19: the store fails between the birth and the end of the other's session. No answer is given
/// (it is unknown), and the repeat does both.
#[test]
fn s19_given_a_failure_between_the_two_commits_when_repeated_then_both_are_done() {
    for fault in [Fault::Unavailable, Fault::LostBefore, Fault::LostAfter] {
        for calls in 0.. {
            let house = house();
            let alice = house.sign_in("alice");
            let request = || {
                let mut request = keyed("bob", "0123456789abcdef", "x");
                request.replaces = Some(copy(&alice.token));
                request
            };

            house.stage.fail_after(calls, fault);
            let answer = finish(house.authority.sign_in(request()));
            if !house.stage.heal() {
                assert!(calls >= 4, "two readings and two commits could fail");
                break;
            }
            assert!(answer.is_err(), "{fault:?} after {calls}: {answer:?}");

            let (SignInAnswer::Admitted(bob) | SignInAnswer::Repeated(bob)) =
                house.answer(request())
            else {
                panic!("the repeat settles it");
            };
            assert!(house.passes(&bob.token));
            assert_eq!(house.live("bob"), 1, "{fault:?} after {calls} (S10)");
            assert_eq!(house.why_not(&alice.token), Some(EndReason::Superseded));
            house.assert_journal_is_whole();
        }
    }
}
