//! Durable sign-ins at the limit, each of which evicts, beside bare group commit of as many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::{Policy, SameDevice, SessionLimit};
use innkeeper_domain::session::Timestamp;
use innkeeper_engine::Authority;
use innkeeper_engine::sign_in::{SignInAnswer, SignInRequest};

use crate::bare::BareLog;
use crate::population::{EACH, House, device_token, name, sign_in};
use crate::row::Row;
use crate::stats::{Rounds, figure, median};
use crate::{BenchError, Options, machine};

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
    options: &Options,
    wants: &dyn Fn(&str) -> bool,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let folder = tempfile::Builder::new()
        .prefix("innkeeper-bench-")
        .tempdir_in(&options.folder)?;
    let (rounds, span) = if options.quick {
        (3, Duration::from_millis(500))
    } else {
        (9, Duration::from_secs(1))
    };
    let mut rows = Vec::new();

    progress("signing in: a population at its limit of 5");
    let house = runtime.block_on(populated(&folder.path().join("five"), 5, SUBJECTS))?;
    let bare = Arc::new(BareLog::create(&folder.path().join("bare"))?);
    let mut at_64 = None;
    let (_, each) = runtime.block_on(signed_in(&house, 64, SUBJECTS, span))?;
    for (waiting, row) in WAITING.into_iter().filter(|(_, row)| wants(row)) {
        progress(&format!("{row}: {waiting} waiting"));
        // Measured anew for each: a batch writes something of its own.
        let (_, each) = runtime.block_on(signed_in(&house, waiting, SUBJECTS, span))?;
        let (mut said, mut spent) = (Rounds::default(), Rounds::default());
        for _ in 0..rounds {
            let ours = with_processor_time(span, || {
                let (rate, _) = runtime.block_on(signed_in(&house, waiting, SUBJECTS, span))?;
                Ok(rate)
            })?;
            let floor = with_processor_time(span, || {
                runtime.block_on(written_bare(&bare, waiting, each, span))
            })?;
            said.push(ours.0, floor.0);
            spent.push(ours.1, floor.1);
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
            let (rate, each) = runtime.block_on(signed_in(&house, 64, CROWDED, span))?;
            rates.push(rate);
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

/// A rate, and the processor time of this process in microseconds that each one took.
fn with_processor_time(
    span: Duration,
    measured: impl FnOnce() -> Result<f64, BenchError>,
) -> Result<(f64, f64), BenchError> {
    let before = machine::cpu_nanoseconds(std::process::id())?;
    let rate = measured()?;
    let spent = machine::cpu_nanoseconds(std::process::id())? - before;
    Ok((rate, figure(spent) / 1e3 / (rate * span.as_secs_f64())))
}

async fn populated(
    folder: &std::path::Path,
    limit: u64,
    subjects: u64,
) -> Result<House, BenchError> {
    let mut policy = Policy::default();
    policy.terms.max_sessions = SessionLimit::new(limit).expect("it is a limit");
    // Evictions are what is measured, not how a device takes over its own seat.
    policy.terms.same_device = SameDevice::Count;
    let house = House::open(folder, policy).await?;
    house.fill(subjects, limit).await?;
    Ok(house)
}

/// Signs in with so many waiting at each moment. Says how many a second, and the bytes of each.
async fn signed_in(
    house: &House,
    waiting: usize,
    subjects: u64,
    span: Duration,
) -> Result<(f64, u64), BenchError> {
    let before = machine::written_bytes()?;
    let next = Arc::new(AtomicU64::new(0));
    let authority = Arc::clone(&house.authority);
    let (done, rate) = in_parallel(waiting, span, move || {
        let (authority, next) = (Arc::clone(&authority), Arc::clone(&next));
        async move {
            // By turns, so that nobody waits for the one before in the same lane.
            let subject = next.fetch_add(1, Ordering::Relaxed) % subjects;
            sign_in_once(&authority, subject).await
        }
    })
    .await?;
    let written = machine::written_bytes()? - before;
    Ok((rate, written / done.max(1)))
}

/// One sign-in of a subject.
pub(crate) async fn sign_in_once(authority: &Authority, subject: u64) -> Result<(), BenchError> {
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
        SignInAnswer::Admitted(_) => Ok(()),
        _ => Err(BenchError::Wrong("a sign-in was refused")),
    }
}

async fn written_bare(
    log: &Arc<BareLog>,
    waiting: usize,
    bytes: u64,
    span: Duration,
) -> Result<f64, BenchError> {
    let record = vec![0xa5; usize::try_from(bytes).unwrap_or_default()].into_boxed_slice();
    let log = Arc::clone(log);
    let (_, rate) = in_parallel(waiting, span, move || {
        let (log, record) = (Arc::clone(&log), record.clone());
        async move { log.commit(record).await }
    })
    .await?;
    Ok(rate)
}

/// Keeps so many calls going for a while. Says how many were done, and how many a second.
async fn in_parallel<F>(
    waiting: usize,
    span: Duration,
    call: impl Fn() -> F + Clone + Send + 'static,
) -> Result<(u64, f64), BenchError>
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
    let mut done = 0;
    for task in tasks {
        done += task
            .await
            .map_err(|_| BenchError::Wrong("a task panicked"))??;
    }
    Ok((done, figure(done) / started.elapsed().as_secs_f64()))
}
