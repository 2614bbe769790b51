//! The command behind `cargo xtask simulate` and `cargo xtask flaws`: many seeds over the
//! reference store and the embedded one, one with all that happened in it, or until each planted flaw is caught.

use std::process::ExitCode;
use std::time::Instant;

use innkeeper_simulation::flaws::{FLAWS, Flaw, hunt};
use innkeeper_simulation::tally::Tally;
use innkeeper_simulation::world::{Run, run, run_embedded, run_nodes, run_rolling};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((chore, rest)) if chore == "simulate" => simulate(rest),
        Some((chore, rest)) if chore == "flaws" => flaws(rest),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: simulate [--seeds N] [--from S] [--seed S] [--trace] [--rolling | --embedded | --nodes]\n       flaws [--seeds N]"
    );
    ExitCode::from(2)
}

fn simulate(words: &[String]) -> ExitCode {
    let (mut seeds, mut from, mut one, mut trace) = (1000, 0, None, false);
    // Each seed over both stores, unless one is named.
    let mut runs: Vec<fn(u64) -> Run> = vec![run, run_embedded];
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--trace" {
            trace = true;
            continue;
        }
        if word == "--rolling" {
            runs = vec![run_rolling];
            continue;
        }
        if word == "--nodes" {
            runs = vec![run_nodes];
            continue;
        }
        if word == "--embedded" {
            runs = vec![run_embedded];
            continue;
        }
        let Some(number) = words.next().and_then(|n| n.parse().ok()) else {
            return usage();
        };
        match word.as_str() {
            "--seeds" => seeds = number,
            "--from" => from = number,
            "--seed" => one = Some(number),
            _ => return usage(),
        }
    }
    if let Some(seed) = one {
        let shown = runs.iter().map(|run| show(seed, &run(seed), trace));
        let failed = shown.filter(|code| *code != ExitCode::SUCCESS).count();
        return if failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }

    let mut tally = Tally::default();
    let mut failed = 0_u64;
    for (seed, run) in (from..from + seeds).flat_map(|s| runs.iter().map(move |run| (s, run))) {
        let run = run(seed);
        tally.add(&run.tally);
        if let Some(first) = run.violations.first() {
            failed += 1;
            println!(
                "seed {seed}: {} violations, first {first}",
                run.violations.len()
            );
        }
    }
    println!("{:<20} {seeds}", "seeds");
    print_tally(&tally);
    println!("{:<20} {failed}", "seeds that failed");
    let missing = tally.missing();
    if !missing.is_empty() {
        println!("never exercised: {}", missing.join(", "));
    }
    if failed == 0 && missing.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("again, with all that happened: cargo xtask simulate --seed S --trace");
        ExitCode::FAILURE
    }
}

fn flaws(words: &[String]) -> ExitCode {
    let seeds = match words {
        [] => 5000,
        [word, number] if word == "--seeds" => match number.parse() {
            Ok(number) => number,
            Err(_) => return usage(),
        },
        _ => return usage(),
    };
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
    if missed == 0 && sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn show(seed: u64, run: &Run, trace: bool) -> ExitCode {
    if trace {
        for (number, operation) in run.history.operations.iter().enumerate() {
            let (begun, ended) = (operation.begun, operation.ended);
            println!(
                "{number:>4} guest {} places {}..{} time {}..{} {:?} -> {:?}",
                operation.subject.0,
                begun.place,
                ended.place,
                begun.time,
                ended.time,
                operation.call,
                operation.answer,
            );
        }
        for line in &run.history.journal {
            println!("{line:?}");
        }
        for policy in &run.history.policies {
            println!("{policy:?}");
        }
    }
    println!("{:<20} {seed}", "seed");
    print_tally(&run.tally);
    for violation in &run.violations {
        println!("{violation}");
    }
    if run.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print_tally(tally: &Tally) {
    for (name, count) in tally.rows() {
        println!("{name:<20} {count}");
    }
}
