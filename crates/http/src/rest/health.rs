//! Is the process alive, and can it serve?

use axum::extract::State;
use innkeeper_api::ProblemCode;

use crate::layer::Door;
use crate::problem::ProblemAnswer;
use crate::route::{Done, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/livez", live, "live", "Say that the process answers"),
        Route::get("/readyz", ready, "ready", "Say whether changes can be made"),
    ]
}

/// `GET /livez`: the process answers.
async fn live() -> Done {
    Done
}

/// `GET /readyz`: changes can be made; 503 once the store has failed.
async fn ready(State(door): State<Door>) -> Result<Done, ProblemAnswer> {
    match door.authority.ready() {
        Ok(()) => Ok(Done),
        Err(_) => Err(ProblemCode::Unavailable.into()),
    }
}
