//! A bulk revocation while sign-ins go on and checks are made at a steady pace.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::crowd::{ask, ask_each, get, number, post, text};
use crate::pace::{self, p99};
use crate::server::{Server, Start};

/// How many sessions each subject has that is meant.
const EACH: usize = 2;
/// How many others there are, whose sessions are checked all the time.
const STEADY: usize = 1000;
/// How many sign in meanwhile, each so often.
const ARRIVING: usize = 4;
const ARRIVES_EVERY: Duration = Duration::from_millis(40);
/// How many of those are let in before the revocation is ordered.
const EARLY: usize = 20;
/// How many tokens one call checks.
const BATCH: usize = 256;

/// So many sessions, to be ended by a filter.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// The binary.
    pub binary: PathBuf,
    /// How many sessions the filter means when it is counted.
    pub sessions: usize,
    /// How many checks are made in a second.
    pub rate: u32,
    /// For how long they are made before.
    pub idle: Duration,
}

/// What ending them came to.
#[derive(Debug)]
pub struct Ended {
    /// How many sessions the dry run counted.
    pub counted: usize,
    /// How many were born after that and before the call.
    pub early: usize,
    /// How many the revocation says it ended.
    pub ended: usize,
    /// How many that the filter means were born after the call.
    pub later: usize,
    /// How many different counts of ended sessions were seen on the way.
    pub steps: usize,
    /// How long it took.
    pub took: Duration,
    /// The p99 of checks with nothing beside them, beside sign-ins, and beside both.
    pub p99: [Duration; 3],
    /// How many checks were made beside both.
    pub checks: usize,
    /// What was wrong.
    pub violations: Vec<String>,
}

/// A sign-in that the filter means, made while things went on.
struct Arrival {
    token: String,
    created_at: String,
}

impl Bulk {
    /// Fills a server, orders the end of all that a filter means, and looks at everybody.
    pub async fn play(&self, folder: &Path, mut seen: impl FnMut(&str)) -> io::Result<Ended> {
        let start = Start {
            binary: self.binary.clone(),
            data: folder.join("store"),
            settings: Vec::new(),
        };
        let server = start.now()?;
        seen("signing in");
        let meant = sign_in_all(&server, self.sessions, "old", "meant", self.subjects()).await?;
        let steady = sign_in_all(&server, STEADY, "web", "steady", STEADY).await?;
        let steady = Arc::new(steady);

        seen("checks alone");
        let alone = pace::begin(server.address, &server.key, &steady, self.rate)?;
        tokio::time::sleep(self.idle).await;
        let alone = p99(alone.end()?);

        seen("checks beside sign-ins");
        let others = Arrivals::begin(&server, "web", self.subjects());
        let beside = pace::begin(server.address, &server.key, &steady, self.rate)?;
        tokio::time::sleep(self.idle).await;
        let beside = p99(beside.end()?);
        others.end().await?;

        seen("ending");
        let mut violations = Vec::new();
        let mut client = Client::of(server.address, Arc::clone(&server.key));
        let filter = json!({"client": "old"});
        let dry = json!({"filter": filter, "dry_run": true});
        let count = ask(&mut client, 200, &post("/v1/revocations", dry)).await?;
        let arrivals = Arrivals::begin(&server, "old", self.subjects());
        arrivals.until(EARLY).await;
        let during = pace::begin(server.address, &server.key, &steady, self.rate)?;
        let begun = Instant::now();
        let order = post("/v1/revocations", json!({"filter": filter}));
        let order = ask(&mut client, 202, &order).await?;
        let (done, counts) = watch(&mut client, text(&order["id"])).await?;
        let took = begun.elapsed();
        let during = during.end()?;
        let arrivals = arrivals.end().await?;

        seen("looking at everybody");
        let started_at = text(&order["started_at"]);
        let (early, later): (Vec<_>, Vec<_>) = arrivals
            .into_iter()
            .partition(|arrival| arrival.created_at.as_str() <= started_at);
        let ended = number(&done["ended"]);
        let counted = number(&count["sessions"]);
        let mut same = |what: &str, found: usize, expected: usize| {
            if found != expected {
                violations.push(format!("{what}: {found}, and {expected} were expected"));
            }
        };
        same("counted by the dry run", counted, self.sessions);
        same(
            "subjects counted",
            number(&count["subjects"]),
            self.subjects(),
        );
        same("ended", ended, counted + early.len());
        same("matched", number(&done["matched"]), ended);
        let tokens = |arrivals: &[Arrival]| arrivals.iter().map(|a| a.token.clone()).collect();
        same(
            "valid of those that were meant",
            valid(&server, meant).await?,
            0,
        );
        same(
            "valid of those born before the call",
            valid(&server, tokens(&early)).await?,
            0,
        );
        same(
            "valid of those born after the call",
            valid(&server, tokens(&later)).await?,
            later.len(),
        );
        same(
            "valid of the others",
            valid(&server, steady.to_vec()).await?,
            STEADY,
        );
        if !counts.is_sorted() {
            violations.push(format!("progress fell: {counts:?}"));
        }
        let steps = counts.iter().filter(|n| **n > 0 && **n < ended).count();
        if steps < 2 || later.is_empty() {
            violations.push("too few sessions to see how it went on".to_owned());
        }
        Ok(Ended {
            counted,
            early: early.len(),
            ended,
            later: later.len(),
            steps,
            took,
            p99: [alone, beside, p99(during.clone())],
            checks: during.len(),
            violations,
        })
    }

    const fn subjects(&self) -> usize {
        self.sessions.div_ceil(EACH)
    }
}

/// Signs so many in, spread over so many subjects, and gives back their tokens.
async fn sign_in_all(
    server: &Server,
    count: usize,
    client: &'static str,
    name: &'static str,
    subjects: usize,
) -> io::Result<Vec<String>> {
    let sign_in = move |n: usize| {
        let subject = format!("{name}-{}", n % subjects);
        post(
            "/v1/sessions",
            json!({"subject": subject, "client": client}),
        )
    };
    let token = |_, (status, body): &(u16, Value)| {
        let token = body["token"].as_str().filter(|_| *status == 201)?;
        Some(token.to_owned())
    };
    ask_each(server, count, sign_in, token).await
}

/// How many of these tokens are good.
async fn valid(server: &Server, tokens: Vec<String>) -> io::Result<usize> {
    let calls = tokens.len().div_ceil(BATCH);
    let check = move |n: usize| {
        let batch = tokens.chunks(BATCH).nth(n).unwrap_or_default();
        let checks: Vec<_> = batch.iter().map(|token| json!({"token": token})).collect();
        post("/v1/check/batch", json!({"checks": checks}))
    };
    let good = |_, (status, body): &(u16, Value)| {
        let results = body["results"].as_array().filter(|_| *status == 200)?;
        Some(results.iter().filter(|r| r["status"] == 200).count())
    };
    Ok(ask_each(server, calls, check, good).await?.iter().sum())
}

/// Looks at a revocation until it is done; what it was then, and the counts seen on the way.
async fn watch(client: &mut Client, id: &str) -> io::Result<(Value, Vec<usize>)> {
    let mut counts = Vec::new();
    loop {
        let now = ask(client, 200, &get(format!("/v1/revocations/{id}"))).await?;
        let ended = number(&now["ended"]);
        if counts.last() != Some(&ended) {
            counts.push(ended);
        }
        match text(&now["state"]) {
            "done" => return Ok((now, counts)),
            "waiting" | "running" => tokio::time::sleep(Duration::from_millis(20)).await,
            state => return Err(io::Error::other(format!("the revocation is {state}"))),
        }
    }
}

/// Sign-ins that go on until they are told to end.
struct Arrivals {
    is_over: Arc<AtomicBool>,
    let_in: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<io::Result<Vec<Arrival>>>>,
}

impl Arrivals {
    /// Begins to sign subjects in that are there already, one after the other.
    fn begin(server: &Server, application: &'static str, subjects: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let let_in = Arc::new(AtomicUsize::new(0));
        let tasks = (0..ARRIVING).map(|place| {
            let mut client = Client::of(server.address, Arc::clone(&server.key));
            let (is_over, let_in) = (Arc::clone(&is_over), Arc::clone(&let_in));
            tokio::spawn(async move {
                let mut arrivals = Vec::new();
                let mut every = tokio::time::interval(ARRIVES_EVERY);
                for n in (place..).step_by(ARRIVING) {
                    every.tick().await;
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let subject = format!("meant-{}", n % subjects);
                    let body = json!({"subject": subject, "client": application});
                    let born = ask(&mut client, 201, &post("/v1/sessions", body)).await?;
                    arrivals.push(Arrival {
                        token: text(&born["token"]).to_owned(),
                        created_at: text(&born["session"]["created_at"]).to_owned(),
                    });
                    let_in.fetch_add(1, Ordering::Relaxed);
                }
                Ok(arrivals)
            })
        });
        Self {
            is_over: Arc::clone(&is_over),
            let_in: Arc::clone(&let_in),
            tasks: tasks.collect(),
        }
    }

    /// Waits until so many are let in.
    async fn until(&self, count: usize) {
        while self.let_in.load(Ordering::Relaxed) < count {
            tokio::time::sleep(ARRIVES_EVERY).await;
        }
    }

    async fn end(self) -> io::Result<Vec<Arrival>> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for task in self.tasks {
            all.extend(task.await.expect("a caller does not panic")?);
        }
        Ok(all)
    }
}
