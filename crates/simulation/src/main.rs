//! The command behind `cargo xtask simulate` and `cargo xtask flaws`: many seeds over the
//! reference store and the embedded one, one with all that happened in it, or until each planted flaw is caught.

mod arguments;

use std::fmt;
use std::process::ExitCode;
use std::time::Instant;

use arguments::{Arguments, Chore, Simulate};
use clap::Parser;
use innkeeper_simulation::flaws::{FLAWS, Flaw, hunt};
use innkeeper_simulation::tally::Tally;
use innkeeper_simulation::world::{Run, run, run_embedded, run_nodes, run_rolling};

/// What a seed is run over, and the word that asks for it.
#[derive(Clone, Copy, Debug)]
struct World {
    flag: &'static str,
    run: fn(u64) -> Run,
}

/// One seed of one world: shown as the command that has it again, which is also said if it panics.
#[derive(Debug)]
struct Again(World, u64);

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(world, seed) = self;
        write!(f, "cargo xtask simulate {} --seed {seed}", world.flag)
    }
}

impl Again {
    fn run(&self) -> Run {
        let Self(world, seed) = self;
        (world.run)(*seed)
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("again: {self}");
        }
    }
}

fn main() -> ExitCode {
    let holds = match Arguments::parse().chore {
        Chore::Simulate(asked) => simulate(&asked),
        Chore::Flaws { seeds } => flaws(seeds.get()),
    };
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The worlds that were asked for: without a word, each store that one node has to itself.
fn worlds(asked: &Simulate) -> Vec<World> {
    let world = |flag, run| World { flag, run };
    let all = [
        (asked.worlds.reference, world("--reference", run)),
        (asked.worlds.embedded, world("--embedded", run_embedded)),
        (asked.worlds.nodes, world("--nodes", run_nodes)),
        (asked.worlds.rolling, world("--rolling", run_rolling)),
    ];
    let named = all.iter().filter(|(is_named, _)| *is_named);
    let named: Vec<World> = named.map(|(_, world)| *world).collect();
    if named.is_empty() {
        return vec![all[0].1, all[1].1];
    }
    named
}

fn simulate(asked: &Simulate) -> bool {
    let worlds = worlds(asked);
    if let Some(seed) = asked.seed {
        let shown = worlds.iter().map(|w| show(&Again(*w, seed), asked.trace));
        return shown.filter(|holds| !holds).count() == 0;
    }

    let mut tallies = vec![Tally::default(); worlds.len()];
    let (mut failed, mut first) = (0_u64, None);
    let count = usize::try_from(asked.seeds.get()).unwrap_or(usize::MAX);
    for seed in (asked.from..=u64::MAX).take(count) {
        for (world, tally) in worlds.iter().zip(&mut tallies) {
            let again = Again(*world, seed);
            let run = again.run();
            tally.add(&run.tally);
            if let Some(violation) = run.violations.first() {
                failed += 1;
                let count = run.violations.len();
                println!(
                    "{} seed {seed}: {count} violations, first {violation}",
                    world.flag
                );
                first.get_or_insert(again);
            }
        }
    }
    println!("{:<20} {}", "seeds", asked.seeds);
    let mut all = Tally::default();
    for tally in &tallies {
        all.add(tally);
    }
    print_tally(&all);
    println!("{:<20} {failed}", "seeds that failed");
    if let Some(first) = first {
        println!("again, with all that happened: {first} --trace");
    }
    // In each world by itself: a fault of one says nothing of the other.
    let mut exercised = true;
    for (world, tally) in worlds.iter().zip(&tallies) {
        let missing = tally.missing();
        if !missing.is_empty() {
            exercised = false;
            println!(
                "never exercised with {}: {}",
                world.flag,
                missing.join(", ")
            );
        }
    }
    failed == 0 && exercised
}

fn flaws(seeds: u64) -> bool {
    let mut missed = 0_u64;
    println!("| Flaw | Seeds | Operations | Broken first | Must break | Seeds | Time |");
    println!("| --- | ---: | ---: | --- | --- | ---: | ---: |");
    for (flaw, meant, text) in FLAWS {
        let must = meant.join(" or ");
        let begun = Instant::now();
        if let Some(catch) = hunt(flaw, meant, seeds) {
            let rules: Vec<_> = catch.rules.into_iter().collect();
            let (soon, operations, then) = (catch.seeds, catch.operations, catch.meant);
            let first = rules.join(", ");
            let time = begun.elapsed().as_secs_f64();
            println!(
                "| {text} | {soon} | {operations} | {first} | {must} | {then} | {time:.2} s |"
            );
        } else {
            missed += 1;
            println!("| {text} | not in {seeds} | | | {must} | | |");
        }
    }
    let mut sound = true;
    for (control, what) in [(Flaw::Control, "store"), (Flaw::ControlLease, "leases")] {
        let caught = hunt(control, &[], seeds);
        sound &= caught.is_none();
        match &caught {
            None => println!("\nThe same {what} without a flaw: {seeds} seeds, 0 violations"),
            Some(catch) => println!("\nThe same {what} without a flaw: wrong too: {catch:?}"),
        }
    }
    missed == 0 && sound
}

fn show(again: &Again, trace: bool) -> bool {
    let run = again.run();
    if trace {
        print!("{}", run.history);
    }
    println!("{:<20} {}, {}", "seed", again.1, again.0.flag);
    print_tally(&run.tally);
    for violation in &run.violations {
        println!("{violation}");
    }
    run.violations.is_empty()
}

fn print_tally(tally: &Tally) {
    for (name, count) in tally.rows() {
        println!("{name:<20} {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(words: &str) -> Vec<&'static str> {
        let line = format!("simulation simulate {words}");
        let asked = Arguments::try_parse_from(line.split_whitespace());
        let Chore::Simulate(asked) = asked.expect("it is understood").chore else {
            panic!("it is not `simulate`");
        };
        worlds(&asked).iter().map(|world| world.flag).collect()
    }

    #[test]
    fn given_no_world_when_seeds_are_asked_for_then_both_stores_are_meant_and_else_the_one_named() {
        assert_eq!(flags(""), ["--reference", "--embedded"]);
        for flag in ["--reference", "--embedded", "--nodes", "--rolling"] {
            assert_eq!(flags(flag), [flag]);
        }
    }

    #[test]
    fn given_a_seed_that_failed_when_named_then_the_command_is_that_of_its_world() {
        for flag in ["--reference", "--embedded", "--nodes", "--rolling"] {
            let again = Again(World { flag, run }, 7).to_string();
            let words = again.strip_prefix("cargo xtask simulate ");

            assert_eq!(flags(words.expect("it is this command")), [flag]);
            assert!(again.ends_with(" --seed 7"), "{again}");
        }
    }
}
