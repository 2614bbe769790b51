//! What a form of ours sent, held to what it may hold.

use axum::body::Body;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use innkeeper_api::ProblemCode;
use innkeeper_http::body::read_body;
use innkeeper_http::problem::{ProblemAnswer, invalid};
use innkeeper_http::query;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::password::Password;

/// The form of the sign-in page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInForm {
    pub(crate) name: String,
    pub(crate) password: Password,
    /// Where to go then.
    #[serde(default)]
    pub(crate) next: Option<String>,
    /// What makes a second press of the button known as one.
    #[serde(default)]
    pub(crate) attempt: Option<String>,
}

/// A form that is only its button.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ButtonForm {}

/// Reads a form.
///
/// Another content type is 415, a body too large 413 and one too slow 408; unknown, repeated and
/// missing fields and broken encoding are 422.
pub(crate) async fn read<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ProblemAnswer> {
    let is_form = is_form(headers);
    if !is_form && headers.contains_key(CONTENT_TYPE) {
        return Err(ProblemCode::UnsupportedMediaType.into());
    }
    let body = read_body(body).await?;
    if !is_form && !body.is_empty() {
        return Err(ProblemCode::UnsupportedMediaType.into());
    }
    let text = str::from_utf8(&body).map_err(|_| invalid("", "expected a form in ASCII"))?;
    query::parse(text)
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_form = matches!(
        (types.next().map(HeaderValue::to_str), types.next()),
        (Some(Ok(text)), None) if is_form_type(text)
    );
    is_form && !headers.contains_key(CONTENT_ENCODING)
}

fn is_form_type(text: &str) -> bool {
    let mut parts = text.split(';').map(str::trim);
    let is_form = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    is_form && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8"))
}

/// The value of a parameter that is there exactly once. What else is in the query of a page is
/// nobody's business: links to it may carry marks of others.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut found = query::pairs(query?)?.into_iter().filter(|(n, _)| n == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}
