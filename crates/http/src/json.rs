//! JSON in and out, held to the contract.

pub(crate) mod written;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use innkeeper_api::ProblemCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body::read_body;
use crate::diagnosis::Tree;
use crate::problem::{ProblemAnswer, invalid};

/// How deep lists and objects may lie in each other.
pub const DEPTH_MAX: usize = 32;

/// How many headers most answers have, those of HTTP itself included.
const HEADERS: usize = 6;

/// A JSON object: as an extractor the body of the request, as an answer its body.
///
/// Another content type is 415, a body too large 413 and one too slow 408. JSON that is
/// malformed, too deep or no object, unknown or repeated members and wrong types are 422
/// `invalid-request` with the field that is wrong; the value that was sent is never repeated.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ProblemAnswer;

    async fn from_request(request: Request, _: &S) -> Result<Self, ProblemAnswer> {
        let (parts, body) = request.into_parts();
        read(&parts.headers, body).await.map(Self)
    }
}

/// Reads the body of a request with these headers.
pub(crate) async fn read<T, B>(headers: &HeaderMap, body: B) -> Result<T, ProblemAnswer>
where
    T: DeserializeOwned,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    check_content_type(headers)?;
    parse(&read_body(body).await?)
}

/// The same, where the body may be left out.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<T, S> FromRequest<S> for OptionalJson<T>
where
    T: Default + DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ProblemAnswer;

    async fn from_request(request: Request, _: &S) -> Result<Self, ProblemAnswer> {
        let (parts, body) = request.into_parts();
        let body = read_body(body).await?;
        // Some clients name a type on every call, also where nothing follows.
        if body.is_empty() && !parts.headers.contains_key(CONTENT_TYPE) {
            return Ok(Self(T::default()));
        }
        check_content_type(&parts.headers)?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        parse(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match self.write() {
            Ok(response) => response.map(Body::from),
            Err(refusal) => refusal.into_response(),
        }
    }
}

impl<T: Serialize> Json<T> {
    /// The answer with its body as bytes.
    pub(crate) fn write(&self) -> Result<http::Response<Bytes>, ProblemAnswer> {
        match written::to_vec(&self.0) {
            Ok(json) => Ok(answer(json, HeaderValue::from_static("application/json"))),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Err(ProblemCode::Internal.into())
            }
        }
    }
}

/// An answer of JSON in this media type, with room for the headers that every answer gets.
pub(crate) fn answer(json: Vec<u8>, media_type: HeaderValue) -> http::Response<Bytes> {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(CONTENT_TYPE, media_type);
    let mut response = http::Response::new(Bytes::from(json));
    *response.headers_mut() = headers;
    response
}

/// Reads a JSON object, or says what is wrong with it.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ProblemAnswer> {
    if is_too_deep(body) {
        return Err(invalid("", format!("expected at most {DEPTH_MAX} levels")));
    }
    // serde would also take a list of the members in order.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|byte| *byte != b'{') {
        return Err(invalid("", "expected a JSON object"));
    }
    serde_json::from_slice(body).map_err(|_| diagnose::<T>(body))
}

fn diagnose<T: DeserializeOwned>(body: &[u8]) -> ProblemAnswer {
    match serde_json::from_slice::<Tree>(body) {
        Err(error) => invalid(
            "",
            format!(
                "expected JSON, and it is malformed at line {}, column {}",
                error.line(),
                error.column()
            ),
        ),
        Ok(tree) => match tree.read::<T>() {
            Err(field) => invalid(field.field, field.message),
            Ok(_) => invalid("", "expected another value"),
        },
    }
}

/// Whether lists and objects lie in each other deeper than [`DEPTH_MAX`].
///
/// Looked at before parsing, so that no parser's own recursion bound is relied upon. Where no more
/// than so many begin at all, wherever that is, none can be deeper.
fn is_too_deep(json: &[u8]) -> bool {
    let begun = json.iter().filter(|byte| matches!(byte, b'{' | b'['));
    if begun.count() <= DEPTH_MAX {
        return false;
    }
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut escaped = false;
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// JSON is always UTF-8 (RFC 8259), so a `charset` of that name is let pass and no other.
pub(crate) fn check_content_type(headers: &HeaderMap) -> Result<(), ProblemAnswer> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = matches!(
        (types.next().map(HeaderValue::to_str), types.next()),
        (Some(Ok(text)), None) if is_json_type(text)
    );
    if is_json && !headers.contains_key(CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(ProblemCode::UnsupportedMediaType.into())
    }
}

fn is_json_type(text: &str) -> bool {
    let mut parts = text.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    is_json
        && parts.all(|parameter| {
            parameter.eq_ignore_ascii_case("charset=utf-8")
                || parameter.eq_ignore_ascii_case(r#"charset="utf-8""#)
        })
}

#[cfg(test)]
mod tests;
