//! The back-up: all that the store keeps, as it was at one point, in one answer.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream::try_unfold;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_engine::archive::{CopyAnswer, CopyUnderWay};
use serde_json::json;

use crate::layer::{Admin, Caller, Door};
use crate::openapi::Operation;
use crate::problem::ProblemAnswer;
use crate::route::{Answer, Route};
use crate::wire;

const BINARY: &str = "application/octet-stream";

pub(super) fn routes() -> Vec<Route> {
    let route = Route::get(
        "/v1/backup",
        copy,
        "backup",
        "Copy out all that the store keeps",
    )
    .detail(
        "What is in the copy was there at one point; sign-ins go on meanwhile. It holds the \
             hashes of keys and passwords, so it is kept as they are. An answer that breaks off \
             is no back-up: its last part proves that it is whole.",
    )
    .refuses(&[ProblemCode::NotFound]);
    vec![route]
}

/// `GET /v1/backup`: 200 with the copy; 503 while another is made, 404 where the store is backed
/// up by its own means, with the words for who does it.
async fn copy(caller: Caller<Admin>, State(door): State<Door>) -> Result<Copied, ProblemAnswer> {
    if !caller.key()?.opens_everything() {
        return Err(Problem::new(ProblemCode::Forbidden)
            .detail("A back-up holds all tenants; this key belongs to one.")
            .into());
    }
    match door.authority.copy().await.map_err(wire::failed)? {
        CopyAnswer::Begun(copy) => Ok(Copied(copy)),
        CopyAnswer::Busy => Err(Problem::new(ProblemCode::Unavailable)
            .detail("Another back-up is being made.")
            .into()),
        CopyAnswer::Elsewhere(how) => {
            let problem = Problem::new(ProblemCode::NotFound);
            Err(match how {
                Some(how) => problem.detail(how.to_string()).into(),
                None => problem.into(),
            })
        }
    }
}

/// 200 with a copy, a piece at a time.
#[derive(Debug)]
struct Copied(Box<CopyUnderWay>);

impl IntoResponse for Copied {
    fn into_response(self) -> Response {
        let pieces = try_unfold(self.0, async |mut copy| match copy.next().await {
            Ok(piece) => Ok(piece.map(|piece| (Bytes::from(piece), copy))),
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(error = cause, "a back-up broke off");
                Err(error)
            }
        });
        let header = (CONTENT_TYPE, HeaderValue::from_static(BINARY));
        ([header], Body::from_stream(pieces)).into_response()
    }
}

impl Answer for Copied {
    fn describe(operation: &mut Operation<'_>) {
        let schema = json!({"type": "string", "format": "binary"});
        operation.answers_as(StatusCode::OK, BINARY, &schema);
    }
}
