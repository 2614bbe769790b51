//! The rules for sessions that are bound to a device.

use innkeeper_simulation::history::{Answer, Call, Sid, Tok};

use crate::story::Story;

#[test]
fn d9_given_a_bound_session_when_its_token_is_good_from_elsewhere_then_it_is_found() {
    let visited = |binds_devices: bool| {
        let mut story = Story::new();
        story.0.policies[0].binds_devices = binds_devices;
        let story = story.admits(1, &[1]);
        let answer = story.good(1, None, &[1]);
        story.then(Call::CheckElsewhere(Tok(10)), answer).broken()
    };

    assert!(visited(false).is_empty());
    assert_eq!(visited(true), ["D9"]);
}

#[test]
fn d9_given_a_bound_session_when_its_own_device_is_refused_then_it_is_found() {
    let story = Story::new().admits(1, &[1]);
    let story = story.then(Call::Check(Tok(10)), Answer::Mismatched);

    assert_eq!(story.broken(), ["D9"]);
}

#[test]
fn d9_given_visits_from_elsewhere_when_the_third_does_not_end_it_or_the_second_does_then_it_is_found()
 {
    let visited = |times: usize| {
        let visit = |story: Story, _| story.then(Call::CheckElsewhere(Tok(10)), Answer::Mismatched);
        (0..times).fold(Story::new().admits(1, &[1]), visit)
    };
    assert!(visited(2).valid(10, 1, &[1]).broken().is_empty());
    assert_eq!(visited(3).valid(10, 1, &[1]).broken(), ["S4"]);

    let ended = |times: usize| {
        let lines: [(u64, u64, &[u32], &[u32]); 2] = [(1, 0, &[1], &[]), (2, 101, &[], &[1])];
        let mut story = visited(times).journal(&lines, &[]);
        story.0.journal[1].mismatched = vec![Sid(1)];
        story.broken()
    };
    assert!(ended(3).is_empty());
    assert_eq!(ended(2), ["D9"]);
}
