//! Dropped futures: at every await, wholly done or wholly not done (S19).

use std::collections::BTreeSet;
use std::pin::Pin;

use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::check::Shown;
use innkeeper_domain::policy::{Overflow, SessionLimit};
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::revoke::Scope;
use innkeeper_engine::sign_in::{SignInAnswer, SignedIn};

use crate::stage::Glances;
use crate::support::{
    House, MINUTE, arrival, check_of, copy, finish, house_with, keyed, policy, poll_once, proved,
    subject, tenant,
};

type Call<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Begins `call` in a house of its own again and again, drops it at each await in turn, and looks
/// at what is left: the house as it was, or as it is when the call is let run.
fn drop_at_every_await(
    arrange: impl Fn() -> (House, SignedIn),
    call: impl for<'a> Fn(&'a House, &'a SignedIn) -> Call<'a>,
) {
    let (house, guest) = arrange();
    let before = house.snapshot();
    let mut points = 0_usize;
    let mut future = call(&house, &guest);
    while poll_once(future.as_mut()).is_pending() {
        points += 1;
    }
    drop(future);
    let after = house.snapshot();
    assert_ne!(before, after, "the call does something");
    assert!(
        points >= 4,
        "a reading and a writing, with a point on either side"
    );

    let mut left = BTreeSet::new();
    for polls in 0..=points {
        let (house, guest) = arrange();
        assert_eq!(house.snapshot(), before, "each house begins the same");
        let mut dropped = call(&house, &guest);
        for _ in 0..polls {
            assert!(poll_once(dropped.as_mut()).is_pending());
        }
        drop(dropped);

        let found = house.snapshot();
        assert!(
            found == before || found == after,
            "half done after {polls} of {points} polls"
        );
        left.insert(found == after);
        house.assert_journal_is_whole();
        // The lane is free: another change of the same subject comes to its end.
        let _ = house.sign_in("alice");
        house.assert_journal_is_whole();
        assert!(house.live("alice") <= 2, "S1");
    }
    assert_eq!(left.len(), 2, "it was dropped before and after it was done");
}

/// A house with two seats and two guests; the second is handed out.
fn full() -> (House, SignedIn) {
    let house = house_with(policy(2, Overflow::EvictOldest));
    let _ = house.sign_in("alice");
    let guest = house.sign_in("alice");
    house.clock.pass(MINUTE);
    house.stage.set_glances(Glances::Refused);
    (house, guest)
}

#[test]
fn s19_given_a_sign_in_when_dropped_at_any_await_then_it_is_done_or_not_done() {
    drop_at_every_await(full, |house, _| {
        Box::pin(async {
            let answer = house.authority.sign_in(arrival("alice")).await;
            assert!(matches!(answer, Ok(SignInAnswer::Admitted(_))));
        })
    });
}

#[test]
fn s19_given_a_sign_in_that_replaces_when_dropped_at_any_await_then_it_is_done_or_not_done() {
    drop_at_every_await(full, |house, guest| {
        let mut request = keyed("alice", "0123456789abcdef", "x");
        request.replaces = Some(copy(&guest.token));
        Box::pin(async {
            let answer = house.authority.sign_in(request).await;
            assert!(matches!(answer, Ok(SignInAnswer::Admitted(_))));
        })
    });
}

#[test]
fn s19_given_a_check_when_dropped_at_any_await_then_the_sign_of_life_is_recorded_or_not() {
    drop_at_every_await(full, |house, guest| {
        let request = check_of(&guest.token);
        Box::pin(async move {
            assert!(house.authority.check(&request).await.is_ok());
        })
    });
}

#[test]
fn s19_given_a_reuse_when_its_check_is_dropped_at_any_await_then_the_session_ended_or_not() {
    let arrange = || {
        let (house, guest) = full();
        let next = house.renew(&guest.token);
        let _ = house.renew(&next.token);
        (house, guest)
    };
    drop_at_every_await(arrange, |house, guest| {
        let request = check_of(&guest.token);
        Box::pin(async move {
            assert!(house.authority.check(&request).await.is_ok());
        })
    });
}

#[test]
fn s19_given_a_rotation_when_dropped_at_any_await_then_it_is_done_or_not_done() {
    for occasion in [Occasion::Renewal, proved(3)] {
        drop_at_every_await(full, |house, guest| {
            let occasion = occasion.clone();
            Box::pin(async {
                assert!(
                    house
                        .authority
                        .rotate(None, &guest.token, Shown::Nothing, occasion)
                        .await
                        .is_ok()
                );
            })
        });
    }
}

#[test]
fn s19_given_a_check_that_rotates_when_dropped_at_any_await_then_it_is_done_or_not_done() {
    let arrange = || {
        let mut rotating = policy(2, Overflow::EvictOldest);
        rotating.terms.rotate_every = Some(MINUTE);
        let house = house_with(rotating);
        let guest = house.sign_in("alice");
        house.clock.pass(MINUTE);
        (house, guest)
    };
    drop_at_every_await(arrange, |house, guest| {
        let request = check_of(&guest.token);
        Box::pin(async move {
            assert!(house.authority.check(&request).await.is_ok());
        })
    });
}

#[test]
fn s19_given_a_changed_credential_when_dropped_at_any_await_then_it_is_done_or_not_done() {
    drop_at_every_await(full, |house, guest| {
        Box::pin(async {
            let (realm, alice) = (tenant(), subject("alice"));
            let keep = Some((&guest.token, Shown::Nothing));
            let call = house
                .authority
                .credential_changed(&realm, &alice, keep, Initiator::User);
            assert!(call.await.is_ok());
        })
    });
}

#[test]
fn s19_given_an_order_to_end_when_dropped_at_any_await_then_it_is_done_or_not_done() {
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
    drop_at_every_await(full, |house, guest| {
        Box::pin(async move {
            let realm = tenant();
            let scope = Scope::Tenant(&realm);
            let order = house.authority.revoke(scope, guest.session.id, reason, by);
            assert!(order.await.is_ok());
        })
    });
    drop_at_every_await(full, |house, guest| {
        Box::pin(async move {
            let (realm, alice) = (tenant(), subject("alice"));
            let keep = Some(guest.session.id);
            let order = house.authority.revoke_all(&realm, &alice, keep, reason, by);
            assert!(order.await.is_ok());
        })
    });
}

#[test]
fn s19_given_a_subject_that_is_amended_when_dropped_at_any_await_then_it_is_done_or_not_done() {
    drop_at_every_await(full, |house, _| {
        Box::pin(async {
            let (realm, alice) = (tenant(), subject("alice"));
            let patch = SubjectPatch {
                own_limit: Some(SessionLimit::new(1)),
                ..SubjectPatch::default()
            };
            assert!(house.authority.amend(&realm, &alice, &patch).await.is_ok());
        })
    });
}

/// As above; afterwards the subject may be disabled, so the lane is tried by enabling it.
#[test]
fn s19_given_a_subject_that_is_disabled_when_dropped_at_any_await_then_it_is_done_or_not_done() {
    for polls in 0.. {
        let (house, guest) = full();
        let (realm, alice) = (tenant(), subject("alice"));
        let mut order = Box::pin(house.authority.disable(&realm, &alice, Initiator::Admin));
        if (0..polls).any(|_| poll_once(order.as_mut()).is_ready()) {
            assert!(polls >= 4);
            break;
        }
        drop(order);

        let roster = house.roster("alice").expect("it is there");
        let now = house.now();
        assert_eq!(roster.disabled, roster.live(now).count() == 0);
        house.enable("alice");
        assert_eq!(house.passes(&guest.token), !roster.disabled);
        house.assert_journal_is_whole();
    }
}

#[test]
fn s19_given_a_newer_policy_when_the_call_that_obeys_is_dropped_then_it_is_obeyed_or_not() {
    let arrange = || {
        let house = house_with(policy(5, Overflow::EvictOldest));
        let _ = house.sign_in("alice");
        let _ = house.sign_in("alice");
        let guest = house.sign_in("alice");
        (house.reopened(policy(2, Overflow::EvictOldest)), guest)
    };
    drop_at_every_await(arrange, |house, _| {
        Box::pin(async {
            let (realm, alice) = (tenant(), subject("alice"));
            assert!(house.authority.subject(&realm, &alice).await.is_ok());
        })
    });
}

#[test]
fn s19_given_a_sweep_when_dropped_at_any_await_then_each_roster_is_swept_or_not() {
    let arrange = || {
        let (house, guest) = full();
        house.clock.pass(30 * MINUTE);
        (house, guest)
    };
    drop_at_every_await(arrange, |house, _| {
        Box::pin(async {
            assert!(house.authority.sweep().await.is_ok());
        })
    });
}

/// S19: many wait in one lane and are dropped there. Nobody waits for the dead.
#[test]
fn s19_given_a_queue_in_a_lane_when_those_in_it_are_dropped_then_the_next_one_has_its_turn() {
    let (house, _) = full();
    let mut first = Box::pin(house.authority.sign_in(arrival("alice")));
    assert!(poll_once(first.as_mut()).is_pending());
    let mut queue: Vec<_> = (0..10)
        .map(|_| Box::pin(house.authority.sign_in(arrival("alice"))))
        .collect();
    for waiting in &mut queue {
        assert!(poll_once(waiting.as_mut()).is_pending());
    }
    let last = queue.pop().expect("there are ten");
    let entries = house.journal().len();

    drop(queue);
    drop(first);
    let answer = finish(last).expect("it is sound");

    assert!(matches!(answer, SignInAnswer::Admitted(_)));
    assert_eq!(house.journal().len(), entries + 1, "none of the others did");
    // Strangers never waited.
    let _ = house.sign_in("bob");
}

/// S19: whoever replaces a session of another subject needs two commits. Dropped between them,
/// the birth stands alone; the repeat under the same key does the rest before it answers.
#[test]
fn s19_given_a_sign_in_over_two_rosters_when_dropped_then_a_repeat_makes_it_whole() {
    for polls in 0.. {
        let (house, guest) = full();
        let request = || {
            let mut request = keyed("bob", "0123456789abcdef", "x");
            request.replaces = Some(copy(&guest.token));
            request
        };
        let mut dropped = Box::pin(house.authority.sign_in(request()));
        if (0..polls).any(|_| poll_once(dropped.as_mut()).is_ready()) {
            assert!(polls >= 8, "two readings and two writings");
            break;
        }
        drop(dropped);
        assert!(
            house.live("bob") == 1 || house.passes(&guest.token),
            "nothing ends for a sign-in that was not done"
        );

        let answer = house.answer(request());

        assert!(matches!(
            answer,
            SignInAnswer::Admitted(_) | SignInAnswer::Repeated(_)
        ));
        assert_eq!(house.live("bob"), 1);
        assert_eq!(house.why_not(&guest.token), Some(EndReason::Superseded));
        house.assert_journal_is_whole();
    }
}
