//! Parts of the path, decoded.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::{ProblemAnswer, invalid};

/// The named segments of the path, as `Segment<String>` or as a tuple.
///
/// What is no percent-encoded UTF-8 is 422 `invalid-request`, like any other bad name.
#[derive(Debug)]
pub struct Segment<T>(pub T);

impl<T, S> FromRequestParts<S> for Segment<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ProblemAnswer;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ProblemAnswer> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(invalid("", "expected a path of percent-encoded UTF-8")),
        }
    }
}
