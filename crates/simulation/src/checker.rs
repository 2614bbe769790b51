//! The checker: does a history keep the promises, subject by subject?
//!
//! It believes answers only in what they say, and the order of things only where one operation
//! ended before another began. What overlaps may have happened in either order, and what nobody
//! knows may have happened at any time since: in doubt there is no violation. Where nodes answer
//! by leases, a check shows what was so at most a lease ago; where a store has lost what it had
//! answered, the rest must hold as if nobody had been told.

mod believed;
mod causes;
mod deaths;
mod devices;
mod facts;
mod journal;
mod limits;
mod outages;
mod protection;
mod seats;
mod strangers;
mod time;
mod tokens;

use std::fmt;

use crate::history::{History, Subject};
use facts::Facts;

/// A broken promise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// The id of the promise.
    pub rule: &'static str,
    /// The operations it shows in, by their numbers.
    pub operations: Vec<usize>,
    /// What happened.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} (operations {:?})",
            self.rule, self.text, self.operations
        )
    }
}

/// Finds every broken promise in a history.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let mut subjects: Vec<Subject> = history.operations.iter().map(|o| o.subject).collect();
    subjects.extend(history.journal.iter().map(|l| l.subject));
    subjects.sort_unstable();
    subjects.dedup();

    let mut found = Vec::new();
    outages::refuse(history, &mut found);
    let exact = believed::without_losses(history);
    let history = believed::as_old_as_leases(&exact);
    time::never_falls(&history, &mut found);
    let all: Vec<_> = subjects
        .into_iter()
        .map(|subject| Facts::of(&history, subject))
        .collect();
    seats::hold(&all, &mut found);
    for facts in &all {
        deaths::stay(facts, &mut found);
        if history.lease > 0 {
            deaths::show_at_home(facts, &exact, &mut found);
            deaths::show_in_time(facts, &exact, &mut found);
        }
        tokens::name_their_owner(facts, &mut found);
        tokens::form_one_chain(facts, &mut found);
        tokens::are_born_once(facts, &mut found);
        strangers::find_nothing(facts, &mut found);
        // What a failover lost, and visits that a node had yet to write down, leave no trace.
        if history.lease == 0 && history.losses.is_empty() {
            causes::stand_behind_each_no(facts, &mut found);
        }
        devices::hold_their_sessions(facts, &mut found);
        protection::stands(facts, &mut found);
        limits::hold(facts, &all, &mut found);
        limits::leave_room(facts, &mut found);
        time::ends_sessions(facts, &mut found);
        journal::is_whole(facts, &mut found);
    }
    found
}

/// The deaths that were acknowledged, and that a failover with loss undid: S3, which no store
/// promises whose standby may lag.
#[must_use]
pub fn lost_deaths(history: &History) -> Vec<Violation> {
    if history.losses.is_empty() {
        return Vec::new();
    }
    let history = believed::as_old_as_leases(history);
    let mut subjects: Vec<Subject> = history.operations.iter().map(|o| o.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut found = Vec::new();
    for subject in subjects {
        deaths::stay(&Facts::of(&history, subject), &mut found);
    }
    found.retain(|violation| violation.rule == "S3");
    found
}
