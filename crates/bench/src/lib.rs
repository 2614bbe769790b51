//! Measures the whole system, each figure beside its own floor in the same run.
//!
//! A floor is what the machine can do at best at that moment: a bare look-up, a bare group
//! commit, a server that answers a constant. Absolute figures say little on a machine that
//! others share; the ratios are what is compared. Where to read:
//!
//! - [`row`]: what is printed.
//! - `resident`: checks, memory and opening at one and ten million sessions.
//! - `admit`: durable sign-ins at the limit; `bare` has the floor for them.
//! - `http`: CPU time and latency of `/v1/check`; `constant` has the servers beside it.
//! - `start` and `revoke`: until ready, and until a revocation holds.
//!
//! What has to begin in a fresh process (memory, opening, servers) runs in a child: the same
//! program, told by [`part`] what to do.

mod admit;
mod bare;
mod child;
mod constant;
mod http;
mod load;
mod machine;
mod population;
mod resident;
mod revoke;
pub mod row;
mod start;
mod stats;

use std::io;
use std::path::PathBuf;

pub use row::{ROWS, Report, Row};

/// What to measure, and how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// The rows wanted; empty for all.
    pub only: Vec<String>,
    /// Fewer rounds, and nothing at ten million sessions.
    pub quick: bool,
    /// Where stores are made for the while. It should lie on the disk that matters.
    pub folder: PathBuf,
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A row that does not exist was asked for.
    #[error("there is no row {0}; the rows are {rows}", rows = ROWS.join(", "))]
    NoSuchRow(String),
    /// There is too little free memory.
    #[error(
        "{row} needs about {needed} MB of free memory, and {free} MB are free: stop something, or \
         name other rows with --only, or use --quick"
    )]
    Memory {
        /// Which row.
        row: &'static str,
        /// How many megabytes it needs.
        needed: u64,
        /// How many there are.
        free: u64,
    },
    /// A part that runs in a process of its own did not do what it should.
    #[error("the part {part} failed: {said}")]
    Part {
        /// Which part.
        part: String,
        /// What it said.
        said: String,
    },
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store did not open.
    #[error(transparent)]
    Open(#[from] innkeeper_store_embedded::OpenError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] innkeeper_store::StoreError),
    /// The engine did not answer.
    #[error(transparent)]
    Engine(#[from] innkeeper_engine::EngineError),
    /// An answer was another than what was asked for, so the figure would be of something else.
    #[error("{0}")]
    Wrong(&'static str),
}

/// Measures, and says on `progress` what is being done.
pub fn run(options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Report, BenchError> {
    for wanted in &options.only {
        if !ROWS.contains(&wanted.as_str()) {
            return Err(BenchError::NoSuchRow(wanted.clone()));
        }
    }
    let wants = |row: &str| options.only.is_empty() || options.only.iter().any(|o| o == row);
    let any = |rows: &[&str]| rows.iter().any(|row| wants(row));
    let mut report = Report::new(machine::describe());

    if any(&["start_to_ready", "resident_empty"]) {
        progress("starting a server on an empty store");
        report.rows.extend(start::measure(options)?);
    }
    if any(&["admit_1", "admit_16", "admit_64", "admit_256"]) {
        report
            .rows
            .extend(admit::measure(options, &wants, progress)?);
    }
    if wants("revoke_to_effect_p99") {
        progress("revoking sessions");
        report.rows.extend(revoke::measure(options)?);
    }
    for asked in [http::Asked::Check, http::Asked::ForwardAuth] {
        if any(&asked.rows()) {
            report.rows.extend(http::measure(asked, options, progress)?);
        }
    }
    let small = any(&["check_1m", "bytes_1m", "open_1m", "check_10m_to_1m"]);
    let large = any(&["check_10m", "bytes_10m", "open_10m", "check_10m_to_1m"]);
    if small {
        report
            .rows
            .extend(resident::measure(&resident::MILLION, options, progress)?);
    }
    if large && !options.quick {
        report.rows.extend(resident::measure(
            &resident::TEN_MILLION,
            options,
            progress,
        )?);
    }
    report.rows.extend(resident::compare(&report.rows));
    report.rows.retain(|row| row.is_beside || wants(&row.name));
    report.rows.sort_by_key(|row| {
        ROWS.iter()
            .position(|name| *name == row.name)
            .unwrap_or(ROWS.len())
    });
    if options.quick && large {
        let why = "--quick leaves it out";
        let rows = ["check_10m", "check_10m_to_1m", "bytes_10m", "open_10m"];
        report.leave_out(
            rows.into_iter()
                .filter(|row| wants(row))
                .map(|row| (row, why)),
        );
    }
    Ok(report)
}

/// Does one part in this process, which was started for it by [`run`].
pub fn part(name: &str, arguments: &[String]) -> Result<(), BenchError> {
    match name {
        "fill" => resident::fill_part(arguments),
        "resident" => resident::resident_part(arguments),
        "axum" => constant::axum_part(arguments),
        "hyper" => constant::hyper_part(arguments),
        _ => Err(BenchError::Wrong("there is no such part")),
    }
}
