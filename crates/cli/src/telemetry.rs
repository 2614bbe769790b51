//! Traces: the spans of each request, sent to a collector as OpenTelemetry's OTLP over HTTP.
//!
//! A request hands its finished spans to a queue and goes on. Where the collector is slow or
//! gone, the queue fills and spans are dropped; no request waits. Spans name routes, methods and
//! steps of ours, never what somebody sent.

mod collect;
mod otlp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, redirect};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use collect::Collector;
use collect::Done;

use crate::config::Config;
use crate::exit::Failure;
use crate::outgoing::Outgoing;
use crate::trust;

/// How many finished spans may wait for the collector.
const QUEUE: usize = 8_192;

/// How many are sent at once.
const BATCH: usize = 512;

/// How long to gather before sending.
const GATHER: Duration = Duration::from_millis(200);

/// How long the collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the last batch may take when we stop.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often a collector that does not take them is spoken of.
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);

/// What sends the spans.
#[derive(Debug)]
pub(crate) struct Exporter {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

/// Gets ready to send traces, where the configuration says where to. Nothing is sent yet.
pub(crate) fn start(config: &Config) -> Result<Option<(Collector, Exporter)>, Failure> {
    let Some(endpoint) = &config.telemetry.endpoint else {
        return Ok(None);
    };
    let refused =
        |why: String| Failure::usage(format!("configuration refused\ntelemetry.endpoint: {why}"));
    let outgoing = Outgoing::new(&config.outgoing.allow);
    let way = outgoing.way_to(endpoint).map_err(refused)?;
    let trusted = if endpoint.starts_with("https:") {
        trust::by(config.telemetry.ca_file.as_deref())?
    } else {
        trust::nobody()?
    };
    let client = Client::builder()
        .use_preconfigured_tls(trusted)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .dns_resolver(Arc::new(way))
        .timeout(PATIENCE)
        .build()
        .map_err(|error| Failure::cannot_run("no calls can be made", error))?;

    let (queue, waiting) = mpsc::channel(QUEUE);
    let (stop, stopped) = oneshot::channel();
    let dropped = Arc::new(AtomicU64::new(0));
    let sender = Sender {
        client,
        url: format!("{endpoint}/v1/traces"),
        dropped: Arc::clone(&dropped),
        complained_at: None,
    };
    let task = tokio::spawn(sender.run(waiting, stopped));
    let collector = Collector::new(queue, dropped);
    Ok(Some((collector, Exporter { task, stop })))
}

impl Exporter {
    /// Sends what is finished, if the collector takes it soon.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        let task = self.task.abort_handle();
        if timeout(LAST_WORDS, self.task).await.is_err() {
            task.abort();
        }
    }
}

struct Sender {
    client: Client,
    url: String,
    /// How many spans found the queue full.
    dropped: Arc<AtomicU64>,
    complained_at: Option<Instant>,
}

impl Sender {
    async fn run(mut self, mut waiting: mpsc::Receiver<Done>, mut stopped: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut is_last = false;
        while !is_last {
            tokio::select! {
                biased;
                _ = &mut stopped => is_last = true,
                _ = waiting.recv_many(&mut batch, BATCH) => tokio::select! {
                    () = sleep(GATHER) => {}
                    _ = &mut stopped => is_last = true,
                }
            }
            while batch.len() < BATCH || is_last {
                let Ok(done) = waiting.try_recv() else { break };
                batch.push(done);
            }
            if !batch.is_empty() {
                self.send(&batch).await;
                batch.clear();
            }
        }
    }

    async fn send(&mut self, batch: &[Done]) {
        let request = self.client.post(&self.url);
        let request = request.header(CONTENT_TYPE, "application/x-protobuf");
        let answer = request.body(otlp::request(batch)).send().await;
        let why = match answer.and_then(reqwest::Response::error_for_status) {
            Ok(_) if self.dropped.load(Ordering::Relaxed) == 0 => return,
            Ok(_) => None,
            Err(error) => {
                self.dropped
                    .fetch_add(batch.len() as u64, Ordering::Relaxed);
                Some(error.without_url())
            }
        };
        if self
            .complained_at
            .is_none_or(|at| at.elapsed() > COMPLAIN_EVERY)
        {
            self.complained_at = Some(Instant::now());
            let dropped = self.dropped.swap(0, Ordering::Relaxed);
            let error = why.as_ref().map(|error| error as &dyn std::error::Error);
            tracing::warn!(dropped, error, "the collector does not take all spans");
        }
    }
}
