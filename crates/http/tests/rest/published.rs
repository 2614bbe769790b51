//! What the published document allows: every answer that any test is given is held against it.

use std::sync::LazyLock;

use http::Method;
use innkeeper_http::openapi;
use serde_json::Value;

use crate::support::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);

/// A status, and in a refusal a code, that the document does not name for this call is a defect
/// of the route's description.
pub(crate) fn assert_allows(method: &Method, path: &str, answer: &Answer) {
    let Some(operation) = find(method, path) else {
        let outside = matches!(answer.status.as_u16(), 404 | 405 | 431 | 500);
        assert!(outside, "{method} {path} is not published");
        return;
    };
    let status = answer.status.as_u16().to_string();
    let Some(response) = operation["responses"].get(&status) else {
        panic!("{method} {path} does not publish {status}: {}", answer.text);
    };
    let content = &follow(response)["content"];
    if answer.text.is_empty() {
        assert!(
            content.is_null(),
            "{method} {path} publishes a body with {status}"
        );
        return;
    }
    let media_type = answer.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    let schema = &content[media_type]["schema"];
    assert!(
        !schema.is_null(),
        "{method} {path} publishes another body with {status}"
    );
    let Some(code) = answer.json.get("code") else {
        return;
    };
    let schemas = match schema["oneOf"].as_array() {
        Some(several) => several.iter().collect(),
        None => vec![schema],
    };
    let named = schemas
        .iter()
        .any(|schema| follow(schema)["properties"]["code"]["const"] == *code);
    assert!(
        named,
        "{method} {path} does not publish {code} with {status}"
    );
}

/// What the body of a call may hold, if it takes one.
pub(crate) fn request_schema(method: &Method, path: &str) -> Option<&'static Value> {
    let content = &find(method, path)?["requestBody"]["content"];
    let schema = content.get("application/json")?.get("schema")?;
    Some(follow(schema))
}

fn follow(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            DOCUMENT
                .pointer(pointer)
                .expect("references lead somewhere")
        }
        None => value,
    }
}

fn find(method: &Method, path: &str) -> Option<&'static Value> {
    let own = path.strip_prefix("/_innkeeper");
    let path = own.filter(|own| own.starts_with("/me")).unwrap_or(path);
    // Any method is answered there as the published one is.
    let method = match path {
        "/forward-auth" | "/forward-auth/nginx" => "get".to_owned(),
        _ => method.as_str().to_ascii_lowercase(),
    };
    let paths = DOCUMENT["paths"].as_object().expect("there are paths");
    let fits = |template: &&String| {
        let (mut given, mut wanted) = (path.split('/'), template.split('/'));
        loop {
            match (given.next(), wanted.next()) {
                (None, None) => return true,
                (Some(_), Some(name)) if name.starts_with('{') => {}
                (Some(part), Some(word)) if part == word => {}
                _ => return false,
            }
        }
    };
    // A path of words comes before one with a place in it, as in the router.
    let template = paths
        .keys()
        .filter(fits)
        .min_by_key(|t| t.matches('{').count())?;
    paths[template].get(method)
}
