//! Readers, visitors and the committing thread in every order that a scheduler thinks of.
//!
//! The locks, flags, queues and threads of the store are shuttle's here, which chooses at each of
//! them who goes on: at random, or with priorities that change a few times. The files are
//! simulated, and each write and sync is such a point too. Somebody who waits for ever is found as
//! well. `cargo xtask shuttle` runs more of them, and shows flaws that they catch.

mod house;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner, thread};

use crate::house::{House, MOMENT, WasClosed};

const SEED: u64 = 7;

#[test]
fn given_a_deadline_that_passes_while_it_is_moved_when_read_then_nobody_dead_is_live_again() {
    under_schedules("read", || {
        let house = House::open();
        house.pass_until_near();
        let reader = |house: &House| {
            house.read();
            house.read();
        };
        let guests: [fn(&House); 3] = [House::pass_moments, House::rotate, reader];
        at_once(house, &guests).comes_back(WasClosed::No);
    });
}

#[test]
fn given_a_deadline_that_passes_while_it_is_moved_when_visited_then_nobody_dead_is_live_again() {
    under_schedules("visit", || {
        let house = House::open();
        house.pass_until_near();
        let visitor = |house: &House| {
            for _ in 0..3 {
                house.touch();
            }
        };
        let guests: [fn(&House); 3] = [House::pass_moments, House::rotate, visitor];
        at_once(house, &guests).comes_back(WasClosed::No);
    });
}

/// Whoever touched it looked beside a visitor who had read an earlier time and had not yet left
/// a sign of life: the one was told that it had died, and the other kept it alive.
#[test]
fn given_a_visit_at_the_last_moment_when_others_who_touch_it_find_it_silent_then_it_stays_so() {
    under_schedules("last touch", || {
        let house = House::never_at_rest();
        house.pass_until_near();
        let guests: [fn(&House); 5] = [
            House::pass_moments,
            House::visit,
            House::visit,
            House::touch,
            House::touch,
        ];
        at_once(house, &guests).comes_back(WasClosed::No);
    });
}

#[test]
fn given_a_visit_at_the_last_moment_when_others_who_read_it_find_it_silent_then_it_stays_so() {
    under_schedules("last reading", || {
        let house = House::never_at_rest();
        house.pass_until_near();
        let reader = |house: &House| drop(house.read());
        let guests: [fn(&House); 5] = [
            House::pass_moments,
            House::visit,
            House::visit,
            reader,
            reader,
        ];
        at_once(house, &guests).comes_back(WasClosed::No);
    });
}

#[test]
fn given_a_grace_that_ends_when_it_is_visited_late_then_nobody_dead_is_live_again() {
    under_schedules("grace", || {
        let house = House::open();
        house.rotate();
        house.pass_until_near();
        let guests: [fn(&House); 3] = [House::pass_moments, House::touch_with_successor, |house| {
            house.read();
            house.visit();
        }];
        at_once(house, &guests).comes_back(WasClosed::No);
    });
}

#[test]
fn given_an_end_when_all_look_and_the_power_goes_then_what_was_shown_is_so_for_ever() {
    under_schedules("end", || {
        let guests: [fn(&House); 4] = [
            House::end,
            House::rotate,
            |house| {
                house.pass(Duration::from_secs(3));
                house.visit();
                house.visit();
            },
            |house| {
                house.read();
                house.crash();
                house.read();
            },
        ];
        at_once(House::open(), &guests).comes_back(WasClosed::No);
    });
}

#[test]
fn given_visits_when_the_store_is_closed_then_each_that_was_let_in_is_on_disk() {
    under_schedules("close", || {
        let guests: [fn(&House); 4] = [
            |house| {
                for _ in 0..2 {
                    house.pass(MOMENT);
                    house.visit();
                }
            },
            House::visit,
            House::rotate,
            House::close,
        ];
        at_once(House::open(), &guests).comes_back(WasClosed::Yes);
    });
}

/// Has all of them at one house at once, and hands it back when they are done.
fn at_once(house: House, guests: &[fn(&House)]) -> House {
    let house = Arc::new(house);
    let threads: Vec<_> = guests
        .iter()
        .map(|guest| {
            let (house, guest) = (Arc::clone(&house), *guest);
            thread::spawn(move || guest(&house))
        })
        .collect();
    for thread in threads {
        thread.join().expect("it keeps its promises");
    }
    Arc::into_inner(house).expect("all are done")
}

/// Runs `story` under as many schedules as `SCHEDULES` says, half of them with priorities.
fn under_schedules(name: &str, story: fn()) {
    let schedules: usize = env::var("SCHEDULES").map_or(200, |number| {
        number.parse().expect("SCHEDULES is a number of schedules")
    });
    let random = RandomScheduler::new_from_seed(SEED, schedules.div_ceil(2));
    let with_priorities = PctScheduler::new_from_seed(SEED, 3, schedules.div_ceil(2));
    let done = run(random, story) + run(with_priorities, story);
    assert!(done >= schedules && done > 0, "only {done} schedules ran");
    println!("{name:<12} {done} schedules");
}

fn run(scheduler: impl Scheduler + 'static, story: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = 1024 * 1024;
    // That it takes every atomic for the strongest is said in docs/verification.md.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(story)
}
