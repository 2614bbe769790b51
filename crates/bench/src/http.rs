//! `/v1/check` and `/forward-auth` over HTTP: processor time a request and latency, beside servers
//! that answer a constant.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::child::{self, Process};
use crate::constant::LISTENS;
use crate::load::Load;
use crate::machine::{Pinned, cpu_nanoseconds, waiting_nanoseconds};
use crate::row::Row;
use crate::stats::{Rounds, figure, median, percentile};
use crate::{BenchError, Run};

const CONNECTIONS: usize = 64;
/// How often each takes its turn in a round of latencies, and for how long.
const TURNS: usize = 20;
const TURN: Duration = Duration::from_millis(100);
const GOAL: &str = "at most 1.11 times the floor (0.90 of it), then 1.05, then bare hyper";

/// What the server is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asked {
    /// `POST /v1/check`, by an application.
    Check,
    /// `GET /forward-auth`, by a proxy for a browser with its cookies.
    ForwardAuth,
}

impl Asked {
    /// The rows that are wanted by name.
    pub(crate) const fn rows(self) -> [&'static str; 2] {
        match self {
            Self::Check => ["http_check", "http_check_p99"],
            Self::ForwardAuth => ["http_forward_auth", "http_forward_auth_p99"],
        }
    }

    fn request(self, key: &str, token: &str) -> Vec<u8> {
        match self {
            Self::Check => request("/v1/check", key, &format!(r#"{{"token":"{token}"}}"#)),
            Self::ForwardAuth => format!(
                "GET /forward-auth HTTP/1.1\r\nhost: localhost\r\nx-forwarded-method: GET\r\n\
                 x-forwarded-uri: /reports?year=2026\r\nx-forwarded-for: 192.0.2.7\r\n\
                 x-forwarded-proto: https\r\naccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n\
                 user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
                 cookie: theme=dark; __Host-innkeeper={token}\r\n\r\n"
            )
            .into_bytes(),
        }
    }
}

pub(crate) fn measure(
    asked: Asked,
    run: &Run<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, BenchError> {
    let [name, p99] = asked.rows();
    progress(&format!("{name}: starting servers"));
    let folder = run.folder()?;
    let mut ours = on_first(|| child::start_server(&run.keeper, folder.path()))?;
    let address = ours.address("innkeeper listens on http://")?;
    let address = socket(&address)?;
    let requests = sign_in(asked, address, folder.path())?;
    let length = answer_len(address, &requests[0])?.to_string();
    let mut axum = on_first(|| child::start_part(&run.keeper, "axum", &[&length]))?;
    let axum_address = socket(&axum.address(LISTENS)?)?;
    let mut hyper = on_first(|| child::start_part(&run.keeper, "hyper", &[&length]))?;
    let hyper_address = socket(&hyper.address(LISTENS)?)?;

    let _apart = Pinned::to_others()?;
    let mut sides = [
        Side::new(ours, address, &requests)?,
        Side::new(axum, axum_address, &requests)?,
        Side::new(hyper, hyper_address, &requests)?,
    ];
    let (rounds, span) = if run.quick {
        (3, Duration::from_millis(300))
    } else {
        (9, Duration::from_millis(700))
    };
    progress(&format!("{name}: processor time a request"));
    for side in &mut sides {
        side.cpu(span)?;
    }
    let (mut to_axum, mut to_hyper) = (Rounds::default(), Rounds::default());
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let [check, axum, hyper] = &mut sides;
        let (check, axum, hyper) = (check.cpu(span)?, axum.cpu(span)?, hyper.cpu(span)?);
        to_axum.push(check.0, axum.0);
        to_hyper.push(check.0, hyper.0);
        rates.push(check.1);
    }

    let mut rows = Vec::new();
    if run.wants(name) {
        let axum = "an axum handler that answers a constant";
        let hyper = "hyper alone that answers a constant";
        let unit = "CPU µs a request";
        rows.push(to_axum.row(name, unit, axum).goal(GOAL));
        let beside = format!("{name}_to_hyper");
        rows.push(to_hyper.row(&beside, unit, hyper).beside());
    }
    if run.wants(p99) {
        progress(&format!("{p99}: latency at half the load it can carry"));
        let half = median(&rates) / 2.0;
        let [check, axum, _] = &mut sides;
        let (latency, waited) = latencies(check, axum, half, rounds)?;
        let floor = "the axum handler at the same offered load";
        let latency = latency.row(p99, "µs", floor);
        rows.push(latency.goal("at most 1.2 times the floor"));
        let beside = format!("{name}_offered");
        rows.push(Row::alone(&beside, half, "requests a second").beside());
        let (beside, unit) = (format!("{name}_waited"), "% of the time ready, and not run");
        let floor = "the axum handler in the same turns";
        rows.push(waited.row(&beside, unit, floor).beside());
    }
    Ok(rows)
}

/// The latencies of both at a fixed rate, and for how much of that time others had the processor.
///
/// A processor that is taken for four milliseconds delays all that come meanwhile, which is more
/// than one of a hundred of half a second. So a round is long, and both take many turns in it: what
/// one neighbour does falls on both. What is left of it shows in how long they waited.
fn latencies(
    check: &mut Side,
    axum: &mut Side,
    rate: f64,
    rounds: usize,
) -> Result<(Rounds, Rounds), BenchError> {
    let (mut latency, mut waited) = (Rounds::default(), Rounds::default());
    for _ in 0..rounds {
        let (mut ours, mut floor) = (Offered::default(), Offered::default());
        for _ in 0..TURNS {
            ours.add(check, rate)?;
            floor.add(axum, rate)?;
        }
        latency.push(ours.p99(), floor.p99());
        waited.push(ours.waited(), floor.waited());
    }
    Ok((latency, waited))
}

/// What came of the turns of one side.
#[derive(Default)]
struct Offered {
    seconds: Vec<f64>,
    waited: u64,
    span: Duration,
}

impl Offered {
    fn add(&mut self, side: &mut Side, rate: f64) -> Result<(), BenchError> {
        let before = waiting_nanoseconds(side.process.id())?;
        let carried = side.load.at_rate(rate, TURN)?;
        self.waited += waiting_nanoseconds(side.process.id())? - before;
        self.seconds.extend(carried.latencies);
        self.span += carried.span;
        Ok(())
    }

    /// The latency in microseconds that one of a hundred requests exceeds.
    fn p99(&self) -> f64 {
        percentile(&self.seconds, 99) * 1e6
    }

    /// In hundredths.
    fn waited(&self) -> f64 {
        figure(self.waited) / 1e7 / self.span.as_secs_f64()
    }
}

/// Starts a child that stays on one processor, as do all its threads.
fn on_first(start: impl FnOnce() -> Result<Process, BenchError>) -> Result<Process, BenchError> {
    let _there = Pinned::to_first()?;
    start()
}

/// A server under load.
struct Side {
    process: Process,
    load: Load,
}

impl Side {
    fn new(
        process: Process,
        address: SocketAddr,
        requests: &[Vec<u8>],
    ) -> Result<Self, BenchError> {
        let load = Load::connect(address, requests.to_vec())?;
        Ok(Self { process, load })
    }

    /// Microseconds of processor time a request, and requests a second.
    fn cpu(&mut self, span: Duration) -> Result<(f64, f64), BenchError> {
        let before = cpu_nanoseconds(self.process.id())?;
        let carried = self.load.without_pause(span)?;
        let spent = cpu_nanoseconds(self.process.id())? - before;
        Ok((
            figure(spent) / 1e3 / figure(carried.answered),
            carried.rate(),
        ))
    }
}

/// Signs subjects in, and makes the request that asks about each.
fn sign_in(asked: Asked, address: SocketAddr, data: &Path) -> Result<Vec<Vec<u8>>, BenchError> {
    let key = fs::read_to_string(data.join("admin.key"))?;
    let key = key.trim();
    (0..CONNECTIONS)
        .map(|number| {
            let body = format!(
                r#"{{"subject":"subject-{number}","client":"web","methods":["pwd"],"assurance":1,"ip":"192.0.2.7","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}"#
            );
            let answer = call(address, &request("/v1/sessions", key, &body))?;
            let answer: serde_json::Value =
                serde_json::from_str(&answer).map_err(std::io::Error::from)?;
            let token = answer["token"]
                .as_str()
                .ok_or(BenchError::Wrong("a sign-in gave no token"))?;
            Ok(asked.request(key, token))
        })
        .collect()
}

fn request(path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn answer_len(address: SocketAddr, request: &[u8]) -> Result<usize, BenchError> {
    Ok(call(address, request)?.len())
}

/// One call on a connection of its own; the body of the answer.
fn call(address: SocketAddr, request: &[u8]) -> Result<String, BenchError> {
    let mut stream = TcpStream::connect(address)?;
    let closing = String::from_utf8_lossy(request).replacen(
        "host: localhost\r\n",
        "host: localhost\r\nconnection: close\r\n",
        1,
    );
    stream.write_all(closing.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(BenchError::Wrong("a server answered nothing"))?;
    if head.starts_with("HTTP/1.1 20") {
        Ok(body.to_owned())
    } else {
        Err(BenchError::Wrong("a server refused a request"))
    }
}

fn socket(text: &str) -> Result<SocketAddr, BenchError> {
    text.parse()
        .map_err(|_| BenchError::Wrong("a server named no address"))
}
