//! From a request of a recipe to the bytes that are sent.

use std::fmt::Write as _;

use url::Url;
use url::form_urlencoded::byte_serialize;

use super::visitor::Visitor;
use crate::origin::Origin;
use crate::recipe::{Body, Carrier, Recipe, Request};
use crate::trouble::Trouble;

/// The address and the bytes of a request.
pub(super) fn bytes(
    recipe: &Recipe,
    visitor: &Visitor,
    request: &Request,
    run_id: &str,
) -> Result<(Url, Vec<u8>), Trouble> {
    let missing = |name: String| {
        let line = request.line;
        Trouble::Answer(format!(
            "no answer held what `{name}` stands for (recipe, line {line})"
        ))
    };
    let target = request
        .target
        .fill(&visitor.values, encoded)
        .map_err(missing)?;
    let url = joined(&recipe.target.base, &target)?;
    let (origin, _) = within(&recipe.target.scope, &url)?;
    let mut headers = common(recipe, visitor, &origin, &url, run_id);
    // What a request says itself holds over what carries sessions.
    let says = |name: &str| {
        request
            .headers
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
    };
    headers.retain(|(name, _)| !says(name));
    for (name, value) in &request.headers {
        let value = value.fill_plain(&visitor.values).map_err(missing)?;
        if value.chars().any(char::is_control) {
            let words = format!("the value of header {name} would break the request");
            return Err(Trouble::Answer(words));
        }
        headers.push((name.clone(), value));
    }
    let has = |headers: &[(String, String)], name: &str| {
        headers
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let body = match &request.body {
        Body::None => String::new(),
        Body::Form(fields) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &value.fill_plain(&visitor.values).map_err(missing)?);
            }
            if !has(&headers, "content-type") {
                let kind = "application/x-www-form-urlencoded";
                headers.push(("Content-Type".to_owned(), kind.to_owned()));
            }
            form.finish()
        }
        Body::Text(text) => {
            let is_json = text.source().trim_start().starts_with(['{', '[']);
            if is_json && !has(&headers, "content-type") {
                headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            }
            let escape = |value: &str| {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            };
            let filled = if is_json {
                text.fill(&visitor.values, escape)
            } else {
                text.fill_plain(&visitor.values)
            };
            filled.map_err(missing)?
        }
    };
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        headers.push(("Content-Length".to_owned(), body.len().to_string()));
        // A browser says where a form comes from, and many applications ask.
        if !has(&headers, "origin") {
            headers.push(("Origin".to_owned(), origin.to_string()));
        }
    }
    Ok((url.clone(), written(&request.method, &url, &headers, &body)))
}

/// A GET that no recipe wrote: the next one after a redirect.
pub(super) fn get(
    recipe: &Recipe,
    visitor: &Visitor,
    origin: &Origin,
    url: &Url,
    run_id: &str,
) -> Vec<u8> {
    written(
        "GET",
        url,
        &common(recipe, visitor, origin, url, run_id),
        "",
    )
}

/// What is asked for where nothing of an answer is kept.
pub(super) fn nothing_kept() -> Request {
    Request::get("/")
}

fn common(
    recipe: &Recipe,
    visitor: &Visitor,
    origin: &Origin,
    url: &Url,
    run_id: &str,
) -> Vec<(String, String)> {
    let mut headers = vec![
        ("Host".to_owned(), origin.authority()),
        ("User-Agent".to_owned(), visitor.device.user_agent.clone()),
        ("X-Session-Probe".to_owned(), run_id.to_owned()),
        ("Accept-Encoding".to_owned(), "identity".to_owned()),
        ("Connection".to_owned(), "close".to_owned()),
    ];
    if let Some(cookies) = visitor.jar.header(origin, url.path()) {
        headers.push(("Cookie".to_owned(), cookies));
    }
    match (&recipe.carrier, visitor.credential(&recipe.carrier)) {
        (Carrier::Bearer(_), Some(token)) if is_plain(token) => {
            headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        (Carrier::Header { name, .. }, Some(token)) if is_plain(token) => {
            headers.push((name.clone(), token.to_owned()));
        }
        _ => {}
    }
    headers
}

fn is_plain(token: &str) -> bool {
    !token.chars().any(char::is_control)
}

fn written(method: &str, url: &Url, headers: &[(String, String)], body: &str) -> Vec<u8> {
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut out = format!("{method} {}{query} HTTP/1.1\r\n", url.path());
    for (name, value) in headers {
        // Writing to a string cannot fail.
        let _ = write!(out, "{name}: {value}\r\n");
    }
    out.push_str("\r\n");
    out.push_str(body);
    out.into_bytes()
}

/// A path or an address, from where it was said.
pub(super) fn joined(base: &Origin, target: &str) -> Result<Url, Trouble> {
    let base = Url::parse(&base.to_string()).expect("an origin is an address");
    base.join(target)
        .map_err(|_| Trouble::Answer("the application leads to what is no address".to_owned()))
}

/// The origin and the path of an address, if it is inside the scope.
pub(super) fn within(scope: &[Origin], url: &Url) -> Result<(Origin, String), Trouble> {
    let origin = Origin::of(url).filter(|origin| scope.contains(origin));
    let origin = origin.ok_or_else(|| {
        let asked = Origin::of(url).map_or_else(|| url.scheme().to_owned(), |o| o.to_string());
        Trouble::Stop(format!(
            "{asked} is outside the scope of the recipe, and was not called"
        ))
    })?;
    Ok((origin, url.path().to_owned()))
}

fn encoded(value: &str) -> String {
    byte_serialize(value.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
