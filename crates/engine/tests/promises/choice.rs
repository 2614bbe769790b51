//! The choice at the limit: one ticket, one session, by the evidence that was given for it.

use std::pin::Pin;
use std::sync::Arc;

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::policy::Overflow;
use innkeeper_domain::seats::{NoSeat, WayOut};
use innkeeper_domain::session::{EndReason, Initiator, SessionId};
use innkeeper_domain::ticket::ChoiceTicket;
use innkeeper_engine::budget::Place;
use innkeeper_engine::choice::{ChoiceRequest, TICKETS_FOR};
use innkeeper_engine::sign_in::{Idempotency, KEYS_FOR, SignInAnswer};

use crate::support::*;

/// A house at whose limit of `max` the subject is asked.
fn asking(max: u64) -> House {
    house_with(policy(max, Overflow::Ask))
}

/// The choice that a refusal gives, and why it was one.
fn asked(answer: SignInAnswer) -> (NoSeat, ChoiceTicket) {
    match answer {
        SignInAnswer::Refused(Refusal::SessionLimit(no_seat), turned_away) => {
            let ticket = turned_away.choice.expect("the subject is asked");
            (no_seat, ticket)
        }
        other => panic!("expected a choice, got {other:?}"),
    }
}

/// A second copy of a ticket, as a thief or another tab has it.
fn copy_of(ticket: &ChoiceTicket) -> ChoiceTicket {
    ChoiceTicket::parse(&ticket.reveal()).expect("it was just written")
}

fn choosing(name: &str, ticket: &ChoiceTicket, end: &[SessionId]) -> ChoiceRequest {
    ChoiceRequest {
        place: Place::Hosted,
        tenant: tenant(),
        subject: subject(name),
        ticket: copy_of(ticket),
        end: end.into(),
        replaces: None,
        idempotency: None,
    }
}

/// The same, with an idempotency key and what the call says.
fn with_key(request: ChoiceRequest, key: &str, says: &str) -> ChoiceRequest {
    ChoiceRequest {
        idempotency: Some(Idempotency::new(&tenant(), key, says.as_bytes())),
        ..request
    }
}

fn is_pending<F: Future>(future: &mut Pin<Box<F>>) -> bool {
    poll_once(future.as_mut()).is_pending()
}

impl House {
    fn choose(&self, name: &str, ticket: &ChoiceTicket, end: &[SessionId]) -> SignInAnswer {
        self.choice(choosing(name, ticket, end))
    }

    fn choice(&self, request: ChoiceRequest) -> SignInAnswer {
        finish(self.authority.choose(request)).expect("the store is sound")
    }
}

#[test]
fn given_a_full_house_when_one_is_chosen_then_it_ends_by_its_owner_and_the_proof_is_the_first() {
    let house = asking(2);
    let (first, second) = (house.sign_in("alice"), house.sign_in("alice"));
    let before = house.snapshot();
    let (no_seat, ticket) = asked(house.answer(arrival("alice")));
    assert_eq!(house.snapshot(), before, "a refusal stores nothing");
    let proved_at = house.now();
    house.clock.pass(MINUTE);

    let born = admitted(house.choose("alice", &ticket, &[second.session.id]));

    assert_eq!(no_seat.endable, [first.session.id, second.session.id]);
    assert_eq!(house.live("alice"), 2);
    assert_eq!(house.why_not(&second.token), Some(EndReason::RevokedByUser));
    assert_eq!(born.ended[0].ending.initiator, Initiator::User);
    assert!(house.passes(&born.token));
    let proof = &born.session.authentication;
    assert!(proof.at <= proved_at, "no proof grows younger by waiting");
    assert_eq!(proof.methods[0].as_str(), "pwd");
    assert_eq!(born.session.origin.ip, Some([203, 0, 113, 7].into()));
    house.assert_journal_is_whole();
}

#[test]
fn given_a_used_ticket_when_it_comes_again_then_it_was_used_whatever_it_names() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let (_, ticket) = asked(house.answer(arrival("alice")));
    let born = admitted(house.choose("alice", &ticket, &[first.session.id]));

    let again = house.choose("alice", &ticket, &[born.session.id]);
    let same = house.choose("alice", &ticket, &[first.session.id]);

    assert!(matches!(again, SignInAnswer::AlreadyUsed), "{again:?}");
    assert!(matches!(same, SignInAnswer::AlreadyUsed), "{same:?}");
    assert!(house.passes(&born.token), "S10: one proof, one session");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn given_fifty_at_once_with_one_ticket_when_they_choose_then_one_is_in() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let (_, ticket) = asked(house.answer(arrival("alice")));

    let calls: Vec<_> = (0..50)
        .map(|_| {
            let authority = Arc::clone(&house.authority);
            let request = choosing("alice", &ticket, &[first.session.id]);
            tokio::spawn(async move { authority.choose(request).await })
        })
        .collect();

    let (mut born, mut used) = (0, 0);
    for call in calls {
        match call.await.unwrap().unwrap() {
            SignInAnswer::Admitted(_) => born += 1,
            SignInAnswer::AlreadyUsed => used += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((born, used), (1, 49));
    assert_eq!(house.live("alice"), 1);
}

#[test]
fn given_a_ticket_of_somebody_else_when_it_is_presented_then_it_is_unknown() {
    let house = asking(1);
    let (alice, bob) = (house.sign_in("alice"), house.sign_in("bob"));
    let (_, ticket) = asked(house.answer(arrival("alice")));

    let stolen = house.choose("bob", &ticket, &[bob.session.id]);

    assert!(matches!(stolen, SignInAnswer::UnknownTicket), "{stolen:?}");
    assert!(house.passes(&alice.token) && house.passes(&bob.token));
}

#[test]
fn given_a_ticket_when_any_byte_of_it_differs_then_it_is_unknown() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let (_, ticket) = asked(house.answer(arrival("alice")));
    let sealed = ticket.sealed();

    for place in [0, 12, sealed.0.len() - 1] {
        let mut other = sealed.clone();
        other.0[place] ^= 1;
        let forged = ChoiceTicket::new(*ticket.id(), other).expect("it fits");
        let answer = house.choose("alice", &forged, &[first.session.id]);
        assert!(matches!(answer, SignInAnswer::UnknownTicket), "{answer:?}");
    }
    let mut id = *ticket.id();
    id[0] ^= 1;
    let renamed = ChoiceTicket::new(id, sealed.clone()).expect("it fits");
    let answer = house.choose("alice", &renamed, &[first.session.id]);
    assert!(matches!(answer, SignInAnswer::UnknownTicket), "{answer:?}");
}

/// S10: a call with a ticket and a key looks at both, one after the other. Whatever happens between
/// and after, for however long, the ticket opens one session.
#[test]
fn s10_given_a_call_that_is_held_up_when_its_ticket_is_used_and_forgotten_then_it_opens_nothing() {
    let mut held_up = 0;
    for (before, after) in (1..12).flat_map(|b| (0..12).map(move |a| (b, a))) {
        let house = asking(2);
        let end = [house.sign_in("alice"), house.sign_in("alice")].map(|s| s.session.id);
        let (_, ticket) = asked(house.answer(arrival("alice")));
        let other = house.other_node();
        let request = with_key(choosing("alice", &ticket, &end), "0123456789abcdef", "x");
        let mut slow = Box::pin(house.authority.choose(request));
        if !(0..before).all(|_| is_pending(&mut slow)) {
            continue;
        }
        let answer = finish(other.choose(choosing("alice", &ticket, &end)));
        let is_first = matches!(answer, Ok(SignInAnswer::Admitted(_)));
        if !is_first || !(0..after).all(|_| is_pending(&mut slow)) {
            continue;
        }
        house.clock.pass(KEYS_FOR);

        let late = finish(slow).expect("the store is sound");

        held_up += 1;
        let is_let_in = matches!(late, SignInAnswer::Admitted(_));
        assert!(!is_let_in, "{before} polls before, {after} after: {late:?}");
    }
    assert!(held_up > 9, "there were points at which to be slow");
}

#[test]
fn given_five_minutes_when_they_are_over_then_the_ticket_is_too() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let (_, ticket) = asked(house.answer(arrival("alice")));

    house.clock.pass(just_before(TICKETS_FOR));
    let (_, same) = asked(house.choose("alice", &ticket, &[]));
    house.clock.pass(SECOND);
    let late = house.choose("alice", &same, &[first.session.id]);

    assert_eq!(same.reveal(), ticket.reveal(), "it grows no younger");
    assert!(matches!(late, SignInAnswer::UnknownTicket), "{late:?}");
}

#[test]
fn given_too_few_when_chosen_then_the_list_is_fresh_and_the_ticket_still_good() {
    let house = asking(2);
    let (first, second) = (house.sign_in("alice"), house.sign_in("alice"));
    let (_, ticket) = asked(house.answer(arrival("alice")));
    // Meanwhile the first gives its seat to a third.
    let _ = house.revoke(first.session.id);
    let third = house.sign_in("alice");
    let before = house.snapshot();

    let (fresh, ticket) = asked(house.choose("alice", &ticket, &[first.session.id]));
    let unchanged = house.snapshot() == before;
    let born = admitted(house.choose("alice", &ticket, &[third.session.id]));

    assert!(unchanged, "a refusal stores nothing");
    assert_eq!(fresh.endable, [second.session.id, third.session.id]);
    assert!(house.passes(&born.token) && house.passes(&second.token));
}

#[test]
fn given_a_raised_fence_when_a_ticket_from_before_comes_then_it_is_stale() {
    let fences: [fn(&House); 4] = [
        |house| drop(house.change_credential("alice", None)),
        |house| {
            let _ = house.revoke_all("alice", None);
        },
        |house| {
            house.disable("alice");
            house.enable("alice");
        },
        |house| {
            let patch = innkeeper_domain::amendment::SubjectPatch {
                groups: Some([innkeeper_domain::name::GroupName::parse("staff").unwrap()].into()),
                ..Default::default()
            };
            house.amend("alice", &patch);
        },
    ];
    for raise in fences {
        let house = asking(1);
        let first = house.sign_in("alice");
        // Without a generation: the ticket has one all the same.
        let (_, ticket) = asked(house.answer(arrival("alice")));
        raise(&house);

        let answer = house.choose("alice", &ticket, &[first.session.id]);

        assert!(
            matches!(answer, SignInAnswer::Refused(Refusal::StaleGeneration, ..)),
            "{answer:?}"
        );
    }
}

#[test]
fn given_a_disabled_subject_when_a_ticket_comes_then_nobody_is_let_in() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let (_, ticket) = asked(house.answer(arrival("alice")));
    house.disable("alice");

    let answer = house.choose("alice", &ticket, &[first.session.id]);

    assert!(
        matches!(answer, SignInAnswer::Refused(Refusal::Disabled, ..)),
        "{answer:?}"
    );
    assert_eq!(house.live("alice"), 0);
}

#[test]
fn given_a_stricter_policy_since_when_a_ticket_comes_then_that_one_decides() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let mut strong = arrival("alice");
    strong.sign_in.authentication = event(3);
    let second = {
        let (_, ticket) = asked(house.answer(strong));
        admitted(house.choose("alice", &ticket, &[first.session.id]))
    };
    let (_, ticket) = asked(house.answer(arrival("alice")));
    let stricter = house.reopened(policy(1, Overflow::Refuse));

    let answer = stricter.choose("alice", &ticket, &[second.session.id]);

    let SignInAnswer::Refused(Refusal::SessionLimit(no_seat), turned_away) = answer else {
        panic!("{answer:?}");
    };
    let WayOut::ProveMore(least) = no_seat.way_out else {
        panic!("{no_seat:?}");
    };
    assert_eq!(least.get(), 3);
    assert!(turned_away.choice.is_none());
    assert!(stricter.passes(&second.token));
}

#[test]
fn given_a_policy_that_refuses_when_the_proof_is_as_strong_then_nobody_is_locked_out() {
    let house = house_with(policy(1, Overflow::Refuse));
    let thief = house.sign_in("alice");

    let (_, ticket) = asked(house.answer(arrival("alice")));
    let owner = admitted(house.choose("alice", &ticket, &[thief.session.id]));

    assert!(house.passes(&owner.token));
    assert_eq!(house.why_not(&thief.token), Some(EndReason::RevokedByUser));
}

#[test]
fn given_a_thousand_names_when_chosen_then_those_of_nobody_do_nothing() {
    let house = asking(2);
    let (first, second) = (house.sign_in("alice"), house.sign_in("alice"));
    let bob = house.sign_in("bob");
    let (_, ticket) = asked(house.answer(arrival("alice")));
    let mut names: Vec<_> = (0..998_u64)
        .map(|n| {
            let mut serial = [0; 12];
            serial[..8].copy_from_slice(&n.to_be_bytes());
            SessionId::from_entropy(first.session.id.tag(), serial)
        })
        .collect();
    names.extend([bob.session.id, second.session.id]);

    let born = admitted(house.choose("alice", &ticket, &names));

    assert_eq!(born.ended.len(), 1);
    assert!(house.passes(&bob.token), "S7");
    assert!(house.passes(&first.token));
}

#[test]
fn given_a_keyed_sign_in_when_its_ticket_was_used_then_the_key_gives_no_second_session() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let key = "key-of-the-sign-in";
    let (_, ticket) = asked(house.answer(keyed("alice", key, "body")));
    let (_, twin) = asked(house.answer(keyed("alice", key, "body")));
    let born = admitted(house.choose("alice", &ticket, &[first.session.id]));

    let while_open = house.answer(keyed("alice", key, "body"));
    let _ = house.revoke(born.session.id);
    let by_key = house.answer(keyed("alice", key, "body"));
    let other_body = house.answer(keyed("alice", key, "another body"));
    let by_twin = house.choose("alice", &twin, &[]);

    assert!(
        matches!(while_open, SignInAnswer::AlreadyUsed),
        "{while_open:?}"
    );
    assert!(matches!(by_key, SignInAnswer::AlreadyUsed), "{by_key:?}");
    assert!(
        matches!(other_body, SignInAnswer::KeyMisused),
        "{other_body:?}"
    );
    assert!(matches!(by_twin, SignInAnswer::AlreadyUsed), "{by_twin:?}");
    assert_eq!(house.live("alice"), 0, "S10");
}

/// The sign-in and the choice each have a key of their own. The first was spent by the second.
#[test]
fn s10_given_a_choice_under_another_key_when_the_sign_in_is_repeated_then_its_key_is_used_up() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let key = "key-of-the-sign-in";
    let (_, ticket) = asked(house.answer(keyed("alice", key, "body")));
    let call = choosing("alice", &ticket, &[first.session.id]);
    let _ = admitted(house.choice(with_key(call, "key-of-the-choice", "choice")));

    let repeat = house.answer(keyed("alice", key, "body"));
    let misuse = house.answer(keyed("alice", key, "another body"));

    assert!(matches!(repeat, SignInAnswer::AlreadyUsed), "{repeat:?}");
    assert!(matches!(misuse, SignInAnswer::KeyMisused), "{misuse:?}");
    assert_eq!(house.live("alice"), 1);
}

#[test]
fn given_a_choice_with_a_key_when_the_answer_was_lost_then_the_same_call_gets_it_again() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let (_, ticket) = asked(house.answer(arrival("alice")));
    let call = |key, says| with_key(choosing("alice", &ticket, &[first.session.id]), key, says);
    let born = admitted(house.choice(call("key-of-this-call", "body")));

    let SignInAnswer::Repeated(again) = house.choice(call("key-of-this-call", "body")) else {
        panic!("expected the same answer");
    };
    let other_body = house.choice(call("key-of-this-call", "another body"));
    let other_key = house.choice(call("key-of-another-call", "body"));

    assert_eq!(again.token.reveal(), born.token.reveal());
    assert_eq!(again.ended[0].session.id, first.session.id);
    assert!(
        matches!(other_body, SignInAnswer::KeyMisused),
        "{other_body:?}"
    );
    assert!(
        matches!(other_key, SignInAnswer::AlreadyUsed),
        "{other_key:?}"
    );
}

/// The ticket alone was remembered, and not the key that came with it: so one key gave a session
/// for each ticket, and one more without any.
#[test]
fn s10_given_one_key_when_it_comes_with_another_ticket_or_with_none_then_it_opens_nothing_more() {
    const KEY: &str = "key-of-this-call";
    let house = asking(1);
    let first = house.sign_in("alice");
    let of_bob = house.sign_in("bob");
    let (_, ticket) = asked(house.answer(arrival("alice")));
    let (_, twin) = asked(house.answer(arrival("alice")));
    let (_, bobs) = asked(house.answer(arrival("bob")));
    let call = choosing("alice", &ticket, &[first.session.id]);
    let born = admitted(house.choice(with_key(call, KEY, "body")));

    let with_twin = choosing("alice", &twin, &[born.session.id]);
    let with_bobs = choosing("bob", &bobs, &[of_bob.session.id]);
    for answer in [
        house.choice(with_key(with_twin, KEY, "body with the twin")),
        house.choice(with_key(with_bobs, KEY, "body with bob's")),
        house.answer(keyed("alice", KEY, "body without")),
        house.answer(keyed("carol", KEY, "body without")),
    ] {
        assert!(matches!(answer, SignInAnswer::KeyMisused), "{answer:?}");
    }

    assert!(house.passes(&born.token) && house.passes(&of_bob.token));
    let (alices, carols) = (house.live("alice"), house.live("carol"));
    assert_eq!((alices, carols), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s10_given_forty_tickets_at_once_with_one_key_when_they_choose_then_one_is_in() {
    let house = asking(1);
    let names: Vec<_> = (0..40).map(|n| format!("subject-{n}")).collect();
    let calls: Vec<_> = names
        .iter()
        .map(|name| {
            let held = house.sign_in(name);
            let (_, ticket) = asked(house.answer(arrival(name)));
            with_key(
                choosing(name, &ticket, &[held.session.id]),
                "key-of-all",
                name,
            )
        })
        .map(|call| {
            let authority = Arc::clone(&house.authority);
            tokio::spawn(async move { authority.choose(call).await })
        })
        .collect();

    let mut born = 0;
    for call in calls {
        match call.await.unwrap().unwrap() {
            SignInAnswer::Admitted(_) => born += 1,
            SignInAnswer::KeyMisused => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(born, 1);
}

#[test]
fn given_the_token_the_browser_held_when_the_choice_comes_then_it_ends_as_at_a_sign_in() {
    let house = asking(2);
    let (held, other) = (house.sign_in("bob"), house.sign_in("alice"));
    house.sign_in("alice");
    let mut request = arrival("alice");
    request.replaces = Some(copy(&held.token));
    let (_, ticket) = asked(house.answer(request));

    let _ = admitted(house.choose("alice", &ticket, &[other.session.id]));

    assert_eq!(house.why_not(&held.token), Some(EndReason::Superseded));
}

#[test]
fn given_another_node_when_a_ticket_comes_there_then_it_is_good_once_for_both() {
    let house = asking(1);
    let first = house.sign_in("alice");
    let (_, ticket) = asked(house.answer(arrival("alice")));
    let other = house.reopened(policy(1, Overflow::Ask));

    let born = admitted(other.choose("alice", &ticket, &[first.session.id]));
    let again = house.choose("alice", &ticket, &[born.session.id]);

    assert!(matches!(again, SignInAnswer::AlreadyUsed), "{again:?}");
}

#[test]
fn given_a_sign_in_with_more_than_a_ticket_holds_when_asked_then_there_is_no_ticket() {
    let house = asking(1);
    house.sign_in("alice");
    let mut request = arrival("alice");
    let long = |n: usize| innkeeper_domain::name::GroupName::parse(&format!("{n:0>200}"));
    request.sign_in.groups = (0..120).map(|n| long(n).ok()).collect::<Option<_>>();

    let answer = house.answer(request);

    let SignInAnswer::Refused(Refusal::SessionLimit(no_seat), turned_away) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(no_seat.way_out, WayOut::Choose);
    assert!(turned_away.choice.is_none());
}
