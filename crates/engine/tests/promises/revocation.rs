//! Ends: final, at once, and told to their holders (S2 to S5, S7).

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::check::{Demand, Shortfall, Shown};
use innkeeper_domain::policy::Overflow;
use innkeeper_domain::session::{AssuranceLevel, EndReason, Initiator, SessionId};
use innkeeper_domain::token::{SessionToken, TokenSecret};
use innkeeper_engine::check::{CheckAnswer, CheckRequest};
use innkeeper_engine::revoke::{Revoked, RevokedAll, Scope};
use innkeeper_engine::sign_in::{SignInAnswer, SignedIn};
use innkeeper_store::journal::SessionEvent;

use crate::stage::Glances;
use crate::support::{
    DAY, MINUTE, SECOND, admitted, check_of, fenced, finish, house, house_with, policy, poll_once,
    subject, tenant,
};

/// A slow request: its check has been begun, and before its sign of life is recorded the session
/// is revoked. The late touch must not bring the session back, nor may the answer be yes.
#[test]
fn s2_given_a_slow_request_when_the_session_is_revoked_meanwhile_then_it_stays_dead() {
    for polls in 0.. {
        let house = house();
        let signed_in = house.sign_in("alice");
        house.stage.set_glances(Glances::Refused);
        let request = check_of(&signed_in.token);
        let mut slow = Box::pin(house.authority.check(&request));
        let early = (0..polls).find_map(|_| match poll_once(slow.as_mut()) {
            std::task::Poll::Ready(answer) => Some(answer),
            std::task::Poll::Pending => None,
        });
        if early.is_some() {
            assert!(polls >= 4, "there were points at which to be slow");
            break;
        }

        assert_eq!(house.revoke(signed_in.session.id), Revoked::Ended);
        let late = finish(slow).expect("the store is sound");

        assert_eq!(house.live("alice"), 0, "after {polls} polls");
        assert_eq!(
            house.why_not(&signed_in.token),
            Some(EndReason::RevokedByAdmin)
        );
        // It began before the end, so either answer is true of some moment of it; but a reading
        // after the end must see it.
        if polls == 0 {
            assert!(matches!(late, CheckAnswer::NoSession(Some(_))), "{late:?}");
        }
    }
}

/// S4 with B = 0: 16 checkers run while a session is revoked. None that starts after the answer
/// is let in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s4_given_checkers_when_a_session_is_revoked_then_none_after_the_answer_is_let_in() {
    let house = house();
    for _ in 0..20 {
        let signed_in = house.sign_in("alice");
        let revoked = Arc::new(AtomicBool::new(false));
        let checkers: Vec<_> = (0..16)
            .map(|_| {
                let (authority, revoked) = (Arc::clone(&house.authority), Arc::clone(&revoked));
                let request = check_of(&signed_in.token);
                tokio::spawn(async move {
                    loop {
                        let after = revoked.load(Ordering::Acquire);
                        match authority.check(&request).await.expect("it is sound") {
                            CheckAnswer::Valid(_) => assert!(!after, "valid after its end"),
                            CheckAnswer::NoSession(_) => return,
                            CheckAnswer::Shortfall(s) => panic!("nothing was asked: {s:?}"),
                        }
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;

        let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
        let realm = tenant();
        let scope = Scope::Tenant(&realm);
        let order = house
            .authority
            .revoke(scope, signed_in.session.id, reason, by);
        assert_eq!(order.await.expect("it is sound"), Revoked::Ended);
        revoked.store(true, Ordering::Release);

        for checker in checkers {
            checker.await.expect("no checker was let in after the end");
        }
    }
}

#[test]
fn s3_given_an_end_when_ordered_again_then_it_is_done_and_nothing_more_is_written() {
    let house = house();
    let signed_in = house.sign_in("alice");
    assert_eq!(house.revoke(signed_in.session.id), Revoked::Ended);
    let before = house.snapshot();

    assert_eq!(house.revoke(signed_in.session.id), Revoked::Ended);

    assert_eq!(house.snapshot(), before);
}

/// S7: to everybody but its owner a session looks absent, whatever is asked of it.
#[test]
fn s7_given_a_foreign_session_when_its_end_is_ordered_then_it_looks_absent_and_lives() {
    let house = house();
    let alice = house.sign_in("alice");
    let _ = house.sign_in("mallory");
    let (realm, mallory) = (tenant(), subject("mallory"));
    let absent = SessionId::from_entropy(alice.session.id.tag(), [0xee; 12]);
    let before = house.snapshot();

    for id in [alice.session.id, absent] {
        let scope = Scope::Owner(&realm, &mallory);
        let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
        let order = house.authority.revoke(scope, id, reason, by);
        assert_eq!(finish(order).expect("it is sound"), Revoked::Absent);
        let keep = house.revoke_all("mallory", Some(id));
        assert_eq!(keep, RevokedAll::KeptIsAbsent);
    }
    assert_eq!(house.snapshot(), before);
    assert!(house.passes(&alice.token));
}

/// S7: an order for a session of nobody makes no roster, and costs one reading like any other.
#[test]
fn s7_given_an_id_of_no_roster_when_ordered_or_looked_at_then_nothing_is_made() {
    let house = house();
    let tag = house.authority.tag(&tenant(), &subject("nobody"));
    let id = SessionId::from_entropy(tag, [1; 12]);

    assert_eq!(house.revoke(id), Revoked::Absent);
    let (realm, nobody) = (tenant(), subject("nobody"));
    let found = finish(house.authority.roster_at(&realm, id.tag())).expect("it is sound");
    assert!(found.is_none());
    let scope = Scope::Owner(&realm, &nobody);
    let order = house
        .authority
        .revoke(scope, id, EndReason::Logout, Initiator::User);
    assert_eq!(finish(order).expect("it is sound"), Revoked::Absent);
    assert!(house.roster("nobody").is_none());
    assert!(house.journal().is_empty());
}

#[test]
fn s8_given_all_sessions_ended_when_one_is_kept_then_it_lives_under_the_new_generation() {
    let house = house();
    let kept = house.sign_in("alice");
    let other = house.sign_in("alice");
    let evidence = house.generation("alice");

    let answer = house.revoke_all("alice", Some(kept.session.id));

    assert_eq!(answer, RevokedAll::Ended(1));
    assert_eq!(house.generation("alice"), evidence.next());
    assert!(house.passes(&kept.token));
    assert_eq!(house.why_not(&other.token), Some(EndReason::RevokedByUser));
    let stale = house.answer(fenced("alice", evidence));
    assert!(matches!(
        stale,
        SignInAnswer::Refused(Refusal::StaleGeneration, ..)
    ));
}

/// S8: nobody is signed in, but a sign-in may be under way: the fence rises all the same.
#[test]
fn s8_given_nobody_signed_in_when_all_is_revoked_then_the_fence_rises() {
    let house = house();
    let evidence = house.generation("alice");

    assert_eq!(house.revoke_all("alice", None), RevokedAll::Ended(0));

    assert!(house.generation("alice") > evidence);
}

/// The displaced user is told why: for the last 32 ended sessions, for 24 hours.
#[test]
fn s18_given_an_ended_session_when_its_holder_asks_later_then_the_reason_is_forgotten_not_the_end()
{
    let house = house();
    let signed_in = house.sign_in("alice");
    let _ = house.revoke(signed_in.session.id);
    house.clock.pass(DAY.saturating_sub(SECOND));
    assert_eq!(
        house.why_not(&signed_in.token),
        Some(EndReason::RevokedByAdmin)
    );

    house.clock.pass(SECOND);

    assert_eq!(house.why_not(&signed_in.token), None);

    let first = house.sign_in("bob");
    let _ = house.revoke(first.session.id);
    for _ in 0..32 {
        let _ = house.revoke(house.sign_in("bob").session.id);
    }
    assert_eq!(house.why_not(&first.token), None);
}

/// A story of a hang: all sessions of a subject were over, then the policy changed; a browser
/// came back with its old token. The roster had nothing that could disobey, so obeying wrote
/// nothing, and the check waited for it to be written, in a circle, for ever.
#[test]
fn v3_given_a_roster_with_nobody_in_it_when_the_policy_is_newer_then_a_check_still_answers() {
    let house = house();
    let signed_in = house.sign_in("alice");
    let _ = house.revoke(signed_in.session.id);
    let newer = house.reopened(policy(3, Overflow::EvictOldest));

    assert_eq!(
        newer.why_not(&signed_in.token),
        Some(EndReason::RevokedByAdmin)
    );

    // A roster that only an order made has obeyed no policy yet.
    assert_eq!(house.disable("bob"), 0);
    let tag = house.authority.tag(&tenant(), &subject("bob"));
    let drawn = TokenSecret::from_entropy([7; 48]);
    let token = SessionToken::new(tag, drawn);
    assert_eq!(house.why_not(&token), None);
}

#[test]
fn s5_given_a_caller_that_names_a_subject_when_the_token_belongs_to_another_then_it_is_refused() {
    for glances in [Glances::Allowed, Glances::Refused] {
        let house = house();
        house.stage.set_glances(glances);
        let alice = house.sign_in("alice");
        let request = CheckRequest {
            demand: Demand {
                subject: Some(subject("bob")),
                ..Demand::default()
            },
            ..check_of(&alice.token)
        };

        let answer = finish(house.authority.check(&request)).expect("it is sound");

        assert!(matches!(
            answer,
            CheckAnswer::Shortfall(Shortfall::WrongSubject)
        ));
    }
}

#[test]
fn given_a_demand_when_the_authentication_is_too_weak_or_too_old_then_a_step_up_is_asked_for() {
    for glances in [Glances::Allowed, Glances::Refused] {
        let house = house();
        house.stage.set_glances(glances);
        let alice = house.sign_in("alice");
        house.clock.pass(15 * MINUTE);
        let demands = [
            (
                Some(AssuranceLevel::new(2).expect("it is one of ten")),
                None,
                false,
            ),
            (
                Some(AssuranceLevel::new(1).expect("it is one of ten")),
                None,
                true,
            ),
            (None, Some((15 * MINUTE).saturating_sub(SECOND)), false),
            (None, Some(15 * MINUTE), true),
        ];
        for (assurance, max_age, met) in demands {
            let request = CheckRequest {
                demand: Demand {
                    subject: Some(subject("alice")),
                    assurance,
                    max_age,
                    device: Shown::Nothing,
                },
                ..check_of(&alice.token)
            };
            let answer = finish(house.authority.check(&request)).expect("it is sound");
            assert_eq!(
                matches!(answer, CheckAnswer::Valid(_)),
                met,
                "{assurance:?} {max_age:?}"
            );
        }
    }
}

/// S2, S13: silence and a sign of life at once. The session's idle deadline passes while its
/// check lies between reading and touch. A touch that comes too late must not revive it.
#[test]
fn s2_given_a_check_that_outlasts_the_deadline_when_it_goes_on_then_a_late_touch_revives_nothing() {
    let mut late_touches = 0;
    for polls in 0.. {
        let house = house();
        let signed_in = house.sign_in("alice");
        house.clock.pass((30 * MINUTE).saturating_sub(SECOND));
        house.stage.set_glances(Glances::Refused);
        let request = check_of(&signed_in.token);
        let slow = house.authority.check(&request);
        let mut slow = pin!(slow);
        let early = (0..polls).any(|_| poll_once(slow.as_mut()).is_ready());
        if early {
            break;
        }
        let roster = house.roster("alice").expect("it is there");
        let was_in_time = roster.sessions[0].last_seen.get() == house.now();
        house.clock.pass(SECOND);

        let late = finish(slow).expect("it is sound");

        let is_valid = matches!(late, CheckAnswer::Valid(_));
        assert_eq!(is_valid, was_in_time, "after {polls} polls: {late:?}");
        assert_eq!(house.passes(&signed_in.token), was_in_time);
        late_touches += usize::from(!was_in_time);
    }
    assert!(late_touches >= 3, "before, at and after the reading");
}

#[test]
fn s12_given_a_sweep_when_it_has_passed_then_each_expiry_is_journalled_once_at_its_deadline() {
    let house = house_with(policy(5, Overflow::EvictOldest));
    let first = house.sign_in("alice");
    house.clock.pass(MINUTE);
    let second = house.sign_in("alice");
    house.clock.pass(30 * MINUTE);

    let swept = house.sweep();
    let again = house.sweep();

    assert_eq!((swept.expired, again.expired), (2, 0));
    let last = house.journal().pop().expect("there is an entry");
    let ends: Vec<_> = last
        .events
        .iter()
        .map(|event| match event {
            SessionEvent::Ended { session, ending } => (*session, ending.at, ending.reason),
            other => panic!("expected ends only, got {other:?}"),
        })
        .collect();
    let deadline = |s: &SignedIn| {
        (
            s.session.id,
            s.session.created_at.plus(30 * MINUTE),
            EndReason::Idle,
        )
    };
    assert_eq!(ends, [deadline(&first), deadline(&second)]);
    house.assert_journal_is_whole();
}

/// S18: a roster with nothing left in it goes, and every verdict is as before: the old token
/// opens nothing, and evidence from before is refused.
#[test]
fn s18_given_a_forgotten_roster_when_asked_then_every_verdict_is_as_before() {
    let house = house();
    let evidence = house.generation("alice");
    let _ = house.revoke_all("alice", None);
    let between = house.generation("alice");
    let _ = house.sign_in("bob");

    for _ in 0..4 {
        house.clock.pass(DAY);
        let _ = house.sweep();
    }

    assert!(house.roster("alice").is_none(), "nothing was left in it");
    for old in [evidence, between] {
        let answer = house.answer(fenced("alice", old));
        assert!(matches!(answer, SignInAnswer::Refused(..)));
    }
    let now = house.generation("alice");
    assert!(now > between, "a generation never falls");
    let _ = admitted(house.answer(fenced("alice", now)));
    let seqs: Vec<_> = house
        .journal()
        .iter()
        .filter(|e| e.tag == house.authority.tag(&tenant(), &subject("alice")))
        .map(|e| e.seq)
        .collect();
    assert!(
        seqs.is_sorted() && seqs.len() == 2,
        "ids of events stay new: {seqs:?}"
    );
}
