//! The sample application: one page that only a session opens.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use innkeeper_engine::check::Activity;
use innkeeper_http::problem::ProblemAnswer;

use super::account::Row;
use super::previous::Previous;
use super::{Frame, Site, ended, name_of, page, sign_in};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "sample.html")]
struct SamplePage {
    frame: Frame,
    name: String,
    this: Row,
    previous: Previous,
    others: usize,
}

/// `GET /`: 200 for whoever is signed in, and to the form for everybody else.
pub(super) async fn show(State(site): State<Site>, parts: Parts) -> Response {
    site.answer(try_show(&site, &parts).await)
}

async fn try_show(site: &Site, parts: &Parts) -> Result<Response, ProblemAnswer> {
    let here = site.path("/");
    let visitor = site.gateway.visitor(&parts.headers, Activity::Active);
    let checked = match visitor.await? {
        Visitor::SignedIn(checked) => checked,
        Visitor::Ended(gone) => return ended::show(site, *gone, here),
        Visitor::Stranger => return Ok(sign_in::redirect(site, &here, None)),
    };
    let (session, roster, now) = (&checked.session, &checked.roster, checked.now);
    let sample = SamplePage {
        frame: site.frame(Some(&checked)),
        name: name_of(&checked),
        this: Row::of(roster, session, Some(session.id), now),
        previous: Previous::of(session, now),
        others: roster.live(now).filter(|s| s.id != session.id).count(),
    };
    Ok(page(StatusCode::OK, &sample))
}
