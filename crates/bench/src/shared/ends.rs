//! How soon the end of a session is in force on another node.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::Authority;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest};
use innkeeper_engine::revoke::{Revoked, Scope};
use innkeeper_store::SessionStore;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::{LEASE, Node, PATIENCE, Server, asked, begun, fill, is_held, node, until_held};
use crate::population::name;
use crate::resident::{must_be_valid, nanoseconds};
use crate::row::Row;
use crate::stats::{median, percentile};
use crate::{BenchError, Run};

/// From the order to end a session on one node to the first check that refuses it on another that
/// held it.
pub(super) fn measure<S: Server>(
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let (server, runtime) = begun::<S>(S::ROWS.end_p99, progress)?;
    let row = S::ROWS.end_p99;
    progress(&format!("{row}: ending sessions on another node"));
    let subjects = if run.quick { 100 } else { 1_000 };
    runtime.block_on(ends(&server, subjects))
}

async fn ends<S: Server>(server: &S, subjects: u64) -> Result<Vec<Row>, BenchError> {
    let here = node(server, LEASE, Policy::default()).await?;
    let there = node(server, LEASE, Policy::default()).await?;
    let asking = node(server, Duration::ZERO, Policy::default()).await?;
    fill(&here, 0..subjects).await?;
    let (mut spans, mut trips) = (Vec::new(), Vec::new());
    for subject in 0..subjects {
        let started = Instant::now();
        let tag = here.authority.tag(&TenantId::default(), &name(subject));
        black_box(there.store.inner().read(tag, None).await?);
        trips.push(nanoseconds(started) / 1e3);
        spans.extend(ended::<S>(&here, &there, &asking, subject).await?);
    }
    // Few, or what is left is another choice of ends than was made.
    if spans.len() * 100 < trips.len() * 99 {
        return Err(BenchError::Wrong(
            "a node did not hold the sessions that were ended, so it asked the store about them",
        ));
    }
    let trip = median(&trips);
    let of = |row, share| {
        let row = Row::alone(row, percentile(&spans, share), "µs");
        row.over(trip, "one reading of the store, the median")
    };
    let rows = S::ROWS;
    Ok(vec![
        of(rows.end_p50, 50),
        of(rows.end_p99, 99).goal("at most 5 round trips"),
        of(rows.end_max, 100).goal("never later than a lease after the answer"),
    ])
}

/// Ends a session of a subject here while it is checked over and over there. Says after how many
/// microseconds it was refused, if it was held there when the order went out.
async fn ended<S: Server>(
    here: &Node<S>,
    there: &Node<S>,
    asking: &Node<S>,
    subject: u64,
) -> Result<Option<f64>, BenchError> {
    let tenant = TenantId::default();
    let request = || asked(here.token(subject, 2), Activity::Passive);
    let CheckAnswer::Valid(passed) = here.authority.check(&request()).await? else {
        return Err(BenchError::Wrong("a good token was refused"));
    };
    until_held(there, subject).await?;
    must_be_valid(there, &request()).await?;
    let watch = Watch::begin(Arc::clone(&there.authority), request());
    let was_held = is_held(there, subject);
    let ordered = Instant::now();
    let scope = Scope::Tenant(&tenant);
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
    let revoked = here
        .authority
        .revoke(scope, passed.id(), reason, by)
        .await?;
    let answered = Instant::now();
    // Whoever asks the store each time lets nobody in after the answer.
    let after = asking.authority.check(&request()).await?;
    let refused = watch.refused(answered + LEASE + PATIENCE).await?;
    match (revoked, after) {
        (Revoked::Ended, CheckAnswer::NoSession(_)) => {}
        _ => return Err(BenchError::Wrong("a revoked session was let in")),
    }
    if refused.saturating_duration_since(answered) > LEASE {
        return Err(BenchError::Wrong(TOO_LATE));
    }
    let span = refused.duration_since(ordered).as_secs_f64() * 1e6;
    Ok(was_held.then_some(span))
}

const TOO_LATE: &str = "an end was not in force after a lease";

/// Checks a session over and over until it is refused, or until nobody watches any more.
struct Watch(JoinSet<Result<Instant, BenchError>>);

impl Watch {
    fn begin(authority: Arc<Authority>, request: CheckRequest) -> Self {
        let mut watch = JoinSet::new();
        watch.spawn(async move {
            loop {
                match authority.check(&request).await? {
                    CheckAnswer::NoSession(_) => return Ok(Instant::now()),
                    _ => tokio::task::yield_now().await,
                }
            }
        });
        Self(watch)
    }

    /// When it was refused, which is waited for until `latest`.
    async fn refused(mut self, latest: Instant) -> Result<Instant, BenchError> {
        match timeout_at(latest.into(), self.0.join_next()).await {
            Err(_) => Err(BenchError::Wrong(TOO_LATE)),
            Ok(Some(Ok(refused))) => refused,
            Ok(_) => Err(BenchError::Wrong("a task panicked")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::{EACH, House};

    /// A watch that only a refusal ended went on for ever in the one case that it was there for:
    /// where the notice of an end was lost and the lease did not run out.
    #[tokio::test(flavor = "multi_thread")]
    async fn given_a_session_that_is_never_refused_when_its_watch_is_over_then_there_is_no_figure()
    {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(folder.path(), Policy::default()).await.unwrap();
        house.fill(0..1, EACH).await.unwrap();
        let request = asked(house.token(0, 0), Activity::Passive);
        let watch = Watch::begin(Arc::clone(&house.authority), request);

        let refused = watch.refused(Instant::now()).await;

        let is_too_late = matches!(refused, Err(BenchError::Wrong(TOO_LATE)));
        assert!(is_too_late, "{refused:?}");
    }
}
