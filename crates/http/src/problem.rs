//! Problem documents as HTTP answers.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONNECTION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use innkeeper_api::{InvalidField, InvalidFields, Problem, ProblemCode};

use crate::json::{self, written};
use crate::request_id::RequestId;

/// The media type of RFC 9457.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What every challenge of ours begins with. Alone, it says that nothing was presented.
const CHALLENGE: &str = r#"Bearer realm="innkeeper""#;

/// An answer that is a problem document.
///
/// The headers that HTTP asks for with a status come by themselves: a challenge with 401
/// (RFC 9110, 15.5.2; RFC 9470 for a step-up), `Connection: close` where the request was not
/// read to its end, and `no-store` always.
#[derive(Debug)]
pub struct ProblemAnswer(Box<Parts>);

#[derive(Debug)]
struct Parts {
    problem: Problem,
    headers: HeaderMap,
}

impl ProblemAnswer {
    /// Adds a header, in place of the one that would come by itself.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Says after how many seconds to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Says with a challenge of RFC 6750 why the bearer token that came is not enough.
    #[must_use]
    pub fn bearer_error(self, error: &str) -> Self {
        let challenge = format!(r#"{CHALLENGE}, error="{error}""#);
        let value = HeaderValue::try_from(challenge).expect("our words are visible ASCII");
        self.header(WWW_AUTHENTICATE, value)
    }

    /// The document.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.0.problem
    }

    /// Names the request that is worked on, so that its caller can quote it.
    pub(crate) fn named(mut self) -> Self {
        if let Some(id) = RequestId::current() {
            self.0.problem = self.0.problem.request_id(id.to_string());
        }
        self
    }

    /// The document as JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        written::to_vec(&self.0.problem).expect("a problem has string keys and finite numbers")
    }
}

impl From<Problem> for ProblemAnswer {
    fn from(problem: Problem) -> Self {
        Self(Box::new(Parts {
            problem,
            headers: HeaderMap::new(),
        }))
    }
}

impl From<ProblemCode> for ProblemAnswer {
    fn from(code: ProblemCode) -> Self {
        Problem::new(code).into()
    }
}

impl IntoResponse for ProblemAnswer {
    fn into_response(self) -> Response {
        let named = self.named();
        let json = named.to_json();
        let Parts { problem, headers } = *named.0;
        let status = StatusCode::from_u16(problem.status_code())
            .expect("the statuses of problems are between 400 and 599");

        let mut response = json::answer(json, PROBLEM_JSON).map(Body::from);
        *response.status_mut() = status;
        let own = response.headers_mut();
        own.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        own.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if status == StatusCode::UNAUTHORIZED {
            own.insert(WWW_AUTHENTICATE, challenge(&problem));
        }
        if matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE
        ) {
            own.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        own.extend(headers);
        response
    }
}

/// One problem `invalid-request` about one field; the field is empty for the whole.
#[must_use]
pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> ProblemAnswer {
    let fields = InvalidFields {
        fields: vec![InvalidField {
            field: field.into(),
            message: message.into(),
        }],
    };
    Problem::new(ProblemCode::InvalidRequest)
        .with(&fields)
        .into()
}

/// The answer where no route is. For `Router::fallback`.
pub async fn not_found() -> ProblemAnswer {
    ProblemCode::NotFound.into()
}

/// The answer where a route is, but not for this method; the router adds `Allow`. For
/// `Router::method_not_allowed_fallback`.
pub async fn method_not_allowed() -> ProblemAnswer {
    ProblemCode::MethodNotAllowed.into()
}

/// What a 401 asks for: an API key, a session token, or a better sign-in.
fn challenge(problem: &Problem) -> HeaderValue {
    let mut text = String::from(CHALLENGE);
    if problem.code() == ProblemCode::StepUpRequired {
        text.push_str(r#", error="insufficient_user_authentication""#);
        text.push_str(r#", error_description="A fresh or stronger sign-in is needed.""#);
        let number = |name| problem.extensions().get(name)?.as_u64();
        if let Some(assurance) = number("assurance") {
            let _ = write!(text, r#", acr_values="{assurance}""#);
        }
        if let Some(max_age) = number("max_age") {
            let _ = write!(text, r#", max_age="{max_age}""#);
        }
    }
    HeaderValue::try_from(text).expect("the challenge is made of visible ASCII")
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use innkeeper_api::StepUp;

    use super::*;

    fn header(response: &Response, name: HeaderName) -> Option<&str> {
        let value = response.headers().get(name)?;
        Some(value.to_str().expect("our headers are ASCII"))
    }

    #[test]
    fn given_a_problem_when_answered_then_status_type_and_caching_are_right() {
        let response = ProblemAnswer::from(ProblemCode::SessionLimit).into_response();

        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(
            header(&response, CONTENT_TYPE),
            Some("application/problem+json")
        );
        assert_eq!(header(&response, CACHE_CONTROL), Some("no-store"));
        assert_eq!(header(&response, WWW_AUTHENTICATE), None);
    }

    #[test]
    fn given_a_missing_key_when_answered_then_the_challenge_names_the_scheme() {
        let response = ProblemAnswer::from(ProblemCode::Unauthenticated).into_response();

        assert_eq!(
            header(&response, WWW_AUTHENTICATE),
            Some(r#"Bearer realm="innkeeper""#)
        );
    }

    #[test]
    fn given_a_step_up_when_answered_with_401_then_the_challenge_is_that_of_rfc_9470() {
        let problem = Problem::new(ProblemCode::StepUpRequired)
            .status(401)
            .with(&StepUp {
                assurance: Some(2),
                max_age: Some(900),
            });

        let response = ProblemAnswer::from(problem).into_response();

        assert_eq!(
            header(&response, WWW_AUTHENTICATE),
            Some(
                r#"Bearer realm="innkeeper", error="insufficient_user_authentication", error_description="A fresh or stronger sign-in is needed.", acr_values="2", max_age="900""#
            )
        );
    }

    #[test]
    fn given_a_request_that_was_not_read_to_its_end_when_answered_then_the_connection_closes() {
        let response = ProblemAnswer::from(ProblemCode::PayloadTooLarge).into_response();

        assert_eq!(header(&response, CONNECTION), Some("close"));
    }

    #[test]
    fn given_too_many_sign_ins_when_answered_then_the_answer_says_when_to_try_again() {
        let response = ProblemAnswer::from(ProblemCode::TooManySignIns)
            .retry_after(30)
            .into_response();

        assert_eq!(header(&response, RETRY_AFTER), Some("30"));
    }
}
