//! The REST API: routes of the authority, and of the user's own calls.
//!
//! Handlers translate; they decide nothing. Each file holds the calls about one thing.

mod check;
mod health;
mod keys;
mod me;
mod sessions;
mod sign_in;
mod subjects;
mod tokens;

use axum::Router;
use axum::routing::{delete, get, patch, post};

use crate::layer::Door;

/// Under which prefix a proxy routes to us what the browser must reach (`/me` and the pages).
pub const PREFIX: &str = "/_innkeeper";

/// All routes, on `door`. Close it with [`enveloped`](crate::envelope::enveloped).
pub fn router(door: Door) -> Router {
    Router::new()
        .route("/v1/sessions", post(sign_in::admit))
        .route("/v1/sessions/rotate", post(tokens::rotate))
        .route(
            "/v1/sessions/reauthenticated",
            post(tokens::reauthenticated),
        )
        .route(
            "/v1/sessions/{id}",
            get(sessions::show).delete(sessions::end),
        )
        .route("/v1/check", post(check::check))
        .route("/v1/subjects/{subject}", get(subjects::show))
        .route("/v1/subjects/{subject}", patch(subjects::amend))
        .route(
            "/v1/subjects/{subject}/sessions",
            get(sessions::list).delete(sessions::end_all),
        )
        .route("/v1/subjects/{subject}/disable", post(subjects::disable))
        .route("/v1/subjects/{subject}/enable", post(subjects::enable))
        .route(
            "/v1/subjects/{subject}/credential-changed",
            post(tokens::credential_changed),
        )
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{id}", delete(keys::revoke))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .merge(own_calls())
        .nest(PREFIX, own_calls())
        .with_state(door)
}

/// The user's own calls: bare on our own listener, and under the prefix behind a proxy.
fn own_calls() -> Router<Door> {
    Router::new()
        .route("/me", get(me::show))
        .route("/me/sessions", get(me::list).delete(me::end_others))
        .route("/me/sessions/{id}", delete(me::end))
        .route("/me/logout", post(me::log_out))
}
