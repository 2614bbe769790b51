//! Time in a world: it passes at every node, and its steps and deadlines are looked for.

use std::pin::pin;
use std::time::Duration;

use innkeeper_domain::token::RosterTag;
use innkeeper_engine::follow::FOLLOWED_WITHIN;
use innkeeper_store::clock::Clock;

use super::{Rollout, World, context, finish, millis};
use crate::guests::Known;
use crate::history::Point;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

impl World {
    /// A little time passes.
    pub(super) fn pass_a_while(&mut self) {
        let most = self.longest_pass();
        let span = Duration::from_millis(self.dice.below(most));
        self.pass(span);
    }

    /// The longest time that passes at once, in milliseconds: where lines are slow, time matters.
    fn longest_pass(&mut self) -> u64 {
        if self.far.is_none() {
            return 90_000;
        }
        match self.dice.below(30) {
            0 => 5_000,
            1..6 => 1_000,
            _ => 60,
        }
    }

    /// Time passes, here and at each node.
    pub(super) fn pass(&self, span: Duration) {
        self.clock.pass(span);
        self.far.iter().for_each(|far| far.pass(span));
    }

    /// Time passes until somebody must not be late: shortly after the last end is to be in force
    /// on every node, or shortly before the next session falls silent or is too old.
    pub(super) fn approach_a_deadline(&mut self) {
        let now = self.clock.steady();
        let left_at = self.known.iter().filter_map(Known::left_at).max();
        let in_force = left_at.map(|at| Duration::from_millis(at + self.history.lease));
        if let Some(span) = in_force.and_then(|at| at.checked_sub(now)) {
            let late = Duration::from_millis(1 + self.dice.below(60));
            return self.pass(span + late);
        }
        if self.far.is_some() && self.dice.once_in(2) {
            return;
        }
        let now = self.point().time;
        let deadlines = self.known.iter().flat_map(|known| known.deadlines.values());
        let Some(deadline) = deadlines.copied().filter(|d| *d > now).min() else {
            return;
        };
        let early = *self.dice.one_of(&[100, 1_000, 10_000]).unwrap_or(&0);
        let early = self.dice.below(early);
        let span = (deadline - now).saturating_sub(early);
        self.pass(Duration::from_millis(span));
        self.tally.deadlines += 1;
    }

    /// The clock is moved far, forward or back, or much time passes.
    pub(super) fn move_clock(&mut self) {
        let now = self.clock.wall();
        match self.dice.below(12) {
            0..4 => {
                let span = MINUTE * u32::try_from(self.dice.below(90)).expect("it is below 90");
                self.clock.step_wall(now.saturating_sub(span));
                self.tally.clock_back += 1;
            }
            4..7 => {
                self.clock.step_wall(now + MINUTE * 20);
                self.tally.clock_forward += 1;
            }
            7..10 => self.pass(MINUTE * 25),
            10 => self.pass(DAY + MINUTE),
            _ => {
                // Long enough for a roster to be let go of, over two rises of the floor.
                self.pass(DAY * 401);
                for _ in 0..3 {
                    let mut sweep = pin!(self.nodes[0].sweep());
                    for _ in 0..400 {
                        if sweep.as_mut().poll(&mut context()).is_ready() {
                            break;
                        }
                        self.pass(Duration::from_millis(20));
                    }
                    self.pass(DAY + MINUTE);
                }
            }
        }
    }

    /// The next place in the order of all things, and the time there.
    pub(super) fn point(&mut self) -> Point {
        self.place += 1;
        let anywhere = RosterTag::from_bytes([0; 16]);
        let reading = (0..100).find_map(|_| {
            // It may go down just then, and comes back.
            finish(self.backend.read(anywhere, None)).and_then(Result::ok)
        });
        let reading = reading.expect("the store itself is sound");
        Point {
            place: self.place,
            time: reading.now.as_millis(),
            moment: millis(self.clock.steady()),
        }
    }

    /// From when on every node follows the policy that has just been brought.
    pub(super) fn followed_at(&mut self) -> u64 {
        match self.rollout {
            Rollout::Together => 0,
            Rollout::OneByOne => self.point().time + millis(FOLLOWED_WITHIN) + 1,
        }
    }
}
