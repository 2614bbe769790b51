//! `scan PATH`: prints the terminal report, to try the library without the command line around it.

use std::process::ExitCode;

use innkeeper_report::Severity;
use innkeeper_scan::{Options, run};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: scan PATH");
        return ExitCode::from(2);
    };
    match run(&Options::new(path)) {
        Ok(report) => {
            println!("{}", report.to_text());
            ExitCode::from(report.exit_code(Severity::Low))
        }
        Err(error) => {
            eprintln!("scan: {error}");
            ExitCode::from(3)
        }
    }
}
