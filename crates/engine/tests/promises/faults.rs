//! A store that fails: never a yes that nobody can stand by (S17).

use std::pin::Pin;

use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::check::Shown;
use innkeeper_domain::policy::{Overflow, SessionLimit};
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::EngineError;
use innkeeper_engine::check::CheckAnswer;
use innkeeper_engine::revoke::Scope;
use innkeeper_engine::sign_in::{SignInAnswer, SignedIn};

use crate::stage::{Fault, Glances};
use crate::support::{
    House, MINUTE, arrival, check_of, finish, house, house_with, keyed, policy, proved, rotated,
    subject, tenant,
};

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), EngineError>> + 'a>>;

/// Lets each store call of `call` go wrong in turn, in each way. Whatever happens, the answer is
/// that nobody knows, and what is left is the house as it was or as it would have been. Then the
/// store is well again, and the repeat is answered.
fn fail_at_every_call(
    arrange: impl Fn() -> (House, SignedIn),
    call: impl for<'a> Fn(&'a House, &'a SignedIn) -> Call<'a>,
) {
    let (house, guest) = arrange();
    let before = house.snapshot();
    finish(call(&house, &guest)).expect("the store is sound");
    let after = house.snapshot();

    for fault in [Fault::Unavailable, Fault::LostBefore, Fault::LostAfter] {
        for calls in 0.. {
            let (house, guest) = arrange();
            house.stage.fail_after(calls, fault);
            let answer = finish(call(&house, &guest));
            if !house.stage.heal() {
                assert!(calls >= 2, "a reading and a writing could fail");
                break;
            }

            assert!(
                matches!(answer, Err(EngineError::Store(_))),
                "{fault:?} after {calls}: {answer:?}"
            );
            let found = house.snapshot();
            if fault == Fault::LostAfter {
                assert!(found == before || found == after, "half done after {calls}");
            } else {
                assert_eq!(found, before, "{fault:?} after {calls}");
            }
            house.assert_journal_is_whole();
            finish(call(&house, &guest)).expect("the repeat is answered");
            house.assert_journal_is_whole();
            assert!(house.live("alice") <= 2, "S1");
        }
    }
}

fn full() -> (House, SignedIn) {
    let house = house_with(policy(2, Overflow::EvictOldest));
    let _ = house.sign_in("alice");
    let guest = house.sign_in("alice");
    house.clock.pass(MINUTE);
    house.stage.set_glances(Glances::Refused);
    (house, guest)
}

#[test]
fn s17_given_a_store_that_fails_when_signing_in_then_nobody_is_let_in_unknown() {
    fail_at_every_call(full, |house, _| {
        Box::pin(async {
            let answer = house.authority.sign_in(arrival("alice")).await?;
            assert!(matches!(answer, SignInAnswer::Admitted(_)));
            Ok(())
        })
    });
}

/// S10: a lost answer, and the same key again: one session, and its token is the one handed out.
#[test]
fn s10_given_a_lost_answer_when_the_sign_in_is_repeated_then_one_session_was_born() {
    fail_at_every_call(full, |house, _| {
        Box::pin(async {
            let request = keyed("alice", "0123456789abcdef", "x");
            let births = house.roster("alice").expect("it is there").births;
            let answer = house.authority.sign_in(request).await?;
            let (SignInAnswer::Admitted(s) | SignInAnswer::Repeated(s)) = answer else {
                panic!("expected the session, got {answer:?}");
            };
            assert!(s.session.birth == 3 && births <= 3, "no second one");
            Ok(())
        })
    });
}

/// S17: no check says yes on a reading or a touch that failed.
#[test]
fn s17_given_a_store_that_fails_when_a_token_is_checked_then_it_is_not_valid() {
    fail_at_every_call(full, |house, guest| {
        Box::pin(async {
            let request = check_of(&guest.token);
            let answer = house.authority.check(&request).await?;
            assert!(matches!(answer, CheckAnswer::Valid(_)));
            Ok(())
        })
    });
}

/// S9, S17: the end that a reuse calls for could not be written: the answer is unknown, not no.
#[test]
fn s9_given_a_store_that_fails_when_a_reuse_is_found_then_the_end_is_known_before_the_answer() {
    let arrange = || {
        let (house, guest) = full();
        let next = house.renew(&guest.token);
        let _ = house.renew(&next.token);
        (house, guest)
    };
    fail_at_every_call(arrange, |house, guest| {
        Box::pin(async {
            let request = check_of(&guest.token);
            let answer = house.authority.check(&request).await?;
            let CheckAnswer::NoSession(Some(ending)) = answer else {
                panic!("expected its end, got {answer:?}");
            };
            assert_eq!(ending.reason, EndReason::ReuseDetected);
            Ok(())
        })
    });
}

/// S9: the answer to a rotation is lost; the repeat brings the successor that was made.
#[test]
fn s9_given_a_store_that_fails_when_rotating_then_the_repeat_brings_the_one_successor() {
    for occasion in [Occasion::Renewal, proved(3)] {
        fail_at_every_call(full, |house, guest| {
            let occasion = occasion.clone();
            Box::pin(async {
                let answer = house
                    .authority
                    .rotate(None, &guest.token, Shown::Nothing, occasion)
                    .await?;
                let token = rotated(answer).token;
                let roster = house.roster("alice").expect("it is there");
                let digest = token.secret().digest();
                assert!(roster.sessions.iter().any(|s| s.token == digest));
                Ok(())
            })
        });
    }
}

#[test]
fn s17_given_a_store_that_fails_when_a_credential_changes_then_the_repeat_keeps_the_same_one() {
    fail_at_every_call(full, |house, guest| {
        Box::pin(async {
            let (realm, alice) = (tenant(), subject("alice"));
            let keep = Some((&guest.token, Shown::Nothing));
            let call = house
                .authority
                .credential_changed(&realm, &alice, keep, Initiator::User);
            let kept = call.await?.kept.expect("its token is good");
            assert_eq!(kept.session.id, guest.session.id);
            Ok(())
        })
    });
}

/// S3, S17: an end that was not written is not acknowledged.
#[test]
fn s3_given_a_store_that_fails_when_ends_are_ordered_then_none_is_acknowledged() {
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
    fail_at_every_call(full, |house, guest| {
        Box::pin(async move {
            let realm = tenant();
            let scope = Scope::Tenant(&realm);
            let order = house.authority.revoke(scope, guest.session.id, reason, by);
            let _ = order.await?;
            Ok(())
        })
    });
    fail_at_every_call(full, |house, _| {
        Box::pin(async move {
            let (realm, alice) = (tenant(), subject("alice"));
            let order = house.authority.revoke_all(&realm, &alice, None, reason, by);
            let _ = order.await?;
            Ok(())
        })
    });
    fail_at_every_call(full, |house, _| {
        Box::pin(async move {
            let (realm, alice) = (tenant(), subject("alice"));
            house.authority.disable(&realm, &alice, by).await?;
            Ok(())
        })
    });
}

#[test]
fn s17_given_a_store_that_fails_when_a_subject_is_amended_then_the_repeat_settles_it() {
    fail_at_every_call(full, |house, _| {
        Box::pin(async {
            let (realm, alice) = (tenant(), subject("alice"));
            let patch = SubjectPatch {
                own_limit: Some(SessionLimit::new(1)),
                ..SubjectPatch::default()
            };
            let _ = house.authority.amend(&realm, &alice, &patch).await?;
            Ok(())
        })
    });
}

/// Without random bytes nothing is born, and nobody is told that it was.
#[test]
fn s17_given_no_entropy_when_signing_in_then_nothing_is_born() {
    let house = house();
    house.entropy.run_dry();
    let before = house.snapshot();

    let answer = finish(house.authority.sign_in(arrival("alice")));

    assert!(matches!(answer, Err(EngineError::Entropy(_))), "{answer:?}");
    assert_eq!(house.snapshot(), before);
}

/// S17: where memory may not answer for the store, a check that was good a moment ago is unknown.
#[test]
fn s17_given_a_store_out_of_reach_when_checked_then_memory_alone_says_nothing() {
    let house = house();
    let guest = house.sign_in("alice");
    assert!(house.passes(&guest.token));
    house.stage.set_glances(Glances::Refused);
    house.stage.fail_after(0, Fault::Unavailable);

    assert!(house.try_check(&guest.token).is_err());
}
