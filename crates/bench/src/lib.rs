//! Measures the whole system, each figure beside its own floor in the same run.
//!
//! A floor is what the machine can do at best at that moment: a bare look-up, a bare group
//! commit, a server that answers a constant. Absolute figures say little on a machine that
//! others share; the ratios are what is compared. Where to read:
//!
//! - [`row`]: what is printed.
//! - `resident`: checks, memory and opening at one and ten million sessions; `look_up` has the
//!   floor of a check.
//! - `admit`: durable sign-ins at the limit; `bare` has the floor for them.
//! - `http`: CPU time and latency of `/v1/check` and `/forward-auth`; `constant` has the servers beside it.
//! - `start` and `revoke`: until ready, and until a revocation holds.
//! - `shared`: a store that nodes share, beside the embedded one and beside its server at best.
//! - `room` and `keeper`: what a run takes of the machine, and how all of it is given back.
//!
//! What has to begin in a fresh process (memory, opening, servers) runs in a child: the same
//! program, told by [`part`] what to do.

mod admit;
mod bare;
mod child;
mod constant;
mod http;
mod keeper;
mod load;
mod look_up;
mod machine;
mod population;
mod resident;
mod revoke;
mod room;
pub mod row;
mod shared;
mod start;
mod stats;

use std::io;
use std::path::PathBuf;

use http::Asked;
use keeper::Keeper;
use room::Room;
use shared::{PostgresServer, RedisServer};
use tempfile::TempDir;

pub use row::{LeftOut, ROWS, Report, Row};

/// What to measure, and how long.
#[derive(Clone, Debug)]
pub struct Options {
    /// The rows wanted; empty for all.
    pub only: Vec<String>,
    /// Fewer rounds, and nothing at ten million sessions.
    pub quick: bool,
    /// Where stores are made for the while. It should lie on the disk that matters.
    pub folder: PathBuf,
    /// Of which store.
    pub store: Store,
}

/// A store that can be measured.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Store {
    /// In a local folder.
    #[default]
    Embedded,
    /// In the Redis that this machine has, as several nodes see it.
    Redis,
    /// In the PostgreSQL that this machine has, as several nodes see it.
    Postgres,
}

impl Store {
    /// Its rows, in the order in which they are shown.
    #[must_use]
    pub const fn rows(self) -> &'static [&'static str] {
        match self {
            Self::Embedded => ROWS,
            Self::Redis => &REDIS_ROWS,
            Self::Postgres => &POSTGRES_ROWS,
        }
    }

    const fn parts(self) -> &'static [Part] {
        match self {
            Self::Embedded => &PARTS,
            Self::Redis => &REDIS_PARTS,
            Self::Postgres => &POSTGRES_PARTS,
        }
    }
}

/// The rows of every store.
#[must_use]
pub fn rows() -> Vec<&'static str> {
    [Store::Embedded, Store::Redis, Store::Postgres]
        .map(Store::rows)
        .concat()
}

const REDIS_ROWS: [&str; 6] = row::REDIS.all();
const POSTGRES_ROWS: [&str; 6] = row::POSTGRES.all();

const REDIS_PARTS: [Part; 4] = shared::parts::<RedisServer>();
const POSTGRES_PARTS: [Part; 4] = shared::parts::<PostgresServer>();

impl Options {
    /// Whether a row was asked for.
    fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == row)
    }
}

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A row that the store does not have was asked for.
    #[error("there is no row {row} of that store; its rows are {rows}", rows = store.rows().join(", "))]
    NoSuchRow {
        /// Which.
        row: String,
        /// Of which store.
        store: Store,
    },
    /// A row that a quick run never has was asked for.
    #[error("{0} is not measured by --quick: leave --quick away, or name other rows")]
    NotQuick(String),
    /// Stores cannot be made there.
    #[error("stores cannot be made in {}, name another folder with --folder", folder.display())]
    Folder {
        /// Where.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A part that runs in a process of its own did not do what it should.
    #[error("the part {part} failed: {said}")]
    Part {
        /// Which part.
        part: String,
        /// What it said.
        said: String,
    },
    /// A server that was started for the while, or its own tool, did not do what it should.
    #[error("{0}")]
    Server(String),
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

const BY_QUICK: &str = "--quick leaves it out";

/// Rows that belong together, as they come of one population or one server.
struct Part {
    rows: &'static [&'static str],
    /// A row that is made of this part's and another's.
    shared: Option<&'static str>,
    room: Room,
    is_quick: bool,
    measure: Measure,
}

/// Measures a part, and says now and then what it is at.
type Measure = fn(&Run<'_>, &mut dyn FnMut(&str)) -> Result<Vec<Row>, BenchError>;

/// Of a server with a few sessions, and those that it stands beside.
const SERVER: Room = Room {
    memory: 200,
    disk: 200,
};

const PARTS: [Part; 7] = [
    Part {
        rows: &["start_to_ready", "resident_empty"],
        shared: None,
        room: Room {
            memory: 50,
            disk: 50,
        },
        is_quick: true,
        measure: start::measure,
    },
    Part {
        rows: &["admit_1", "admit_16", "admit_64", "admit_256"],
        shared: None,
        room: Room {
            memory: 500,
            disk: 4_000,
        },
        is_quick: true,
        measure: admit::measure,
    },
    Part {
        rows: &["revoke_to_effect_p99"],
        shared: None,
        room: Room {
            memory: 100,
            disk: 100,
        },
        is_quick: true,
        measure: revoke::measure,
    },
    Part {
        rows: &Asked::Check.rows(),
        shared: None,
        room: SERVER,
        is_quick: true,
        measure: |run, progress| http::measure(Asked::Check, run, progress),
    },
    Part {
        rows: &Asked::ForwardAuth.rows(),
        shared: None,
        room: SERVER,
        is_quick: true,
        measure: |run, progress| http::measure(Asked::ForwardAuth, run, progress),
    },
    Part {
        rows: &["check_1m", "bytes_1m", "open_1m"],
        shared: Some(resident::COMPARED),
        room: Room {
            memory: 2_500,
            disk: 700,
        },
        is_quick: true,
        measure: |run, progress| resident::measure(&resident::MILLION, run, progress),
    },
    Part {
        rows: &["check_10m", "bytes_10m", "open_10m"],
        shared: Some(resident::COMPARED),
        room: Room {
            memory: 14_000,
            disk: 6_000,
        },
        is_quick: false,
        measure: |run, progress| resident::measure(&resident::TEN_MILLION, run, progress),
    },
];

/// What the parts of one run have in common.
struct Run<'a> {
    options: &'a Options,
    quick: bool,
    keeper: Keeper,
}

impl Run<'_> {
    /// Whether a row was asked for.
    fn wants(&self, row: &str) -> bool {
        self.options.wants(row)
    }

    /// A folder for a store, gone when it is dropped.
    fn folder(&self) -> io::Result<TempDir> {
        tempfile::tempdir_in(self.keeper.folder())
    }

    /// The rows of a part, or why there are none: the other parts have theirs all the same.
    fn measure(&self, part: &Part, progress: &mut dyn FnMut(&str)) -> Result<Vec<Row>, String> {
        let free = Room::free(self.keeper.folder()).map_err(|error| error.to_string())?;
        if let Some(why) = part.room.lacking(free) {
            return Err(why);
        }
        (part.measure)(self, progress).map_err(|error| error.to_string())
    }
}

/// Measures, and says on `progress` what is being done. What cannot be measured is said in the
/// report, beside what could.
pub fn run(options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Report, BenchError> {
    for wanted in &options.only {
        if !options.store.rows().contains(&wanted.as_str()) {
            return Err(BenchError::NoSuchRow {
                row: wanted.clone(),
                store: options.store,
            });
        }
        let slow = |part: &Part| !part.is_quick && part.has(wanted);
        if options.quick && options.store.parts().iter().any(slow) {
            return Err(BenchError::NotQuick(wanted.clone()));
        }
    }
    let run = Run {
        options,
        quick: options.quick,
        keeper: Keeper::start(&options.folder)?,
    };
    let mut report = Report::new(machine::describe());
    report_on(options.store.parts(), options, &mut report, |part| {
        run.measure(part, progress)
    });
    Ok(report)
}

/// Notes the rows of each part that is wanted, or why they are not there.
fn report_on(
    parts: &[Part],
    options: &Options,
    report: &mut Report,
    mut measure: impl FnMut(&Part) -> Result<Vec<Row>, String>,
) {
    let rows = options.store.rows();
    let is_wanted = |part: &&Part| rows.iter().any(|row| part.has(row) && options.wants(row));
    for part in parts.iter().filter(is_wanted) {
        let named = part.rows.iter().copied().filter(|row| options.wants(row));
        let named: Vec<&str> = named.collect();
        if options.quick && !part.is_quick {
            report.pass_over(&named, BY_QUICK);
            continue;
        }
        match measure(part) {
            Ok(rows) => report.rows.extend(rows),
            Err(why) => report.leave_out(&named, &why),
        }
    }
    if rows.contains(&resident::COMPARED) && options.wants(resident::COMPARED) {
        match resident::compare(&report.rows) {
            Some(row) => report.rows.push(row),
            None if options.quick => report.pass_over(&[resident::COMPARED], BY_QUICK),
            None => report.leave_out(
                &[resident::COMPARED],
                "it takes the checks of both sizes, and one of them was not measured",
            ),
        }
    }
    report
        .rows
        .retain(|row| row.is_beside || options.wants(&row.name));
    report.rows.sort_by_key(|row| {
        rows.iter()
            .position(|name| *name == row.name)
            .unwrap_or(rows.len())
    });
}

impl Part {
    fn has(&self, row: &str) -> bool {
        self.rows.contains(&row) || self.shared == Some(row)
    }
}

/// Does one part in this process, which was started for it by [`run`].
pub fn part(name: &str, arguments: &[String]) -> Result<(), BenchError> {
    match name {
        "fill" => resident::fill_part(arguments),
        "resident" => resident::resident_part(arguments),
        "axum" => constant::axum_part(arguments),
        "hyper" => constant::hyper_part(arguments),
        "keeper" => keeper::part(),
        _ => Err(BenchError::Wrong("there is no such part")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(report: &Report) -> Vec<&str> {
        report.rows.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn given_a_part_without_room_when_all_are_measured_then_the_others_keep_their_figures() {
        let options = Options {
            only: Vec::new(),
            quick: false,
            folder: PathBuf::new(),
            store: Store::Embedded,
        };
        let mut report = Report::new(String::new());

        report_on(&PARTS, &options, &mut report, |part| {
            if part.is_quick {
                let rows = part.rows.iter().map(|name| Row::alone(name, 1.0, "µs"));
                Ok(rows.collect())
            } else {
                Err("no memory".into())
            }
        });

        let left_out: Vec<&str> = report.left_out.iter().map(|row| &*row.name).collect();
        assert_eq!(
            left_out,
            ["check_10m", "bytes_10m", "open_10m", "check_10m_to_1m"]
        );
        assert_eq!(report.left_out[0].why, "no memory");
        assert!(report.not_measured().is_some());
        let accounted_for: Vec<&str> = names(&report).into_iter().chain(left_out).collect();
        for row in ROWS {
            assert!(accounted_for.contains(row), "{row}");
        }
    }

    /// The rows of a store were one part, so that a store that was unavailable once, while the first
    /// of them was measured, took all six.
    #[test]
    fn given_a_store_that_nodes_share_when_one_of_its_parts_fails_then_the_others_keep_their_figures()
     {
        for store in [Store::Redis, Store::Postgres] {
            let options = Options {
                only: Vec::new(),
                quick: true,
                folder: PathBuf::new(),
                store,
            };
            for failing in store.rows() {
                let mut report = Report::new(String::new());

                report_on(store.parts(), &options, &mut report, |part| {
                    if part.has(failing) {
                        return Err("session store is unavailable".into());
                    }
                    let rows = part.rows.iter().map(|name| Row::alone(name, 1.0, "µs"));
                    Ok(rows.collect())
                });

                let left_out = report.left_out.iter().map(|row| &*row.name);
                let left_out: Vec<&str> = left_out.collect();
                if failing.contains("_revoke_") {
                    assert_eq!(left_out, store.rows()[3..], "{failing}");
                } else {
                    assert_eq!(left_out, [*failing]);
                }
                assert_eq!(names(&report).len() + left_out.len(), store.rows().len());
            }
        }
    }

    #[test]
    fn given_a_quick_run_of_all_when_reported_then_what_it_leaves_out_is_no_failure() {
        let options = Options {
            only: Vec::new(),
            quick: true,
            folder: PathBuf::new(),
            store: Store::Embedded,
        };
        let mut report = Report::new(String::new());

        report_on(&PARTS, &options, &mut report, |_| Ok(Vec::new()));

        assert_eq!(report.left_out.len(), 4);
        assert!(report.not_measured().is_none());
    }
}
