//! `scan [--sarif | --facts] PATH…`: prints the terminal report, a SARIF log a line, or the report
//! with its facts, to try the library without the command line around it. `--cache DIR` keeps
//! outlines there.

use std::process::ExitCode;

use innkeeper_report::Severity;
use innkeeper_scan::{Options, run};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1).peekable();
    let as_sarif = words.next_if(|word| word == "--sarif").is_some();
    let with_facts = words.next_if(|word| word == "--facts").is_some();
    let cache = words
        .next_if(|word| word == "--cache")
        .and_then(|_| words.next());
    if words.peek().is_none() {
        eprintln!("usage: scan [--sarif | --facts] [--cache DIR] PATH…");
        return ExitCode::from(2);
    }
    let mut found = 0;
    for path in words {
        let options = Options {
            cache: cache.clone().map(Into::into),
            ..Options::new(path)
        };
        match run(&options) {
            Ok(report) if as_sarif => println!("{}", report.to_sarif()),
            Ok(report) => {
                println!("{}", report.to_text());
                if with_facts {
                    println!("{}", report.facts());
                }
                found = found.max(report.exit_code(Severity::Low));
            }
            Err(error) => {
                eprintln!("scan: {error}");
                return ExitCode::from(3);
            }
        }
    }
    ExitCode::from(found)
}
