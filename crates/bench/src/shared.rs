//! A store that nodes share: what it adds to a check, what it carries beside what its server does
//! at best, and how soon an end is in force on another node.

mod admits;
mod checks;
mod ends;
mod postgres;
mod redis;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use innkeeper_domain::check::Demand;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckRequest, Renewal};
use innkeeper_store::clock::SystemClock;
use innkeeper_store::lease::{Leased, Shared, Terms};
use innkeeper_store::register::Register;
use innkeeper_store::{Heard, SessionStore};
use tokio::runtime::{Builder, Runtime};

pub(crate) use postgres::PostgresServer;
pub(crate) use redis::RedisServer;

use crate::population::{EACH, House, name};
use crate::resident::must_be_valid;
use crate::room::Room;
use crate::row::SharedRows;
use crate::{BenchError, Measure, Part};

/// How long a node that holds leases answers from memory.
const LEASE: Duration = Duration::from_secs(1);
/// How long something is waited for that must come, on a machine that others keep busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that this machine has, started for the while and gone after it.
pub(crate) trait Server: Sized {
    /// The store over it.
    type Store: Shared + Register + 'static;

    /// What its rows are called.
    const ROWS: SharedRows;
    /// What it does at best, in words.
    const AT_BEST: &'static str;

    /// Starts one that keeps each change before it answers, with nothing in it.
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

/// What is measured of a store: a part each, so that one that fails leaves the others their rows.
pub(crate) const fn parts<S: Server>() -> [Part; 4] {
    [
        part(const { &[S::ROWS.check] }, checks::warm::<S>),
        part(const { &[S::ROWS.commands] }, checks::cold::<S>),
        part(const { &[S::ROWS.admit] }, admits::measure::<S>),
        part(const { &S::ROWS.ends() }, ends::measure::<S>),
    ]
}

const fn part(rows: &'static [&'static str], measure: Measure) -> Part {
    Part {
        rows,
        shared: None,
        // Of a server with ten thousand sessions, and those beside it.
        room: Room {
            memory: 500,
            disk: 2_000,
        },
        is_quick: true,
        measure,
    }
}

/// What a part begins with: a server of its own, so that nothing is in it that others did.
fn begun<S: Server>(row: &str, progress: &mut dyn FnMut(&str)) -> Result<(S, Runtime), BenchError> {
    progress(&format!("{row}: starting a server"));
    let server = S::start()?;
    Ok((server, Builder::new_multi_thread().enable_all().build()?))
}

/// Opens the sessions of these subjects, five each. Few wait at once: on a busy machine a store gives
/// up what has waited for seconds behind a thousand others.
async fn fill<S: SessionStore + 'static>(
    node: &House<S>,
    subjects: Range<u64>,
) -> Result<(), BenchError> {
    node.fill_by(32, subjects, EACH).await
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

/// Has a node hold a roster: what was read before it had its channel is not held.
async fn until_held<S: SessionStore>(node: &House<S>, subject: u64) -> Result<(), BenchError> {
    let started = Instant::now();
    loop {
        must_be_valid(node, &asked(node.token(subject, 0), Activity::Passive)).await?;
        if is_held(node, subject) {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            return Err(BenchError::Wrong("a node never held what it had read"));
        }
        tokio::task::yield_now().await;
    }
}

/// Whether a node answers about a subject from memory.
fn is_held<S: SessionStore>(node: &House<S>, subject: u64) -> bool {
    let tag = node.authority.tag(&TenantId::default(), &name(subject));
    let mut is_held = false;
    node.store.glance(tag, &mut |kept, _| {
        is_held = kept.is_some();
        Heard::No
    });
    is_held
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
