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
    /// `yes` for whoever wants to stay signed in when the browser is closed.
    #[serde(default)]
    pub(crate) remember: Option<String>,
    /// What makes a second press of the button known as one.
    #[serde(default)]
    pub(crate) attempt: Option<String>,
}

/// A form that is only its button.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ButtonForm {}

/// The form of the choice page. Several sessions may be named.
#[derive(Debug)]
pub(crate) struct ChoiceForm {
    /// Whose sign-in it is. The ticket is good for nobody else.
    pub(crate) subject: String,
    /// The ticket that stands for the sign-in.
    pub(crate) choice: String,
    /// Where to go then.
    pub(crate) next: Option<String>,
    /// The sessions to end.
    pub(crate) end: Vec<String>,
}

/// Reads the form of the choice page, held to the same as [`read`]; only `end` may be repeated.
pub(crate) async fn read_choice(
    headers: &HeaderMap,
    body: Body,
) -> Result<ChoiceForm, ProblemAnswer> {
    let text = read_text(headers, body).await?;
    let pairs = query::pairs(&text)
        .ok_or_else(|| invalid("", "expected a form of percent-encoded UTF-8"))?;
    let (mut subject, mut choice, mut next, mut end) = (None, None, None, Vec::new());
    for (name, value) in pairs {
        let slot = match name.as_str() {
            "end" => {
                end.push(value);
                continue;
            }
            "subject" => &mut subject,
            "choice" => &mut choice,
            "next" => &mut next,
            _ => return Err(invalid("", "has a field that this form has not")),
        };
        if slot.replace(value).is_some() {
            return Err(invalid(name, "is there twice"));
        }
    }
    Ok(ChoiceForm {
        subject: subject.ok_or_else(|| invalid("subject", "is missing"))?,
        choice: choice.ok_or_else(|| invalid("choice", "is missing"))?,
        next,
        end,
    })
}

/// Reads the form of a provider that tells of a logout: its token. Other fields are passed over,
/// as extensions may bring them.
pub(crate) async fn read_logout(headers: &HeaderMap, body: Body) -> Result<String, ProblemAnswer> {
    let text = read_text(headers, body).await?;
    let mut tokens = query::pairs(&text)
        .ok_or_else(|| invalid("", "expected a form of percent-encoded UTF-8"))?
        .into_iter()
        .filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Ok(token),
        (None, _) => Err(invalid("logout_token", "is missing")),
        (Some(_), Some(_)) => Err(invalid("logout_token", "is there twice")),
    }
}

/// Reads a form.
///
/// Another content type is 415, a body too large 413 and one too slow 408; unknown, repeated and
/// missing fields and broken encoding are 422.
pub(crate) async fn read<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ProblemAnswer> {
    query::parse(&read_text(headers, body).await?)
}

async fn read_text(headers: &HeaderMap, body: Body) -> Result<String, ProblemAnswer> {
    let is_form = is_form(headers);
    if !is_form && headers.contains_key(CONTENT_TYPE) {
        return Err(ProblemCode::UnsupportedMediaType.into());
    }
    let body = read_body(body).await?;
    if !is_form && !body.is_empty() {
        return Err(ProblemCode::UnsupportedMediaType.into());
    }
    String::from_utf8(body.into()).map_err(|_| invalid("", "expected a form in ASCII"))
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
