//! The rules for the seats of a tenant.

use innkeeper_simulation::history::{Answer, Label, Refusal, Subject};

use crate::story::{Story, asks};

/// Session 1 lives while another subject gets session 2.
fn born_beside(seats: Option<usize>) -> Story {
    let mut story = Story::new()
        .admits(1, &[1])
        .admits(2, &[2])
        .valid(10, 1, &[1])
        .journal(&[(1, 0, &[1], &[])], &[1])
        .journal(&[(1, 0, &[2], &[])], &[2]);
    story.0.policies[0].seats = seats;
    story.0.operations[1].subject = Subject(2);
    story.0.journal[1].subject = Subject(2);
    story.0.rest[1].subject = Subject(2);
    story
}

#[test]
fn s1_given_seats_of_a_tenant_when_one_more_is_born_beside_other_subjects_then_it_is_found() {
    assert!(born_beside(None).broken().is_empty());
    assert!(born_beside(Some(2)).broken().is_empty());
    assert_eq!(born_beside(Some(1)).broken(), ["S1"]);

    let mut elsewhere = born_beside(Some(1));
    elsewhere.0.tenants = vec![0, 0, 1];
    assert!(elsewhere.broken().is_empty(), "each tenant has its own");
}

/// Seats may be lowered below what is there: nobody is ended, and nobody is added.
#[test]
fn s1_given_seats_when_the_newcomer_took_one_of_its_subjects_own_then_it_is_spared() {
    let mut story = born_beside(Some(1));
    let lines: [(u64, u64, &[u32], &[u32]); 2] = [(1, 0, &[3], &[]), (2, 101, &[2], &[3])];
    story.0.journal.pop();
    story.0.rest.pop();
    let mut story = story.journal(&lines, &[2]);
    story.0.journal[1].subject = Subject(2);
    story.0.journal[2].subject = Subject(2);
    story.0.rest[1].subject = Subject(2);

    assert!(story.broken().is_empty());
}

#[test]
fn v1_given_a_seat_of_the_tenant_when_a_sign_in_is_refused_for_want_of_one_then_it_is_found() {
    let refused = |seats| {
        let answer = Answer::Refused(Refusal::Tenant, None);
        let mut story = Story::new()
            .admits(1, &[1])
            .then(asks(Label(2), None), answer);
        story.0.policies[0].seats = seats;
        story.0.operations[1].subject = Subject(2);
        story.broken()
    };

    assert!(refused(Some(1)).is_empty());
    assert_eq!(refused(Some(2)), ["V1"]);
    assert_eq!(refused(None), ["V1"]);
}
