//! Sign-ins: the limit, whose seat is taken, and what evidence is worth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::check::Shown;
use innkeeper_domain::device::DeviceLabel;
use innkeeper_domain::name::{ClientId, GroupName, NameError, SubjectId, TenantId};
use innkeeper_domain::notice::Notice;
use innkeeper_domain::policy::{Condition, Overflow, Rule, SessionLimit, Setting};
use innkeeper_domain::roster::Generation;
use innkeeper_domain::rotation::Occasion;
use innkeeper_domain::seats::Scope;
use innkeeper_domain::session::{EndReason, SessionClass};
use innkeeper_domain::token::{SessionToken, TokenSecret};
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest};
use innkeeper_engine::revoke::Revoked;
use innkeeper_engine::rotate::RotateAnswer;
use innkeeper_engine::sign_in::SignInAnswer;
use innkeeper_store::{Heard, SessionStore};

use crate::stage::Glances;
use crate::support::{
    DAY, HOUR, MINUTE, SECOND, admitted, arrival, check_of, copy, fenced, finish, house,
    house_with, just_before, keyed, policy, subject, tenant,
};

/// S1: 200 sign-ins at once, on several threads, with a watcher beside them. Whoever looks sees
/// at most the limit, and from the moment the seats are full exactly the limit.
async fn simultaneous_sign_ins(limit: u64) {
    let house = house_with(policy(limit, Overflow::EvictLeastRecent));
    let tag = house.authority.tag(&tenant(), &subject("alice"));
    let over = Arc::new(AtomicBool::new(false));
    let stage = Arc::clone(&house.stage);

    let watcher = tokio::spawn({
        let (stage, over) = (Arc::clone(&stage), Arc::clone(&over));
        let mut seen = 0_usize;
        let mut samples = 0_usize;
        async move {
            while !over.load(Ordering::Acquire) {
                stage.inner.glance(tag, &mut |kept, now| {
                    let live = kept.map_or(0, |kept| kept.live(now).live);
                    assert!(live as u64 <= limit, "{live} are live at limit {limit}");
                    assert!(live >= seen, "a full house stays full");
                    seen = live;
                    Heard::No
                });
                samples += 1;
                tokio::task::yield_now().await;
            }
            samples
        }
    });
    let arrivals: Vec<_> = (0..200)
        .map(|_| {
            let authority = Arc::clone(&house.authority);
            tokio::spawn(async move { authority.sign_in(arrival("alice")).await })
        })
        .collect();
    let mut tokens = Vec::new();
    for arrival in arrivals {
        let answer = arrival.await.expect("nothing panics");
        tokens.push(admitted(answer.expect("the store is sound")).token);
    }
    over.store(true, Ordering::Release);

    assert!(watcher.await.expect("no sample was over the limit") > 0);
    let now = house.now();
    for roster in stage.every_roster() {
        assert!(roster.live(now).count() as u64 <= limit, "at no commit");
    }
    let passing = tokens.iter().filter(|t| house.passes(t)).count();
    assert_eq!(
        passing as u64, limit,
        "what is counted is what validates (S12)"
    );
    assert_eq!(house.live("alice") as u64, limit);
    house.assert_journal_is_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s1_given_limit_5_when_200_sign_in_at_once_then_5_are_live_at_every_instant() {
    simultaneous_sign_ins(5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s1_given_limit_1_when_200_sign_in_at_once_then_1_is_live_at_every_instant() {
    simultaneous_sign_ins(1).await;
}

/// S1, S11: as above where the policy turns newcomers away: exactly the limit gets in, and the
/// others are refused without anything being written.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s1_given_refusal_at_limit_5_when_200_sign_in_at_once_then_the_first_5_stay() {
    let house = house_with(policy(5, Overflow::Refuse));
    let arrivals: Vec<_> = (0..200)
        .map(|_| {
            let authority = Arc::clone(&house.authority);
            tokio::spawn(async move { authority.sign_in(arrival("alice")).await })
        })
        .collect();

    let mut let_in = Vec::new();
    let mut refused = 0;
    for arrival in arrivals {
        match arrival.await.expect("nothing panics").expect("it is sound") {
            SignInAnswer::Admitted(signed_in) => let_in.push(signed_in.token),
            SignInAnswer::Refused(Refusal::SessionLimit { .. }, ..) => refused += 1,
            other => panic!("expected in or out, got {other:?}"),
        }
    }

    assert_eq!((let_in.len(), refused), (5, 195));
    assert!(let_in.iter().all(|t| house.passes(t)));
    assert_eq!(house.journal().len(), 5, "a refusal writes nothing");
}

#[test]
fn s11_given_a_full_roster_when_another_comes_then_the_longest_silent_one_goes() {
    let house = house_with(policy(2, Overflow::EvictLeastRecent));
    let first = house.sign_in("alice");
    house.clock.pass(SECOND);
    let second = house.sign_in("alice");
    house.clock.pass(SECOND);
    assert!(house.passes(&first.token), "the first is heard from again");

    let third = house.sign_in("alice");

    let ended: Vec<_> = third.ended.iter().map(|e| e.session.id).collect();
    assert_eq!(ended, [second.session.id], "never more than needed");
    assert_eq!(house.why_not(&second.token), Some(EndReason::Evicted));
    assert!(house.passes(&first.token) && house.passes(&third.token));
}

#[test]
fn s11_given_a_policy_that_refuses_when_the_seats_are_taken_then_nothing_changes() {
    let house = house_with(policy(1, Overflow::Refuse));
    let held = house.sign_in("alice");
    let before = house.snapshot();

    let answer = house.answer(arrival("alice"));

    let SignInAnswer::Refused(Refusal::SessionLimit(full), ..) = answer else {
        panic!("expected a refusal, got {answer:?}");
    };
    let limit = full.limit;
    assert_eq!((limit.scope, limit.max), (Scope::Subject, 1));
    assert_eq!(full.endable, [held.session.id]);
    assert_eq!(house.snapshot(), before);
}

#[test]
fn v1_given_a_refusal_when_a_seat_is_freed_then_the_next_sign_in_has_it_at_once() {
    let house = house_with(policy(1, Overflow::Refuse));
    let held = house.sign_in("alice");

    let _ = house.revoke(held.session.id);

    assert!(house.passes(&house.sign_in("alice").token));
}

#[test]
fn s1_given_a_policy_that_observes_when_the_limit_is_passed_then_the_sign_in_says_so() {
    let house = house_with(policy(1, Overflow::Observe));
    let first = house.sign_in("alice");

    let second = house.sign_in("alice");

    let notices = [Notice::UnseenDevice, Notice::Concurrent, Notice::OverLimit];
    assert_eq!(second.notices, notices);
    assert!(house.passes(&first.token) && house.passes(&second.token));
}

#[test]
fn s1_given_two_classes_when_both_sign_in_then_each_is_counted_apart() {
    let house = house_with(policy(1, Overflow::Refuse));
    let person = house.sign_in("alice");
    let mut machine = arrival("alice");
    machine.sign_in.class = SessionClass::Machine;
    machine.sign_in.client = Some(ClientId::parse("cron").expect("it is a name"));

    let machine = admitted(house.answer(machine));

    assert!(house.passes(&person.token) && house.passes(&machine.token));
}

/// S8: a sign-in begins with the old password; the password is changed; the sign-in ends. Without
/// the fence the thief would be in after the change that was meant to lock him out.
#[test]
fn s8_given_evidence_from_before_a_credential_change_when_used_then_it_opens_nothing() {
    let house = house();
    let _ = house.sign_in("alice");
    let evidence = house.generation("alice");
    assert_eq!(house.change_credential("alice", None).ended, 1);
    let before = house.snapshot();

    let answer = house.answer(fenced("alice", evidence));

    let SignInAnswer::Refused(Refusal::StaleGeneration, ..) = answer else {
        panic!("expected a stale generation, got {answer:?}");
    };
    assert_eq!(house.snapshot(), before);
    let fresh = house.generation("alice");
    let signed_in = admitted(house.answer(fenced("alice", fresh)));
    assert!(signed_in.session.fenced);
}

#[test]
fn s8_given_no_evidence_when_signing_in_then_the_session_is_marked_as_unfenced() {
    let house = house();

    assert!(!house.sign_in("alice").session.fenced);
}

/// S8, D1: the generation of somebody never seen is the store's floor. It was read just before
/// the floor rose; one rise later it still holds, two rises later it does not.
#[test]
fn s8_given_evidence_of_an_absent_roster_when_the_floor_rises_then_it_holds_for_one_rise() {
    for (rises, holds) in [(0, true), (1, true), (2, false)] {
        let house = house();
        let evidence = house.generation("alice");
        assert!(house.roster("alice").is_none(), "looking makes no roster");
        let _ = house.sign_in("bob");

        for _ in 0..rises {
            house.clock.pass(DAY);
            let _ = house.sweep();
        }

        let answer = house.answer(fenced("alice", evidence));
        assert_eq!(
            matches!(answer, SignInAnswer::Admitted(_)),
            holds,
            "after {rises} rises: {answer:?}"
        );
        assert_eq!(house.roster("alice").is_some(), holds);
    }
}

/// S8: evidence of a generation that never was is no better than an old one.
#[test]
fn s8_given_evidence_from_the_future_when_used_then_it_opens_nothing() {
    let house = house();
    let _ = house.sign_in("alice");

    let answer = house.answer(fenced("alice", Generation(1_000)));

    assert!(matches!(
        answer,
        SignInAnswer::Refused(Refusal::StaleGeneration, ..)
    ));
}

#[test]
fn s13_given_a_silent_session_when_its_deadline_comes_then_it_is_dead_at_the_very_moment() {
    for glances in [Glances::Allowed, Glances::Refused] {
        let house = house();
        house.stage.set_glances(glances);
        let idle = house.sign_in("alice");
        house.clock.pass(just_before(30 * MINUTE));
        let passive = CheckRequest {
            activity: Activity::Passive,
            ..check_of(&idle.token)
        };
        let answer = finish(house.authority.check(&passive)).expect("the store is sound");
        assert!(
            matches!(answer, CheckAnswer::Valid(_)),
            "a millisecond before, and no sign of life"
        );

        house.clock.pass(SECOND / 1_000);

        assert_eq!(
            house.why_not(&idle.token),
            Some(EndReason::Idle),
            "{glances:?}"
        );
    }
}

#[test]
fn s13_given_a_busy_session_when_its_last_hour_is_over_then_it_is_dead_all_the_same() {
    let house = house();
    let busy = house.sign_in("alice");
    for _ in 0..24 {
        house.clock.pass(29 * MINUTE);
        assert!(house.passes(&busy.token), "it is heard from in time");
    }
    house.clock.pass(just_before(24 * MINUTE));
    assert!(house.passes(&busy.token));

    house.clock.pass(SECOND / 1_000);

    assert_eq!(house.why_not(&busy.token), Some(EndReason::Absolute));
}

/// S13: the wall clock is set back by a day. Time goes on all the same, and nobody lives longer
/// for it than half speed allows.
#[test]
fn s13_given_a_wall_clock_that_falls_when_asked_then_time_and_verdicts_do_not() {
    let house = house();
    let signed_in = house.sign_in("alice");
    let before = house.now();
    house.clock.pass(30 * MINUTE);
    assert_eq!(house.why_not(&signed_in.token), Some(EndReason::Idle));

    house.clock.step_wall(Duration::from_hours(500_000 - 24));

    assert!(house.now() >= before.plus(30 * MINUTE));
    assert!(
        !house.passes(&signed_in.token),
        "what expired stays so (S2)"
    );
}

#[test]
fn s6_given_tokens_that_were_never_issued_when_checked_then_none_passes() {
    let house = house();
    let alice = house.sign_in("alice");
    let bob = house.sign_in("bob");
    let text = alice.token.reveal();

    // The right secret under another roster's tag, with a good checksum.
    let secret = TokenSecret::from_entropy(*alice.token.secret().reveal());
    let moved = SessionToken::new(bob.token.tag(), secret);
    assert_eq!(house.why_not(&moved), None);
    assert!(house.passes(&bob.token), "and it harms nobody");

    // Another family under the right tag.
    let drawn = TokenSecret::from_entropy([9; 48]);
    let drawn = SessionToken::new(alice.token.tag(), drawn);
    assert_eq!(house.why_not(&drawn), None);
    assert!(house.passes(&alice.token));

    // An id opens nothing, nor does a token with one letter changed.
    assert!(SessionToken::parse(&alice.session.id.to_string()).is_err());
    for place in 3..text.len() {
        let mut damaged = text.clone().into_bytes();
        damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).expect("it is ASCII");
        assert!(SessionToken::parse(&damaged).is_err(), "{place}");
    }
}

/// S6: what the store holds after a sign-in contains no piece of the token.
#[test]
fn s6_given_a_sign_in_when_the_store_is_searched_then_no_piece_of_the_token_is_in_it() {
    let house = house();
    let request = keyed("alice", "a key that nobody guesses", "x");
    let signed_in = admitted(house.answer(request));
    let text = signed_in.token.reveal();
    let secret = &text["ik_".len() + 22..];
    let held = house.snapshot() + &format!("{:?}", house.stage);

    for start in 0..=secret.len() - 12 {
        assert!(!held.contains(&secret[start..start + 12]), "from {start}");
    }
    // The random bytes as a list of numbers, as a derived Debug would show them.
    for window in signed_in.token.secret().reveal().windows(6) {
        let numbers = format!("{window:?}");
        assert!(!held.contains(numbers.trim_matches(['[', ']'])));
    }
    assert!(!held.contains("nobody guesses"));
}

/// S14: the same name in two tenants is two subjects, down to their limits.
#[test]
fn s14_given_one_name_in_two_tenants_when_both_sign_in_then_nothing_crosses() {
    let house = house_with(policy(1, Overflow::EvictOldest));
    let acme = TenantId::parse("acme").expect("it is a name");
    let here = house.sign_in("alice");
    let mut request = arrival("alice");
    request.tenant = acme.clone();
    let there = admitted(house.answer(request));

    assert!(house.passes(&here.token), "no seat was taken from another");
    assert_eq!(house.why_not(&there.token), None, "unknown in this tenant");
    let mut elsewhere = check_of(&there.token);
    elsewhere.tenant = Some(acme.clone());
    let answer = finish(house.authority.check(&elsewhere));
    assert!(matches!(
        answer.expect("the store is sound"),
        CheckAnswer::Valid(_)
    ));
    assert_eq!(house.revoke(there.session.id), Revoked::Absent);
    let realm = tenant();
    let found = finish(house.authority.roster_at(&realm, there.session.id.tag()));
    assert!(found.expect("the store is sound").is_none());
    let occasion = Occasion::Renewal;
    let rotation = house
        .authority
        .rotate(Some(&realm), &there.token, Shown::Nothing, occasion);
    assert!(matches!(
        finish(rotation).expect("the store is sound"),
        RotateAnswer::NoSession(None)
    ));
    let other = copy(&there.token);
    assert_eq!(other.tag(), house.authority.tag(&acme, &subject("alice")));
}

/// S15: two spellings of one letter are one subject; two cases of it are two.
#[test]
fn s15_given_two_spellings_when_both_sign_in_then_they_share_a_limit_if_they_are_one_subject() {
    let house = house_with(policy(1, Overflow::EvictOldest));
    let composed = house.sign_in("zo\u{e9}");

    let decomposed = house.sign_in("zoe\u{301}");
    let other = house.sign_in("Zo\u{e9}");

    assert_eq!(house.why_not(&composed.token), Some(EndReason::Evicted));
    assert!(house.passes(&decomposed.token) && house.passes(&other.token));
    for (name, error) in [
        ("", NameError::Empty),
        ("a\0b", NameError::Control),
        ("a\u{202e}b", NameError::Bidi),
    ] {
        assert_eq!(SubjectId::parse(name), Err(error));
    }
}

/// S1: the sign-in brings groups for which another rule holds. It is judged by them at once.
#[test]
fn s1_given_groups_that_come_with_the_sign_in_when_admitted_then_their_limit_is_in_force() {
    let mut strict = policy(5, Overflow::EvictOldest);
    strict.rules.push(Rule {
        when: Condition {
            groups: vec![GroupName::parse("admins").expect("it is a name")],
            ..Default::default()
        },
        set: Setting {
            max_sessions: SessionLimit::new(1),
            ..Default::default()
        },
        ..Rule::default()
    });
    let house = house_with(strict);
    let earlier: Vec<_> = (0..3).map(|_| house.sign_in("alice")).collect();
    let mut request = arrival("alice");
    request.sign_in.groups = Some([GroupName::parse("admins").expect("it is a name")].into());

    let promoted = admitted(house.answer(request));

    assert_eq!(house.live("alice"), 1);
    assert!(house.passes(&promoted.token));
    assert!(earlier.iter().all(|s| !house.passes(&s.token)));
    assert_eq!(promoted.ended.len(), 3);
}

/// AC-9: the sign-in before this one is told, and it is the one that succeeded.
#[test]
fn given_an_earlier_sign_in_when_the_subject_comes_again_then_it_is_told() {
    let house = house();
    let first = house.sign_in("alice");
    assert!(first.session.previous_sign_in.is_none());
    house.clock.pass(HOUR);

    let second = house.sign_in("alice");

    let told = second
        .session
        .previous_sign_in
        .as_ref()
        .expect("there was one before");
    assert_eq!(told.at, first.session.created_at);
    assert_eq!(told.origin.label, DeviceLabel::of_text("Lynx"));
}
