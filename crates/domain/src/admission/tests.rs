//! Who is admitted, who is refused, and who must go for it, as a list of rules.

mod choice;
mod own_seat;
mod protected_choice;

use super::*;
use crate::amendment::SubjectPatch;
use crate::change::Keep;
use crate::policy::{Condition, Limit, Overflow, Per, PolicyVersion, Setting};
use crate::seats::{FullLimit, Scope, WayOut, surplus};
use crate::testing::{
    at, client, empty_roster, ends, evicting_at, federated, groups, id, level, limit, live_ids,
    newborn, observing, policy, roster, ruled, session, sign_in, when_remembered,
};

fn per_client(sessions: u64, clients: &[&str]) -> Limit {
    Limit {
        per: Per::Client,
        when: Condition {
            clients: clients.iter().map(|c| client(c)).collect(),
            ..Condition::default()
        },
        max_sessions: limit(sessions),
    }
}

fn when_in(group: &str) -> Condition {
    Condition {
        groups: groups(&[group]).into(),
        ..Condition::default()
    }
}

fn at_most(sessions: u64) -> Setting {
    Setting {
        max_sessions: Some(limit(sessions)),
        ..Setting::default()
    }
}

/// The answer to a sign-in at second 20 that would be session `number`; panics if refused.
fn let_in(roster: &Roster, sign_in: &SignIn, number: u8, policy: &Policy) -> Admitted {
    match admit(roster, sign_in, newborn(number), policy, at(20)) {
        Admission::Admit(admitted) => admitted,
        Admission::Refuse(refusal) => panic!("refused: {refusal:?}"),
    }
}

/// Why there is no seat; panics if there is one.
fn no_seat(answer: Admission) -> NoSeat {
    match answer {
        Admission::Refuse(Refusal::SessionLimit(no_seat)) => no_seat,
        other => panic!("{other:?}"),
    }
}

fn full_limit(scope: Scope, max: u64) -> FullLimit {
    FullLimit {
        scope,
        max: limit(max).get(),
    }
}

#[test]
fn given_a_provider_that_vouches_for_less_than_the_policy_when_signed_in_then_that_is_the_deadline()
{
    let until = |until| {
        let federation = Some(Box::new(federated(Some(at(until)))));
        let newcomer = SignIn {
            federation,
            ..sign_in()
        };
        let admitted = let_in(&roster([]), &newcomer, 9, &Policy::default());
        admitted.session.absolute_deadline
    };

    assert_eq!(until(60), at(60));
    let absolute = Policy::default().terms.absolute;
    assert_eq!(
        until(1_000_000),
        at(20).plus(absolute),
        "never longer than the policy"
    );
}

#[test]
fn given_an_empty_roster_when_the_subject_signs_in_then_there_is_a_seat() {
    let answer = let_in(&empty_roster(), &sign_in(), 1, &evicting_at(1));

    assert!(answer.evicted.is_empty());
    assert_eq!(answer.session.id, id(1));
    assert!(!answer.concurrent);
}

#[test]
fn given_failed_sign_ins_when_others_come_as_the_subject_then_only_the_owner_is_told_of_them() {
    // Whoever acts as somebody would otherwise take the trace of an attack away from them (AC-9).
    let mut roster = empty_roster();
    roster.apply(
        &let_in(&roster, &sign_in(), 1, &evicting_at(9)).changes,
        at(20),
    );
    roster.failures.add();
    roster.failures.add();

    for (number, class) in [(2, SessionClass::Impersonation), (3, SessionClass::Machine)] {
        let other = SignIn { class, ..sign_in() };
        let other = let_in(&roster, &other, number, &evicting_at(9));
        assert_eq!(other.session.previous_sign_in, None);
        assert_eq!(other.session.failures_since, 0);
        roster.apply(&other.changes, at(25));
    }
    let owner = let_in(&roster, &sign_in(), 4, &evicting_at(9)).session;

    assert_eq!(owner.previous_sign_in.as_ref().unwrap().at, at(20));
    assert_eq!(owner.failures_since, 2);
}

#[test]
fn given_groups_named_twice_when_a_sign_in_brings_them_then_each_is_kept_once() {
    let mut roster = empty_roster();
    let sign_in = SignIn {
        groups: Some(groups(&["a", "a"])),
        ..sign_in()
    };

    roster.apply(
        &let_in(&roster, &sign_in, 1, &evicting_at(9)).changes,
        at(20),
    );
    let risen = roster.generation;
    roster.apply(
        &let_in(&roster, &sign_in, 2, &evicting_at(9)).changes,
        at(25),
    );

    assert_eq!(roster.groups, groups(&["a"]));
    assert_eq!(roster.generation, risen);
}

#[test]
fn given_births_before_when_the_subject_signs_in_then_the_newcomer_has_the_next_number() {
    // Also if those before are long gone: birth numbers order the victims.
    let mut roster = roster([session(1), session(2)]);
    roster.sessions.clear();

    let answer = let_in(&roster, &sign_in(), 3, &evicting_at(1));

    assert_eq!(answer.session.birth, 3);
}

#[test]
fn given_a_full_roster_when_the_subject_signs_in_then_the_longest_silent_session_is_evicted() {
    let roster = roster([session(1).seen_at(12), session(2).seen_at(10)]);

    let answer = let_in(&roster, &sign_in(), 3, &evicting_at(2));

    assert_eq!(answer.evicted, [id(2)]);
}

#[test]
fn given_a_full_roster_when_the_policy_evicts_the_oldest_then_birth_decides() {
    let roster = roster([session(1).seen_at(12), session(2).seen_at(10)]);

    let policy = policy(2, Overflow::EvictOldest);
    let answer = let_in(&roster, &sign_in(), 3, &policy);

    assert_eq!(answer.evicted, [id(1)]);
}

#[test]
fn given_equal_silence_when_one_must_go_then_the_first_born_goes() {
    let roster = roster([session(1), session(2), session(3)]);

    let answer = let_in(&roster, &sign_in(), 4, &evicting_at(3));

    assert_eq!(answer.evicted, [id(1)]);
}

#[test]
fn given_an_expired_session_when_the_subject_signs_in_then_it_holds_no_seat() {
    let long_ago = session(1).idle_after(20);
    let roster = roster([long_ago]);

    let answer = let_in(&roster, &sign_in(), 2, &policy(1, Overflow::Refuse));

    assert!(answer.evicted.is_empty());
    assert_eq!(
        ends(&answer.changes),
        [(id(1), EndReason::Idle)],
        "the expiry is recorded by the same commit"
    );
}

#[test]
fn given_a_full_roster_when_the_policy_refuses_then_it_names_the_limit_and_who_holds_the_seats() {
    let roster = roster([session(1), session(2)]);

    let answer = admit(
        &roster,
        &sign_in(),
        newborn(3),
        &policy(2, Overflow::Refuse),
        at(20),
    );

    assert_eq!(
        no_seat(answer),
        NoSeat {
            limit: full_limit(Scope::Subject, 2),
            endable: vec![id(1), id(2)],
            fewest: 1,
            way_out: WayOut::Choose,
        }
    );
}

#[test]
fn given_a_full_roster_when_the_policy_observes_then_everybody_is_let_in_and_it_is_told() {
    let roster = roster([session(1), session(2)]);

    let answer = let_in(&roster, &sign_in(), 3, &policy(2, Overflow::Observe));

    assert!(answer.evicted.is_empty());
    assert!(answer.over_limit);
}

#[test]
fn given_a_thousand_sessions_when_the_policy_observes_then_the_cap_over_everything_holds() {
    let template = session(1).build();
    let mut roster = empty_roster();
    let births: Vec<_> = (0..1000_u64)
        .map(|birth| {
            let mut serial = [0; 12];
            serial[..8].copy_from_slice(&birth.to_be_bytes());
            let id = SessionId::from_entropy(template.id.tag(), serial);
            Change::Birth(Arc::new(Session {
                id,
                birth,
                ..template.clone()
            }))
        })
        .collect();
    roster.apply(&births, at(0));

    let answer = let_in(&roster, &sign_in(), 3, &policy(2, Overflow::Observe));

    assert_eq!(answer.evicted.len(), 1);
}

#[test]
fn given_limits_that_lie_inside_each_other_when_one_must_go_for_both_then_one_goes() {
    // Session 1 is the least recent, but only session 2 frees a seat under both limits.
    let roster = roster([
        session(1).client("web").seen_at(1),
        session(2).client("tv").seen_at(2),
        session(3).client("web").seen_at(3),
    ]);
    let policy = Policy {
        limits: vec![per_client(1, &["tv"])],
        ..evicting_at(3)
    };
    let newcomer = SignIn {
        client: Some(client("tv")),
        ..sign_in()
    };

    let answer = let_in(&roster, &newcomer, 4, &policy);

    assert_eq!(answer.evicted, [id(2)]);
}

#[test]
fn given_a_limit_for_another_client_when_the_subject_signs_in_then_it_does_not_count() {
    let roster = roster([session(1).client("tv"), session(2).client("web")]);
    let policy = Policy {
        limits: vec![per_client(1, &["tv"])],
        ..evicting_at(5)
    };
    let newcomer = SignIn {
        client: Some(client("web")),
        ..sign_in()
    };

    let answer = let_in(&roster, &newcomer, 3, &policy);

    assert!(answer.evicted.is_empty());
}

#[test]
fn given_sessions_of_another_class_when_the_subject_signs_in_then_they_hold_none_of_its_seats() {
    let roster = roster([session(1).class(SessionClass::Machine)]);

    let answer = let_in(&roster, &sign_in(), 2, &policy(1, Overflow::Refuse));

    assert!(answer.concurrent && answer.evicted.is_empty());
}

#[test]
fn given_the_token_of_a_live_session_when_its_browser_signs_in_again_then_it_is_superseded() {
    let roster = roster([session(1), session(2).seen_at(5)]);
    let newcomer = SignIn {
        replaces: Some(newborn(2).family),
        ..sign_in()
    };

    let answer = let_in(&roster, &newcomer, 3, &policy(2, Overflow::Refuse));

    assert!(answer.evicted.is_empty());
    assert_eq!(
        ends(&answer.changes),
        [(id(2), EndReason::Superseded)],
        "no token survives a sign-in"
    );
}

#[test]
fn given_evidence_from_an_older_generation_when_it_comes_late_then_no_session_is_born() {
    // S8: a password was checked, then changed; the slow sign-in must not slip in.
    let mut roster = roster([session(1)]);
    let changes = crate::revocation::revoke_all(
        &roster,
        Keep::None,
        EndReason::CredentialChange,
        Initiator::User,
        at(5),
    );
    roster.apply(&changes, at(5));
    let late = SignIn {
        evidence: Some(Generation(1)),
        ..sign_in()
    };

    let answer = admit(&roster, &late, newborn(2), &evicting_at(5), at(20));

    assert!(matches!(
        answer,
        Admission::Refuse(Refusal::StaleGeneration)
    ));
}

#[test]
fn given_a_disabled_subject_when_it_signs_in_then_it_is_refused() {
    let mut roster = roster([]);
    let changes = crate::revocation::disable(&roster, Initiator::Admin, at(5)).unwrap();
    roster.apply(&changes, at(5));

    let answer = admit(&roster, &sign_in(), newborn(1), &evicting_at(5), at(20));

    assert!(matches!(answer, Admission::Refuse(Refusal::Disabled)));
}

#[test]
fn given_a_low_limit_on_one_session_when_it_costs_others_their_seats_then_it_goes_itself() {
    // "The lowest that matches any live session holds", and victims are the fewest: ending
    // the remembered one leaves a limit of 5, keeping it would cost the three others.
    let crowd = [1, 2, 4, 5].map(session);
    let roster = roster(
        crowd
            .into_iter()
            .chain([session(3).remembered().seen_at(9)]),
    );
    let policy = ruled(evicting_at(5), 0, when_remembered(), at_most(2));

    assert_eq!(surplus(&roster, &policy, at(20)), [id(3)]);
    let answer = let_in(&roster, &sign_in(), 6, &policy);
    assert_eq!(answer.evicted, [id(3)]);
}

#[test]
fn given_a_newcomer_with_a_low_limit_when_it_is_let_in_then_that_limit_holds_for_all() {
    let roster = roster([1, 2, 3, 4].map(session));
    let policy = ruled(evicting_at(5), 0, when_remembered(), at_most(2));
    let newcomer = SignIn {
        remember: true,
        ..sign_in()
    };

    let answer = let_in(&roster, &newcomer, 5, &policy);

    assert_eq!(answer.evicted, [id(1), id(2), id(3)]);
}

#[test]
fn given_a_low_limit_on_a_live_session_when_the_policy_refuses_then_it_is_the_one_named() {
    let roster = roster([session(1).remembered(), session(2)]);
    let policy = ruled(
        policy(5, Overflow::Refuse),
        0,
        when_remembered(),
        at_most(2),
    );

    let answer = admit(&roster, &sign_in(), newborn(3), &policy, at(20));

    assert_eq!(no_seat(answer).limit.max, 2);
}

#[test]
fn given_a_full_client_limit_when_the_policy_refuses_then_it_is_the_one_named() {
    let roster = roster([session(1).client("web"), session(2).client("tv")]);
    let policy = Policy {
        limits: vec![per_client(1, &["tv"])],
        ..policy(2, Overflow::Refuse)
    };
    let newcomer = SignIn {
        client: Some(client("tv")),
        ..sign_in()
    };

    let answer = admit(&roster, &newcomer, newborn(3), &policy, at(20));

    assert_eq!(
        no_seat(answer),
        NoSeat {
            limit: full_limit(Scope::Client, 1),
            endable: vec![id(2)],
            fewest: 1,
            way_out: WayOut::Choose,
        }
    );
}

#[test]
fn given_a_client_limit_when_another_class_of_that_client_is_live_then_it_is_counted_apart() {
    let roster = roster([session(1).client("tv").class(SessionClass::Machine)]);
    let policy = Policy {
        limits: vec![per_client(1, &["tv"])],
        ..policy(5, Overflow::Refuse)
    };
    let newcomer = SignIn {
        client: Some(client("tv")),
        ..sign_in()
    };

    let answer = let_in(&roster, &newcomer, 2, &policy);

    assert!(answer.evicted.is_empty());
}

#[test]
fn given_an_own_limit_when_the_subject_signs_in_then_it_replaces_every_rule() {
    let mut roster = roster([session(1).remembered(), session(2), session(3)]);
    roster.own_limit = Some(limit(4));
    let policy = ruled(evicting_at(1), 0, when_remembered(), at_most(1));

    let fourth = let_in(&roster, &sign_in(), 4, &policy);
    roster.apply(&fourth.changes, at(20));
    let fifth = let_in(&roster, &sign_in(), 5, &policy);

    assert!(fourth.evicted.is_empty());
    assert_eq!(fifth.evicted, [id(1)]);
}

#[test]
fn given_sessions_under_observe_when_others_are_limited_then_they_neither_hold_nor_lack_seats() {
    let roster = roster([
        session(1).remembered(),
        session(2).remembered(),
        session(3).seen_at(5),
    ]);
    let policy = ruled(evicting_at(1), 0, when_remembered(), observing());
    let watched = SignIn {
        remember: true,
        ..sign_in()
    };

    let limited = let_in(&roster, &sign_in(), 4, &policy);
    let free = let_in(&roster, &watched, 4, &policy);

    assert_eq!(limited.evicted, [id(3)]);
    assert!(free.evicted.is_empty() && free.over_limit);
    assert!(surplus(&roster, &policy, at(20)).is_empty());
}

#[test]
fn given_the_same_groups_in_another_order_when_a_sign_in_brings_them_then_no_fence_rises() {
    let mut roster = roster([session(1)]);
    roster.groups = groups(&["admins", "staff"]);
    let newcomer = SignIn {
        groups: Some(groups(&["staff", "admins", "staff"])),
        ..sign_in()
    };

    let answer = let_in(&roster, &newcomer, 2, &evicting_at(5));
    roster.apply(&answer.changes, at(20));

    assert_eq!(roster.generation, Generation(1));
}

#[test]
fn given_new_groups_when_a_sign_in_brings_them_then_old_evidence_is_stale_and_nobody_signed_out() {
    let mut roster = roster([session(1)]);
    let promoted = SignIn {
        groups: Some(groups(&["admins"])),
        evidence: Some(Generation(1)),
        ..sign_in()
    };
    let slow = SignIn {
        groups: Some(groups(&[])),
        evidence: Some(Generation(1)),
        ..sign_in()
    };

    let answer = let_in(&roster, &promoted, 2, &evicting_at(5));
    roster.apply(&answer.changes, at(20));
    let late = admit(&roster, &slow, newborn(3), &evicting_at(5), at(20));

    assert_eq!(live_ids(&roster, 20), [id(1), id(2)]);
    assert!(matches!(late, Admission::Refuse(Refusal::StaleGeneration)));
}

#[test]
fn given_groups_with_stricter_terms_when_a_sign_in_brings_them_then_they_hold_for_all_at_once() {
    let roster = roster([session(1), session(2).seen_at(15)]);
    let brief = Setting {
        idle: Some(std::time::Duration::from_secs(10)),
        ..Setting::default()
    };
    let policy = ruled(policy(2, Overflow::Refuse), 0, when_in("admins"), brief);
    let newcomer = SignIn {
        groups: Some(groups(&["admins"])),
        ..sign_in()
    };

    let answer = let_in(&roster, &newcomer, 3, &policy);

    // Session 1 has been silent for 20 seconds: it ends, and the newcomer gets its seat.
    assert_eq!(ends(&answer.changes), [(id(1), EndReason::PolicyChange)]);
    let mut after = roster.clone();
    after.apply(&answer.changes, at(20));
    assert_eq!(live_ids(&after, 24), [id(2), id(3)]);
    assert_eq!(live_ids(&after, 25), [id(3)]);
}

#[test]
fn given_a_roster_behind_the_policy_when_the_subject_signs_in_then_all_of_it_obeys() {
    // A sign-in that only noted the new number would let the others live on as before.
    let mut roster = roster([session(1)]);
    let brief = Setting {
        absolute: Some(std::time::Duration::from_secs(30)),
        ..Setting::default()
    };
    let policy = ruled(evicting_at(5), 7, Condition::default(), brief);

    let answer = let_in(&roster, &sign_in(), 2, &policy);
    roster.apply(&answer.changes, at(20));

    assert_eq!(roster.policy, PolicyVersion(7));
    assert_eq!(live_ids(&roster, 30), [id(2)]);
}

#[test]
fn given_a_clock_that_fell_back_when_a_session_is_born_then_time_has_not_fallen() {
    let mut roster = empty_roster();
    roster.time_high = at(100);
    let early = SignIn {
        authentication: AuthenticationEvent {
            at: at(500),
            ..sign_in().authentication
        },
        ..sign_in()
    };

    let answer = let_in(&roster, &early, 1, &evicting_at(5));

    assert_eq!(answer.session.created_at, at(100));
    assert_eq!(
        answer.session.authentication.at,
        at(100),
        "not in the future"
    );
}

#[test]
fn given_a_changed_contact_when_the_subject_signs_in_then_it_is_taken_up_once() {
    let mut roster = empty_roster();
    let contact = Contact {
        locale: Some("de".into()),
        ..Contact::default()
    };
    let newcomer = SignIn {
        contact: Some(contact.clone()),
        ..sign_in()
    };
    let is_contact = |c: &Change| matches!(c, Change::Contact(_));

    let first = let_in(&roster, &newcomer, 1, &evicting_at(5));
    roster.apply(&first.changes, at(20));
    let second = let_in(&roster, &newcomer, 2, &evicting_at(5));

    assert_eq!(roster.contact, contact);
    assert!(!second.changes.iter().any(is_contact));
}

#[test]
fn given_groups_that_cost_others_their_seat_when_the_newcomer_has_one_then_the_policy_ends_them() {
    let mut roster = roster([session(1).client("tv"), session(2).client("tv")]);
    let newcomer = SignIn {
        groups: Some(groups(&["kids"])),
        ..sign_in()
    };
    let mut policy = policy(5, Overflow::Refuse);
    policy.limits = vec![Limit {
        when: Condition {
            clients: vec![client("tv")],
            ..when_in("kids")
        },
        ..per_client(1, &[])
    }];

    let answer = let_in(&roster, &newcomer, 3, &policy);
    roster.apply(&answer.changes, at(20));

    assert_eq!(ends(&answer.changes), [(id(1), EndReason::PolicyChange)]);
    let unchanged = SubjectPatch {
        groups: Some(groups(&["kids"])),
        ..SubjectPatch::default()
    };
    assert!(amendment::amend(&roster, &unchanged, &policy, at(20)).is_none());
}

/// Whoever was put out wants to know by which device.
#[test]
fn given_sessions_that_end_for_a_sign_in_when_let_in_then_they_say_for_which() {
    let roster = roster([session(1).idle_after(3), session(2), session(3)]);

    let answer = let_in(&roster, &sign_in(), 4, &policy(2, Overflow::EvictOldest));

    let askers: Vec<_> = answer
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::End { ending, .. } => Some((ending.reason, ending.asker)),
            _ => None,
        })
        .collect();
    let newcomer = Some(answer.session.birth);
    let expected = [(EndReason::Idle, None), (EndReason::Evicted, newcomer)];
    assert_eq!(askers, expected);
}
