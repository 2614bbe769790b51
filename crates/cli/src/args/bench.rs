//! Arguments of `bench`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

pub(super) const MORE: &str = "\
Examples:
  innkeeper bench --quick                  a first impression, in about two minutes
  innkeeper bench --only admit_256         one row
  innkeeper bench --store redis            a store that nodes share
  innkeeper bench --json > figures.json    all of them, for programs

Each figure stands beside its floor, measured by turns in the same run: what
this machine can do at best at that moment. Compare the ratios; the figures
themselves are worth little where others use the machine too. Stores are made
in --folder for the while, which should lie on the disk that matters; ten
million sessions need about 15 GB of free memory and 7 GB of disk.

With --store redis or postgres the server of that name that this machine has is
started for the while, each change synced, with its data in the system's folder
for temporary files; nothing that runs already is touched. Its floors are the
embedded store, and its own redis-benchmark or pgbench writing as many bytes.

Rows for which memory or disk is lacking, or whose measurement fails, are said
to be left out, and why. It then exits 3, when all others are printed.";

/// `bench`.
#[derive(Args, Debug)]
pub(crate) struct BenchArguments {
    /// Print JSON for programs instead of a table for people
    #[arg(long)]
    pub(crate) json: bool,
    /// Measure these rows only; may be given more than once
    #[arg(long, value_name = "ROW", num_args = 1.., value_delimiter = ',', value_parser = PossibleValuesParser::new(innkeeper_bench::rows()))]
    pub(crate) only: Vec<String>,
    /// Measure shortly, and nothing at ten million sessions
    #[arg(long)]
    pub(crate) quick: bool,
    /// Make stores in this folder for the while
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Measure this store
    #[arg(long, value_enum, default_value_t = Store::Embedded)]
    pub(crate) store: Store,
    /// One part of a measurement, in a process of its own
    #[arg(long, hide = true, num_args = 1.., value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) part: Vec<String>,
}

/// A store that is measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Store {
    /// In a local folder
    Embedded,
    /// In Redis
    Redis,
    /// In PostgreSQL
    Postgres,
}

impl From<Store> for innkeeper_bench::Store {
    fn from(store: Store) -> Self {
        match store {
            Store::Embedded => Self::Embedded,
            Store::Redis => Self::Redis,
            Store::Postgres => Self::Postgres,
        }
    }
}
