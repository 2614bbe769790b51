//! Moods: what a run does much of and little of. Many mixtures find more than one good mixture.

use std::time::Duration;

use innkeeper_domain::policy::{BindTo, Overflow, Policy, Seats, SessionLimit, TenantLimit, Terms};

use crate::dice::Dice;

const MINUTE: Duration = Duration::from_mins(1);
/// The longest silence that any policy of a run allows.
pub(crate) const IDLE: Duration = Duration::from_mins(30);
/// The longest life that any policy of a run allows.
pub(crate) const ABSOLUTE: Duration = Duration::from_hours(12);

/// What happens next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// Somebody's call goes on.
    Poll,
    /// Somebody asks.
    Begin,
    /// Somebody waits no longer.
    GiveUp,
    /// A little time passes.
    Pass,
    /// A commit arrives late.
    Deliver,
    /// Time passes until somebody must not be late.
    Approach,
    /// The clock is moved far.
    MoveClock,
    /// The nodes go down and come back.
    Restart,
    /// Something befalls a node of several that share a store.
    Befall,
}

/// The weights of a run.
#[derive(Clone, Debug)]
pub(crate) struct Mood {
    turns: [(Turn, u64); 9],
    asks: [(Ask, u64); 16],
    /// One call of the store in so many goes wrong.
    pub(crate) faults: u64,
}

/// What somebody asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    SignIn,
    Choose,
    Trust,
    Present,
    PresentElsewhere,
    /// Whoever was just signed out tries again.
    Return,
    Revoke,
    EndAnother,
    RevokeAll,
    Credential,
    Disable,
    Enable,
    Limit,
    Sweep,
    Trespass,
    Look,
}

impl Mood {
    pub(crate) fn drawn(dice: &mut Dice) -> Self {
        let mood = Self::of_anything(dice);
        if dice.once_in(6) {
            return mood.of_devices();
        }
        mood
    }

    /// Little goes wrong, and much is about who may end whose session, from which device.
    fn of_devices(mut self) -> Self {
        for (turn, weight) in &mut self.turns {
            if matches!(turn, Turn::Approach | Turn::MoveClock | Turn::Restart) {
                *weight = 1;
            }
        }
        for (ask, weight) in &mut self.asks {
            *weight = match ask {
                Ask::SignIn | Ask::Trust => 20,
                Ask::EndAnother => 30,
                Ask::RevokeAll | Ask::Credential | Ask::Disable | Ask::Limit => 0,
                _ => (*weight).min(5),
            };
        }
        self.faults = 1000;
        self
    }

    fn of_anything(dice: &mut Dice) -> Self {
        let mut some = |choices: &[u64]| *dice.one_of(choices).expect("there are choices");
        Self {
            turns: [
                (Turn::Poll, some(&[500, 1500])),
                (Turn::Begin, 300),
                (Turn::GiveUp, some(&[2, 10, 60])),
                (Turn::Pass, some(&[10, 60, 200])),
                (Turn::Deliver, some(&[5, 15, 60])),
                (Turn::Approach, some(&[0, 3, 15])),
                (Turn::MoveClock, some(&[1, 6, 25])),
                (Turn::Restart, some(&[1, 2, 8])),
                (Turn::Befall, 0),
            ],
            asks: [
                (Ask::SignIn, some(&[15, 30, 60])),
                (Ask::Choose, some(&[2, 10, 30])),
                (Ask::Trust, some(&[0, 2, 6])),
                (Ask::Present, some(&[15, 30, 60])),
                (Ask::PresentElsewhere, some(&[0, 5, 25])),
                (Ask::Return, some(&[0, 2, 10])),
                (Ask::Revoke, some(&[1, 7, 20])),
                (Ask::EndAnother, some(&[0, 1, 4])),
                (Ask::RevokeAll, some(&[1, 4, 12])),
                (Ask::Credential, some(&[1, 3, 10])),
                (Ask::Disable, some(&[0, 1, 4])),
                (Ask::Enable, 5),
                (Ask::Limit, some(&[0, 4, 10])),
                (Ask::Sweep, some(&[1, 3])),
                (Ask::Look, some(&[5, 13, 30])),
                (Ask::Trespass, 3),
            ],
            faults: some(&[8, 25, 100, 1000]),
        }
    }

    /// The same among nodes that share a store: much goes on in a short time.
    pub(crate) fn among_nodes(mut self, dice: &mut Dice) -> Self {
        let mut some = |choices: &[u64]| *dice.one_of(choices).expect("there are choices");
        for (turn, weight) in &mut self.turns {
            match turn {
                Turn::Pass => *weight = some(&[200, 500]),
                Turn::Befall => *weight = some(&[10, 40, 120]),
                Turn::Restart => *weight = some(&[0, 1]),
                Turn::Approach => *weight = some(&[1, 10, 40]),
                Turn::MoveClock => *weight = some(&[1, 6]),
                Turn::Begin => *weight = 700,
                Turn::Poll => *weight = some(&[1500, 3500]),
                Turn::GiveUp | Turn::Deliver => {}
            }
        }
        for (ask, weight) in &mut self.asks {
            *weight *= if *ask == Ask::Present { 4 } else { 1 };
        }
        self
    }

    pub(crate) fn turn(&self, dice: &mut Dice) -> Turn {
        weighted(&self.turns, dice)
    }

    pub(crate) fn ask(&self, dice: &mut Dice) -> Ask {
        weighted(&self.asks, dice)
    }
}

fn weighted<T: Copy>(of: &[(T, u64)], dice: &mut Dice) -> T {
    let mut thrown = dice.below(of.iter().map(|(_, weight)| weight).sum());
    for (one, weight) in of {
        if thrown < *weight {
            return *one;
        }
        thrown -= weight;
    }
    of[0].0
}

/// Draws the next policy.
pub(crate) fn draw_policy(dice: &mut Dice) -> Policy {
    let at_limit = match dice.below(4) {
        0 => Overflow::EvictOldest,
        1 => Overflow::EvictLeastRecent,
        2 => Overflow::Ask,
        _ => Overflow::Refuse,
    };
    let max_sessions = SessionLimit::new(1 + dice.below(4)).expect("it is between 1 and 4");
    let seats = dice.once_in(3).then(|| Seats::new(1 + dice.below(5)));
    let protected_for = [Duration::ZERO, MINUTE * 10, ABSOLUTE * 2];
    Policy {
        terms: Terms {
            max_sessions,
            at_limit,
            idle: if dice.once_in(3) { MINUTE * 10 } else { IDLE },
            absolute: ABSOLUTE,
            binding: if dice.once_in(2) {
                BindTo::Device
            } else {
                BindTo::Nothing
            },
            rotate_every: dice.once_in(2).then_some(MINUTE * 5),
            protect_trusted_for: *dice.one_of(&protected_for).expect("there are some"),
            ..Terms::default()
        },
        tenants: seats
            .flatten()
            .map(|seats| TenantLimit {
                tenants: Vec::new(),
                seats,
            })
            .into_iter()
            .collect(),
        ..Policy::default()
    }
}
