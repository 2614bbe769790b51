//! The log: one line for each thing that is said, for people or for programs.
//!
//! Each line carries the id of the request that it speaks of. What is in a line may have been
//! sent by anybody, so nothing in it acts on a terminal, forges another line, or goes on without
//! end.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{IsTerminal, stderr};
use std::time::{SystemTime, UNIX_EPOCH};

use innkeeper_api::Timestamp;
use innkeeper_http::request_id::RequestId;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
#[cfg(feature = "otel")]
use tracing_subscriber::Layer as _;
#[cfg(feature = "otel")]
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{self as lines, FmtContext};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat, LogLevel};
use crate::escape::acts_on_a_reader;
#[cfg(feature = "otel")]
use crate::telemetry::Collector;

/// The most characters of one text in a line.
const CHARS_MAX: usize = 2_000;

/// Starts the log on standard error.
///
/// `RUST_LOG` holds over the level: it can name parts of the program, for those who look into it.
pub(crate) fn start(settings: &Log, #[cfg(feature = "otel")] traces: Option<Collector>) {
    let level = match settings.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "warn,innkeeper=debug",
        LogLevel::Trace => "info,innkeeper=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = lines::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        // They would be written to the same place, by a call that panics if it cannot.
        .log_internal_errors(false)
        .event_format(Layout(settings.format));
    #[cfg(not(feature = "otel"))]
    registry().with(filter).with(lines).init();
    #[cfg(feature = "otel")]
    registry()
        .with(lines.with_filter(filter))
        .with(traces.map(|traces| traces.with_filter(filter_fn(Collector::wants))))
        .init();
}

/// How a line is written.
struct Layout(LogFormat);

impl<S, N> FormatEvent<S, N> for Layout
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let line = Line {
            at: now(),
            level: event.metadata().level(),
            target: event.metadata().target(),
            request: RequestId::current(),
            said,
        };
        match self.0 {
            LogFormat::Text => line.text(&mut to),
            LogFormat::Json => line.json(&mut to),
        }
    }
}

fn now() -> Option<Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Timestamp::from_millis(i64::try_from(since.as_millis()).ok()?)
}

struct Line<'a> {
    at: Option<Timestamp>,
    level: &'a Level,
    target: &'a str,
    request: Option<RequestId>,
    said: Said,
}

impl Line<'_> {
    /// When, how grave, for which request, what; then the values by name.
    fn text(&self, to: &mut Writer<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(to, "{at} ")?;
        }
        if to.has_ansi_escapes() {
            let colour = match *self.level {
                Level::ERROR => 31,
                Level::WARN => 33,
                Level::INFO => 32,
                Level::DEBUG | Level::TRACE => 34,
            };
            write!(to, "\u{1b}[{colour}m{:>5}\u{1b}[0m", self.level)?;
        } else {
            write!(to, "{:>5}", self.level)?;
        }
        write!(to, " {}", escaped(&self.said.message))?;
        for (name, value) in &self.said.values {
            let shown = match value {
                Value::String(text) if is_one_word(text) => escaped(text),
                Value::String(text) => format!("{:?}", cut(text)),
                other => other.to_string(),
            };
            write!(to, " {name}={shown}")?;
        }
        if let Some(request) = self.request {
            write!(to, " request_id={request}")?;
        }
        writeln!(to)
    }

    /// One object: `at`, `level`, `message`, `request_id`, `target`, and the values by name.
    fn json(&self, to: &mut Writer<'_>) -> fmt::Result {
        let mut object = serde_json::Map::new();
        for (name, value) in &self.said.values {
            let value = match value {
                Value::String(text) => json!(cut(text)),
                other => other.clone(),
            };
            object.insert((*name).to_owned(), value);
        }
        let level = self.level.as_str().to_ascii_lowercase();
        object.insert("at".to_owned(), json!(self.at));
        object.insert("level".to_owned(), json!(level));
        object.insert("message".to_owned(), json!(cut(&self.said.message)));
        object.insert("target".to_owned(), json!(self.target));
        if let Some(request) = self.request {
            object.insert("request_id".to_owned(), json!(request.to_string()));
        }
        for c in Value::Object(object).to_string().chars() {
            if acts_on_a_reader(c) {
                // All of them lie in the first plane, which this form covers.
                write!(to, "\\u{:04x}", u32::from(c))?;
            } else {
                to.write_char(c)?;
            }
        }
        writeln!(to)
    }
}

/// Whether a value reads well without quotes.
fn is_one_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '=' | '\\'))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in cut(text).chars() {
        if acts_on_a_reader(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// What one event says.
#[derive(Default)]
struct Said {
    message: String,
    values: Vec<(&'static str, Value)>,
}

impl Said {
    fn note(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => self.values.push((name, value)),
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, json!(value));
    }

    /// With what led to it.
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.note(field, json!(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[31mb\r\nc\u{9b}d\u{202e}e";

    fn line(hostile: &str) -> Line<'static> {
        let values = vec![("name", json!(hostile)), ("status", json!(200))];
        Line {
            at: Timestamp::from_millis(0),
            level: &Level::INFO,
            target: "t",
            request: None,
            said: Said {
                message: hostile.to_owned(),
                values,
            },
        }
    }

    #[test]
    fn given_hostile_text_when_a_line_is_written_then_it_is_one_line_that_does_nothing() {
        let mut text = String::new();
        line(HOSTILE)
            .text(&mut Writer::new(&mut text))
            .expect("it fits");
        let mut json = String::new();
        line(HOSTILE)
            .json(&mut Writer::new(&mut json))
            .expect("it fits");

        for written in [&text, &json] {
            let body = written.strip_suffix('\n').expect("it ends a line");
            assert!(!body.contains(acts_on_a_reader), "{body:?}");
        }
        let read: Value = serde_json::from_str(&json).expect("it is JSON");
        assert_eq!(read["name"], HOSTILE);
        assert_eq!(read["status"], 200);
    }

    #[test]
    fn given_very_long_text_when_a_line_is_written_then_it_is_cut() {
        let mut text = String::new();
        let long = "x".repeat(100_000);

        line(&long)
            .text(&mut Writer::new(&mut text))
            .expect("it fits");

        assert!(text.chars().count() < 2 * CHARS_MAX + 200, "{}", text.len());
    }
}
