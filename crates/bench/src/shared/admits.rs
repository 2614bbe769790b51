//! Sign-ins at the limit of a store that nodes share.

use std::time::Duration;

use super::{LEASE, Server, begun, fill, node};
use crate::admit::{at_its_limit, signed_in};
use crate::population::EACH;
use crate::row::Row;
use crate::stats::Rounds;
use crate::{BenchError, Run};

/// Subjects that sign in again and again, all at their limit: as many as the floor has.
const SUBJECTS: u64 = 2_000;
/// How many sign in at once.
const WAITING: usize = 64;

/// Sign-ins at the limit, beside steps of as many bytes that the server's own tool has it do.
pub(super) fn measure<S: Server>(
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let (server, runtime) = begun::<S>(S::ROWS.admit, progress)?;
    progress(&format!("{}: {WAITING} waiting", S::ROWS.admit));
    let (rounds, seconds) = if run.quick { (1, 1) } else { (5, 3) };
    let span = Duration::from_secs(seconds);
    let house = runtime.block_on(async {
        let house = node(&server, LEASE, at_its_limit(EACH)).await?;
        fill(&house, 0..SUBJECTS).await?;
        Ok::<_, BenchError>(house)
    })?;
    let mut said = Rounds::default();
    for _ in 0..rounds {
        let before = server.written()?;
        let done = runtime.block_on(signed_in(&house, WAITING, SUBJECTS, span))?;
        let written = server.written()?.checked_sub(before);
        let written = written.ok_or(BenchError::Wrong(
            "the log of the server became shorter, so what was written is not known",
        ))?;
        let floor = server.at_best(WAITING, written / done.count.max(1), span)?;
        said.push(done.rate, floor);
    }
    Ok(vec![said.row(S::ROWS.admit, "a second", S::AT_BEST)])
}
