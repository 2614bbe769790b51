//! The page for somebody whose session has ended: when, why, by whom and from where.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use innkeeper_http::problem::ProblemAnswer;

use super::sign_in::{FormView, empty_form};
use super::{Frame, Site, page};
use crate::address::SitePath;
use crate::ending::EndView;
use crate::visitor::Gone;

#[derive(Template)]
#[template(path = "ended.html")]
struct EndedPage {
    frame: Frame,
    end: EndView,
    form: FormView,
}

/// Tells of the end once: the cookie goes, so that the next page is that of a stranger.
///
/// Not a redirect: the person asked for a page, and this is why it is not there.
pub(super) fn show(site: &Site, gone: Gone, next: SitePath) -> Result<Response, ProblemAnswer> {
    let ended = EndedPage {
        frame: site.frame(None),
        end: EndView::of(gone.ending, gone.from, gone.now),
        form: empty_form(site, next)?,
    };
    let mut response = page(StatusCode::UNAUTHORIZED, &ended);
    let expired = site.gateway.door.cookie.expire();
    response.headers_mut().insert(SET_COOKIE, expired);
    Ok(response)
}
