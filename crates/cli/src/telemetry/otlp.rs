//! How spans are written for a collector: the part of OTLP's protocol buffers that we say.
//!
//! Nine messages with a few fields each; a library for it would bring more code than the program
//! has. Field numbers are those of `opentelemetry/proto/trace/v1/trace.proto`, release 1.

use std::time::{SystemTime, UNIX_EPOCH};

use super::collect::{Done, Span};

/// `SPAN_KIND_INTERNAL` and `SPAN_KIND_SERVER`.
const INTERNAL: u64 = 1;
const SERVER: u64 = 2;

/// `STATUS_CODE_ERROR`.
const ERROR: u64 = 2;

/// An `ExportTraceServiceRequest` with all of these.
pub(super) fn request(batch: &[Done]) -> Vec<u8> {
    let mut resource = Vec::new();
    message(&mut resource, 1, &text("service.name", "innkeeper"));
    message(
        &mut resource,
        1,
        &text("service.version", env!("CARGO_PKG_VERSION")),
    );
    let mut scope = Vec::new();
    message(&mut scope, 1, b"innkeeper");
    let mut spans = Vec::new();
    message(&mut spans, 1, &scope);
    for done in batch {
        message(&mut spans, 2, &span(done));
    }
    let mut of_resource = Vec::new();
    message(&mut of_resource, 1, &resource);
    message(&mut of_resource, 2, &spans);
    let mut request = Vec::new();
    message(&mut request, 1, &of_resource);
    request
}

fn span(Done { span, ended_at }: &Done) -> Vec<u8> {
    let mut to = Vec::new();
    message(&mut to, 1, &span.trace.to_be_bytes());
    message(&mut to, 2, &span.id.to_be_bytes());
    if let Some(parent) = span.parent {
        message(&mut to, 4, &parent.to_be_bytes());
    }
    message(&mut to, 5, span.name.as_bytes());
    number(&mut to, 6, if span.is_request { SERVER } else { INTERNAL });
    moment(&mut to, 7, span.begun_at);
    moment(&mut to, 8, *ended_at);
    for (name, value) in &span.texts {
        message(&mut to, 9, &text(name, value));
    }
    for (name, value) in &span.numbers {
        let mut any = Vec::new();
        number(&mut any, 3, value.cast_unsigned());
        message(&mut to, 9, &named(name, &any));
    }
    if has_failed(span) {
        let mut status = Vec::new();
        number(&mut status, 3, ERROR);
        message(&mut to, 15, &status);
    }
    to
}

fn has_failed(span: &Span) -> bool {
    let mut numbers = span.numbers.iter();
    numbers.any(|(name, value)| *name == "http.response.status_code" && *value >= 500)
}

/// A `KeyValue` of a text.
fn text(name: &str, value: &str) -> Vec<u8> {
    let mut any = Vec::new();
    message(&mut any, 1, value.as_bytes());
    named(name, &any)
}

fn named(name: &str, any: &[u8]) -> Vec<u8> {
    let mut pair = Vec::new();
    message(&mut pair, 1, name.as_bytes());
    message(&mut pair, 2, any);
    pair
}

/// A field of bytes, a text or a message.
fn message(to: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(to, field << 3 | 2);
    varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

fn number(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3);
    varint(to, value);
}

/// A field of nanoseconds since 1970, of fixed width.
fn moment(to: &mut Vec<u8>, field: u64, at: SystemTime) {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    varint(to, field << 3 | 1);
    to.extend_from_slice(&nanoseconds.to_le_bytes());
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_numbers_when_written_then_they_are_those_of_the_standard() {
        let mut to = Vec::new();

        number(&mut to, 1, 150);
        message(&mut to, 2, b"testing");

        // The examples of the encoding guide of protocol buffers.
        assert_eq!(to[..3], [0x08, 0x96, 0x01]);
        assert_eq!(to[3..], *b"\x12\x07testing");
    }
}
