//! Small worlds: a few sign-ins, and every choice of a few other callers beside them.

use std::collections::BTreeSet;

use stateright::{Checker, Model, Property};

use crate::spec::Number;
use crate::subject::{Bounds, Wish};

/// What callers beside the sign-ins may want.
const OTHERS: [Wish; 9] = [
    Wish::Revoke(0),
    Wish::RevokeAll,
    Wish::Disable,
    Wish::Enable,
    Wish::Limit(1),
    Wish::Rotate(0, 0, 1),
    Wish::Rotate(0, 0, 2),
    Wish::Rotate(0, 1, 3),
    Wish::Touch(0),
];

/// What an exploration came to.
#[derive(Debug, Default)]
pub struct Explored {
    /// Worlds that were explored in full.
    pub worlds: u64,
    /// Different states that they have.
    pub states: u64,
    /// Steps between them that were taken.
    pub steps: u64,
    /// What is broken: the promise, and the way there.
    pub broken: Vec<String>,
    /// What must be seen somewhere, and was not.
    pub unseen: BTreeSet<&'static str>,
}

/// Every world with so many sign-ins and so many others, at limits 1 and 2, evicting and refusing.
#[must_use]
pub fn worlds(sign_ins: Number, others: usize) -> Vec<Bounds> {
    let mut worlds = Vec::new();
    for chosen in choices(&OTHERS, others) {
        for (limit, evicts) in [(1, true), (1, false), (2, true), (2, false)] {
            let mut wishes: Vec<_> = (0..sign_ins).map(Wish::SignIn).collect();
            wishes.extend(&chosen);
            worlds.push(Bounds {
                limit,
                evicts,
                wishes,
            });
        }
    }
    worlds
}

/// What so many callers are too few to show. All else must be seen in their worlds.
#[must_use]
pub fn beyond(sign_ins: Number, others: usize) -> BTreeSet<&'static str> {
    let callers = usize::from(sign_ins) + others;
    let needs = [
        ("somebody is admitted", sign_ins >= 1),
        ("a commit arrives after a crash", callers >= 1),
        ("somebody finds no seat", sign_ins >= 2),
        ("somebody is evicted", sign_ins >= 2),
        ("a commit comes too late", sign_ins >= 1),
        ("somebody is disabled", sign_ins >= 1 && others >= 1),
        ("somebody's evidence is stale", sign_ins >= 1 && others >= 1),
        ("a rotation is repeated", sign_ins >= 1 && others >= 2),
    ];
    let beyond = needs.into_iter().filter(|(_, is_met)| !is_met);
    beyond.map(|(name, _)| name).collect()
}

fn choices(of: &[Wish], count: usize) -> Vec<Vec<Wish>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (place, first) in of.iter().enumerate() {
        for mut rest in choices(&of[place + 1..], count - 1) {
            rest.insert(0, *first);
            all.push(rest);
        }
    }
    all
}

/// Explores them, every state of each.
#[must_use]
pub fn explore(worlds: Vec<Bounds>) -> Explored {
    let mut explored = Explored::default();
    let mut met = BTreeSet::new();
    for world in worlds {
        let sometimes: Vec<_> = world
            .properties()
            .into_iter()
            .filter(|p: &Property<Bounds>| p.expectation == stateright::Expectation::Sometimes)
            .map(|p| p.name)
            .collect();
        explored.unseen.extend(&sometimes);
        let told = format!("{world:?}");
        let checker = world.checker().spawn_bfs().join();
        explored.worlds += 1;
        explored.states += checker.unique_state_count() as u64;
        explored.steps += checker.state_count() as u64;
        for (name, path) in checker.discoveries() {
            if sometimes.contains(&name) {
                met.insert(name);
            } else {
                let steps: Vec<_> = path.into_actions();
                explored
                    .broken
                    .push(format!("{name}: {told}, by {steps:?}"));
            }
        }
    }
    explored.unseen.retain(|name| !met.contains(name));
    explored
}
