//! From spans of the program to spans of a trace.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use innkeeper_http::traceparent::TraceParent;
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Notes the spans of this program, and queues each once it is finished.
pub(crate) struct Collector {
    queue: mpsc::Sender<Done>,
    dropped: Arc<AtomicU64>,
    /// Where ids come from: unlike each other, and nobody else's to foretell.
    ids: RandomState,
    count: AtomicU64,
}

/// A finished span.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) span: Span,
    pub(super) ended_at: SystemTime,
}

/// What a span says of itself.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) trace: u128,
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    pub(super) name: String,
    pub(super) is_request: bool,
    pub(super) begun_at: SystemTime,
    pub(super) texts: Vec<(&'static str, String)>,
    pub(super) numbers: Vec<(&'static str, i64)>,
    is_sampled: bool,
}

impl Collector {
    pub(super) fn new(queue: mpsc::Sender<Done>, dropped: Arc<AtomicU64>) -> Self {
        Self {
            queue,
            dropped,
            ids: RandomState::new(),
            count: AtomicU64::new(0),
        }
    }

    /// Whether a span is one of ours. Those of libraries may speak of what was sent.
    pub(crate) fn wants(what: &Metadata<'_>) -> bool {
        what.is_span() && what.target().starts_with("innkeeper_") && *what.level() <= Level::DEBUG
    }

    /// Never zero, which would mean none.
    fn id(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        self.ids.hash_one(count).max(1)
    }

    fn begin(&self, name: &str, parent: Option<&Span>) -> Span {
        let trace = parent.map_or_else(
            || u128::from(self.id()) << 64 | u128::from(self.id()),
            |parent| parent.trace,
        );
        Span {
            trace,
            id: self.id(),
            parent: parent.map(|parent| parent.id),
            name: name.to_owned(),
            is_request: parent.is_none(),
            begun_at: SystemTime::now(),
            texts: Vec::new(),
            numbers: Vec::new(),
            is_sampled: parent.is_none_or(|parent| parent.is_sampled),
        }
    }
}

impl<S> Layer<S> for Collector
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, said: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let parent = span.parent();
        let parent = parent.and_then(|parent| parent.extensions().get::<Span>().cloned());
        let mut begun = self.begin(span.name(), parent.as_ref());
        said.record(&mut begun);
        span.extensions_mut().insert(begun);
    }

    fn on_record(&self, id: &Id, said: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(begun) = span.extensions_mut().get_mut::<Span>()
        {
            said.record(begun);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id);
        let Some(span) = span.and_then(|span| span.extensions_mut().remove::<Span>()) else {
            return;
        };
        if !span.is_sampled {
            return;
        }
        let ended_at = SystemTime::now();
        if self.queue.try_send(Done { span, ended_at }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "traceparent" => {
                if let Some(caller) = TraceParent::parse(value) {
                    self.trace = caller.trace;
                    self.parent = Some(caller.span);
                    self.is_sampled = caller.is_sampled;
                }
            }
            "method" => {
                value.clone_into(&mut self.name);
                self.texts.push(("http.request.method", value.to_owned()));
            }
            "route" => {
                self.name = format!("{} {value}", self.name);
                self.texts.push(("http.route", value.to_owned()));
            }
            "id" => self.texts.push(("innkeeper.request_id", value.to_owned())),
            name => self.texts.push((name, value.to_owned())),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        let name = match field.name() {
            "status" => "http.response.status_code",
            name => name,
        };
        self.numbers.push((name, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }
}
