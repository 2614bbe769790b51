//! The rules for nodes that share a store.

use innkeeper_simulation::checker::lost_deaths;
use innkeeper_simulation::history::{Answer, Call, Loss, Outage, Sid};

use crate::story::{MINUTE, Story};

/// Session 1 ends by way of node 0, acknowledged; a second later another node is asked.
fn ended(lease: u64) -> Story {
    let mut story = Story::new().admits(1, &[1]).does(Call::Revoke(Sid(1)));
    story.0.lease = lease;
    story
}

#[test]
fn s4_given_a_lease_when_it_is_over_then_a_check_on_another_node_is_found() {
    let spared = ended(1001).valid(10, 1, &[1]).on(1);
    assert!(spared.broken().is_empty());

    assert_eq!(ended(1000).valid(10, 1, &[1]).on(1).broken(), ["S4"]);
}

#[test]
fn s4_given_a_lease_when_the_node_that_acknowledged_lets_the_session_in_then_it_is_found() {
    assert_eq!(ended(60_000).valid(10, 1, &[1]).broken(), ["S4"]);

    let seen = Story::new().admits(1, &[1]).looks(&[]);
    let mut seen = seen.valid(10, 1, &[1]);
    seen.0.lease = 60_000;
    assert_eq!(seen.broken(), ["S4"], "or that showed it dead");
}

/// Only checks may be answered from memory.
#[test]
fn s4_given_a_lease_when_another_call_shows_the_dead_then_it_is_found() {
    assert_eq!(ended(60_000).looks(&[1]).on(1).broken(), ["S4"]);
}

#[test]
fn s4_given_a_check_that_began_in_time_when_it_is_answered_too_late_then_it_is_found() {
    let answered = |late: u64| {
        let story = ended(5000).later(late).valid(10, 1, &[1]);
        let mut story = story.on(1).meanwhile();
        story.0.operations.last_mut().unwrap().begun.moment = 0;
        story.broken()
    };

    assert!(answered(4000).is_empty());
    assert_eq!(answered(4001), ["S4\u{207a}"]);
}

#[test]
fn s17_given_a_node_that_is_cut_off_when_it_knows_more_than_a_lease_tells_then_it_is_found() {
    let cut_off = |leases: bool, mut story: Story| {
        story.0.outages.push(Outage {
            node: 1,
            leases,
            from: 2,
            until: usize::MAX,
        });
        story.broken()
    };
    let story = || Story::new().admits(1, &[1]);

    assert!(cut_off(true, story().valid(10, 1, &[1]).on(1)).is_empty());
    assert!(cut_off(false, story().valid(10, 1, &[1])).is_empty());
    assert_eq!(cut_off(false, story().valid(10, 1, &[1]).on(1)), ["S17"]);
    assert_eq!(cut_off(true, story().admits(2, &[1, 2]).on(1)), ["S17"]);
    let ends = story().does(Call::Revoke(Sid(1))).on(1);
    assert_eq!(cut_off(true, ends), ["S17"]);
}

/// A standby took over that had not heard of the end: as if nobody had been told, except that the
/// end itself is seen to be lost.
#[test]
fn s3_given_a_store_that_lost_an_end_when_the_session_is_back_then_that_is_all_that_is_found() {
    let story = |loss: &[Loss]| {
        let mut story = Story::new()
            .admits(1, &[1])
            .renews(10, 11)
            .does(Call::Revoke(Sid(1)))
            .looks(&[]);
        story.0.crashes.push(9);
        story.0.losses.extend_from_slice(loss);
        story.0.operations.iter_mut().for_each(|o| o.node = 1);
        let mut story = story.valid(10, 1, &[1]).renews(10, 12);
        for operation in &mut story.0.operations[4..] {
            operation.begun.place += 1;
            operation.ended.place += 1;
        }
        story
    };
    let loss = [Loss {
        from: 2,
        over_at: 4001,
    }];

    let undone = lost_deaths(&story(&loss).0);
    assert!(story(&loss).broken().is_empty());
    assert!(undone.iter().any(|violation| violation.operations[0] == 2));
    assert!(story(&[]).broken().contains(&"S3"));
    assert!(lost_deaths(&story(&[]).0).is_empty());
}

/// A node counts on from what it read, while the store's time may go at half speed.
#[test]
fn s13_given_a_lease_when_a_check_was_ahead_of_the_store_then_it_is_spared_and_more_is_found() {
    let ahead = |by: u64| {
        let mut story = Story::new().admits(1, &[1]).valid(10, 1, &[1]);
        story.0.lease = 2000;
        let now = story.now();
        let mut story = story.looks(&[1]);
        for (number, time) in [(1, now + by), (2, now)] {
            match &mut story.0.operations[number].answer {
                Answer::Valid {
                    view: Some(view), ..
                }
                | Answer::Seen(view) => {
                    view.basis.as_mut().unwrap().now = time;
                }
                _ => unreachable!("both show what they were decided by"),
            }
        }
        story.broken()
    };

    assert!(ahead(2000).is_empty());
    assert_eq!(ahead(2001), ["S13"]);
}

/// A visit was heard at a moment that the store's own time had not reached yet.
#[test]
fn s13_given_a_visit_that_was_ahead_of_the_store_when_silence_is_counted_then_it_is_from_there() {
    let silent_for = |span: u64| {
        let mut story = Story::new().admits(1, &[1]).valid(10, 1, &[1]);
        story.0.lease = 2000;
        if let Answer::Valid {
            view: Some(view), ..
        } = &mut story.0.operations[1].answer
        {
            view.basis.as_mut().unwrap().now += 2000;
        }
        story.later(span - 1000).valid(10, 1, &[1]).broken()
    };

    assert!(silent_for(30 * MINUTE + 1999).is_empty());
    assert_eq!(silent_for(30 * MINUTE + 2000), ["S13"]);
}
