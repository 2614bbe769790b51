//! The REST API: routes of the authority, and of the user's own calls.
//!
//! Handlers translate; they decide nothing. Each file holds the calls about one thing.

mod backup;
pub(crate) mod check;
mod devices;
mod events;
pub(crate) mod forward_auth;
mod health;
mod keys;
mod me;
mod me_events;
mod metrics;
mod oauth;
mod policy;
mod revocations;
mod search;
mod sessions;
mod sign_in;
mod subjects;
mod tokens;
mod users;

pub use users::LocalUsers;

use std::sync::Arc;

use axum::{Extension, Router};

use crate::forward_auth::ForwardAuth;
use crate::layer::Door;
use crate::openapi;
use crate::route::{self, Route};

/// Under which prefix a proxy routes to us what the browser must reach (`/me` and the pages).
pub const PREFIX: &str = "/_innkeeper";

/// All routes, on `door`. Close it with [`enveloped`](crate::envelope::enveloped).
///
/// The user's own calls answer bare on our own listener, and under the prefix behind a proxy.
///
/// Nobody keeps local users here: the calls about them are 404.
pub fn router(door: Door) -> Router {
    mounted(door, users::router(None))
}

/// The same where `users` keeps local users.
pub fn router_with_users(door: Door, users: Arc<dyn LocalUsers>) -> Router {
    mounted(door, users::router(Some(users)))
}

fn mounted(door: Door, users: Router<Door>) -> Router {
    route::router(routes_but_users())
        .merge(users)
        .nest(PREFIX, route::router(me::routes()))
        .nest(PREFIX, route::router(me_events::routes()))
        .nest(PREFIX, route::router(devices::own_routes()))
        .with_state(door)
}

/// What is counted, for a listener of its own or beside [`router`].
pub fn metrics_router(door: Door) -> Router {
    route::router(metrics::routes()).with_state(door)
}

/// What proxies ask before they let a request through; never under the prefix, and beside
/// [`router`].
pub fn forward_auth_router(door: Door, settings: Arc<ForwardAuth>) -> Router {
    route::router(forward_auth::routes())
        .layer(Extension(settings))
        .with_state(door)
}

/// Every route that is published, wherever it is mounted.
#[must_use]
pub(crate) fn published() -> Vec<Route> {
    [routes(), metrics::routes(), forward_auth::routes()].concat()
}

/// Every route of [`router`], with what is published about it. Each file holds those of its calls.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        routes_but_users(),
        users::routes(),
        subjects::routes_with_users(),
    ]
    .concat()
}

/// What concerns local users knows who keeps them, and is mounted by itself.
fn routes_but_users() -> Vec<Route> {
    [
        sign_in::routes(),
        tokens::routes(),
        sessions::routes(),
        check::routes(),
        subjects::routes(),
        devices::routes(),
        keys::routes(),
        events::routes(),
        oauth::routes(),
        policy::routes(),
        backup::routes(),
        search::routes(),
        revocations::routes(),
        me::routes(),
        me_events::routes(),
        devices::own_routes(),
        health::routes(),
        openapi::routes(),
    ]
    .concat()
}
