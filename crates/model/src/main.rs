//! The command behind `cargo xtask model`.

use std::process::ExitCode;

use innkeeper_model::worlds::{explore, worlds};

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
    let Ok(count) = u8::try_from(sign_ins) else {
        return ExitCode::from(2);
    };
    let explored = explore(worlds(count, others));
    for broken in explored.broken.iter().take(10) {
        println!("{broken}");
    }
    for unseen in &explored.unseen {
        println!("never seen: {unseen}");
    }
    println!("{:<20} {sign_ins}", "sign-ins");
    println!("{:<20} {others}", "others");
    println!("{:<20} {}", "worlds", explored.worlds);
    println!("{:<20} {}", "states", explored.states);
    println!("{:<20} {}", "steps", explored.steps);
    println!("{:<20} {}", "broken", explored.broken.len());
    // What takes more callers than there are cannot be seen: with two others, all of it is.
    let unseen = explored.unseen.is_empty() || others < 2;
    if explored.states > 0 && explored.broken.is_empty() && unseen {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
