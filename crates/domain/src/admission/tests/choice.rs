//! What a subject may end to get a seat, and with how strong a proof.

use super::*;

/// A sign-in with a proof of this strength.
fn proving(assurance: u8) -> SignIn {
    let mut sign_in = sign_in();
    sign_in.authentication.assurance = level(assurance);
    sign_in
}

/// A sign-in whose subject chose to end these sessions.
fn ending(numbers: &[u8]) -> SignIn {
    SignIn {
        end: numbers.iter().copied().map(id).collect(),
        ..sign_in()
    }
}

/// Why a sign-in at second 20 finds no seat.
fn turned_away(roster: &Roster, sign_in: &SignIn, policy: &Policy) -> NoSeat {
    no_seat(admit(roster, sign_in, newborn(9), policy, at(20)))
}

#[test]
fn given_a_full_roster_when_the_policy_asks_then_everybody_who_is_counted_may_be_chosen() {
    let roster = roster([
        session(1).assurance(3),
        session(2),
        session(3).class(SessionClass::Machine),
    ]);

    let answer = turned_away(&roster, &proving(1), &policy(2, Overflow::Ask));

    assert_eq!(answer.endable, [id(1), id(2)]);
    assert_eq!(answer.way_out, WayOut::Choose);
}

#[test]
fn given_a_choice_of_enough_when_decided_then_they_end_by_the_hand_of_their_owner() {
    let roster = roster([session(1), session(2)]);

    let answer = let_in(&roster, &ending(&[2]), 3, &policy(2, Overflow::Ask));

    assert_eq!(ends(&answer.changes), [(id(2), EndReason::RevokedByUser)]);
    assert!(answer.evicted.is_empty());
    assert!(answer.concurrent);
}

#[test]
fn given_a_choice_of_too_few_when_decided_then_nothing_changes_and_the_list_is_fresh() {
    // The newcomer may live beside one other only, so two of the three must go.
    let roster = roster([session(1), session(2), session(3)]);
    let newcomer = SignIn {
        remember: true,
        ..ending(&[2])
    };
    let policy = ruled(policy(3, Overflow::Ask), 0, when_remembered(), at_most(2));

    let answer = turned_away(&roster, &newcomer, &policy);

    assert_eq!(answer.endable, [id(1), id(2), id(3)]);
    assert_eq!(answer.limit.max, 2);
    assert_eq!(answer.fewest, 2);
}

#[test]
fn given_a_choice_of_sessions_that_are_gone_when_decided_then_they_count_as_gone() {
    let roster = roster([session(1), session(2).idle_after(20), session(3)]);

    let answer = let_in(&roster, &ending(&[2, 8]), 4, &policy(3, Overflow::Ask));

    assert_eq!(ends(&answer.changes), [(id(2), EndReason::Idle)]);
}

#[test]
fn given_room_meanwhile_when_a_choice_comes_then_what_was_chosen_ends_all_the_same() {
    let roster = roster([session(1), session(2)]);

    let answer = let_in(&roster, &ending(&[1]), 4, &policy(5, Overflow::Ask));

    assert_eq!(ends(&answer.changes), [(id(1), EndReason::RevokedByUser)]);
}

#[test]
fn given_a_choice_of_one_that_is_not_listed_when_decided_then_nobody_ends_and_the_list_is_fresh() {
    let roster = roster([session(1), session(2).class(SessionClass::Machine)]);

    for chosen in [&[2][..], &[2, 1]] {
        let answer = turned_away(&roster, &ending(chosen), &policy(1, Overflow::Ask));

        assert_eq!(answer.endable, [id(1)]);
        assert_eq!(answer.way_out, WayOut::Choose);
    }
    let room = let_in(&roster, &ending(&[2, 1]), 3, &policy(2, Overflow::Ask));
    assert_eq!(ends(&room.changes), [(id(1), EndReason::RevokedByUser)]);
}

#[test]
fn given_a_policy_that_refuses_when_the_proof_is_as_strong_then_there_is_a_way_out() {
    let roster = roster([session(1).assurance(1), session(2).assurance(2)]);
    let refusing = policy(2, Overflow::Refuse);

    let equal = turned_away(&roster, &proving(1), &refusing);
    let stronger = turned_away(&roster, &proving(3), &refusing);

    assert_eq!(equal.endable, [id(1)]);
    assert_eq!(equal.way_out, WayOut::Choose);
    assert_eq!(stronger.endable, [id(1), id(2)]);
}

#[test]
fn given_a_policy_that_refuses_when_the_proof_is_weaker_then_the_least_that_opens_is_named() {
    let roster = roster([session(1).assurance(3), session(2).assurance(2)]);
    let refusing = policy(2, Overflow::Refuse);

    let weaker = turned_away(&roster, &proving(1), &refusing);

    assert!(weaker.endable.is_empty());
    assert_eq!(weaker.way_out, WayOut::ProveMore(level(2)));
}

#[test]
fn given_a_weaker_proof_when_it_chooses_all_the_same_then_nothing_ends() {
    let roster = roster([session(1).assurance(2)]);
    let choosing = ending(&[1]);

    let answer = turned_away(&roster, &choosing, &policy(1, Overflow::Refuse));

    assert_eq!(answer.way_out, WayOut::ProveMore(level(2)));
    let room = let_in(&roster, &choosing, 2, &policy(2, Overflow::Refuse));
    assert!(ends(&room.changes).is_empty());
}

#[test]
fn given_two_full_limits_when_the_narrow_one_frees_both_then_only_its_holders_are_listed() {
    let roster = roster([
        session(1).client("web"),
        session(2).client("tv"),
        session(3).client("web"),
    ]);
    let tv = |limits| {
        let newcomer = SignIn {
            client: Some(client("tv")),
            ..sign_in()
        };
        let asking = Policy {
            limits: vec![per_client(1, &["tv"])],
            ..policy(limits, Overflow::Ask)
        };
        turned_away(&roster, &newcomer, &asking).endable
    };

    assert_eq!(tv(3), [id(2)]);
    assert_eq!(tv(2), [id(1), id(2), id(3)], "one more has to go");
}

#[test]
fn given_an_order_that_evicts_when_a_choice_is_too_small_then_the_policy_chooses_the_rest() {
    let roster = roster([session(1).seen_at(9), session(2).seen_at(3)]);

    let answer = let_in(&roster, &ending(&[8]), 3, &evicting_at(2));

    assert_eq!(ends(&answer.changes), [(id(2), EndReason::Evicted)]);
}

#[test]
fn given_an_actor_when_it_signs_in_then_the_session_names_it() {
    let actor = crate::name::SubjectId::parse("support-7").unwrap();
    let impersonating = SignIn {
        class: SessionClass::Impersonation,
        actor: Some(actor.clone()),
        ..sign_in()
    };

    let answer = let_in(&roster([session(1)]), &impersonating, 2, &evicting_at(1));

    assert_eq!(answer.session.actor, Some(actor));
    assert!(answer.evicted.is_empty(), "each class is counted apart");
}
