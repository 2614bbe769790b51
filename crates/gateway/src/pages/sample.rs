//! The sample application: one page that only a session opens.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::Session;
use innkeeper_engine::check::Activity;
use innkeeper_http::problem::ProblemAnswer;

use super::account::Row;
use super::{Frame, Site, ended, name_of, page, sign_in};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "sample.html")]
struct SamplePage {
    frame: Frame,
    name: String,
    this: Row,
    previous: Option<Row>,
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
        Visitor::Ended(ending, now) => return ended::show(site, ending, now, here),
        Visitor::Stranger => return Ok(sign_in::redirect(site, &here, None)),
    };
    let (session, roster, now) = (&checked.session, &checked.roster, checked.now);
    let sample = SamplePage {
        frame: site.frame(Some(&checked)),
        name: name_of(&checked),
        this: Row::of(session, Some(session.id), now),
        previous: previous(roster, session).map(|s| Row::of(s, None, now)),
        others: roster.live(now).filter(|s| s.id != session.id).count(),
    };
    Ok(page(StatusCode::OK, &sample))
}

/// The sign-in before this one, as far as the roster remembers (AC-9): ended ones are kept for a
/// while only.
fn previous<'r>(roster: &'r Roster, session: &Session) -> Option<&'r Session> {
    let live = roster.sessions.iter().map(|s| &**s);
    let ended = roster.ended.iter().map(|e| &*e.session);
    live.chain(ended)
        .filter(|s| s.birth < session.birth)
        .max_by_key(|s| s.birth)
}
