//! One and ten million sessions in memory: what they take, how long a store of them takes to
//! open, and what a check among them costs.

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use innkeeper_domain::check::Demand;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::session::TokenDigest;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Renewal};
use innkeeper_store::SessionStore;
use innkeeper_store::record;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::population::{EACH, House, Shuffled};
use crate::row::Row;
use crate::stats::{Rounds, figure, figure_of, median};
use crate::{BenchError, Options, child, machine};

/// How many sessions, and what the rows about so many are called.
pub(crate) struct Size {
    sessions: u64,
    check: &'static str,
    bytes: &'static str,
    open: &'static str,
    check_goal: &'static str,
    open_goal: &'static str,
    megabytes: u64,
}

pub(crate) const MILLION: Size = Size {
    sessions: 1_000_000,
    check: "check_1m",
    bytes: "bytes_1m",
    open: "open_1m",
    check_goal: "at most 1.5 times the floor",
    open_goal: "at most 3,000 ms",
    megabytes: 2_500,
};

pub(crate) const TEN_MILLION: Size = Size {
    sessions: 10_000_000,
    check: "check_10m",
    bytes: "bytes_10m",
    open: "open_10m",
    check_goal: "at most 1.5 times the floor",
    open_goal: "at most 20,000 ms",
    megabytes: 14_000,
};

/// Sessions that are checked, drawn from all.
const CHECKED: usize = 200_000;
/// As many shards as the store has.
const SHARDS: usize = 64;

/// What the child found.
#[derive(Debug, Deserialize, Serialize)]
struct Found {
    open: Vec<f64>,
    read: Vec<f64>,
    resident: f64,
    fields: f64,
    check: Vec<f64>,
    floor: Vec<f64>,
    check_while_committing: Vec<f64>,
}

pub(crate) fn measure(
    size: &Size,
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let free = machine::free_megabytes();
    if free < size.megabytes {
        return Err(BenchError::Memory {
            row: size.check,
            needed: size.megabytes,
            free,
        });
    }
    let folder = tempfile::Builder::new()
        .prefix("innkeeper-bench-")
        .tempdir_in(&options.folder)?;
    let path = folder.path().to_string_lossy().into_owned();
    let sessions = size.sessions.to_string();
    progress(&format!("{}: making {sessions} sessions", size.check));
    let _: bool = child::part("fill", &[&path, &sessions])?;
    progress(&format!(
        "{}: opening, weighing and checking them",
        size.check
    ));
    let rounds = if options.quick { "3" } else { "9" };
    let found: Found = child::part("resident", &[&path, &sessions, rounds])?;

    let mut checks = Rounds::default();
    for (value, floor) in found.check.iter().zip(&found.floor) {
        checks.push(*value, *floor);
    }
    let mut opens = Rounds::default();
    for (value, floor) in found.open.iter().zip(&found.read) {
        opens.push(*value, *floor);
    }
    let weight = Row::alone(
        size.bytes,
        found.resident / figure(size.sessions),
        "bytes a session",
    );
    let busy = format!("{}_p99_while_committing", size.check);
    Ok(vec![
        checks
            .row(
                size.check,
                "ns",
                "a sharded look-up of a digest, and one SHA-256",
            )
            .goal(size.check_goal),
        Row::alone(
            &busy,
            crate::stats::percentile(&found.check_while_committing, 99),
            "ns",
        )
        .over(median(&found.check), "the median check of this size")
        .beside(),
        weight
            .over(found.fields, "the bytes of its record")
            .goal("at most 300 bytes"),
        opens
            .row(size.open, "ms", "reading the same files")
            .goal(size.open_goal),
    ])
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
        Row::alone("check_10m_to_1m", large, "CPU ns")
            .over(small, "check_1m")
            .goal("at most 1.5 times check_1m"),
    )
}

/// Makes a store of so many sessions.
pub(crate) fn fill_part(arguments: &[String]) -> Result<(), BenchError> {
    let (folder, sessions) = folder_and_sessions(arguments)?;
    runtime()?.block_on(async {
        let house = House::open(Path::new(folder), Policy::default()).await?;
        house.fill(sessions / EACH, EACH).await?;
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
    let mut found = Found {
        open: Vec::new(),
        read: Vec::new(),
        resident: 0.0,
        fields: 0.0,
        check: Vec::new(),
        floor: Vec::new(),
        check_while_committing: Vec::new(),
    };
    let empty = machine::resident_bytes("self")?;
    let runtime = runtime()?;
    found.read.push(read_all(folder)?);
    let started = Instant::now();
    let house = runtime.block_on(House::open(folder, Policy::default()))?;
    found.open.push(milliseconds(started));
    let resident = machine::resident_bytes("self")?;
    found.resident = figure(resident.saturating_sub(empty));
    runtime.block_on(check_all(&house, sessions, rounds, &mut found))?;
    runtime.block_on(house.close())?;
    let line = serde_json::to_string(&found).map_err(std::io::Error::from)?;
    println!("{line}");
    Ok(())
}

async fn check_all(
    house: &House,
    sessions: u64,
    rounds: usize,
    found: &mut Found,
) -> Result<(), BenchError> {
    let subjects = sessions / EACH;
    let mut order = Shuffled::new();
    let requests: Vec<CheckRequest> = (0..CHECKED)
        .map(|_| request(house, order.below(subjects), order.below(EACH)))
        .collect();
    found.fields = record_bytes(house, &requests).await?;
    let floor = Floor::of(house, subjects);
    for _ in 0..rounds {
        let started = machine::thread_nanoseconds();
        for request in &requests {
            match house.authority.check(request).await? {
                CheckAnswer::Valid(passed) => drop(black_box(passed)),
                _ => return Err(BenchError::Wrong("a good token was refused")),
            }
        }
        let spent = machine::thread_nanoseconds() - started;
        found.check.push(spent / figure_of(requests.len()));
        let started = machine::thread_nanoseconds();
        for request in &requests {
            if !black_box(floor.check(request)) {
                return Err(BenchError::Wrong("the floor does not know a token"));
            }
        }
        let spent = machine::thread_nanoseconds() - started;
        found.floor.push(spent / figure_of(requests.len()));
    }
    drop(floor);
    check_while_committing(house, subjects, &requests, found).await
}

/// Checks one by one while sixteen others sign in: a check does not wait for a commit, and this
/// shows it.
async fn check_while_committing(
    house: &House,
    subjects: u64,
    requests: &[CheckRequest],
    found: &mut Found,
) -> Result<(), BenchError> {
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let authority = std::sync::Arc::clone(&house.authority);
            tokio::spawn(async move {
                let mut subject = writer;
                loop {
                    // Subjects of the population, at their limit: each evicts one.
                    let _ = crate::admit::sign_in_once(&authority, subject % subjects).await;
                    subject += 1009;
                }
            })
        })
        .collect();
    for request in requests.iter().take(50_000) {
        let started = Instant::now();
        let answer = house.authority.check(request).await?;
        found.check_while_committing.push(nanoseconds(started));
        drop(black_box(answer));
        if found.check_while_committing.len().is_multiple_of(64) {
            tokio::task::yield_now().await;
        }
    }
    for writer in writers {
        writer.abort();
    }
    Ok(())
}

fn request(house: &House, subject: u64, number: u64) -> CheckRequest {
    CheckRequest {
        token: house.token(subject, number),
        tenant: Some(TenantId::default()),
        demand: Demand::default(),
        activity: Activity::Active,
        renewal: Renewal::IfDue,
    }
}

/// Bytes of a session's share in its roster's record.
async fn record_bytes(house: &House, requests: &[CheckRequest]) -> Result<f64, BenchError> {
    let (mut bytes, mut sessions) = (0, 0);
    for request in requests.iter().take(1000) {
        let reading = house.store.read(request.token.tag(), None).await?;
        let roster = reading
            .roster
            .ok_or(BenchError::Wrong("a roster is missing"))?;
        bytes += record::encode_roster(&roster).len();
        sessions += roster.sessions.len();
    }
    Ok(figure_of(bytes) / figure_of(sessions))
}

/// The least that could answer: which digests are good, in shards that lock apart.
struct Floor(Vec<RwLock<HashMap<TokenDigest, u64>>>);

impl Floor {
    fn of(house: &House, subjects: u64) -> Self {
        let shards: Vec<RwLock<HashMap<TokenDigest, u64>>> =
            (0..SHARDS).map(|_| RwLock::default()).collect();
        for subject in 0..subjects {
            for number in 0..EACH {
                let digest = house.token(subject, number).secret().digest();
                shards[shard(digest)].write().insert(digest, subject);
            }
        }
        Self(shards)
    }

    fn check(&self, request: &CheckRequest) -> bool {
        let digest = request.token.secret().digest();
        self.0[shard(digest)].read().contains_key(&digest)
    }
}

fn shard(digest: TokenDigest) -> usize {
    usize::from(digest.0[31]) % SHARDS
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
