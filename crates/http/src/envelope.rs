//! What every answer has in common: an id, a line in the log, outer headers, and nothing of a panic.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, HeaderMap, HeaderValue, SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use innkeeper_api::ProblemCode;
use tower::{Layer, Service};
use tracing::field::Empty;

use crate::direct::DirectRoute;
use crate::problem::{ProblemAnswer, method_not_allowed, not_found};
use crate::request_id::{RequestId, X_REQUEST_ID};
use crate::traceparent::TraceParent;
use crate::{rest, traffic};

/// What is asked again and again, by programs. Its answers are logged at the level `debug`: at
/// `info`, a line for each check would cost more than the check.
const LOGGED_FOR_DEBUG: [&str; 8] = [
    "/forward-auth",
    "/forward-auth/nginx",
    "/v1/check",
    "/v1/check/batch",
    "/oauth/introspect",
    "/livez",
    "/readyz",
    "/metrics",
];

/// Closes a router: every route that has been added gets the envelope, and every path and method
/// that has not is answered by a problem document.
///
/// Call it last, and once.
pub fn enveloped(router: Router) -> Router {
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(EnvelopeLayer)
}

/// Puts the envelope around a service. See [`enveloped`].
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvelopeLayer;

impl<S> Layer<S> for EnvelopeLayer {
    type Service = Envelope<S>;

    fn layer(&self, inner: S) -> Envelope<S> {
        Envelope { inner }
    }
}

/// A service in its envelope. See [`enveloped`].
///
/// The request finds its id as [`RequestId::current`]. Log and span name the route, never
/// the path: a path can hold what somebody pasted there.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<S> {
    inner: S,
}

impl<S> Service<Request> for Envelope<S>
where
    S: Service<Request, Error = Infallible>,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The accept loop has begun it, and read its id where a trusted proxy gave one.
        let id = RequestId::current().unwrap_or_else(RequestId::next);
        let asked = Asked::of(&request);
        let answer = id.around(|| self.inner.call(request));
        let work = async move {
            match answer.await {
                Ok(response) => response.into_response(),
                Err(never) => match never {},
            }
        };
        Box::pin(async move { Ok(around(id, &asked, pin!(work)).await) })
    }
}

/// The answer that `work` comes to, in its envelope.
///
/// It is lent, and not handed over: a future is copied whenever it moves, with room for all that
/// it might ever hold.
pub(crate) async fn around<B: From<Body>>(
    id: RequestId,
    asked: &Asked,
    mut work: Pin<&mut impl Future<Output = http::Response<B>>>,
) -> http::Response<B> {
    let span = asked.span(id);
    let outcome = poll_fn(|cx| {
        // A panic leaves the store's own work running in its own task, and this request unwound;
        // nothing of it is touched again, so asserting unwind safety is right.
        let poll = AssertUnwindSafe(|| work.as_mut().poll(cx));
        match id.around(|| span.in_scope(|| catch_unwind(poll))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    });
    let outcome = outcome.await;
    id.around(|| {
        span.in_scope(|| {
            let response = outcome.unwrap_or_else(|_| {
                tracing::error!("a handler panicked");
                let problem = ProblemAnswer::from(ProblemCode::Internal);
                problem.into_response().map(B::from)
            });
            sealed(id, asked, response)
        })
    })
}

/// A refusal in its envelope, where no work came to its end.
pub(crate) fn finish<B: From<Body>>(
    id: RequestId,
    asked: &Asked,
    refusal: ProblemAnswer,
) -> http::Response<B> {
    id.around(|| {
        let response = refusal.into_response().map(B::from);
        asked.span(id).in_scope(|| sealed(id, asked, response))
    })
}

/// Puts the outer headers on an answer, counts it and logs it.
fn sealed<B>(id: RequestId, asked: &Asked, mut response: http::Response<B>) -> http::Response<B> {
    stamp(response.headers_mut(), id);
    asked.answered(response.status());
    response
}

/// What was asked, as far as it may be known: a method, and a route.
#[derive(Debug)]
pub(crate) struct Asked {
    method: Method,
    route: Route,
    trace: Option<TraceParent>,
    at: Instant,
}

/// The route of a request, as far as there is one.
#[derive(Debug)]
enum Route {
    None,
    /// By the router.
    Matched(MatchedPath),
    /// Past it.
    Direct(DirectRoute),
}

impl Asked {
    /// What the router was asked.
    fn of(request: &Request) -> Self {
        let matched = request.extensions().get().cloned();
        Self {
            method: request.method().clone(),
            route: matched.map_or(Route::None, Route::Matched),
            // Only from whom we believe; see the accept loop.
            trace: request.extensions().get().copied(),
            at: Instant::now(),
        }
    }

    /// What was asked before the router, if there is a way past it to where it goes.
    pub(crate) fn before_router(
        method: Method,
        direct: Option<DirectRoute>,
        trace: Option<TraceParent>,
    ) -> Self {
        Self {
            method,
            route: direct.map_or(Route::None, Route::Direct),
            trace,
            at: Instant::now(),
        }
    }

    /// For traces, and for those who read everything.
    fn span(&self, id: RequestId) -> tracing::Span {
        let (method, route) = (self.method(), self.route());
        let (status, traceparent) = (Empty, Empty);
        let span = tracing::debug_span!("request", %id, method, route, status, traceparent);
        if let Some(caller) = &self.trace {
            span.record("traceparent", tracing::field::display(caller));
        }
        span
    }

    /// Counts the answer, and logs it in one line.
    pub(crate) fn answered(&self, status: StatusCode) {
        traffic::count(&self.method, self.path(), status);
        let (method, route) = (self.method(), self.route());
        let status = status.as_u16();
        tracing::Span::current().record("status", status);
        macro_rules! line {
            ($level:ident) => {{
                let ms = (self.at.elapsed().as_secs_f64() * 1e6).round() / 1e3;
                tracing::$level!(method, route, status, ms, "answered")
            }};
        }
        match status {
            500.. => line!(warn),
            _ if LOGGED_FOR_DEBUG.contains(&route) => {
                if tracing::enabled!(tracing::Level::DEBUG) {
                    line!(debug);
                }
            }
            _ => line!(info),
        }
    }

    /// The method, of those that HTTP knows; the others are whatever somebody wrote.
    fn method(&self) -> &str {
        let known = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ];
        if known.contains(&self.method) {
            self.method.as_str()
        } else {
            "other"
        }
    }

    /// The route as it was written down.
    fn path(&self) -> Option<&str> {
        match &self.route {
            Route::None => None,
            Route::Matched(route) => Some(route.as_str()),
            Route::Direct(direct) => Some(direct.path()),
        }
    }

    /// The same without our prefix.
    fn route(&self) -> &str {
        let route = self.path().unwrap_or("none");
        route.strip_prefix(rest::PREFIX).unwrap_or(route)
    }
}

/// Sets the outer headers of an answer.
///
/// Every answer is `no-store` unless its handler said otherwise, and one that sets a cookie is
/// whatever the handler said: a cache that kept it would hand one caller's session to another.
fn stamp(headers: &mut HeaderMap, id: RequestId) {
    let no_store = HeaderValue::from_static("no-store");
    if headers.contains_key(SET_COOKIE) {
        headers.insert(CACHE_CONTROL, no_store);
        if !varies_by_cookie(headers) {
            headers.append(VARY, HeaderValue::from_static("Cookie"));
        }
    } else {
        headers.entry(CACHE_CONTROL).or_insert(no_store);
    }
    headers
        .entry(X_CONTENT_TYPE_OPTIONS)
        .or_insert(HeaderValue::from_static("nosniff"));
    headers.insert(X_REQUEST_ID, id.to_header());
}

fn varies_by_cookie(headers: &HeaderMap) -> bool {
    headers
        .get_all(VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("cookie"))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::routing::get;
    use http::header::{ALLOW, CONTENT_TYPE};
    use tower::ServiceExt;

    use super::*;

    fn router() -> Router {
        let router = Router::new()
            .route("/fine", get(async || "fine").delete(async || "gone"))
            .route(
                "/cookie",
                get(async || {
                    let cacheable = HeaderValue::from_static("public, max-age=60");
                    [
                        (CACHE_CONTROL, cacheable),
                        (SET_COOKIE, HeaderValue::from_static("a=b")),
                    ]
                }),
            )
            .route(
                "/asset",
                get(async || [(CACHE_CONTROL, HeaderValue::from_static("public"))]),
            )
            .route(
                "/id",
                get(async || RequestId::current().expect("it is worked on").to_string()),
            )
            .route("/panic", get(broken));
        enveloped(router)
    }

    async fn broken() -> &'static str {
        panic!("the inner secret")
    }

    async fn call(method: Method, path: &str) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .expect("the parts are valid");
        let Ok(response) = router().oneshot(request).await;
        response
    }

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), usize::MAX)
            .await
            .expect("the body is at hand");
        String::from_utf8(bytes.into()).expect("it is text")
    }

    fn header(response: &Response, name: impl http::header::AsHeaderName) -> &str {
        let value = response.headers().get(name).expect("the header is there");
        value.to_str().expect("our headers are ASCII")
    }

    #[tokio::test]
    async fn given_any_answer_when_it_leaves_then_it_is_private_and_named() {
        let response = call(Method::GET, "/fine").await;

        assert_eq!(header(&response, CACHE_CONTROL), "no-store");
        assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(header(&response, X_REQUEST_ID).starts_with("req_"));
    }

    #[tokio::test]
    async fn given_a_handler_that_asks_for_its_id_when_answered_then_it_is_that_of_the_header() {
        let response = call(Method::GET, "/id").await;

        let id = header(&response, X_REQUEST_ID).to_owned();

        assert_eq!(text(response).await, id);
    }

    #[tokio::test]
    async fn given_an_answer_with_a_cookie_when_it_leaves_then_no_cache_may_keep_it() {
        let response = call(Method::GET, "/cookie").await;

        assert_eq!(header(&response, CACHE_CONTROL), "no-store");
        assert_eq!(header(&response, VARY), "Cookie");
    }

    #[tokio::test]
    async fn given_an_asset_without_a_cookie_when_it_leaves_then_its_caching_is_its_own() {
        let response = call(Method::GET, "/asset").await;

        assert_eq!(header(&response, CACHE_CONTROL), "public");
        assert!(response.headers().get(VARY).is_none());
    }

    #[tokio::test]
    async fn given_a_panic_when_answered_then_the_problem_says_nothing_of_it() {
        let response = call(Method::GET, "/panic").await;

        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(header(&response, CONTENT_TYPE), "application/problem+json");
        assert!(header(&response, X_REQUEST_ID).starts_with("req_"));
        let body = text(response).await;
        assert!(body.contains(r#""code":"internal""#), "{body}");
        assert!(!body.contains("secret"), "{body}");
    }

    #[tokio::test]
    async fn given_a_path_without_a_route_when_asked_for_then_the_answer_is_a_problem() {
        for path in ["/nothing", "/fine/", "/fine.css", "/fine/x.css"] {
            let response = call(Method::GET, path).await;

            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(header(&response, CONTENT_TYPE), "application/problem+json");
            assert_eq!(header(&response, CACHE_CONTROL), "no-store");
            assert!(text(response).await.contains(r#""code":"not-found""#));
        }
    }

    #[tokio::test]
    async fn given_a_method_without_a_route_when_asked_for_then_allow_names_the_others() {
        let response = call(Method::POST, "/fine").await;

        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        let allow = header(&response, ALLOW);
        assert!(allow.contains("GET") && allow.contains("DELETE"), "{allow}");
        assert!(
            text(response)
                .await
                .contains(r#""code":"method-not-allowed""#)
        );
    }
}
