//! Repeats of a sign-in under its key: once is once (S10).

use std::sync::Arc;

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::policy::Overflow;
use innkeeper_domain::rotation::Occasion;
use innkeeper_engine::sign_in::{Idempotency, KEYS_MAX, SignInAnswer, SignedIn};

use crate::support::{
    MINUTE, SECOND, admitted, house, house_with, just_before, keyed, policy, proved, rotated,
    tenant,
};

const KEY: &str = "0123456789abcdef";

fn repeated(answer: SignInAnswer) -> SignedIn {
    match answer {
        SignInAnswer::Repeated(signed_in) => *signed_in,
        other => panic!("expected the same answer again, got {other:?}"),
    }
}

#[test]
fn s10_given_a_key_when_the_request_is_repeated_then_the_answer_is_the_same_with_its_token() {
    let house = house();
    let _ = house.sign_in("alice");
    let first = admitted(house.answer(keyed("alice", KEY, "x")));
    house.clock.pass(9 * MINUTE);

    let again = repeated(house.answer(keyed("alice", KEY, "x")));

    assert_eq!(again.token.reveal(), first.token.reveal());
    assert_eq!(again.session.id, first.session.id);
    assert_eq!(again.notices, first.notices);
    assert_eq!(
        again.session.previous_sign_in,
        first.session.previous_sign_in
    );
    assert_eq!(house.live("alice"), 2);
    assert!(house.passes(&again.token));
}

/// S10: the repeat names the sessions that the first answer ended, too.
#[test]
fn s10_given_a_sign_in_that_evicted_when_repeated_then_it_still_says_whom() {
    let house = house_with(policy(1, Overflow::EvictOldest));
    let displaced = house.sign_in("alice");
    let _ = house.answer(keyed("alice", KEY, "x"));

    let again = repeated(house.answer(keyed("alice", KEY, "x")));

    let ended: Vec<_> = again.ended.iter().map(|e| e.session.id).collect();
    assert_eq!(ended, [displaced.session.id]);
}

/// S10: the session went on meanwhile: the repeat shows it as it now stands.
#[test]
fn s10_given_a_session_that_was_heard_from_when_the_sign_in_is_repeated_then_it_shows_as_it_stands()
{
    let house = house();
    let first = admitted(house.answer(keyed("alice", KEY, "x")));
    house.clock.pass(MINUTE);
    assert!(house.passes(&first.token));

    let again = repeated(house.answer(keyed("alice", KEY, "x")));

    assert!(again.session.last_seen.get() >= first.session.created_at.plus(MINUTE));
}

/// The token of the first answer was replaced: it is dead after a reauthentication, and after the
/// grace of a renewal whoever presents it is taken for a thief. Neither is handed out again.
#[test]
fn s10_given_a_token_that_was_replaced_when_the_sign_in_is_repeated_then_it_is_not_given_again() {
    let house = house();
    let first = admitted(house.answer(keyed("alice", KEY, "x")));
    let _ = rotated(house.rotate(&first.token, proved(3)));

    let raised = house.answer(keyed("alice", KEY, "x"));

    assert!(matches!(raised, SignInAnswer::AlreadyUsed), "{raised:?}");

    let second = admitted(house.answer(keyed("bob", "a-second-key-of-bob", "x")));
    let renewed = rotated(house.rotate(&second.token, Occasion::Renewal));
    let in_grace = repeated(house.answer(keyed("bob", "a-second-key-of-bob", "x")));
    house.clock.pass(5 * MINUTE);
    let after = house.answer(keyed("bob", "a-second-key-of-bob", "x"));

    assert_eq!(in_grace.token.reveal(), second.token.reveal());
    assert!(matches!(after, SignInAnswer::AlreadyUsed), "{after:?}");
    assert!(house.passes(&renewed.token), "nobody was taken for a thief");
}

#[test]
fn s10_given_a_key_when_another_request_comes_with_it_then_it_is_refused_and_nothing_changes() {
    let house = house();
    let _ = house.answer(keyed("alice", KEY, "x"));
    let before = house.snapshot();

    for (name, says) in [("alice", "y"), ("bob", "x"), ("bob", "y")] {
        let answer = house.answer(keyed(name, KEY, says));

        assert!(
            matches!(answer, SignInAnswer::KeyMisused),
            "{name} {says}: {answer:?}"
        );
    }
    assert_eq!(house.snapshot(), before);
    assert!(house.roster("bob").is_none());
}

/// S10: one key, two subjects, at the same moment. Both read that the key is free; one of the
/// commits comes second, and is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s10_given_one_key_for_many_subjects_at_once_when_all_sign_in_then_one_session_is_born() {
    let house = house();
    let names: Vec<_> = (0..40).map(|n| format!("subject-{n}")).collect();
    let arrivals: Vec<_> = names
        .iter()
        .map(|name| {
            let authority = Arc::clone(&house.authority);
            let request = keyed(name, KEY, name);
            tokio::spawn(async move { authority.sign_in(request).await })
        })
        .collect();

    let mut born = 0;
    for arrival in arrivals {
        match arrival.await.expect("nothing panics").expect("it is sound") {
            SignInAnswer::Admitted(_) => born += 1,
            SignInAnswer::KeyMisused => {}
            other => panic!("expected one or misused, got {other:?}"),
        }
    }

    assert_eq!(born, 1);
    let live: usize = names.iter().map(|name| house.live(name)).sum();
    assert_eq!(live, 1);
}

/// S10: a client that fires its repeats without waiting gets one session, and one token.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s10_given_the_same_request_many_times_at_once_when_answered_then_one_token_is_handed_out()
{
    let house = house();
    let arrivals: Vec<_> = (0..40)
        .map(|_| {
            let authority = Arc::clone(&house.authority);
            tokio::spawn(async move { authority.sign_in(keyed("alice", KEY, "x")).await })
        })
        .collect();

    let mut tokens = Vec::new();
    for arrival in arrivals {
        match arrival.await.expect("nothing panics").expect("it is sound") {
            SignInAnswer::Admitted(s) | SignInAnswer::Repeated(s) => tokens.push(s.token.reveal()),
            other => panic!("expected the one session, got {other:?}"),
        }
    }

    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(house.live("alice"), 1);
}

/// S2, S10: the session that a key opened has ended. Its answer would be a token for nothing.
#[test]
fn s10_given_a_session_that_has_ended_when_its_sign_in_is_repeated_then_the_key_is_used_up() {
    let house = house();
    let revoked = admitted(house.answer(keyed("alice", KEY, "x")));
    let _ = house.revoke(revoked.session.id);

    let answer = house.answer(keyed("alice", KEY, "x"));

    assert!(matches!(answer, SignInAnswer::AlreadyUsed), "{answer:?}");
    assert_eq!(house.live("alice"), 0);

    let mut short = policy(5, Overflow::EvictOldest);
    short.terms.idle = MINUTE;
    let house = house_with(short);
    let _ = house.answer(keyed("alice", KEY, "x"));
    house.clock.pass(MINUTE);
    let answer = house.answer(keyed("alice", KEY, "x"));
    assert!(matches!(answer, SignInAnswer::AlreadyUsed), "{answer:?}");
}

#[test]
fn s10_given_ten_minutes_when_the_request_comes_again_then_it_is_a_new_sign_in() {
    let house = house();
    let first = admitted(house.answer(keyed("alice", KEY, "x")));
    house.clock.pass(just_before(10 * MINUTE));
    let _ = repeated(house.answer(keyed("alice", KEY, "x")));

    house.clock.pass(SECOND / 1_000);

    let second = admitted(house.answer(keyed("alice", KEY, "x")));
    assert_ne!(second.session.id, first.session.id);
    assert_eq!(house.live("alice"), 2);
}

#[test]
fn s10_given_1024_keys_of_a_subject_when_one_more_comes_then_it_is_turned_away_for_a_while() {
    let house = house_with(policy(2, Overflow::EvictOldest));
    for n in 0..KEYS_MAX {
        let _ = admitted(house.answer(keyed("alice", &format!("{KEY}{n}"), "x")));
    }
    let before = house.snapshot();

    let one_more = house.answer(keyed("alice", KEY, "x"));

    assert!(
        matches!(one_more, SignInAnswer::TooManyKeys),
        "{one_more:?}"
    );
    assert_eq!(house.snapshot(), before);
    let last = format!("{KEY}{}", KEYS_MAX - 1);
    let _ = repeated(house.answer(keyed("alice", &last, "x")));
    let _ = house.sign_in("alice");
    let _ = admitted(house.answer(keyed("bob", &format!("{KEY}-bob"), "x")));
    house.clock.pass(10 * MINUTE);
    let _ = admitted(house.answer(keyed("alice", KEY, "x")));
}

/// A refusal stores nothing, so the same key may succeed once there is a seat.
#[test]
fn s10_given_a_refusal_when_repeated_then_it_is_decided_again() {
    let house = house_with(policy(1, Overflow::Refuse));
    let held = house.sign_in("alice");
    let refused = house.answer(keyed("alice", KEY, "x"));
    assert!(matches!(
        refused,
        SignInAnswer::Refused(Refusal::SessionLimit { .. }, ..)
    ));

    let _ = house.revoke(held.session.id);

    let _ = admitted(house.answer(keyed("alice", KEY, "x")));
}

/// S14: the same key in two tenants is two keys.
#[test]
fn s14_given_one_key_in_two_tenants_when_both_use_it_then_they_do_not_meet() {
    let house = house();
    let _ = admitted(house.answer(keyed("alice", KEY, "x")));
    let acme = innkeeper_domain::name::TenantId::parse("acme").expect("it is a name");
    assert_ne!(acme, tenant());
    let mut elsewhere = keyed("alice", KEY, "x");
    elsewhere.idempotency = Some(Idempotency::new(&acme, KEY, b"x"));
    elsewhere.tenant = acme;

    let _ = admitted(house.answer(elsewhere));
}
