//! What is asked at every request of an application, answered past the router.
//!
//! `POST /v1/check` and `/forward-auth` are routes like all others, described and mounted in
//! [`rest`](crate::rest). A request that names one of them to the letter goes straight to what its
//! route would call: without a search among all paths, without an allocation for each layer, and
//! with a body that is handed on as it lies. All others, one with a query among them, take the
//! router, and are answered alike.

use std::sync::Arc;

use axum::BoxError;
use axum::body::{Bytes, HttpBody};
use axum::response::IntoResponse;
use http::header::HeaderMap;
use http::{Method, Request, Response};

use crate::body::Content;
use crate::forward_auth::{Dialect, ForwardAuth};
use crate::layer::Door;
use crate::rest::check::check_plainly;
use crate::rest::forward_auth::{Proxy, Told, answer};

/// What it takes to answer it.
#[derive(Clone, Debug)]
pub struct Direct {
    door: Door,
    gate: Arc<ForwardAuth>,
}

/// A route of those.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DirectRoute {
    Check,
    ForwardAuth(Dialect),
}

impl DirectRoute {
    /// The one that a request names. A `HEAD` names none: the router says how long an answer is
    /// that is left out.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let (method, uri) = (request.method(), request.uri());
        if method == Method::HEAD || uri.query().is_some() {
            return None;
        }
        match uri.path() {
            "/v1/check" if method == Method::POST => Some(Self::Check),
            "/forward-auth" => Some(Self::ForwardAuth(Dialect::Forwarded)),
            "/forward-auth/nginx" => Some(Self::ForwardAuth(Dialect::Nginx)),
            _ => None,
        }
    }

    /// As the router would name it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Check => "/v1/check",
            Self::ForwardAuth(Dialect::Forwarded) => "/forward-auth",
            Self::ForwardAuth(Dialect::Nginx) => "/forward-auth/nginx",
        }
    }
}

impl Direct {
    /// Answers with the same door and settings as the router beside it.
    #[must_use]
    pub const fn new(door: Door, gate: Arc<ForwardAuth>) -> Self {
        Self { door, gate }
    }

    /// Answers a request with these headers and this body, which `by` brought.
    pub(crate) async fn answer<B>(
        &self,
        route: DirectRoute,
        by: Proxy,
        headers: &HeaderMap,
        body: B,
    ) -> Response<Content>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        let answer = match route {
            DirectRoute::Check => match check_plainly(&self.door, headers, body).await {
                Ok(answer) => answer.write(),
                Err(refusal) => Err(refusal),
            },
            DirectRoute::ForwardAuth(dialect) => {
                let told = answer(&self.door, &self.gate, dialect, by, headers).await;
                told.map(Told::write)
            }
        };
        match answer {
            Ok(answer) => answer.map(Content::from),
            Err(refusal) => refusal.into_response().map(Content::from),
        }
    }
}
