//! The pages: what a browser is answered, by plain forms and without scripts.

mod account;
mod back_channel;
mod devices;
mod ended;
mod previous;
mod provider;
mod refusal;
mod remember;
mod sample;
mod sign_in;
mod sign_out;
mod style;
mod turned_away;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use innkeeper_api::ProblemCode;
use innkeeper_domain::device::DeviceClass;
use innkeeper_domain::session::Origin;
use innkeeper_engine::check::Checked;
use innkeeper_http::peers::ClientIp;
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::rest::PREFIX;
use innkeeper_http::user_agent;

use crate::address::SitePath;
use crate::gateway::Gateway;

/// All pages, bare and under the prefix, and the sample application where the gateway has it.
/// Merge it with [`rest::router`](innkeeper_http::rest::router) before closing both with
/// [`enveloped`](innkeeper_http::envelope::enveloped).
pub fn router(gateway: Gateway) -> Router {
    let gateway = Arc::new(gateway);
    let bare = Site {
        gateway: Arc::clone(&gateway),
        base: "",
    };
    let sample = if gateway.has_sample {
        Router::new().route("/", get(sample::show))
    } else {
        Router::new()
    };
    let pages = if gateway.providers().is_empty() {
        pages()
    } else {
        pages().merge(pages_of_providers())
    };
    let prefixed = Site {
        gateway,
        base: PREFIX,
    };
    sample
        .merge(pages.clone())
        .with_state(bare)
        .nest(PREFIX, pages.with_state(prefixed))
}

fn pages_of_providers() -> Router<Site> {
    Router::new()
        .route("/oidc/callback", get(provider::come_back))
        .route("/oidc/backchannel-logout", post(back_channel::submit))
        .route("/oidc/sign-out", get(provider::sign_out))
        .route("/oidc/signed-out", get(provider::signed_out))
}

fn pages() -> Router<Site> {
    Router::new()
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-in/choice", post(sign_in::choose))
        .route("/sign-in/notice", get(previous::show))
        .route("/sign-out", post(sign_out::submit))
        .route("/account", get(account::show))
        .route("/account/stay", post(account::stay))
        .route("/account/sessions/{id}/end", post(account::end))
        .route("/account/end-others", post(account::end_others))
        .route("/account/devices/current/trust", post(devices::trust))
        .route("/account/devices/{id}/end", post(devices::end))
        .route(style::PATH, get(style::show))
}

/// The pages under one address.
#[derive(Clone, Debug)]
struct Site {
    gateway: Arc<Gateway>,
    /// What stands before every path of ours.
    base: &'static str,
}

impl Site {
    /// The answer, or the page that says why there is none.
    fn answer(&self, answer: Result<Response, ProblemAnswer>) -> Response {
        answer.unwrap_or_else(|problem| refusal::show(self, problem))
    }

    /// The frame of a page.
    fn frame(&self, signed_in: Option<&Checked>) -> Frame {
        Frame {
            base: self.base,
            style: style::address(self.base),
            user: signed_in.map(name_of),
            application: self.application(),
        }
    }

    /// The front page of the application that these pages are for: the sample, or the one behind
    /// the proxy that routes the prefix to us. Our own address has none.
    fn application(&self) -> Option<SitePath> {
        let is_there = !self.base.is_empty() || self.gateway.has_sample;
        is_there.then(|| SitePath::own("", "/"))
    }

    /// Where to go when nobody said.
    fn home(&self) -> SitePath {
        self.application().unwrap_or_else(|| self.path("/account"))
    }

    fn path(&self, path: &str) -> SitePath {
        SitePath::own(self.base, path)
    }

    /// Takes a form, unless another site may have sent it.
    fn require_own_form(&self, parts: &Parts) -> Result<(), ProblemAnswer> {
        let origins = &self.gateway.door.origins;
        origins.require(&parts.method, &parts.headers)
    }
}

/// What every page has around it.
#[derive(Debug)]
struct Frame {
    base: &'static str,
    style: String,
    /// Who is signed in.
    user: Option<String>,
    application: Option<SitePath>,
}

/// What to call the person who is signed in: the name they signed in with, where the session
/// was opened here, else the subject.
fn name_of(checked: &Checked) -> String {
    let named = checked.session.attributes.as_deref().and_then(|text| {
        let attributes: serde_json::Value = serde_json::from_str(text).ok()?;
        Some(attributes.get(NAME_ATTRIBUTE)?.as_str()?.to_owned())
    });
    named.unwrap_or_else(|| checked.roster.subject.to_string())
}

/// Under which attribute of a session the name is kept that its holder signed in with.
const NAME_ATTRIBUTE: &str = "user_name";

/// A page, with the headers that all of ours have.
///
/// Nothing but our own style sheet is loaded, nothing frames us, no form leads elsewhere. The
/// referrer goes to ourselves, since without one browsers send forms with `Origin: null`.
fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            return ProblemAnswer::from(ProblemCode::Internal).into_response();
        }
    };
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    guard(headers);
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
             base-uri 'none'",
        ),
    );
    if status == StatusCode::UNAUTHORIZED {
        // HTTP asks for a challenge; browsers know none of this scheme and show the page.
        let challenge = HeaderValue::from_static(r#"Bearer realm="innkeeper""#);
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// To another page of this site, by GET.
fn see_other(path: &SitePath) -> Response {
    let location = HeaderValue::try_from(path.as_str()).expect("a path of a site is visible ASCII");
    lead_to(location)
}

/// To a page of a provider that was set, by GET.
fn leave_for(address: &str) -> Response {
    let location = HeaderValue::try_from(address).expect("an address that was read is ASCII");
    lead_to(location)
}

fn lead_to(location: HeaderValue) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    guard(headers);
    headers.insert(LOCATION, location);
    response
}

fn guard(headers: &mut HeaderMap) {
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (opener, "same-origin"),
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Where a request came from: from which address, and what its browser says it is.
fn origin_of(parts: &Parts) -> (Origin, Option<DeviceClass>) {
    let described = user_agent::describe_request(&parts.headers);
    let origin = Origin {
        ip: ClientIp::of(&parts.extensions),
        label: described.label,
    };
    (origin, described.class)
}
