//! A sign-in that did not come about: the form again, or who holds the seats.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use innkeeper_domain::admission::Refusal;
use innkeeper_engine::sign_in::TurnedAway;
use innkeeper_http::problem::ProblemAnswer;

use super::account::Row;
use super::sign_in::{FormView, SignInPage, empty_form};
use super::{Frame, Site};
use crate::address::SitePath;

/// Who holds the seats, and which of them may be ended.
#[derive(Template)]
#[template(path = "limit.html")]
struct LimitPage {
    frame: Frame,
    max: usize,
    /// How many have to go at least.
    fewest: usize,
    rows: Vec<Row>,
    choice: Option<ChoiceView>,
    next: SitePath,
    again: SitePath,
}

/// What goes back with the choice.
struct ChoiceView {
    subject: String,
    ticket: String,
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

    /// The form again, since what was chosen by comes too late.
    pub(super) fn expired(self) -> Result<Response, ProblemAnswer> {
        self.page(
            StatusCode::CONFLICT,
            "That choice was made before, or it took more than five minutes. Please sign in once \
             more.",
        )
    }

    /// The password was right, and the policy says no. Who holds the seats is shown, and may be
    /// ended: to have proved who one is is enough for that.
    pub(super) fn refused(
        self,
        refusal: &Refusal,
        turned_away: &TurnedAway,
    ) -> Result<Response, ProblemAnswer> {
        let TurnedAway {
            roster,
            now,
            choice,
        } = turned_away;
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
                let endable = no_seat.endable.iter().filter_map(|id| roster.find(*id));
                let limit = LimitPage {
                    frame: self.site.frame(None),
                    max: no_seat.limit.max.get(),
                    fewest: no_seat.fewest,
                    rows: endable.map(|s| Row::of(roster, s, None, *now)).collect(),
                    choice: choice.as_ref().map(|ticket| ChoiceView {
                        subject: roster.subject.to_string(),
                        ticket: ticket.reveal(),
                    }),
                    again: self
                        .site
                        .path(&format!("/sign-in?next={}", self.next.encoded())),
                    next: self.next,
                };
                Ok(super::page(StatusCode::CONFLICT, &limit))
            }
        }
    }
}
