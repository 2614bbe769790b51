//! Which calls of the API the book really makes.
//!
//! The server says so itself: it counts its answers by the route that gave them, so neither a
//! path in prose nor a command that failed passes for an example. Counted are answers with 2xx to
//! what an example sends by itself: a command of ours makes calls too, and shows none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::chapter::Example;
use crate::support;

/// A method and the path of a route, such as `GET /v1/sessions/{id}`.
pub(crate) type Call = String;

/// What one server has answered so far.
pub(crate) struct Answered {
    base: String,
    /// How often each route, under its answers with 2xx.
    before: BTreeMap<Call, u64>,
}

impl Answered {
    pub(crate) fn begin(base: &str) -> Self {
        let mut answered = Self {
            base: base.to_owned(),
            before: BTreeMap::new(),
        };
        answered.since();
        answered
    }

    /// The calls that an example made by itself. Asked after each, so that none of them is taken
    /// for one of the next.
    pub(crate) fn by(&mut self, example: &Example) -> BTreeSet<Call> {
        let calls = self.since();
        if example.command.contains("innkeeper ") {
            return BTreeSet::new();
        }
        calls
    }

    fn since(&mut self) -> BTreeSet<Call> {
        let now = successes(&scraped(&self.base));
        let before = |call| self.before.get(call).copied().unwrap_or_default();
        let calls = now.iter().filter(|(call, count)| **count > before(*call));
        let calls = calls.map(|(call, _)| call.clone()).collect();
        self.before = now;
        // The text was written before it was counted that we asked for it.
        *self.before.entry("GET /metrics".to_owned()).or_default() += 1;
        calls
    }
}

/// Every call that is published. What `API.md` of a later version adds is in the document with
/// its route: the transmitter of security events (`/v1/signals`) and `/v1/audit` have none yet.
pub(crate) fn published() -> BTreeSet<Call> {
    const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/openapi.json");
    let text = std::fs::read_to_string(file).expect("it is published");
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    let paths = document["paths"].as_object().expect("it has paths");
    let mut calls = BTreeSet::new();
    for (path, item) in paths {
        for (method, _) in item.as_object().expect("a path has methods") {
            if METHODS.contains(&method.as_str()) {
                calls.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    assert!(calls.len() > 40, "the document names few calls: {calls:?}");
    calls
}

fn scraped(base: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a chapter may have a thread");
    runtime.block_on(async {
        let answer = support::client().get(format!("{base}/metrics")).send();
        let answer = answer.await.expect("the server of a chapter runs");
        answer.text().await.expect("metrics are text")
    })
}

/// How many answers with 2xx each route has given, in the text of Prometheus.
fn successes(metrics: &str) -> BTreeMap<Call, u64> {
    let mut counts = BTreeMap::new();
    for line in metrics.lines() {
        let Some(rest) = line.strip_prefix("innkeeper_http_requests_total{") else {
            continue;
        };
        let (labels, count) = rest.split_once("} ").expect("a sample has a value");
        let label = |name: &str| {
            let (_, value) = labels
                .split_once(&format!("{name}=\""))
                .expect("it is there");
            value.split('"').next().unwrap_or_default()
        };
        if label("status").starts_with('2') {
            let call = format!("{} {}", label("method"), label("route"));
            *counts.entry(call).or_default() += count.parse::<u64>().expect("it is a number");
        }
    }
    counts
}

#[test]
fn given_what_a_server_counted_when_read_then_refusals_are_no_example_of_a_call() {
    let metrics = "# TYPE innkeeper_http_requests_total counter\n\
        innkeeper_http_requests_total{method=\"GET\",route=\"/me\",status=\"200\"} 2\n\
        innkeeper_http_requests_total{method=\"POST\",route=\"/v1/users\",status=\"201\"} 1\n\
        innkeeper_http_requests_total{method=\"POST\",route=\"/v1/users\",status=\"200\"} 1\n\
        innkeeper_http_requests_total{method=\"GET\",route=\"/v1/keys\",status=\"403\"} 7\n\
        innkeeper_ready 1\n";

    let counted = successes(metrics);

    let expected = [("GET /me", 2), ("POST /v1/users", 2)];
    let expected = expected.map(|(call, count)| (call.to_owned(), count));
    assert_eq!(counted, BTreeMap::from(expected));
}
