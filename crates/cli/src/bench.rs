//! `bench`: measures, and prints every figure beside its floor.

use std::io::IsTerminal;

use innkeeper_bench::{BenchError, Options, Report};

use crate::args::BenchArguments;
use crate::exit::Failure;
use crate::print;
use crate::table::Table;

/// Runs `bench`.
pub(crate) fn run(arguments: BenchArguments) -> Result<(), Failure> {
    if let [part, with @ ..] = &arguments.part[..] {
        return innkeeper_bench::part(part, with).map_err(failed);
    }
    let options = Options {
        only: arguments.only,
        quick: arguments.quick,
        folder: arguments.folder,
        store: arguments.store.into(),
    };
    let on_terminal = std::io::stderr().is_terminal();
    let mut progress = |what: &str| {
        if on_terminal {
            print::aside(format_args!("… {what}\n"));
        }
    };
    let report = innkeeper_bench::run(&options, &mut progress).map_err(failed)?;
    if arguments.json {
        let value = serde_json::to_value(&report)
            .map_err(|error| Failure::cannot_run("the figures cannot be written", error))?;
        print::json(&value)?;
    } else {
        show(&report)?;
    }
    match report.not_measured() {
        None => Ok(()),
        Some(row) => Err(Failure::cannot_run(
            NOT_EVERYTHING,
            format!("{}: {}", row.name, row.why),
        )),
    }
}

const NOT_EVERYTHING: &str = "not everything could be measured";

fn failed(error: BenchError) -> Failure {
    match error {
        BenchError::NoSuchRow { .. } | BenchError::NotQuick(_) => Failure::usage(error.to_string()),
        error => Failure::cannot_run(NOT_EVERYTHING, error),
    }
}

fn show(report: &Report) -> Result<(), Failure> {
    print::lines(format_args!("measured on {}", report.machine))?;
    let mut table = Table::new(&["row", "value", "floor", "ratio", "from – to", "goal"]);
    for row in &report.rows {
        let floor = row.floor.map_or_else(String::new, shown);
        let ratio = row
            .ratio
            .map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let spread = row
            .spread
            .map_or_else(String::new, |[from, to]| format!("{from:.2} – {to:.2}"));
        table.cells([
            row.name.clone(),
            format!("{} {}", shown(row.value), row.unit),
            floor,
            ratio,
            spread,
            row.goal.clone().unwrap_or_default(),
        ]);
    }
    print::lines(format_args!("{table}\n"))?;
    for row in &report.rows {
        if let Some(floor) = &row.floor_name {
            print::lines(format_args!("{}: its floor is {floor}", row.name))?;
        }
    }
    for left_out in &report.left_out {
        print::lines(format_args!(
            "{} is left out: {}",
            left_out.name, left_out.why
        ))?;
    }
    Ok(())
}

/// A figure with as many digits as it deserves.
fn shown(figure: f64) -> String {
    if figure.abs() >= 100.0 {
        format!("{figure:.0}")
    } else {
        format!("{figure:.2}")
    }
}
