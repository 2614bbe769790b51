//! What a shared store adds to a check: of time on a node that holds the roster, and of commands on
//! one that asks each time.

use std::time::Duration;

use innkeeper_domain::policy::Policy;
use innkeeper_engine::check::Activity;

use super::{Server, asked, begun, fill, node, until_held};
use crate::population::{EACH, House, Shuffled};
use crate::resident::{drawn, must_be_valid};
use crate::row::Row;
use crate::stats::{Rounds, figure, figure_of};
use crate::{BenchError, Run, machine};

/// Subjects of the population, five sessions each.
const SUBJECTS: u64 = 2_000;
/// Checks of one round.
const CHECKS: usize = 20_000;
/// Checks whose commands are counted, each of another subject.
const COLD: u64 = 500;
/// Longer than a run: a check that is warm asks nobody.
const WARM: Duration = Duration::from_hours(1);

/// Checks of rosters that a node holds, beside those of as many in the embedded store.
pub(super) fn warm<S: Server>(
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let (server, runtime) = begun::<S>(S::ROWS.check, progress)?;
    progress(&format!("{}: checks on a warm node", S::ROWS.check));
    Ok(vec![runtime.block_on(beside_embedded(&server, run))?])
}

async fn beside_embedded<S: Server>(server: &S, run: &Run<'_>) -> Result<Row, BenchError> {
    let (rounds, checks) = if run.quick {
        (3, CHECKS / 4)
    } else {
        (9, CHECKS)
    };
    let folder = run.folder()?;
    let embedded = House::open(&folder.path().join("store"), Policy::default()).await?;
    embedded.fill(0..SUBJECTS, EACH).await?;
    let shared = node(server, WARM, Policy::default()).await?;
    fill(&shared, 0..SUBJECTS).await?;
    for subject in 0..SUBJECTS {
        until_held(&shared, subject).await?;
    }
    let mut order = Shuffled::new();
    let mut said = Rounds::default();
    for _ in 0..rounds {
        let ours = checked(&shared, &mut order, checks).await?;
        let floor = checked(&embedded, &mut order, checks).await?;
        said.push(ours, floor);
    }
    embedded.close().await?;
    let row = said.row(S::ROWS.check, "ns", "the same check by the embedded store");
    Ok(row.goal("at most 1.2 times the embedded check"))
}

/// Nanoseconds of processor time that each of so many checks takes.
async fn checked<S>(
    house: &House<S>,
    order: &mut Shuffled,
    checks: usize,
) -> Result<f64, BenchError> {
    let requests = drawn(house, SUBJECTS, order, checks);
    let started = machine::thread_nanoseconds();
    for request in &requests {
        must_be_valid(house, request).await?;
    }
    Ok((machine::thread_nanoseconds() - started) / figure_of(checks))
}

/// What checks on a node without leases ask of the server.
pub(super) fn cold<S: Server>(
    _: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let (server, runtime) = begun::<S>(S::ROWS.commands, progress)?;
    let row = S::ROWS.commands;
    progress(&format!("{row}: counting what a cold check asks"));
    Ok(vec![runtime.block_on(counted(&server))?])
}

async fn counted<S: Server>(server: &S) -> Result<Row, BenchError> {
    let node = node(server, Duration::ZERO, Policy::default()).await?;
    fill(&node, 0..COLD).await?;
    let commands = server
        .commands_of(async {
            for subject in 0..COLD {
                let token = node.token(subject, 1);
                must_be_valid(&node, &asked(token, Activity::Passive)).await?;
            }
            Ok(())
        })
        .await?;
    let each = figure(commands) / figure(COLD);
    let row = Row::alone(S::ROWS.commands, each, "commands a check");
    Ok(row.over(1.0, "one").goal("one"))
}
