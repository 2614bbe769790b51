//! The innkeeper binary: reads the environment, puts the parts together, runs a command.
//!
//! Each command of the command line has a file of its name, and its words are in `args`.

#![deny(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "`print` knows what to do when nobody reads any more"
)]

mod admin_key;
mod archive;
mod args;
mod bench;
mod config;
mod confirm;
mod devices;
mod doctor;
mod elsewhere;
mod escape;
mod events;
mod exit;
mod key_file;
mod keys;
mod log;
mod manual;
mod offline;
mod open_store;
mod outgoing;
mod pages;
mod password;
mod policy;
mod print;
mod probe;
mod promises;
mod providers;
mod remote;
mod report;
mod resolve;
mod revocations;
mod scan;
mod serve;
mod sessions;
mod subjects;
mod table;
#[cfg(feature = "otel")]
mod telemetry;
mod trust;
mod users;

use std::process::ExitCode;
use std::time::Duration;

use args::Command;
use exit::Failure;
use mimalloc::MiMalloc;

/// Millions of small pieces that live long, handed from thread to thread: `docs/performance.md`
/// says what it brings over the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = match args::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::cannot_run("no threads can be started", error).report(),
    };
    let done = runtime.block_on(async {
        match arguments.command {
            Command::Serve(serve) => serve::run(serve).await,
            Command::Sessions(arguments) => sessions::run(arguments).await,
            Command::Subjects(arguments) => subjects::run(arguments).await,
            Command::Devices(arguments) => devices::run(arguments).await,
            Command::Revocations(arguments) => revocations::run(arguments).await,
            Command::Keys(arguments) => keys::run(arguments).await,
            Command::Events(arguments) => events::run(arguments).await,
            Command::Users(arguments) => users::run(arguments).await,
            Command::Backup(arguments) => archive::backup(arguments).await,
            Command::Restore(arguments) => archive::restore(&arguments).await,
            Command::Export(arguments) => archive::export(arguments).await,
            Command::Import(arguments) => archive::import(&arguments).await,
            Command::Policy(arguments) => policy::run(arguments).await,
            Command::Doctor(arguments) => doctor::run(arguments).await,
            Command::Completions(arguments) => manual::completions(&arguments),
            Command::Man(arguments) => manual::man(&arguments),
            Command::Scan(arguments) => scan::run(&arguments),
            Command::Probe(arguments) => probe::run(arguments).await,
            Command::Report(arguments) => tokio::task::block_in_place(|| report::run(&arguments)),
            Command::Bench(bench) => tokio::task::block_in_place(|| bench::run(bench)),
        }
    });
    // A file that is being read on a file system that does not answer is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(5));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
