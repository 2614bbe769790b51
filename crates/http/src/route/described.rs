//! What the types of a handler say about it.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{HeaderMap, LOCATION};
use http::{HeaderValue, StatusCode};
use innkeeper_api::ProblemCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::{Json, OptionalJson};
use crate::layer::{Caller, Needs, Principal};
use crate::openapi::{Operation, Proof};
use crate::query::Query;
use crate::query_or_body::QueryOrBody;
use crate::segment::Segment;

/// An argument of a handler: says what it takes from the request, and how it refuses.
pub trait Part {
    /// Tells the operation.
    fn describe(operation: &mut Operation<'_>);
}

/// What a handler answers when it does what it was asked.
pub trait Answer: IntoResponse {
    /// Tells the operation.
    fn describe(operation: &mut Operation<'_>);
}

/// A handler whose arguments and answer describe themselves. `A` is for the compiler alone.
pub trait Described<A> {
    /// Tells the operation.
    fn describe(operation: &mut Operation<'_>);
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<F, R, O, $($argument),*> Described<(R, O, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R,
            R: Future<Output = O>,
            O: Answer,
            $($argument: Part,)*
        {
            fn describe(operation: &mut Operation<'_>) {
                $($argument::describe(operation);)*
                O::describe(operation);
            }
        }
    };
}

described! {}
described! { A1 }
described! { A1 A2 }
described! { A1 A2 A3 }
described! { A1 A2 A3 A4 }
described! { A1 A2 A3 A4 A5 }
described! { A1 A2 A3 A4 A5 A6 }
described! { A1 A2 A3 A4 A5 A6 A7 }

impl<N: Needs> Part for Caller<N> {
    fn describe(operation: &mut Operation<'_>) {
        operation.proof(Proof::ApiKey(N::SCOPES));
        operation.refuses(ProblemCode::AmbiguousCredentials);
        operation.refuses(ProblemCode::Unauthenticated);
        operation.refuses(ProblemCode::Forbidden);
    }
}

impl Part for Principal {
    fn describe(operation: &mut Operation<'_>) {
        operation.proof(Proof::Session);
        operation.refuses(ProblemCode::AmbiguousCredentials);
        operation.refuses(ProblemCode::NoSession);
        operation.refuses(ProblemCode::DeviceMismatch);
        operation.refuses(ProblemCode::Forbidden);
    }
}

impl<T: JsonSchema> Part for Query<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.query::<T>();
        operation.refuses(ProblemCode::InvalidRequest);
    }
}

impl<T: DeserializeOwned + JsonSchema> Part for QueryOrBody<T> {
    fn describe(operation: &mut Operation<'_>) {
        Query::<T>::describe(operation);
        operation.json_body::<T>(false);
    }
}

impl<T> Part for Segment<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.refuses(ProblemCode::InvalidRequest);
    }
}

impl<T: DeserializeOwned + JsonSchema> Part for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.json_body::<T>(true);
    }
}

impl<T: DeserializeOwned + JsonSchema> Part for OptionalJson<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.json_body::<T>(false);
    }
}

impl<S> Part for State<S> {
    fn describe(_: &mut Operation<'_>) {}
}

/// Read by hand: see [`Route::header`](super::Route::header).
impl Part for HeaderMap {
    fn describe(_: &mut Operation<'_>) {}
}

/// Read by hand: see [`Route::takes`](super::Route::takes).
impl Part for Request {
    fn describe(_: &mut Operation<'_>) {}
}

impl<A: Part, B: Part> Part for (A, B) {
    fn describe(operation: &mut Operation<'_>) {
        A::describe(operation);
        B::describe(operation);
    }
}

/// How it refuses is said by its parts and by its route.
impl<A: Answer, E: IntoResponse> Answer for Result<A, E> {
    fn describe(operation: &mut Operation<'_>) {
        A::describe(operation);
    }
}

impl<T: Serialize + JsonSchema> Answer for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers_json::<T>(StatusCode::OK);
    }
}

/// 201 with the new thing.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: Serialize + JsonSchema> Answer for Created<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers_json::<T>(StatusCode::CREATED);
    }
}

/// 202 with the address where the work can be followed.
#[derive(Debug)]
pub struct Accepted<T> {
    /// What is known of it now.
    pub body: T,
    /// The path of its address; our own, so it is visible ASCII.
    pub location: String,
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        let location = HeaderValue::try_from(self.location).expect("our paths are visible ASCII");
        (
            StatusCode::ACCEPTED,
            [(LOCATION, location)],
            Json(self.body),
        )
            .into_response()
    }
}

impl<T: Serialize + JsonSchema> Answer for Accepted<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers_json::<T>(StatusCode::ACCEPTED);
        let about = "Where the work can be followed.";
        operation.answer_header(StatusCode::ACCEPTED, LOCATION.as_str(), about);
    }
}

/// 204: done, and there is nothing to say.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Answer for NoContent {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers(StatusCode::NO_CONTENT);
    }
}

/// 200 without a body.
#[derive(Clone, Copy, Debug)]
pub struct Done;

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::OK.into_response()
    }
}

impl Answer for Done {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers(StatusCode::OK);
    }
}
