//! A sign-in that did not come about: the form again, or who holds the seats.

use std::borrow::Cow;

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;
use innkeeper_domain::admission::Refusal;
use innkeeper_domain::budget::Spent;
use innkeeper_domain::seats::WayOut;
use innkeeper_engine::sign_in::TurnedAway;
use innkeeper_http::budget::{self, RATE_LIMIT, RATE_LIMIT_POLICY};
use innkeeper_http::problem::ProblemAnswer;

use super::account::Row;
use super::remember::Remember;
use super::sign_in::{FormView, SignInPage, empty_form};
use super::{Frame, Site};
use crate::address::SitePath;
use crate::moment::waiting;

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
    pub(super) remember: Remember,
}

impl Again<'_> {
    /// The form again, with a word on why. The password is not in it.
    pub(super) fn page(
        self,
        status: StatusCode,
        error: impl Into<Cow<'static, str>>,
    ) -> Result<Response, ProblemAnswer> {
        let form = FormView {
            name: self.name,
            error: Some(error.into()),
            remember: self.remember,
            ..empty_form(self.site, self.next)?
        };
        let sign_in = SignInPage {
            frame: self.site.frame(None),
            notice: None,
            still_at: None,
            user: None,
            form,
        };
        Ok(super::page(status, &sign_in))
    }

    /// The form again, since too many sign-ins were tried. The words are the same for a name that
    /// nobody has, and whatever was spent.
    pub(super) fn over_budget(self, spent: &Spent) -> Result<Response, ProblemAnswer> {
        let told = budget::over_budget(spent).into_response();
        let text = format!(
            "There were too many attempts to sign in. Wait {}, then try again. Waiting helps: what \
             you send before that is not looked at, also if the password is right.",
            waiting(spent.wait)
        );
        let mut response = self.page(told.status(), text)?;
        for name in [RETRY_AFTER, RATE_LIMIT, RATE_LIMIT_POLICY] {
            if let Some(value) = told.headers().get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        Ok(response)
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
            Refusal::SessionLimit(no_seat) if no_seat.way_out == WayOut::Wait => self.page(
                StatusCode::CONFLICT,
                "You have shown who you are, but everybody together may be signed in only \
                 so often, and all places are taken. Please try again when somebody has signed \
                 out. Nothing was changed.",
            ),
            Refusal::SessionLimit(no_seat) => {
                let endable = no_seat.endable.iter().filter_map(|id| roster.find(*id));
                let limit = LimitPage {
                    frame: self.site.frame(None),
                    max: no_seat.limit.max,
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
