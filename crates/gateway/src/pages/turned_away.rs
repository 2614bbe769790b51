//! A sign-in that did not come about: the form again, or who holds the seats.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use innkeeper_domain::admission::Refusal;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::Timestamp;
use innkeeper_http::problem::ProblemAnswer;

use super::account::Row;
use super::sign_in::{FormView, SignInPage, empty_form};
use super::{Frame, Site};
use crate::address::SitePath;

#[derive(Template)]
#[template(path = "limit.html")]
struct LimitPage {
    frame: Frame,
    max: usize,
    holders: Vec<Row>,
    again: SitePath,
}

/// What it takes to show the form again.
pub(super) struct Again<'a> {
    pub(super) site: &'a Site,
    pub(super) name: String,
    pub(super) next: SitePath,
}

impl Again<'_> {
    /// The form again, with a word on why. The password is not in it.
    pub(super) fn page(
        self,
        status: StatusCode,
        error: &'static str,
    ) -> Result<Response, ProblemAnswer> {
        let form = FormView {
            name: self.name,
            error: Some(error),
            ..empty_form(self.site, self.next)?
        };
        let sign_in = SignInPage {
            frame: self.site.frame(None),
            notice: None,
            user: None,
            form,
        };
        Ok(super::page(status, &sign_in))
    }

    /// The password was right, and the policy says no. Who holds the seats is shown: to have
    /// proved who one is is enough to see one's own sessions.
    pub(super) fn refused(
        self,
        refusal: &Refusal,
        roster: &Roster,
        now: Timestamp,
    ) -> Result<Response, ProblemAnswer> {
        match refusal {
            Refusal::Disabled => self.page(
                StatusCode::FORBIDDEN,
                "This account is disabled. An administrator can tell you more.",
            ),
            Refusal::DeviceNotTrusted => self.page(
                StatusCode::FORBIDDEN,
                "Sign-in is open only on devices that you have used before. Please use one of \
                 those, or ask an administrator.",
            ),
            Refusal::StaleGeneration => self.page(
                StatusCode::PRECONDITION_FAILED,
                "Your account was changed while you signed in. Please sign in once more.",
            ),
            Refusal::SessionLimit(no_seat) => {
                let holders = no_seat.endable.iter().filter_map(|id| roster.find(*id));
                let limit = LimitPage {
                    frame: self.site.frame(None),
                    max: no_seat.limit.max.get(),
                    holders: holders.map(|s| Row::of(roster, s, None, now)).collect(),
                    again: self
                        .site
                        .path(&format!("/sign-in?next={}", self.next.encoded())),
                };
                Ok(super::page(StatusCode::CONFLICT, &limit))
            }
        }
    }
}
