//! A route: where it is, what it does, and what is published about it, in one place.
//!
//! The router and the OpenAPI document are both made from [`Route`]s, so there is no route
//! without a description and no description without a route. Most of the description is read
//! from the handler's own type: its arguments say what they take and how they refuse, its answer
//! says what it looks like. Only what a type cannot say is written beside it.

mod described;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::handler::Handler;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::{Method, StatusCode};
use innkeeper_api::ProblemCode;
use serde_json::Value;

pub use described::{Accepted, Answer, Created, Described, Done, NoContent, Part};

use crate::body::UnaskedBody;
use crate::layer::Door;
use crate::openapi::Operation;
use crate::problem::ProblemAnswer;

/// One method of one path, with its handler and its description.
#[derive(Clone, Debug)]
pub struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) detail: Option<&'static str>,
    pub(crate) example: Option<Value>,
    pub(crate) refusals: Vec<(u16, ProblemCode)>,
    pub(crate) headers: Vec<Value>,
    pub(crate) links: Vec<Link>,
    pub(crate) described: Vec<fn(&mut Operation<'_>)>,
    asked: Asked,
    handler: MethodRouter<Door>,
}

/// By which methods a route is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    /// By the one that is published.
    ByOne,
    /// By any, of which the published one stands for all.
    ByAny,
}

/// What to do next with an answer, as programs can follow it.
#[derive(Clone, Debug)]
pub struct Link {
    pub(crate) name: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) parameters: Vec<(&'static str, &'static str)>,
    pub(crate) body: Option<Value>,
    pub(crate) only_at: Option<u16>,
}

macro_rules! methods {
    ($($name:ident $method:ident $text:literal;)+) => {$(
        #[doc = concat!("`", $text, "` of `path`: `handler` answers it, `id` names it for programs ")]
        #[doc = "and `summary` for people, in a sentence without its full stop."]
        pub fn $name<H, T, A>(
            path: &'static str,
            handler: H,
            id: &'static str,
            summary: &'static str,
        ) -> Self
        where
            H: Handler<T, Door> + Described<A>,
            T: 'static,
        {
            Self {
                method: Method::$method,
                path,
                id,
                summary,
                detail: None,
                example: None,
                refusals: Vec::new(),
                headers: Vec::new(),
                links: Vec::new(),
                described: vec![H::describe],
                asked: Asked::ByOne,
                handler: on(MethodFilter::$method, handler),
            }
        }
    )+};
}

impl Route {
    methods! {
        get GET "GET";
        post POST "POST";
        put PUT "PUT";
        patch PATCH "PATCH";
        delete DELETE "DELETE";
    }

    /// Any method of `path`, also one that nobody knows; published as `GET`. Its body is not read,
    /// and not refused: whoever asks so passes on what somebody else sent.
    pub fn any<H, T, A>(
        path: &'static str,
        handler: H,
        id: &'static str,
        summary: &'static str,
    ) -> Self
    where
        H: Handler<T, Door> + Described<A>,
        T: 'static,
    {
        Self {
            asked: Asked::ByAny,
            handler: axum::routing::any(handler.clone()),
            ..Self::get(path, handler, id, summary)
        }
    }

    /// Whether it shows something, and refuses to be sent a body.
    pub(crate) fn takes_no_body(&self) -> bool {
        self.method == Method::GET && self.asked == Asked::ByOne
    }

    /// Whether a request with this method is one for it.
    pub(crate) fn is_asked_by(&self, method: &Method) -> bool {
        match self.asked {
            Asked::ByOne => self.method == *method,
            Asked::ByAny => true,
        }
    }

    /// Says more, in Markdown.
    #[must_use]
    pub const fn detail(mut self, text: &'static str) -> Self {
        self.detail = Some(text);
        self
    }

    /// Shows a body that could be sent. A test reads it as the handler would.
    #[must_use]
    pub fn example(mut self, body: Value) -> Self {
        self.example = Some(body);
        self
    }

    /// Names what the handler itself may answer besides, each with the status of its code. What
    /// its arguments refuse, and what every route may answer, is known already.
    #[must_use]
    pub fn refuses(mut self, codes: &[ProblemCode]) -> Self {
        let refusals = codes.iter().map(|code| (code.status(), *code));
        self.refusals.extend(refusals);
        self
    }

    /// The same, with another status than the code usually has.
    #[must_use]
    pub fn refuses_with(mut self, status: u16, code: ProblemCode) -> Self {
        self.refusals.push((status, code));
        self
    }

    /// Names what the handler takes from a request that it reads by itself.
    #[must_use]
    pub fn takes<P: Part>(mut self) -> Self {
        self.described.push(P::describe);
        self
    }

    /// Names an optional header that the handler reads, with the schema of its value.
    #[must_use]
    pub fn header(mut self, name: &str, about: &str, schema: &Value) -> Self {
        self.headers.push(serde_json::json!({
            "name": name, "in": "header", "description": about, "schema": schema,
        }));
        self
    }

    /// Says what the answer leads to.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }
}

impl Link {
    /// A link to the operation of that id. See [`parameter`](Self::parameter).
    #[must_use]
    pub const fn to(name: &'static str, operation: &'static str) -> Self {
        Self {
            name,
            operation,
            parameters: Vec::new(),
            body: None,
            only_at: None,
        }
    }

    /// Keeps it to answers of this status, where others have nothing to lead on from.
    #[must_use]
    pub const fn only_at(mut self, status: StatusCode) -> Self {
        self.only_at = Some(status.as_u16());
        self
    }

    /// Fills a parameter of the operation from the answer, by a runtime expression of OpenAPI
    /// such as `$response.body#/session/id`.
    #[must_use]
    pub fn parameter(mut self, name: &'static str, expression: &'static str) -> Self {
        self.parameters.push((name, expression));
        self
    }

    /// Fills its body; the texts in it may be runtime expressions.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// The router of these routes.
pub(crate) fn router(routes: Vec<Route>) -> Router<Door> {
    routes.into_iter().fold(Router::new(), |router, route| {
        let handler = if route.takes_no_body() {
            route.handler.layer(from_fn(without_body))
        } else {
            route.handler
        };
        router.route(route.path, handler)
    })
}

/// Lets through what brings no body: what only shows something reads none, and one that we passed
/// over might have named a tenant (RFC 9110, 9.3.1, lets us refuse it).
///
/// Whoever may not have the answer is told that and nothing else, and none of the body is read for
/// them. So whoever proves who asks refuses it; where anybody may ask, it is refused unread.
async fn without_body(request: Request, next: Next) -> Result<Response, ProblemAnswer> {
    let (mut parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    }
    let unasked = UnaskedBody::new(body);
    parts.extensions.insert(unasked.clone());
    let answer = next.run(Request::from_parts(parts, Body::empty())).await;
    if answer.status().is_success() && unasked.is_unread() {
        return Err(UnaskedBody::refusal());
    }
    Ok(answer)
}
