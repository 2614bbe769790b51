//! Server-sent events: how a live answer is written down (WHATWG HTML, 9.2).

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::HeaderMap;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::json;

use crate::openapi::Operation;
use crate::route::Answer;

/// How long a stream may be silent. Below what proxies take for a dead connection.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);

pub(crate) const EVENT_STREAM: &str = "text/event-stream";
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// An answer that goes on. See [`answer`].
#[derive(Debug)]
pub(crate) struct Stream(Response);

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Answer for Stream {
    fn describe(operation: &mut Operation<'_>) {
        let schema = json!({"type": "string"});
        operation.answers_as(StatusCode::OK, EVENT_STREAM, &schema);
    }
}

/// Whether the caller asks for a stream.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|kind| kind.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case(EVENT_STREAM))
}

/// The last message that a caller who comes back has seen.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(LAST_EVENT_ID)?.to_str().ok()?;
    Some(value).filter(|id| !id.is_empty())
}

/// An answer that goes on for as long as `step` has something to say.
///
/// Nothing is made ahead of what the peer takes: the next step is taken when the one before has
/// been handed to the connection, whose own timer cuts off a peer that takes nothing.
pub(crate) fn answer<S, F>(state: S, step: impl FnMut(S) -> F + Send + 'static) -> Stream
where
    S: Send + 'static,
    F: Future<Output = Option<(String, S)>> + Send + 'static,
{
    let mut step = step;
    let steps = stream::unfold(state, move |state| {
        let next = step(state);
        async move {
            let (text, state) = next.await?;
            Some((Ok::<_, Infallible>(Bytes::from(text)), state))
        }
    });
    let mut response = Response::new(Body::from_stream(steps));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    // nginx would gather what we send.
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Stream(response)
}

/// The first words: how long to wait before coming back, and where to go on then.
pub(crate) fn greeting(id: Option<&str>) -> String {
    let mut text = String::from("retry: 1000\n");
    place(&mut text, id);
    text.push_str(":\n\n");
    text
}

/// A sign of life. With an id it moves the place to go on from, though nothing happened.
pub(crate) fn heartbeat(id: Option<&str>) -> String {
    let mut text = String::new();
    place(&mut text, id);
    text.push_str(":\n\n");
    text
}

/// A message, which is JSON on one line.
pub(crate) fn message(text: &mut String, id: Option<&str>, data: &impl Serialize) {
    place(text, id);
    let data = serde_json::to_string(data).expect("what we show has string keys");
    let _ = writeln!(text, "data: {data}\n");
}

/// A word about the stream itself, under a name of its own.
pub(crate) fn word(name: &str, data: &impl Serialize) -> String {
    let mut text = format!("event: {name}\n");
    message(&mut text, None, data);
    text
}

fn place(text: &mut String, id: Option<&str>) {
    if let Some(id) = id {
        let _ = writeln!(text, "id: {id}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepting(values: &[&'static str]) -> HeaderMap {
        let value = |text: &&'static str| (ACCEPT, HeaderValue::from_static(text));
        values.iter().map(value).collect()
    }

    #[test]
    fn given_what_a_caller_accepts_when_a_stream_is_among_it_then_it_is_wanted() {
        assert!(is_wanted(&accepting(&["text/event-stream"])));
        assert!(is_wanted(&accepting(&["*/*, Text/Event-Stream;q=0.9"])));
        assert!(is_wanted(&accepting(&["text/html", "text/event-stream"])));
        assert!(!is_wanted(&accepting(&[])));
        assert!(!is_wanted(&accepting(&["*/*"])));
        assert!(!is_wanted(&accepting(&["text/event-streams"])));
    }

    #[test]
    fn given_hostile_text_when_it_is_put_into_a_message_then_it_stays_on_its_line() {
        let mut text = String::new();

        message(&mut text, Some("abc"), &json!({"name": "a\n\ndata: b\r"}));

        assert_eq!(text, "id: abc\ndata: {\"name\":\"a\\n\\ndata: b\\r\"}\n\n");
    }
}
