//! A store that nodes share: what it adds to a check, what it carries beside what its server does
//! at best, and how soon an end is in force on another node.

mod postgres;
mod redis;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use innkeeper_domain::check::Demand;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Renewal};
use innkeeper_engine::revoke::{Revoked, Scope};
use innkeeper_store::SessionStore;
use innkeeper_store::clock::SystemClock;
use innkeeper_store::lease::{Leased, Shared, Terms};
use innkeeper_store::register::Register;

pub(crate) use postgres::PostgresServer;
pub(crate) use redis::RedisServer;

use crate::admit::{at_its_limit, signed_in};
use crate::population::{EACH, House, Shuffled, name};
use crate::resident::{drawn, must_be_valid, nanoseconds};
use crate::row::{Row, SharedRows};
use crate::stats::{Rounds, figure, figure_of, percentile};
use crate::{BenchError, Run, machine};

/// Subjects of the population, five sessions each.
const SUBJECTS: u64 = 2_000;
/// Checks of one round.
const CHECKS: usize = 20_000;
/// Checks whose commands are counted.
const COLD: u64 = 500;
/// How many sign in at once.
const WAITING: usize = 64;
/// How long a node of the measurement of ends answers from memory.
const LEASE: Duration = Duration::from_secs(1);
/// Longer than a run: a check that is warm asks nobody.
const WARM: Duration = Duration::from_hours(1);

/// A server that this machine has, started for the while and gone after it.
pub(crate) trait Server: Sized {
    /// The store over it.
    type Store: Shared + Register + 'static;

    /// What its rows are called.
    const ROWS: SharedRows;
    /// What it does at best, in words.
    const AT_BEST: &'static str;

    /// Starts one that keeps each change before it answers.
    fn start() -> Result<Self, BenchError>;

    /// Opens the store on it, as one node does.
    async fn open(&self) -> Result<Self::Store, BenchError>;

    /// How many commands of clients it carries out meanwhile.
    async fn commands_of(
        &self,
        work: impl Future<Output = Result<(), BenchError>>,
    ) -> Result<u64, BenchError>;

    /// The bytes that it has written to its log so far, a number that never falls.
    fn written(&self) -> Result<u64, BenchError>;

    /// Steps that its own tool has it do in a second, of as many bytes each, for so many clients.
    fn at_best(&self, clients: usize, bytes: u64, span: Duration) -> Result<f64, BenchError>;
}

/// One node.
type Node<S> = House<Leased<<S as Server>::Store>>;

pub(crate) fn measure<S: Server>(
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let rows = S::ROWS;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    progress(&format!("{}: starting a server", rows.check));
    let server = S::start()?;
    let mut measured = Vec::new();
    if run.wants(rows.check) {
        progress(&format!("{}: checks on a warm node", rows.check));
        measured.push(runtime.block_on(warm(&server, run))?);
    }
    if run.wants(rows.commands) {
        progress(&format!(
            "{}: counting what a cold check asks",
            rows.commands
        ));
        measured.push(runtime.block_on(cold(&server))?);
    }
    if run.wants(rows.admit) {
        progress(&format!("{}: {WAITING} waiting", rows.admit));
        measured.push(admits(&server, run, &runtime)?);
    }
    if rows.ends().iter().any(|row| run.wants(row)) {
        progress(&format!(
            "{}: ending sessions on another node",
            rows.end_p99
        ));
        measured.extend(runtime.block_on(ends(&server, run))?);
    }
    Ok(measured)
}

async fn node<S: Server>(
    server: &S,
    span: Duration,
    policy: Policy,
) -> Result<Node<S>, BenchError> {
    let terms = Terms {
        span,
        ..Terms::default()
    };
    let leased = Leased::new(Arc::new(server.open().await?), terms, Arc::new(SystemClock));
    House::over(Arc::new(leased), policy).await
}

/// Checks of rosters that a node holds, beside those of as many in the embedded store.
async fn warm<S: Server>(server: &S, run: &Run<'_>) -> Result<Row, BenchError> {
    let folder = run.folder()?;
    let embedded = House::open(&folder.path().join("store"), Policy::default()).await?;
    embedded.fill(0..SUBJECTS, EACH).await?;
    let shared = node(server, WARM, Policy::default()).await?;
    shared.fill(0..SUBJECTS, EACH).await?;
    for subject in 0..SUBJECTS {
        until_held(&shared, subject).await?;
    }
    let mut order = Shuffled::new();
    let mut rounds = Rounds::default();
    for _ in 0..if run.quick { 3 } else { 9 } {
        let ours = checked(&shared, &mut order).await?;
        let floor = checked(&embedded, &mut order).await?;
        rounds.push(ours, floor);
    }
    embedded.close().await?;
    let row = rounds.row(S::ROWS.check, "ns", "the same check by the embedded store");
    Ok(row.goal("at most 1.2 times the embedded check"))
}

/// Has a node hold a roster: what was read before it had its channel is not held.
async fn until_held<S: SessionStore>(node: &House<S>, subject: u64) -> Result<(), BenchError> {
    let tag = node.authority.tag(&TenantId::default(), &name(subject));
    let started = Instant::now();
    loop {
        must_be_valid(node, &asked(node.token(subject, 0), Activity::Active)).await?;
        let mut is_held = false;
        node.store.glance(tag, &mut |kept, _| {
            is_held = kept.is_some();
            innkeeper_store::Heard::No
        });
        if is_held {
            return Ok(());
        }
        if started.elapsed() > LEASE * 10 {
            return Err(BenchError::Wrong("a node never held what it had read"));
        }
        tokio::task::yield_now().await;
    }
}

/// Nanoseconds of processor time that a check takes.
async fn checked<S>(house: &House<S>, order: &mut Shuffled) -> Result<f64, BenchError> {
    let requests = drawn(house, SUBJECTS, order, CHECKS);
    let started = machine::thread_nanoseconds();
    for request in &requests {
        must_be_valid(house, request).await?;
    }
    Ok((machine::thread_nanoseconds() - started) / figure_of(CHECKS))
}

/// What checks on a node without leases ask of the server.
async fn cold<S: Server>(server: &S) -> Result<Row, BenchError> {
    let node = node(server, Duration::ZERO, Policy::default()).await?;
    if !is_there(&node, 0).await? {
        node.fill(0..SUBJECTS, EACH).await?;
    }
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

/// Whether the population is there already.
async fn is_there<S>(house: &House<S>, subject: u64) -> Result<bool, BenchError> {
    let request = asked(house.token(subject, 1), Activity::Passive);
    let answer = house.authority.check(&request).await?;
    Ok(matches!(answer, CheckAnswer::Valid(_)))
}

/// Sign-ins at the limit, beside steps of as many bytes that the server's own tool has it do.
fn admits<S: Server>(
    server: &S,
    run: &Run<'_>,
    runtime: &tokio::runtime::Runtime,
) -> Result<Row, BenchError> {
    let span = Duration::from_secs(if run.quick { 1 } else { 3 });
    let house = runtime.block_on(async {
        let house = node(server, LEASE, at_its_limit(EACH)).await?;
        if !is_there(&house, 0).await? {
            house.fill(0..SUBJECTS, EACH).await?;
        }
        Ok::<_, BenchError>(house)
    })?;
    let mut rounds = Rounds::default();
    for _ in 0..if run.quick { 1 } else { 5 } {
        let before = server.written()?;
        let done = runtime.block_on(signed_in(&house, WAITING, SUBJECTS, span))?;
        let written = server.written()?.checked_sub(before);
        let written = written.ok_or(BenchError::Wrong(
            "the log of the server became shorter, so what was written is not known",
        ))?;
        let floor = server.at_best(WAITING, written / done.count.max(1), span)?;
        rounds.push(done.rate, floor);
    }
    Ok(rounds.row(S::ROWS.admit, "a second", S::AT_BEST))
}

/// From the order to end a session on one node to the first check that refuses it on another that
/// held it.
async fn ends<S: Server>(server: &S, run: &Run<'_>) -> Result<Vec<Row>, BenchError> {
    let here = node(server, LEASE, Policy::default()).await?;
    let there = Arc::new(node(server, LEASE, Policy::default()).await?);
    let asking = node(server, Duration::ZERO, Policy::default()).await?;
    // Of nobody else: what others sign in to may have been evicted.
    let subjects = SUBJECTS..SUBJECTS + if run.quick { 100 } else { 1_000 };
    here.fill(subjects.clone(), EACH).await?;
    let (mut spans, mut trips) = (Vec::new(), Vec::new());
    for subject in subjects {
        let started = Instant::now();
        let tag = here.authority.tag(&TenantId::default(), &name(subject));
        black_box(there.store.inner().read(tag, None).await?);
        trips.push(nanoseconds(started) / 1e3);
        spans.push(ended::<S>(&here, &there, &asking, subject).await?);
    }
    let rows = S::ROWS;
    let of = |row, share| {
        let at = percentile(&spans, share);
        let row = Row::alone(row, at, "µs");
        row.over(percentile(&trips, share), "one reading of the store")
    };
    Ok(vec![
        of(rows.end_p50, 50),
        of(rows.end_p99, 99).goal("at most 5 round trips"),
        of(rows.end_max, 100).goal("never later than a lease after the answer"),
    ])
}

/// Ends a session of a subject here while it is checked over and over there. Says after how many
/// microseconds it was refused.
async fn ended<S: Server>(
    here: &Node<S>,
    there: &Arc<Node<S>>,
    asking: &Node<S>,
    subject: u64,
) -> Result<f64, BenchError> {
    let tenant = TenantId::default();
    let request = asked(here.token(subject, 2), Activity::Passive);
    let CheckAnswer::Valid(passed) = here.authority.check(&request).await? else {
        return Err(BenchError::Wrong("a good token was refused"));
    };
    must_be_valid(there, &request).await?;
    let watched = tokio::spawn({
        let there = Arc::clone(there);
        let request = asked(here.token(subject, 2), Activity::Passive);
        async move {
            loop {
                match there.authority.check(&request).await? {
                    CheckAnswer::NoSession(_) => return Ok::<_, BenchError>(Instant::now()),
                    _ => tokio::task::yield_now().await,
                }
            }
        }
    });
    let ordered = Instant::now();
    let scope = Scope::Tenant(&tenant);
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
    let revoked = here
        .authority
        .revoke(scope, passed.id(), reason, by)
        .await?;
    let answered = Instant::now();
    // Whoever asks the store each time lets nobody in after the answer.
    let after = asking.authority.check(&request).await?;
    let refused = watched
        .await
        .map_err(|_| BenchError::Wrong("a task panicked"))??;
    match (revoked, after) {
        (Revoked::Ended, CheckAnswer::NoSession(_)) => {}
        _ => return Err(BenchError::Wrong("a revoked session was let in")),
    }
    if refused.saturating_duration_since(answered) > LEASE {
        return Err(BenchError::Wrong("an end was not in force after a lease"));
    }
    Ok(refused.duration_since(ordered).as_secs_f64() * 1e6)
}

fn asked(token: SessionToken, activity: Activity) -> CheckRequest {
    CheckRequest {
        token,
        tenant: Some(TenantId::default()),
        demand: Demand::default(),
        activity,
        renewal: Renewal::IfDue,
    }
}
