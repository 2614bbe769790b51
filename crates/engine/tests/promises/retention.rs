//! The journal is kept as long as promised, and for whoever has not read it yet (V5, D7, S18).

use std::time::Duration;

use innkeeper_domain::policy::{Condition, Overflow, Rule, Setting};
use innkeeper_store::{Cursor, SessionStore, Tail};

use crate::support::{
    DAY, House, admitted, arrival, finish, house, house_with, just_before, policy,
};

impl House {
    fn sign_in_now(&self, name: &str) {
        admitted(self.answer(arrival(name)));
    }

    fn trim(&self, keep: Duration) -> usize {
        finish(self.authority.trim_journal(keep)).expect("the store is sound")
    }

    /// All rosters; what the snapshot says of the journal is left out.
    fn rosters(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let lines = snapshot
            .lines()
            .filter(|line| line.starts_with("Some(Roster"));
        lines.map(str::to_owned).collect()
    }

    fn kept(&self) -> Vec<Cursor> {
        let tail = finish(self.stage.inner.tail(None, usize::MAX)).expect("memory does not fail");
        let page = tail.page().expect("nothing is asked for that is gone");
        page.into_iter().map(|(cursor, _)| cursor).collect()
    }
}

/// V5, S18: an entry goes when its time is over and not before, and no roster changes by that.
#[test]
fn v5_given_entries_of_two_days_when_the_time_of_the_first_is_over_then_it_alone_goes() {
    let house = house();
    house.sign_in_now("alice");
    let old = house.kept().len();
    house.clock.pass(DAY);
    house.sign_in_now("bob");
    let all = house.kept();
    let before = house.rosters();
    assert_eq!(before.len(), 2);

    house.clock.pass(just_before(29 * DAY));
    assert_eq!(house.trim(30 * DAY), 0);
    house.clock.pass(Duration::from_millis(1));
    assert_eq!(house.trim(30 * DAY), old);

    assert_eq!(house.kept(), all[old..]);
    assert_eq!(house.rosters(), before);
    assert_eq!(house.trim(30 * DAY), 0, "once is enough");
}

/// V5: what was asked for gives way to the longest that a session may live.
#[test]
fn v5_given_a_span_shorter_than_a_life_when_trimmed_then_entries_stay_for_a_whole_life() {
    let mut policy = policy(5, Overflow::EvictLeastRecent);
    policy.rules.push(Rule {
        when: Condition {
            remember: Some(true),
            ..Condition::default()
        },
        set: Setting {
            absolute: Some(20 * DAY),
            ..Setting::default()
        },
        ..Rule::default()
    });
    let house = house_with(policy);
    house.sign_in_now("alice");
    let all = house.kept();

    house.clock.pass(just_before(20 * DAY));
    assert_eq!(house.trim(DAY), 0);
    house.clock.pass(Duration::from_millis(1));
    assert_eq!(house.trim(DAY), all.len());
}

/// D7: nothing goes before the slowest consumer has it; one that is switched off holds nothing.
#[test]
fn d7_given_two_consumers_when_trimmed_then_the_slower_one_loses_nothing() {
    let house = house();
    for name in ["alice", "bob", "carol"] {
        house.sign_in_now(name);
    }
    let all = house.kept();
    let fast = finish(house.authority.consumer("mail")).unwrap();
    let slow = finish(house.authority.consumer("webhook")).unwrap();
    house.clock.pass(100 * DAY);
    assert_eq!(house.trim(DAY), 0, "neither has read anything");

    let last = all.last().unwrap();
    finish(house.authority.move_consumer(&fast, last))
        .unwrap()
        .unwrap();
    let slow = finish(house.authority.move_consumer(&slow, &all[0]))
        .unwrap()
        .unwrap();
    assert_eq!(house.trim(DAY), 1);
    assert_eq!(house.trim(DAY), 0, "it stands where the journal begins");
    let next = finish(house.stage.inner.tail(slow.after().as_ref(), 1)).unwrap();
    assert!(matches!(next, Tail::Page(page) if page[0].0 == all[1]));

    finish(house.authority.end_consumer("webhook")).unwrap();
    assert_eq!(house.trim(DAY), all.len() - 1);
    assert_eq!(house.kept(), []);
}

/// D7: of two who carry for the same consumer, only the first moves it on.
#[test]
fn d7_given_two_nodes_for_one_consumer_when_both_move_it_then_one_learns_that_it_is_late() {
    let house = house();
    house.sign_in_now("alice");
    let entry = &house.kept()[0];
    let here = finish(house.authority.consumer("mail")).unwrap();
    let there = finish(house.authority.consumer("mail")).unwrap();

    let moved = finish(house.authority.move_consumer(&here, entry)).unwrap();
    let late = finish(house.authority.move_consumer(&there, entry)).unwrap();

    assert_eq!(moved.unwrap().after().as_ref(), Some(entry));
    assert_eq!(late, None);
    let seen = finish(house.authority.consumer("mail")).unwrap();
    assert_eq!(
        seen.after().as_ref(),
        Some(entry),
        "it is there for whoever comes next"
    );
}
