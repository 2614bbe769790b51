//! The rules for one store.

use innkeeper_simulation::history::{
    Answer, Call, Class, Enacted, Label, Refusal, Sid, Stranger, Subject, Tok, View,
};

use crate::story::{MINUTE, Story, asks};

#[test]
fn given_a_good_history_when_checked_then_nothing_is_found() {
    let story = Story::new()
        .admits(1, &[1])
        .renews(10, 11)
        .valid(11, 1, &[1])
        .admits(2, &[1, 2])
        .does(Call::Revoke(Sid(1)))
        .then(Call::Check(Tok(11)), Answer::NoSession { ended: true })
        .looks(&[2])
        .journal(
            &[(1, 0, &[1], &[]), (2, 101, &[2], &[]), (3, 102, &[], &[1])],
            &[2],
        );

    assert!(story.broken().is_empty());
}

#[test]
fn given_overlapping_operations_when_checked_then_either_order_is_believed() {
    let story = Story::new()
        .admits(1, &[1])
        .does(Call::Revoke(Sid(1)))
        .valid(10, 1, &[1])
        .meanwhile();

    assert!(story.broken().is_empty());
}

#[test]
fn s1_given_three_in_a_view_of_two_seats_when_checked_then_it_is_found() {
    let story = Story::new().looks(&[1, 2, 3]);

    assert_eq!(story.broken(), ["S1"]);
}

/// What is seen from outside does not say what the roster obeys.
#[test]
fn s1_given_three_in_a_view_when_only_the_limit_that_was_set_is_known_then_it_is_found() {
    let outside = |live: &[u32]| {
        Answer::Seen(View {
            basis: None,
            live: live.iter().map(|s| Sid(*s)).collect(),
        })
    };
    let three = Story::new().then(Call::Look, outside(&[1, 2, 3]));
    assert_eq!(three.broken(), ["S1"]);

    let more = Story::new()
        .does(Call::Limit(Some(3)))
        .then(Call::Look, outside(&[1, 2, 3]));
    assert!(more.broken().is_empty());
}

#[test]
fn s1_given_three_that_live_at_once_when_no_view_shows_them_together_then_it_is_found() {
    let story = Story::new()
        .admits(1, &[1])
        .meanwhile()
        .admits(2, &[2])
        .admits(3, &[3]);
    let mut story = story
        .valid(10, 1, &[1])
        .valid(20, 2, &[2])
        .valid(30, 3, &[3]);
    // All three began before any view could say that another had ended.
    for operation in &mut story.0.operations {
        operation.begun.place = 1;
    }
    let last = story.0.operations.len();
    for operation in &mut story.0.operations[last - 3..] {
        operation.begun.place = 7;
    }

    assert!(story.broken().contains(&"S1"));
}

#[test]
fn s1_given_a_policy_that_is_not_obeyed_when_checked_then_it_is_found() {
    let mut story = Story::new();
    story.0.policies.push(Enacted {
        version: 2,
        limit: 5,
        idle: 30 * MINUTE,
        ..Enacted::default()
    });

    assert_eq!(story.admits(1, &[1]).broken(), ["S1"]);
}

/// Nodes have some time to follow a policy, and not a moment more.
#[test]
fn s1_given_time_to_follow_a_policy_when_it_is_over_then_one_that_is_not_obeyed_is_found() {
    for (followed_at, broken) in [(1000, &["S1"][..]), (1001, &[])] {
        let mut story = Story::new();
        story.0.policies.push(Enacted {
            version: 2,
            limit: 5,
            idle: 30 * MINUTE,
            followed_at,
            ..Enacted::default()
        });

        let story = story.admits(1, &[1]);

        assert_eq!(story.broken(), broken);
    }
}

#[test]
fn s2_given_a_session_that_was_seen_dead_when_it_is_live_again_then_it_is_found() {
    let story = Story::new().admits(1, &[1]).looks(&[]).looks(&[1]);

    assert_eq!(story.broken(), ["S2"]);
}

#[test]
fn s3_given_a_death_when_a_crash_brings_it_back_then_it_is_found() {
    let mut story = Story::new().admits(1, &[1]).does(Call::Disable);
    story.0.crashes.push(4);

    assert_eq!(story.valid(10, 1, &[1]).broken(), ["S3"]);
}

#[test]
fn s4_given_an_acknowledged_death_when_its_token_is_good_then_it_is_found() {
    for order in [
        Call::Revoke(Sid(1)),
        Call::RevokeAll(None),
        Call::CredentialChanged(None),
        Call::Disable,
    ] {
        let story = Story::new().admits(1, &[1]).does(order).valid(10, 1, &[1]);

        assert_eq!(story.broken(), ["S4"]);
    }
}

#[test]
fn s5_given_an_answer_when_it_names_another_then_it_is_found() {
    let story = Story::new()
        .admits(1, &[1])
        .admits(2, &[1, 2])
        .valid(10, 2, &[1, 2]);
    assert_eq!(story.broken(), ["S5"]);

    let mut story = Story::new().admits(1, &[1]).valid(10, 1, &[1]);
    if let Answer::Valid { subject, .. } = &mut story.0.operations[1].answer {
        *subject = Subject(2);
    }
    assert_eq!(story.broken(), ["S5"]);
}

#[test]
fn s6_given_a_token_that_was_never_given_out_when_it_is_good_then_it_is_found() {
    let story = Story::new().admits(1, &[1]).valid(99, 1, &[1]);

    assert_eq!(story.broken(), ["S6"]);
}

#[test]
fn s7_given_a_stranger_when_the_session_is_anything_but_absent_then_it_is_found() {
    for (stranger, rule) in [(Stranger::Subject, "S7"), (Stranger::Tenant, "S14")] {
        let asked = |answer| {
            let call = Call::Trespass(Sid(1), stranger);
            Story::new().admits(1, &[1]).then(call, answer)
        };
        assert!(asked(Answer::Absent).broken().is_empty());

        let done = asked(Answer::Done {
            ended: 1,
            kept: None,
        });
        assert_eq!(done.broken(), [rule]);

        let lines: [(u64, u64, &[u32], &[u32]); 2] = [(1, 0, &[1], &[]), (2, 101, &[], &[1])];
        let mut acted = asked(Answer::Absent).journal(&lines, &[]);
        acted.0.journal[1].trespassed = vec![Sid(1)];
        assert_eq!(acted.broken(), [rule]);
    }
}

#[test]
fn s14_given_a_token_at_the_door_of_another_tenant_when_anything_shows_then_it_is_found() {
    let asked = |answer| {
        let story = Story::new().admits(1, &[1]);
        story.then(Call::CheckAbroad(Tok(10)), answer)
    };
    assert!(
        asked(Answer::NoSession { ended: false })
            .broken()
            .is_empty()
    );

    let told = asked(Answer::NoSession { ended: true });
    assert_eq!(told.broken(), ["S14"]);

    let story = Story::new().admits(1, &[1]);
    let answer = story.good(1, None, &[1]);
    let let_in = story.then(Call::CheckAbroad(Tok(10)), answer);
    assert_eq!(let_in.broken(), ["S14"]);
}

#[test]
fn s14_given_two_tenants_when_an_answer_shows_the_other_s_then_it_is_found() {
    let mut story = Story::new().admits(1, &[1]).admits(2, &[2]);
    story.0.tenants = vec![0, 0, 1];
    story.0.operations[0].subject = Subject(2);

    assert_eq!(story.looks(&[1, 2]).broken(), ["S14"]);
}

#[test]
fn s12_given_a_sign_in_that_did_not_count_a_session_when_it_is_valid_then_it_is_found() {
    let story = Story::new().admits(1, &[1]).admits(2, &[2]);
    assert_eq!(story.valid(10, 1, &[1, 2]).broken(), ["S12", "S2"]);

    let story = Story::new().admits(1, &[1]);
    assert_eq!(
        story.valid(10, 1, &[]).broken(),
        ["S12"],
        "in its own roster"
    );
}

#[test]
fn s8_given_a_proof_of_identity_when_the_token_from_before_is_good_then_it_is_found() {
    let story = Story::new().admits(1, &[1]);
    let answer = story.good(1, Some(11), &[1]);
    let story = story.then(Call::Reauthenticate(Tok(10)), answer);

    assert_eq!(story.valid(10, 1, &[1]).broken(), ["S8"]);
}

#[test]
fn s8_given_evidence_from_before_a_fence_when_a_session_is_born_of_it_then_it_is_found() {
    let story = Story::new()
        .looks(&[])
        .does(Call::RevokeAll(None))
        .admits_by(1, Some(0), &[1]);
    assert_eq!(story.broken(), ["S8"]);

    let fresh = Story::new()
        .does(Call::RevokeAll(None))
        .looks(&[])
        .admits_by(1, Some(1), &[1]);
    assert!(fresh.broken().is_empty());
}

#[test]
fn s9_given_two_successors_of_one_token_when_checked_then_it_is_found() {
    let story = Story::new().admits(1, &[1]).renews(10, 11).renews(10, 12);

    assert_eq!(story.broken(), ["S9"]);
}

#[test]
fn s9_given_an_old_token_that_is_good_when_checked_then_it_is_found() {
    let story = Story::new().admits(1, &[1]).renews(10, 11).renews(11, 12);
    assert_eq!(
        story.valid(10, 1, &[1]).broken(),
        ["S9"],
        "two rotations old"
    );

    let story = Story::new()
        .admits(1, &[1])
        .renews(10, 11)
        .later(6 * MINUTE);
    assert_eq!(story.valid(10, 1, &[1]).broken(), ["S9"], "after its grace");
}

#[test]
fn s9_given_a_reuse_that_was_found_when_the_session_lives_on_then_it_is_found() {
    let story = Story::new().admits(1, &[1]).renews(10, 11).renews(11, 12);
    let story = story.then(Call::Check(Tok(10)), Answer::NoSession { ended: false });

    assert_eq!(story.valid(12, 1, &[1]).broken(), ["S9"]);
}

#[test]
fn s9_given_a_token_that_was_refused_when_it_is_good_again_then_it_is_found() {
    let story = Story::new()
        .admits(1, &[1])
        .then(Call::Check(Tok(10)), Answer::NoSession { ended: false });

    assert_eq!(story.valid(10, 1, &[1]).broken(), ["S9", "V4"]);
}

#[test]
fn s10_given_one_key_when_two_sessions_are_born_of_it_then_it_is_found() {
    let mut story = Story::new().admits(1, &[1]).admits(2, &[1, 2]);
    if let Call::Admit { label, .. } = &mut story.0.operations[1].call {
        *label = Label(1);
    }

    assert_eq!(story.broken(), ["S10"]);
}

#[test]
fn s11_given_an_eviction_when_a_seat_stays_free_then_it_is_found() {
    let mut story = Story::new().admits(1, &[1]).admits(2, &[2]);
    if let Answer::Admitted { evicted, .. } = &mut story.0.operations[1].answer {
        evicted.push(Sid(1));
    }

    assert_eq!(story.broken(), ["S11"]);
}

#[test]
fn s11_given_a_choice_when_another_session_ends_than_was_chosen_then_it_is_found() {
    let chosen_by = |number: u32| {
        let mut story = Story::new()
            .admits(1, &[1])
            .admits(2, &[1, 2])
            .admits(3, &[2, 3]);
        if let Call::Admit { chosen, .. } = &mut story.0.operations[2].call {
            *chosen = Some(vec![Sid(number)]);
        }
        if let Answer::Admitted { chosen, .. } = &mut story.0.operations[2].answer {
            chosen.push(Sid(1));
        }
        story
    };

    assert!(chosen_by(1).broken().is_empty());
    assert_eq!(chosen_by(2).broken(), ["S11"]);
    assert_eq!(
        chosen_by(1).valid(10, 1, &[1]).broken()[0],
        "S12",
        "it ended"
    );
}

#[test]
fn s1_given_classes_when_each_is_within_its_limit_then_it_is_spared_and_one_beyond_is_found() {
    let story = |machines: &[u32]| {
        let mut story = Story::new()
            .admits(1, &[1])
            .admits(2, &[1, 2])
            .admits(3, &[1, 2, 3]);
        for operation in &mut story.0.operations {
            if let Call::Admit { label, class, .. } = &mut operation.call
                && machines.contains(&label.0)
            {
                *class = Class::Machine;
            }
        }
        story
    };

    assert!(story(&[3]).broken().is_empty());
    assert_eq!(story(&[]).broken(), ["S1"]);
    assert_eq!(story(&[1, 2, 3]).broken(), ["S1"]);
}

#[test]
fn s13_given_a_session_when_it_outlives_its_silence_or_its_life_then_it_is_found() {
    let story = Story::new().admits(1, &[1]).later(31 * MINUTE);
    assert_eq!(story.valid(10, 1, &[1]).broken(), ["S13"], "silent");

    let mut story = Story::new().admits(1, &[1]).later(11 * MINUTE);
    story.0.policies[0].idle = 10 * MINUTE;
    assert_eq!(story.valid(10, 1, &[1]).broken(), ["S13"], "by its policy");

    let mut story = Story::new().admits(1, &[1]);
    for _ in 0..80 {
        story = story.later(20 * MINUTE).valid(10, 1, &[1]);
    }
    assert_eq!(story.broken(), ["S13"], "old");
}

#[test]
fn s13_given_answers_when_time_falls_between_them_then_it_is_found() {
    let mut story = Story::new().looks(&[]).looks(&[]);
    if let Answer::Seen(view) = &mut story.0.operations[1].answer {
        view.basis.as_mut().unwrap().now = 1;
    }

    assert_eq!(story.broken(), ["S13"]);
}

#[test]
fn s16_given_a_journal_when_an_entry_is_missing_doubled_or_untold_then_it_is_found() {
    let gap = Story::new().journal(&[(1, 0, &[1], &[]), (3, 102, &[2], &[])], &[1, 2]);
    assert_eq!(gap.broken(), ["S16"]);

    let unchained = Story::new().journal(&[(1, 0, &[1], &[]), (2, 7, &[2], &[])], &[1, 2]);
    assert_eq!(unchained.broken(), ["S16"]);

    let untold = Story::new().journal(&[(1, 0, &[1], &[])], &[1, 2]);
    assert_eq!(untold.broken(), ["S16"]);

    let doubled = Story::new().journal(&[(1, 0, &[1], &[]), (2, 101, &[], &[1, 1])], &[]);
    assert_eq!(doubled.broken(), ["S16"]);
}

#[test]
fn v1_given_a_free_seat_when_a_sign_in_is_refused_then_it_is_found() {
    let story = Story::new().admits(1, &[1]);
    let view = story.sees(&[1]);
    let story = story.then(
        asks(Label(2), None),
        Answer::Refused(Refusal::Full, Some(view)),
    );

    assert_eq!(story.broken(), ["V1"]);
}

#[test]
fn d11_given_a_refusal_when_a_session_was_born_all_the_same_then_it_is_found() {
    let call = asks(Label(1), None);
    let story = Story::new()
        .then(call, Answer::Refused(Refusal::Full, None))
        .does(Call::Limit(Some(0)))
        .meanwhile()
        .journal(&[(1, 0, &[1], &[])], &[1]);

    assert_eq!(story.broken(), ["D11"]);
}

/// A store that says no to everybody breaks no other promise.
#[test]
fn v4_given_a_token_when_nothing_made_it_worthless_and_it_is_refused_then_it_is_found() {
    let no = || Answer::NoSession { ended: false };
    let refused = |story: Story| story.then(Call::Check(Tok(10)), no()).broken();

    assert_eq!(refused(Story::new().admits(1, &[1])), ["V4"]);
    // The end of another is no cause.
    let other = Story::new().admits(1, &[1]).admits(2, &[1, 2]);
    assert_eq!(refused(other.does(Call::Revoke(Sid(2)))), ["V4"]);

    let causes: [fn(Story) -> Story; 7] = [
        |story| story.does(Call::Revoke(Sid(1))),
        |story| story.then(Call::RevokeAll(None), Answer::Unknown),
        |story| story.does(Call::Disable),
        |story| story.then(asks(Label(9), None), Answer::Unknown),
        |story| story.renews(10, 11),
        |story| story.does(Call::Limit(Some(1))),
        |story| story.later(30 * MINUTE),
    ];
    for (place, cause) in causes.into_iter().enumerate() {
        let broken = refused(cause(Story::new().admits(1, &[1])));
        assert!(broken.is_empty(), "{place}: {broken:?}");
    }
}

#[test]
fn v4_given_a_sign_in_when_it_is_refused_without_a_cause_then_it_is_found() {
    let refused = |story: Story, evidence, why| {
        let asks = asks(Label(9), evidence);
        story.then(asks, Answer::Refused(why, None)).broken()
    };
    let disabled = |story| refused(story, None, Refusal::Disabled);
    let stale = |story| refused(story, Some(1), Refusal::Stale);
    let looked = || Story::new().admits(1, &[1]).looks(&[1]);

    assert_eq!(disabled(Story::new()), ["V4"]);
    let again = Story::new().does(Call::Disable).does(Call::Enable);
    assert_eq!(disabled(again), ["V4"]);
    assert!(disabled(Story::new().does(Call::Disable)).is_empty());

    assert_eq!(stale(looked()), ["V4"]);
    assert_eq!(stale(looked().does(Call::Revoke(Sid(1)))), ["V4"]);
    assert!(stale(looked().does(Call::RevokeAll(None))).is_empty());
    assert!(
        stale(
            Story::new()
                .admits(1, &[1])
                .does(Call::Disable)
                .looks(&[])
                .later(24 * 60 * MINUTE)
        )
        .is_empty()
    );
}

#[test]
fn d11_given_a_live_session_when_its_end_is_answered_as_absent_then_it_is_found() {
    let absent = |story: Story| story.then(Call::Revoke(Sid(1)), Answer::Absent).broken();

    assert_eq!(absent(Story::new().admits(1, &[1])), ["D11"]);
    assert!(absent(Story::new().admits(1, &[1]).does(Call::Revoke(Sid(1)))).is_empty());
}
