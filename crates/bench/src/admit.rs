//! Durable sign-ins at the limit, each of which evicts, beside bare group commit of as many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::{Policy, SameDevice, SessionLimit};
use innkeeper_domain::session::{EndReason, EndedSession, Timestamp};
use innkeeper_engine::Authority;
use innkeeper_engine::sign_in::{SignInAnswer, SignInRequest};

use crate::bare::BareLog;
use crate::population::{EACH, House, device_token, name, sign_in};
use crate::row::Row;
use crate::stats::{Rounds, figure, median};
use crate::{BenchError, Run, machine};

const WAITING: [(usize, &str); 4] = [
    (1, "admit_1"),
    (16, "admit_16"),
    (64, "admit_64"),
    (256, "admit_256"),
];
/// Subjects that sign in again and again, all at their limit.
const SUBJECTS: u64 = 4096;
/// Subjects at a limit of 1,000.
const CROWDED: u64 = 64;
const FLOOR: &str = "bare group commit: one buffer, one fdatasync, as many bytes";

pub(crate) fn measure(
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let folder = run.folder()?;
    let (rounds, span) = if run.quick {
        (3, Duration::from_millis(500))
    } else {
        (9, Duration::from_secs(1))
    };
    let mut rows = Vec::new();

    progress("signing in: a population at its limit of 5");
    let house = runtime.block_on(populated(&folder.path().join("five"), 5, SUBJECTS))?;
    let mut at_64 = None;
    let (_, each) = runtime.block_on(weighed(&house, 64, SUBJECTS, span))?;
    for (waiting, row) in WAITING.into_iter().filter(|(_, row)| run.wants(row)) {
        progress(&format!("{row}: {waiting} waiting"));
        // Measured anew for each: a batch writes something of its own.
        let (_, each) = runtime.block_on(weighed(&house, waiting, SUBJECTS, span))?;
        let (mut said, mut spent) = (Rounds::default(), Rounds::default());
        for _ in 0..rounds {
            let (ours, ours_spent) = with_processor_time(|| {
                runtime.block_on(signed_in(&house, waiting, SUBJECTS, span))
            })?;
            // Begun anew, so that it takes no more of the disk than one round writes.
            let bare = Arc::new(BareLog::create(&folder.path().join("bare"))?);
            let (floor, floor_spent) =
                with_processor_time(|| runtime.block_on(written_bare(&bare, waiting, each, span)))?;
            said.push(ours.rate, floor.rate);
            spent.push(ours_spent, floor_spent);
        }
        let processor = format!("{row}_cpu");
        rows.push(spent.row(&processor, "CPU µs each", FLOOR).beside());
        let said = said.row(row, "a second", FLOOR);
        if waiting == 64 {
            at_64 = Some(said.value);
        }
        rows.push(if waiting == 256 {
            said.goal("at least 0.5 of the floor")
        } else {
            said
        });
    }
    runtime.block_on(house.close())?;

    if let Some(at_five) = at_64 {
        progress("signing in: a population at its limit of 1,000");
        let house = runtime.block_on(populated(&folder.path().join("crowd"), 1000, CROWDED))?;
        let mut rates = Vec::new();
        let mut sizes = Vec::new();
        for _ in 0..rounds {
            let (done, each) = runtime.block_on(weighed(&house, 64, CROWDED, span))?;
            rates.push(done.rate);
            sizes.push(figure(each));
        }
        runtime.block_on(house.close())?;
        rows.push(
            Row::alone("admit_64_at_1000", median(&rates), "a second")
                .over(at_five, "admit_64, at limit 5")
                .beside(),
        );
        rows.push(
            Row::alone(
                "admit_64_at_1000_bytes",
                median(&sizes),
                "bytes written each",
            )
            .over(figure(each), "the same at limit 5")
            .beside(),
        );
    }
    Ok(rows)
}

/// Calls that were carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) count: u64,
    /// How many a second.
    pub(crate) rate: f64,
}

/// What was done, and the processor time of this process in microseconds that each call took.
fn with_processor_time(
    measured: impl FnOnce() -> Result<Done, BenchError>,
) -> Result<(Done, f64), BenchError> {
    let before = machine::cpu_nanoseconds(std::process::id())?;
    let done = measured()?;
    let spent = machine::cpu_nanoseconds(std::process::id())? - before;
    Ok((done, figure(spent) / 1e3 / figure(done.count)))
}

/// A policy of so many sessions a subject, under which each one more evicts.
pub(crate) fn at_its_limit(limit: u64) -> Policy {
    let mut policy = Policy::default();
    policy.terms.max_sessions = SessionLimit::new(limit).expect("it is a limit");
    // Evictions are what is measured, not how a device takes over its own seat.
    policy.terms.same_device = SameDevice::Count;
    policy
}

async fn populated(
    folder: &std::path::Path,
    limit: u64,
    subjects: u64,
) -> Result<House, BenchError> {
    let house = House::open(folder, at_its_limit(limit)).await?;
    house.fill(0..subjects, limit).await?;
    Ok(house)
}

/// Signs in with so many waiting at each moment, each of which must evict. Says what was done, and
/// the bytes of each.
async fn weighed(
    house: &House,
    waiting: usize,
    subjects: u64,
    span: Duration,
) -> Result<(Done, u64), BenchError> {
    let before = machine::written_bytes()?;
    let done = signed_in(house, waiting, subjects, span).await?;
    let written = machine::written_bytes()? - before;
    Ok((done, written / done.count.max(1)))
}

/// Signs in with so many waiting at each moment, each of which must evict.
pub(crate) async fn signed_in<S>(
    house: &House<S>,
    waiting: usize,
    subjects: u64,
    span: Duration,
) -> Result<Done, BenchError> {
    let next = Arc::new(AtomicU64::new(0));
    let authority = Arc::clone(&house.authority);
    in_parallel(waiting, span, move || {
        let (authority, next) = (Arc::clone(&authority), Arc::clone(&next));
        async move {
            // By turns, so that nobody waits for the one before in the same lane.
            let subject = next.fetch_add(1, Ordering::Relaxed) % subjects;
            must_evict(&sign_in_once(&authority, subject).await?)
        }
    })
    .await
}

/// Refuses a sign-in at whose expense nobody, or more than one, had to go.
fn must_evict(ended: &[EndedSession]) -> Result<(), BenchError> {
    match ended {
        [one] if one.ending.reason == EndReason::Evicted => Ok(()),
        _ => Err(BenchError::Wrong(
            "a sign-in at the limit did not evict one session",
        )),
    }
}

/// One sign-in of a subject. Says whose sessions ended for it.
pub(crate) async fn sign_in_once(
    authority: &Authority,
    subject: u64,
) -> Result<Vec<EndedSession>, BenchError> {
    let tag = authority.tag(&TenantId::default(), &name(subject));
    let request = SignInRequest {
        tenant: TenantId::default(),
        subject: name(subject),
        sign_in: sign_in(subject, subject % 7, Timestamp::MAX),
        replaces: None,
        // People sign in again from what they have.
        device: Some(device_token(tag, subject, subject % EACH)),
        idempotency: None,
    };
    match authority.sign_in(request).await? {
        SignInAnswer::Admitted(signed_in) => Ok(signed_in.ended),
        _ => Err(BenchError::Wrong("a sign-in was refused")),
    }
}

async fn written_bare(
    log: &Arc<BareLog>,
    waiting: usize,
    bytes: u64,
    span: Duration,
) -> Result<Done, BenchError> {
    let record = vec![0xa5; usize::try_from(bytes).unwrap_or_default()].into_boxed_slice();
    let log = Arc::clone(log);
    in_parallel(waiting, span, move || {
        let (log, record) = (Arc::clone(&log), record.clone());
        async move { log.commit(record).await }
    })
    .await
}

/// Keeps so many calls going for a while.
async fn in_parallel<F>(
    waiting: usize,
    span: Duration,
    call: impl Fn() -> F + Clone + Send + 'static,
) -> Result<Done, BenchError>
where
    F: Future<Output = Result<(), BenchError>> + Send,
{
    let over = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let tasks: Vec<_> = (0..waiting)
        .map(|_| {
            let (call, over) = (call.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut done = 0;
                while !over.load(Ordering::Relaxed) {
                    call().await?;
                    done += 1;
                }
                Ok::<u64, BenchError>(done)
            })
        })
        .collect();
    tokio::time::sleep(span).await;
    over.store(true, Ordering::Relaxed);
    let mut count = 0;
    for task in tasks {
        count += task
            .await
            .map_err(|_| BenchError::Wrong("a task panicked"))??;
    }
    let rate = figure(count) / started.elapsed().as_secs_f64();
    Ok(Done { count, rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn given_a_subject_below_its_limit_when_it_signs_in_then_the_row_is_not_made_of_that() {
        let folder = tempfile::tempdir().unwrap();
        let house = populated(folder.path(), 5, 4).await.unwrap();
        let another = tempfile::tempdir().unwrap();
        let empty = populated(another.path(), 5, 0).await.unwrap();

        let at_the_limit = sign_in_once(&house.authority, 3).await.unwrap();
        let below = sign_in_once(&empty.authority, 3).await.unwrap();

        assert!(must_evict(&at_the_limit).is_ok(), "{at_the_limit:?}");
        let refused = must_evict(&below);
        assert!(matches!(refused, Err(BenchError::Wrong(why)) if why.contains("evict")));
    }
}
