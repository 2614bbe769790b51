//! What is counted, in the text of Prometheus.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use innkeeper_engine::metrics::Text;
use serde_json::json;

use crate::layer::Door;
use crate::openapi::Operation;
use crate::route::{Answer, Route};
use crate::traffic;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/metrics",
            show,
            "metrics",
            "Show what is counted, for Prometheus",
        )
        .detail("On its own listener where `server.metrics_listen` is set, and then only there."),
    ]
}

/// The figures of this process: no secret, no subject, no tenant is a label of any.
struct Figures(String);

async fn show(State(door): State<Door>) -> Figures {
    let mut text = Text::default();
    text.family("innkeeper_build_info", "gauge", "The version that runs.");
    text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.family("innkeeper_ready", "gauge", "Whether changes can be made.");
    text.sample(&[], u64::from(door.authority.ready().is_ok()));
    door.authority.metrics().write(&mut text);
    traffic::write(&mut text);
    Figures(text.into_string())
}

impl IntoResponse for Figures {
    fn into_response(self) -> Response {
        let text = HeaderValue::from_static(Text::MEDIA_TYPE);
        ([(CONTENT_TYPE, text)], self.0).into_response()
    }
}

impl Answer for Figures {
    fn describe(operation: &mut Operation<'_>) {
        let text = json!({"type": "string"});
        operation.answers_as(StatusCode::OK, "text/plain", &text);
    }
}
