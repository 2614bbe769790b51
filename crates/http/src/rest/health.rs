//! Is the process alive, and can it serve?

use axum::extract::State;
use http::StatusCode;
use innkeeper_api::ProblemCode;

use crate::layer::Door;
use crate::problem::ProblemAnswer;

/// `GET /livez`: the process answers.
pub(super) async fn live() -> StatusCode {
    StatusCode::OK
}

/// `GET /readyz`: changes can be made; 503 once the store has failed.
pub(super) async fn ready(State(door): State<Door>) -> Result<StatusCode, ProblemAnswer> {
    match door.authority.ready() {
        Ok(()) => Ok(StatusCode::OK),
        Err(_) => Err(ProblemCode::Unavailable.into()),
    }
}
