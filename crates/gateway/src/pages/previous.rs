//! The sign-in before this one, and what failed in between (NIST SP 800-53, AC-9).

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use innkeeper_domain::roster::LastSignIn;
use innkeeper_domain::session::{Session, Timestamp};
use innkeeper_engine::check::Activity;
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::wire;

use super::sign_in::{self, read_next};
use super::{Frame, Site, ended, page};
use crate::address::SitePath;
use crate::form;
use crate::moment::Moment;
use crate::visitor::Visitor;

/// What a person is told of what came before the sign-in to this session.
#[derive(Debug)]
pub(super) struct Previous {
    pub(super) last: Option<Last>,
    /// How many sign-ins failed in between, by a wrong password.
    pub(super) failures: u32,
}

/// A sign-in that did not fail.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) device: String,
    pub(super) ip: Option<String>,
    pub(super) at: Moment,
}

impl Previous {
    pub(super) fn of(session: &Session, now: Timestamp) -> Self {
        let last = session.previous_sign_in.as_deref();
        Self {
            last: last.map(|last| Last::of(last, now)),
            failures: session.failures_since,
        }
    }
}

impl Last {
    fn of(last: &LastSignIn, now: Timestamp) -> Self {
        let label = last.origin.label.as_ref();
        Self {
            device: label.map_or_else(|| wire::UNNAMED.to_owned(), ToString::to_string),
            ip: last.origin.ip.map(|ip| ip.to_string()),
            at: Moment::of(last.at, now),
        }
    }
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage {
    frame: Frame,
    previous: Previous,
    next: SitePath,
}

/// The address of the page that tells of failed sign-ins, and leads on to `next`.
pub(super) fn address(site: &Site, next: &SitePath) -> SitePath {
    site.path(&format!("/sign-in/notice?next={}", next.encoded()))
}

/// `GET /sign-in/notice`: what came before, once after a sign-in before which others had failed.
pub(super) async fn show(State(site): State<Site>, parts: Parts) -> Response {
    site.answer(try_show(&site, &parts).await)
}

async fn try_show(site: &Site, parts: &Parts) -> Result<Response, ProblemAnswer> {
    let next = form::parameter(parts.uri.query(), "next");
    let next = read_next(site, next.as_deref());
    let visitor = site.gateway.visitor(&parts.headers, Activity::Active);
    let checked = match visitor.await? {
        Visitor::SignedIn(checked) => checked,
        Visitor::Ended(gone) => return ended::show(site, *gone, next),
        Visitor::Stranger => return Ok(sign_in::redirect(site, &next, None)),
    };
    let notice = NoticePage {
        frame: site.frame(Some(&checked)),
        previous: Previous::of(&checked.session, checked.now),
        next,
    };
    Ok(page(StatusCode::OK, &notice))
}
