//! The sample application: one page that only a session opens.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use innkeeper_domain::roster::LastSignIn;
use innkeeper_domain::session::Timestamp;
use innkeeper_engine::check::Activity;
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::wire;

use super::account::Row;
use super::{Frame, Site, ended, name_of, page, sign_in};
use crate::moment::Moment;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "sample.html")]
struct SamplePage {
    frame: Frame,
    name: String,
    this: Row,
    previous: Option<Before>,
    others: usize,
}

/// The sign-in before this one (AC-9).
struct Before {
    device: String,
    ip: Option<String>,
    at: Moment,
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
        previous: session
            .previous_sign_in
            .as_deref()
            .map(|last| Before::of(last, now)),
        others: roster.live(now).filter(|s| s.id != session.id).count(),
    };
    Ok(page(StatusCode::OK, &sample))
}

impl Before {
    fn of(last: &LastSignIn, now: Timestamp) -> Self {
        Self {
            device: last
                .origin
                .label
                .as_ref()
                .map_or_else(|| wire::UNNAMED.to_owned(), ToString::to_string),
            ip: last.origin.ip.map(|ip| ip.to_string()),
            at: Moment::of(last.at, now),
        }
    }
}
