//! The command behind `cargo xtask simulate`: many seeds, or one with all that happened in it.

use std::process::ExitCode;

use innkeeper_simulation::tally::Tally;
use innkeeper_simulation::world::{Run, run};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((chore, rest)) if chore == "simulate" => simulate(rest),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: simulate [--seeds N] [--from S] [--seed S] [--trace]");
    ExitCode::from(2)
}

fn simulate(words: &[String]) -> ExitCode {
    let (mut seeds, mut from, mut one, mut trace) = (1000, 0, None, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--trace" {
            trace = true;
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
        return show(seed, &run(seed), trace);
    }

    let mut tally = Tally::default();
    let mut failed = 0_u64;
    for seed in from..from + seeds {
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
