//! The planted flaws that show soon. `cargo xtask flaws` runs them all, to the promises meant.

use innkeeper_simulation::flaws::{FLAWS, Flaw, hunt};

/// Most show in a few seeds. Those that may take hundreds are left to the command.
const SOON: u64 = 150;
const SELDOM: [Flaw; 8] = [
    Flaw::DeadlineReadEarly,
    Flaw::SeenBeforeSync,
    Flaw::TicketForgotten,
    Flaw::MismatchForgotten,
    Flaw::OwnWordBelieved,
    Flaw::LeaseFromAnswer,
    Flaw::NoticeWithoutVersion,
    Flaw::VisitsRevive,
];

#[test]
fn given_a_store_with_a_flaw_when_seeds_are_run_then_a_promise_is_seen_broken() {
    for (flaw, _, text) in FLAWS {
        if SELDOM.contains(&flaw) {
            continue;
        }
        assert!(hunt(flaw, &[], SOON).is_some(), "not caught: {text}");
    }
}

#[test]
fn given_the_same_store_without_a_flaw_when_seeds_are_run_then_nothing_is_found() {
    assert!(hunt(Flaw::Control, &[], 60).is_none());
    assert!(hunt(Flaw::ControlLease, &[], 60).is_none());
}
