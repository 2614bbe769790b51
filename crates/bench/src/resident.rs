//! One and ten million sessions in memory: what they take, how long a store of them takes to
//! open, and what a check among them costs.

use std::fs;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use innkeeper_domain::check::Demand;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Renewal};
use innkeeper_store::SessionStore;
use innkeeper_store::record;
use serde::{Deserialize, Serialize};

use crate::admit::sign_in_once;
use crate::look_up::LookUp;
use crate::population::{EACH, House, Shuffled};
use crate::row::Row;
use crate::stats::{Rounds, figure, figure_of, percentile};
use crate::{BenchError, Run, child, machine};

/// The row that compares the two sizes.
pub(crate) const COMPARED: &str = "check_10m_to_1m";

/// How many sessions, and what the rows about so many are called.
pub(crate) struct Size {
    sessions: u64,
    check: &'static str,
    bytes: &'static str,
    open: &'static str,
    check_goal: &'static str,
    open_goal: &'static str,
}

pub(crate) const MILLION: Size = Size {
    sessions: 1_000_000,
    check: "check_1m",
    bytes: "bytes_1m",
    open: "open_1m",
    check_goal: "at most 1.5 times the floor",
    open_goal: "at most 3,000 ms",
};

pub(crate) const TEN_MILLION: Size = Size {
    sessions: 10_000_000,
    check: "check_10m",
    bytes: "bytes_10m",
    open: "open_10m",
    check_goal: "at most 1.5 times the floor",
    open_goal: "at most 20,000 ms",
};

/// A round checks one of so many sessions, drawn anew: what a cache holds of the round before is
/// then the same share of either size.
const ONE_OF: u64 = 5;
/// So many are drawn at a time, since what is drawn takes memory too.
const DRAWN: usize = 200_000;
/// Checks that are timed one by one.
const SINGLE: usize = 50_000;

/// What the child found.
#[derive(Debug, Deserialize, Serialize)]
struct Found {
    open: f64,
    read: f64,
    resident: f64,
    fields: f64,
    check: Vec<f64>,
    floor: Vec<f64>,
    check_alone: Vec<f64>,
    check_while_committing: Vec<f64>,
}

pub(crate) fn measure(
    size: &Size,
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let folder = run.folder()?;
    let path = folder.path().to_string_lossy().into_owned();
    let sessions = size.sessions.to_string();
    progress(&format!("{}: making {sessions} sessions", size.check));
    let _: bool = child::part(&run.keeper, "fill", &[&path, &sessions])?;
    progress(&format!(
        "{}: opening, weighing and checking them",
        size.check
    ));
    let rounds = match (run.wants(size.check) || run.wants(COMPARED), run.quick) {
        (false, _) => "0",
        (true, true) => "3",
        (true, false) => "9",
    };
    let found: Found = child::part(&run.keeper, "resident", &[&path, &sessions, rounds])?;

    let weight = found.resident / figure(size.sessions);
    let mut opens = Rounds::default();
    opens.push(found.open, found.read);
    let mut rows = vec![
        Row::alone(size.bytes, weight, "bytes a session")
            .over(found.fields, "the bytes of its record")
            .goal("at most 300 bytes"),
        opens
            .row(
                size.open,
                "ms, once, of files in memory",
                "reading the same files",
            )
            .goal(size.open_goal),
    ];
    if found.check.is_empty() {
        return Ok(rows);
    }
    let mut checks = Rounds::default();
    for (value, floor) in found.check.iter().zip(&found.floor) {
        checks.push(*value, *floor);
    }
    rows.push(
        checks
            .row(
                size.check,
                "ns",
                "a sharded look-up of a digest, and one SHA-256",
            )
            .goal(size.check_goal),
    );
    let busy = format!("{}_p99_while_committing", size.check);
    rows.push(
        Row::alone(&busy, percentile(&found.check_while_committing, 99), "ns")
            .over(
                percentile(&found.check_alone, 99),
                "p99 of the same checks while nobody signs in",
            )
            .beside(),
    );
    Ok(rows)
}

/// The row that compares the sizes, if both are there.
pub(crate) fn compare(rows: &[Row]) -> Option<Row> {
    let of = |name| {
        rows.iter()
            .find(|row| row.name == name)
            .map(|row| row.value)
    };
    let (small, large) = (of(MILLION.check)?, of(TEN_MILLION.check)?);
    Some(
        Row::alone(COMPARED, large, "CPU ns")
            .over(small, "check_1m")
            .goal("at most 1.5 times check_1m"),
    )
}

/// Makes a store of so many sessions.
pub(crate) fn fill_part(arguments: &[String]) -> Result<(), BenchError> {
    let (folder, sessions) = folder_and_sessions(arguments)?;
    runtime()?.block_on(async {
        let house = House::open(Path::new(folder), Policy::default()).await?;
        house.fill(0..sessions / EACH, EACH).await?;
        house.close().await
    })?;
    println!("true");
    Ok(())
}

/// Opens it, weighs it and checks in it.
pub(crate) fn resident_part(arguments: &[String]) -> Result<(), BenchError> {
    let (folder, sessions) = folder_and_sessions(arguments)?;
    let rounds = arguments.get(2).and_then(|r| r.parse().ok()).unwrap_or(9);
    let folder = Path::new(folder);
    let empty = machine::resident_bytes("self")?;
    let runtime = runtime()?;
    // They were written a moment ago: neither this nor the opening waits for the disk.
    let read = read_all(folder)?;
    let started = Instant::now();
    let house = runtime.block_on(House::open(folder, Policy::default()))?;
    let open = milliseconds(started);
    let resident = machine::resident_bytes("self")?;
    let mut found = Found {
        open,
        read,
        resident: figure(resident.saturating_sub(empty)),
        fields: 0.0,
        check: Vec::new(),
        floor: Vec::new(),
        check_alone: Vec::new(),
        check_while_committing: Vec::new(),
    };
    let subjects = sessions / EACH;
    let mut order = Shuffled::new();
    runtime.block_on(async {
        found.fields = record_bytes(&house, subjects, &mut order).await?;
        if rounds > 0 {
            check_in_rounds(&house, subjects, &mut order, rounds, &mut found).await?;
            check_one_by_one(&house, subjects, &mut order, &mut found).await?;
        }
        house.close().await
    })?;
    let line = serde_json::to_string(&found).map_err(std::io::Error::from)?;
    println!("{line}");
    Ok(())
}

/// Processor time of a check, and of the floor by turns with it.
async fn check_in_rounds(
    house: &House,
    subjects: u64,
    order: &mut Shuffled,
    rounds: usize,
    found: &mut Found,
) -> Result<(), BenchError> {
    let floor = LookUp::of(house, subjects);
    let checked = subjects * EACH / ONE_OF;
    for _ in 0..rounds {
        let (mut ours, mut floors, mut done) = (0.0, 0.0, 0);
        while done < checked {
            let requests = drawn(house, subjects, order, DRAWN);
            let started = machine::thread_nanoseconds();
            for request in &requests {
                must_be_valid(house, request).await?;
            }
            let between = machine::thread_nanoseconds();
            for request in &requests {
                if !black_box(floor.knows(&request.token)) {
                    return Err(BenchError::Wrong("the floor does not know a token"));
                }
            }
            ours += between - started;
            floors += machine::thread_nanoseconds() - between;
            done += requests.len() as u64;
        }
        found.check.push(ours / figure(done));
        found.floor.push(floors / figure(done));
    }
    Ok(())
}

/// Checks one by one while nobody signs in, and while sixteen do: a check does not wait for a
/// commit, and this shows it.
async fn check_one_by_one(
    house: &House,
    subjects: u64,
    order: &mut Shuffled,
    found: &mut Found,
) -> Result<(), BenchError> {
    // Those who sign in end sessions of the other half, so whatever is checked here is valid.
    let half = subjects / 2;
    let requests = drawn(house, half, order, SINGLE);
    timed(house, &requests, &mut found.check_alone).await?;
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let (authority, over) = (Arc::clone(&house.authority), Arc::clone(&over));
            tokio::spawn(async move {
                let mut turn = writer;
                while !over.load(Ordering::Relaxed) {
                    // Subjects of the population, each of whom signs in as somebody who was there.
                    sign_in_once(&authority, half + turn % (subjects - half)).await?;
                    turn += 1009;
                }
                Ok::<_, BenchError>(())
            })
        })
        .collect();
    let requests = drawn(house, half, order, SINGLE);
    let checked = timed(house, &requests, &mut found.check_while_committing).await;
    over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer
            .await
            .map_err(|_| BenchError::Wrong("a task panicked"))??;
    }
    checked
}

/// Nanoseconds by the clock, of each.
async fn timed(
    house: &House,
    requests: &[CheckRequest],
    spans: &mut Vec<f64>,
) -> Result<(), BenchError> {
    for request in requests {
        let started = Instant::now();
        must_be_valid(house, request).await?;
        spans.push(nanoseconds(started));
        if spans.len().is_multiple_of(64) {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

pub(crate) async fn must_be_valid<S>(
    house: &House<S>,
    request: &CheckRequest,
) -> Result<(), BenchError> {
    match house.authority.check(request).await? {
        CheckAnswer::Valid(passed) => {
            drop(black_box(passed));
            Ok(())
        }
        _ => Err(BenchError::Wrong("a good token was refused")),
    }
}

/// Checks of sessions of the first so many subjects, which no cache foresees.
pub(crate) fn drawn<S>(
    house: &House<S>,
    subjects: u64,
    order: &mut Shuffled,
    count: usize,
) -> Vec<CheckRequest> {
    (0..count)
        .map(|_| request(house, order.below(subjects), order.below(EACH)))
        .collect()
}

fn request<S>(house: &House<S>, subject: u64, number: u64) -> CheckRequest {
    CheckRequest {
        token: house.token(subject, number),
        tenant: Some(TenantId::default()),
        demand: Demand::default(),
        activity: Activity::Active,
        renewal: Renewal::IfDue,
    }
}

/// Bytes of a session's share in its roster's record.
async fn record_bytes(
    house: &House,
    subjects: u64,
    order: &mut Shuffled,
) -> Result<f64, BenchError> {
    let (mut bytes, mut sessions) = (0, 0);
    for request in drawn(house, subjects, order, 1000) {
        let reading = house.store.read(request.token.tag(), None).await?;
        let roster = reading
            .roster
            .ok_or(BenchError::Wrong("a roster is missing"))?;
        bytes += record::encode_roster(&roster).len();
        sessions += roster.sessions.len();
    }
    Ok(figure_of(bytes) / figure_of(sessions))
}

/// Milliseconds to read every file below a folder.
fn read_all(folder: &Path) -> Result<f64, BenchError> {
    let started = Instant::now();
    let mut buffer = vec![0; 1 << 20];
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut file = fs::File::open(path)?;
            while file.read(&mut buffer)? > 0 {
                black_box(&buffer);
            }
        }
    }
    Ok(milliseconds(started))
}

fn runtime() -> Result<tokio::runtime::Runtime, BenchError> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

fn folder_and_sessions(arguments: &[String]) -> Result<(&str, u64), BenchError> {
    let folder = arguments
        .first()
        .ok_or(BenchError::Wrong("no folder is named"))?;
    let sessions = arguments.get(1).and_then(|s| s.parse().ok());
    Ok((
        folder,
        sessions.ok_or(BenchError::Wrong("no number of sessions is named"))?,
    ))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

pub(crate) fn nanoseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e9
}
