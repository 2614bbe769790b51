//! The one style sheet.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

/// Where it lies, under the base.
pub(super) const PATH: &str = "/style.css";

const STYLE: &str = include_str!("../../assets/style.css");

/// The address that pages name: another one for another release, so that it may be kept.
pub(super) fn address(base: &str) -> String {
    format!("{base}{PATH}?v={}", env!("CARGO_PKG_VERSION"))
}

/// `GET /style.css`.
pub(super) async fn show() -> Response {
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("text/css; charset=utf-8"),
        ),
        (
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        ),
    ];
    (headers, STYLE).into_response()
}
