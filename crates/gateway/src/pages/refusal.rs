//! The page that says why a request was not carried out.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, RETRY_AFTER};
use innkeeper_api::ProblemCode;
use innkeeper_http::problem::ProblemAnswer;

use super::{Frame, Site, page};

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
}

/// The page for a problem, with its status. Its details are for programs, and are not repeated:
/// they may name what was sent.
pub(super) fn show(site: &Site, problem: ProblemAnswer) -> Response {
    let (title, text) = words(problem.problem().code());
    let refusal = RefusalPage {
        frame: site.frame(None),
        title,
        text,
    };
    let told = problem.into_response();
    let mut response = page(told.status(), &refusal);
    for name in [CONNECTION, RETRY_AFTER] {
        if let Some(value) = told.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

const fn words(code: ProblemCode) -> (&'static str, &'static str) {
    match code {
        ProblemCode::AmbiguousCredentials => (
            "Two sessions at once",
            "Your browser sent the session cookie twice, so something else has set it too. Clear \
             the cookies of this site, then sign in again.",
        ),
        ProblemCode::Forbidden => (
            "Not sent from this site",
            "What you sent did not come from a page of this site, so nothing was done. Open the \
             page again and use its button.",
        ),
        ProblemCode::NotFound => (
            "Nothing here",
            "There is no such session of yours. It may have been forgotten since it ended.",
        ),
        ProblemCode::TooManySignIns => (
            "Too many sign-ins",
            "There were many sign-ins in a short time. Wait a minute, then try again.",
        ),
        ProblemCode::Unavailable => (
            "Not available right now",
            "We cannot tell at the moment whether this was done. Wait a little, then try again.",
        ),
        ProblemCode::Internal => (
            "Something went wrong",
            "This is our fault, not yours. Go back and try again.",
        ),
        _ => (
            "The form could not be read",
            "What arrived is not what the page would have sent, so nothing was done. Open the \
             page again and send it once more.",
        ),
    }
}
