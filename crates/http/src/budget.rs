//! Budgets of sign-ins in the fields of HTTP.
//!
//! The fields are `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers
//! (version 11, structured fields): a policy has a name, its quota `q` and its window `w` in
//! seconds; its state is what remains, `r`, and `t`: seconds until all are there; on 429 until the
//! next. Where several hold, the one that binds most is told of.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use innkeeper_api::ProblemCode;
use innkeeper_domain::budget::{Against, Budget, Left, Spent};

use crate::openapi::Operation;
use crate::problem::ProblemAnswer;
use crate::route::Answer;

/// What remains, and in how many seconds all are there; on 429 the next.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// How much there is in all.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What the published document says of them.
pub(crate) const BUDGET_FIELDS: [(&str, &str); 2] = [
    (
        "RateLimit-Policy",
        "Where there is a budget: how many sign-ins it is in how many seconds.",
    ),
    (
        "RateLimit",
        "Where there is a budget: how many sign-ins are left of it as `r`, and as `t` the seconds \
         until all are there; on 429 until the next.",
    ),
];

/// 429 `too-many-sign-ins`, which says when to try again.
#[must_use]
pub fn over_budget(spent: &Spent) -> ProblemAnswer {
    let wait = seconds(spent.wait);
    let (policy, state) = fields(spent.against, spent.budget, 0, wait);
    ProblemAnswer::from(ProblemCode::TooManySignIns)
        .retry_after(wait)
        .header(RATE_LIMIT_POLICY, policy)
        .header(RATE_LIMIT, state)
}

/// An answer that says what is left, where there is a budget.
#[derive(Debug)]
pub struct Budgeted<A>(pub Option<Left>, pub A);

impl<A: IntoResponse> IntoResponse for Budgeted<A> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        if let Some(left) = self.0 {
            tell(response.headers_mut(), &left);
        }
        response
    }
}

impl<A: Answer> Answer for Budgeted<A> {
    fn describe(operation: &mut Operation<'_>) {
        A::describe(operation);
        for (name, about) in BUDGET_FIELDS {
            operation.every_answer_header(name, about);
        }
    }
}

fn tell(headers: &mut HeaderMap, left: &Left) {
    let (policy, state) = fields(left.against, left.budget, left.left, seconds(left.whole_in));
    headers.insert(RATE_LIMIT_POLICY, policy);
    headers.insert(RATE_LIMIT, state);
}

fn fields(against: Against, budget: Budget, left: u32, within: u64) -> (HeaderValue, HeaderValue) {
    let (name, quota, window) = (against.word(), budget.most(), budget.span().as_secs());
    let value = |text| HeaderValue::try_from(text).expect("our words are visible ASCII");
    (
        value(format!(r#""{name}";q={quota};w={window}"#)),
        value(format!(r#""{name}";r={left};t={within}"#)),
    )
}

/// Rounded up: who comes back then is not too early.
fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::RETRY_AFTER;

    use super::*;

    fn field(response: &Response, name: HeaderName) -> &str {
        let value = response.headers().get(name).expect("the field is there");
        value.to_str().expect("it is ASCII")
    }

    #[test]
    fn given_a_spent_budget_when_answered_then_the_fields_are_those_of_the_draft() {
        let spent = Spent {
            against: Against::SubjectAndNetwork,
            budget: Budget::TEN_A_MINUTE,
            wait: Duration::from_millis(5001),
        };

        let response = over_budget(&spent).into_response();

        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(field(&response, RETRY_AFTER), "6");
        let policy = field(&response, RATE_LIMIT_POLICY);
        assert_eq!(policy, r#""subject_and_address";q=10;w=60"#);
        assert_eq!(
            field(&response, RATE_LIMIT),
            r#""subject_and_address";r=0;t=6"#
        );
    }

    #[test]
    fn given_no_budget_when_answered_then_nothing_is_said_of_one() {
        let response = Budgeted(None, StatusCode::CREATED).into_response();

        assert!(response.headers().get(RATE_LIMIT).is_none());
        assert!(response.headers().get(RATE_LIMIT_POLICY).is_none());
    }
}
