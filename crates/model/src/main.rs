//! The command behind `cargo xtask model`.

use std::process::ExitCode;

use innkeeper_model::worlds::{beyond, explore, worlds};

fn main() -> ExitCode {
    let numbers: Option<Vec<usize>> = std::env::args().skip(1).map(|w| w.parse().ok()).collect();
    let (sign_ins, others) = match numbers.as_deref() {
        Some([]) => (3, 1),
        Some([sign_ins, others]) => (*sign_ins, *others),
        _ => {
            eprintln!("usage: [SIGN-INS OTHERS]");
            return ExitCode::from(2);
        }
    };
    let Some(count) = u8::try_from(sign_ins).ok().filter(|count| *count > 0) else {
        eprintln!("SIGN-INS is from 1 to 255: without one there is nothing to see");
        return ExitCode::from(2);
    };
    let explored = explore(worlds(count, others));
    for broken in explored.broken.iter().take(10) {
        println!("{broken}");
    }
    let beyond = beyond(count, others);
    for unseen in &explored.unseen {
        let why = if beyond.contains(unseen) {
            " (it takes more callers)"
        } else {
            ""
        };
        println!("never seen: {unseen}{why}");
    }
    println!("{:<20} {sign_ins}", "sign-ins");
    println!("{:<20} {others}", "others");
    println!("{:<20} {}", "worlds", explored.worlds);
    println!("{:<20} {}", "states", explored.states);
    println!("{:<20} {}", "steps", explored.steps);
    println!("{:<20} {}", "broken", explored.broken.len());
    let all_seen = explored.unseen.is_subset(&beyond);
    if explored.states > 0 && explored.broken.is_empty() && all_seen {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
