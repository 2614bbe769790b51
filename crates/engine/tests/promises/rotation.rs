//! Rotation: one successor a token, however often the answer is lost (S9).

use std::sync::Arc;

use innkeeper_domain::check::Shown;
use innkeeper_domain::policy::{Overflow, Policy};
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Renewal};
use innkeeper_engine::rotate::RotateAnswer;

use crate::stage::Glances;
use crate::support::{
    HOUR, MINUTE, SECOND, check_of, copy, finish, house, house_with, just_before, policy, proved,
    rotated,
};

fn rotating() -> Policy {
    let mut rotating = policy(5, Overflow::EvictLeastRecent);
    rotating.terms.rotate_every = Some(10 * MINUTE);
    rotating
}

#[test]
fn s9_given_a_lost_answer_when_the_rotation_is_repeated_then_the_successor_is_the_same() {
    let house = house();
    let first = house.sign_in("alice").token;

    let answer = house.renew(&first);
    house.clock.pass(4 * MINUTE);
    let again = house.renew(&first);

    assert_eq!(again.token.reveal(), answer.token.reveal());
    assert!(
        house.passes(&first),
        "the old one is good until the new one is seen"
    );
    assert_eq!(house.journal().len(), 2, "the repeat wrote nothing");
}

#[test]
fn s9_given_a_successor_that_was_presented_when_the_grace_is_over_then_the_old_one_is_reuse() {
    let house = house();
    let old = house.sign_in("alice").token;
    let new = house.renew(&old).token;
    house.clock.pass(MINUTE);
    assert!(house.passes(&new), "presented for the first time");
    house.clock.pass(29 * SECOND);
    assert!(house.passes(&old), "a second before the end of the grace");
    assert_eq!(house.renew(&old).token.reveal(), new.reveal());

    house.clock.pass(SECOND);

    assert_eq!(house.why_not(&old), Some(EndReason::ReuseDetected));
    assert_eq!(house.why_not(&new), Some(EndReason::ReuseDetected));
    assert_eq!(house.live("alice"), 0);
    house.assert_journal_is_whole();
}

/// S9: the successor is never seen. The old one is good for five minutes at the most.
#[test]
fn s9_given_a_successor_that_is_never_presented_when_five_minutes_pass_then_the_grace_ends() {
    let house = house();
    let old = house.sign_in("alice").token;
    let _ = house.renew(&old);
    house.clock.pass(just_before(5 * MINUTE));
    assert!(house.passes(&old));

    house.clock.pass(SECOND / 1_000);

    let answer = house.rotate(&old, Occasion::Renewal);
    let RotateAnswer::NoSession(Some(ending)) = answer else {
        panic!("expected the end of the session, got {answer:?}");
    };
    assert_eq!(ending.reason, EndReason::ReuseDetected);
    assert_eq!(house.live("alice"), 0);
}

/// S9: a passive check that finds a reuse ends the session like any other, and a token two
/// rotations old is found by its family alone.
#[test]
fn s9_given_a_token_two_rotations_old_when_checked_then_the_session_ends() {
    for activity in [Activity::Active, Activity::Passive] {
        let house = house();
        let first = house.sign_in("alice").token;
        let second = house.renew(&first).token;
        let third = house.renew(&second).token;
        assert!(house.passes(&second) && house.passes(&third), "two at most");

        let request = CheckRequest {
            activity,
            ..check_of(&first)
        };
        let answer = finish(house.authority.check(&request)).expect("the store is sound");

        let CheckAnswer::NoSession(Some(ending)) = answer else {
            panic!("expected an end, got {answer:?}");
        };
        assert_eq!(ending.reason, EndReason::ReuseDetected);
        assert_eq!(ending.initiator, Initiator::System);
        assert!(!house.passes(&third));
    }
}

/// Twenty tabs wake up at once and each finds that its token is due. All get one successor, and
/// none is signed out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s9_given_twenty_tabs_when_all_find_the_token_due_then_they_get_one_successor() {
    let house = house_with(rotating());
    let token = house.sign_in("alice").token;
    house.clock.pass(10 * MINUTE);

    let tabs: Vec<_> = (0..20)
        .map(|_| {
            let (authority, request) = (Arc::clone(&house.authority), check_of(&token));
            tokio::spawn(async move { authority.check(&request).await })
        })
        .collect();
    let mut successors = Vec::new();
    for tab in tabs {
        match tab.await.expect("nothing panics").expect("it is sound") {
            CheckAnswer::Valid(passed) => {
                let checked = passed.open().expect("it is whole");
                successors.push(checked.rotated.expect("it is due").reveal());
            }
            other => panic!("a tab was signed out: {other:?}"),
        }
    }

    successors.dedup();
    assert_eq!(successors.len(), 1);
    let successor = SessionToken::parse(&successors[0]).expect("it is a token");
    assert!(house.checked(&successor).rotated.is_none());
    house.assert_journal_is_whole();
}

/// The same twenty tabs, by the call that rotates.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s9_given_twenty_rotations_at_once_when_answered_then_there_is_one_successor() {
    let house = house();
    let token = house.sign_in("alice").token;

    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (authority, token) = (Arc::clone(&house.authority), copy(&token));
            tokio::spawn(async move {
                authority
                    .rotate(None, &token, Shown::Nothing, Occasion::Renewal)
                    .await
            })
        })
        .collect();
    let mut successors = Vec::new();
    for call in calls {
        let answer = call.await.expect("nothing panics").expect("it is sound");
        successors.push(rotated(answer).token.reveal());
    }

    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_eq!(house.journal().len(), 2);
}

/// By a look into memory and by a proper reading alike.
#[test]
fn s9_given_a_caller_that_cannot_pass_a_token_on_when_it_is_due_then_none_is_made() {
    for glances in [Glances::Allowed, Glances::Refused] {
        let house = house_with(rotating());
        let token = house.sign_in("alice").token;
        house.clock.pass(HOUR / 3);
        house.stage.set_glances(glances);

        for (renewal, activity) in [
            (Renewal::Never, Activity::Active),
            (Renewal::IfDue, Activity::Passive),
            (Renewal::Never, Activity::Passive),
        ] {
            let request = CheckRequest {
                renewal,
                activity,
                ..check_of(&token)
            };
            let answer = finish(house.authority.check(&request)).expect("the store is sound");
            let CheckAnswer::Valid(passed) = answer else {
                panic!("expected a valid token, got {answer:?}");
            };
            let checked = passed.open().expect("it is whole");
            assert!(checked.rotated.is_none());
        }
        assert_eq!(house.journal().len(), 1, "{glances:?}");

        assert!(house.checked(&token).rotated.is_some());
    }
}

/// S8, S9: proof of identity raises the session and replaces its token, with no grace: the old one
/// is not worth the new assurance for a moment. Only the repeat of the call finds the successor.
#[test]
fn s8_given_a_reauthentication_when_done_then_the_old_token_fails_and_the_repeat_finds_the_new() {
    let house = house();
    let old = house.sign_in("alice").token;
    house.clock.pass(MINUTE);

    let raised = rotated(house.rotate(&old, proved(3)));

    assert_eq!(raised.session.authentication.assurance.get(), 3);
    assert_eq!(raised.session.authentication.at, house.now());
    assert_eq!(house.why_not(&old), None, "it fails, and ends nothing");
    assert!(house.passes(&raised.token));

    house.clock.pass(just_before(5 * MINUTE));
    let again = rotated(house.rotate(&old, proved(3)));
    assert_eq!(again.token.reveal(), raised.token.reveal());
    assert!(matches!(
        house.rotate(&old, Occasion::Renewal),
        RotateAnswer::NoSession(None)
    ));
    assert!(matches!(
        house.rotate(&old, proved(9)),
        RotateAnswer::NoSession(None)
    ));
    assert!(house.passes(&raised.token), "none of it did harm");

    house.clock.pass(SECOND / 1_000);
    let answer = house.rotate(&old, proved(3));
    let RotateAnswer::NoSession(Some(ending)) = answer else {
        panic!("after five minutes it is reuse, got {answer:?}");
    };
    assert_eq!(ending.reason, EndReason::ReuseDetected);
}

/// Both timeouts start anew with a reauthentication.
#[test]
fn given_an_old_session_when_identity_is_proved_again_then_both_timeouts_start_anew() {
    let house = house();
    let mut token = house.sign_in("alice").token;
    for _ in 0..23 {
        house.clock.pass(29 * MINUTE);
        assert!(house.passes(&token));
    }

    token = rotated(house.rotate(&token, proved(2))).token;

    for _ in 0..24 {
        house.clock.pass(29 * MINUTE);
        assert!(house.passes(&token), "twelve hours more");
    }
}

/// S8: the password was changed in this browser. It stays signed in under a new token, and
/// everybody else is out.
#[test]
fn s8_given_a_changed_credential_when_one_session_is_kept_then_it_alone_lives_on_anew() {
    let house = house();
    let mine = house.sign_in("alice").token;
    let others: Vec<_> = (0..3).map(|_| house.sign_in("alice").token).collect();
    let generation = house.generation("alice");

    let answer = house.change_credential("alice", Some(&mine));

    let kept = answer.kept.expect("its token was good");
    assert_eq!(answer.ended, 3);
    assert_eq!(house.generation("alice"), generation.next());
    assert!(house.passes(&kept.token));
    assert_eq!(house.why_not(&mine), None, "replaced, and harmless");
    for other in &others {
        assert_eq!(house.why_not(other), Some(EndReason::CredentialChange));
    }

    house.clock.pass(just_before(5 * MINUTE));
    let again = house.change_credential("alice", Some(&mine));
    let kept_again = again.kept.expect("the repeat keeps what the call kept");
    assert_eq!(kept_again.token.reveal(), kept.token.reveal());
    assert_eq!(again.ended, 0);
    assert!(house.passes(&kept.token));

    house.clock.pass(SECOND / 1_000);
    let late = house.change_credential("alice", Some(&mine));
    assert!(
        late.kept.is_none(),
        "after five minutes nobody vouches for it"
    );
    assert_eq!(house.live("alice"), 0);
}

/// A token that is not good keeps nothing: neither another's, nor a dead one, nor a drawn one.
#[test]
fn s8_given_a_token_that_is_not_good_when_it_is_to_be_kept_then_everything_ends() {
    let house = house();
    let bob = house.sign_in("bob").token;
    let dead = house.sign_in("alice");
    let _ = house.revoke(dead.session.id);
    let drawn = innkeeper_domain::token::TokenSecret::from_entropy([7; 48]);
    let drawn = SessionToken::new(dead.token.tag(), drawn);
    for keep in [&bob, &dead.token, &drawn] {
        let live = house.sign_in("alice").token;

        let answer = house.change_credential("alice", Some(keep));

        assert!(answer.kept.is_none());
        assert_eq!(answer.ended, 1);
        assert_eq!(house.why_not(&live), Some(EndReason::CredentialChange));
    }
    assert!(house.passes(&bob));
}

/// S2: a rotation that is under way when the session is ended brings nothing back.
#[test]
fn s2_given_a_session_that_has_ended_when_its_token_is_rotated_then_nothing_is_handed_out() {
    let house = house();
    let signed_in = house.sign_in("alice");
    let new = house.renew(&signed_in.token).token;
    let _ = house.revoke(signed_in.session.id);

    for token in [&signed_in.token, &new] {
        for occasion in [Occasion::Renewal, proved(1), Occasion::CredentialChange] {
            let answer = house.rotate(token, occasion);
            let RotateAnswer::NoSession(Some(ending)) = answer else {
                panic!("expected the end, got {answer:?}");
            };
            assert_eq!(ending.reason, EndReason::RevokedByAdmin);
        }
    }
    assert_eq!(house.live("alice"), 0);
}
