//! The published document: OpenAPI 3.1, made from the routes that answer.

mod operation;
mod schemas;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};

pub use operation::{Operation, Proof};
use schemas::Schemas;

use crate::cookies::SessionCookie;
use crate::rest;
use crate::route::{Answer, Route};

/// The document, as `GET /openapi.json` answers it and as `spec/openapi.json` keeps it.
#[must_use]
pub fn document() -> Value {
    let routes = rest::published();
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for route in &routes {
        let method = route.method.as_str().to_ascii_lowercase();
        let told = describe(route, &mut schemas).finish(route);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[method] = told;
    }
    let gathered = schemas.finish();
    debug_assert_eq!(
        gathered.torn, [""; 0],
        "give one of the two a name of its own"
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Innkeeper",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Control of concurrent user sessions.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "servers": [{"url": "http://127.0.0.1:7070"}],
        "paths": paths,
        "components": {
            "schemas": gathered.schemas,
            "responses": gathered.responses,
            "headers": headers(),
            "securitySchemes": security_schemes(),
        },
    })
}

const ABOUT: &str = "\
Answers are done (2xx), not done (4xx) or unknown (503 `unavailable`: repeat the call, with the \
same `Idempotency-Key` where one was sent). Every refusal is a problem document (RFC 9457) with a \
stable `code`. Times are RFC 3339 in UTC with milliseconds, spans are whole seconds. The paths \
under `/me` also answer under `/_innkeeper/me`.";

fn describe<'s>(route: &Route, schemas: &'s mut Schemas) -> Operation<'s> {
    let mut operation = Operation::new(schemas);
    for tell in &route.described {
        tell(&mut operation);
    }
    operation
}

fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "The name of this request in the log.",
            "schema": {"type": "string"},
        },
        "CacheControl": {
            "description": "Private answers are kept by nobody.",
            "schema": {"type": "string"},
        },
        "Challenge": {
            "description": "What to send, in the words of RFC 6750 and RFC 9470.",
            "schema": {"type": "string"},
        },
        "RetryAfter": {
            "description": "After how many seconds to try again.",
            "schema": {"type": "string", "pattern": "^[0-9]+$"},
        },
    })
}

fn security_schemes() -> Value {
    json!({
        "apiKey": {
            "type": "http", "scheme": "bearer", "bearerFormat": "ikk_…",
            "description": "An API key; the scope that is named must be among its own, or `admin`.",
        },
        "apiKeyAsPassword": {
            "type": "http", "scheme": "basic",
            "description": "The same key as the password; the user name is any `client_id`.",
        },
        "sessionToken": {
            "type": "http", "scheme": "bearer", "bearerFormat": "ik_…",
            "description": "The session token of the subject itself.",
        },
        "sessionCookie": {
            "type": "apiKey", "in": "cookie", "name": SessionCookie::HOST.name(),
            "description": "The same in a cookie; changes need a same-origin `Origin`.",
        },
    })
}

/// Where the document itself is.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get(
        "/openapi.json",
        serve,
        "openapi",
        "This document",
    )]
}

/// The document is the same for everybody, and changes only with the binary.
struct Document;

async fn serve() -> Document {
    Document
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
        let json = HeaderValue::from_static("application/json");
        ([(CONTENT_TYPE, json)], TEXT.as_str()).into_response()
    }
}

impl Answer for Document {
    fn describe(operation: &mut Operation<'_>) {
        let schema = json!({"type": "object", "required": ["openapi", "paths"]});
        operation.answers_as(StatusCode::OK, "application/json", &schema);
    }
}

#[cfg(test)]
mod tests;
