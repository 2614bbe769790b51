//! Signing in with a provider: there, back, and in.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use http::request::Parts;
use innkeeper_api::ProblemCode;
use innkeeper_domain::admission::SignIn;
use innkeeper_domain::device::DeviceToken;
use innkeeper_domain::session::{SessionClass, Timestamp};
use innkeeper_engine::budget::{Place, Try};
use innkeeper_engine::sign_in::{Idempotency, SignInAnswer, SignInRequest};
use innkeeper_engine::subjects::Standing;
use innkeeper_federation::{
    Answered, FederationError, Flow, Freshness, Provider, TokenFault, Vouched,
};
use innkeeper_http::layer::wholly;
use innkeeper_http::problem::{ProblemAnswer, invalid};
use innkeeper_http::{query, wire};

use super::remember::Remember;
use super::turned_away::Again;
use super::{NAME_ATTRIBUTE, Site, leave_for, origin_of, sign_in};
use crate::address::SitePath;
use crate::begun::{BEGUN_FOR, Begun};
use crate::form;

/// What somebody is told who comes back with what was never begun here.
const FOREIGN: &str = "This sign-in was not begun in this browser, or it was used before, or it \
                       took more than ten minutes. Nothing was changed. Please begin once more.";

/// To the provider, where `GET /sign-in` names one: 303, with what the browser keeps of it.
pub(super) async fn begin(
    site: &Site,
    parts: &Parts,
    name: &str,
    next: SitePath,
) -> Result<Response, ProblemAnswer> {
    let Some(provider) = site.gateway.provider(name) else {
        let words = "There is no provider of that name here. Choose one of those below, if any.";
        return again(site, next)?.page(StatusCode::NOT_FOUND, words);
    };
    let authority = &site.gateway.door.authority;
    let now = authority.now().await.map_err(wire::failed)?;
    let seed = authority.entropy().draw();
    let seed = seed.map_err(|error| wire::failed(error.into()))?;
    let freshness = match form::parameter(parts.uri.query(), "anew") {
        Some(_) => Freshness::Anew,
        None => Freshness::AsSet,
    };
    let begun = Begun {
        provider: name.to_owned(),
        flow: Flow::new(seed, now, freshness),
        next,
    };
    let asked = match provider.begin(&begun.flow, now).await {
        Ok(asked) => asked,
        Err(error) => return told(site, provider, begun.next, &error),
    };
    let kept = begun.seal(authority).map_err(wire::failed)?;
    let mut response = leave_for(&asked.address);
    let cookie = site.gateway.door.cookie;
    for line in cookie.set_begun(&parts.headers, &asked.state, &kept, BEGUN_FOR) {
        response.headers_mut().append(SET_COOKIE, line);
    }
    Ok(response)
}

/// `GET /oidc/callback`: 303 with a new session, or the form with a word on why not.
pub(super) async fn come_back(State(site): State<Site>, parts: Parts) -> Response {
    site.answer(try_come_back(&site, &parts).await)
}

async fn try_come_back(site: &Site, parts: &Parts) -> Result<Response, ProblemAnswer> {
    let answered = read(parts.uri.query())?;
    let state = answered.state.clone().unwrap_or_default();
    let authority = &site.gateway.door.authority;
    let now = authority.now().await.map_err(wire::failed)?;
    let cookie = site.gateway.door.cookie;
    let kept = cookie.find_begun(&parts.headers, &state)?;
    let begun = kept.and_then(|text| Begun::open(authority, text, now));
    let found = begun.and_then(|begun| Some((site.gateway.provider(&begun.provider)?, begun)));
    let Some((provider, begun)) = found else {
        return again(site, site.home())?.page(StatusCode::BAD_REQUEST, FOREIGN);
    };

    let mut response = match provider.redeem(&begun.flow, &answered, now).await {
        Ok(vouched) => admit(site, parts, vouched, begun).await?,
        Err(error) => told(site, provider, begun.next, &error)?,
    };
    // It has come to its end. One of an unknown outcome has not: the page may be asked again.
    if response.status() != StatusCode::SERVICE_UNAVAILABLE {
        let ended = cookie.end_begun(&state).into_iter();
        response
            .headers_mut()
            .extend(ended.map(|line| (SET_COOKIE, line)));
    }
    Ok(response)
}

/// What the browser came back with. Other parameters are the provider's own affair; ours are there
/// once each, since another reader may have judged the other.
fn read(text: Option<&str>) -> Result<Answered, ProblemAnswer> {
    let pairs = query::pairs(text.unwrap_or_default())
        .ok_or_else(|| invalid("", "expected a query of percent-encoded UTF-8"))?;
    let mut answered = Answered::default();
    for (name, value) in pairs {
        let slot = match name.as_str() {
            "state" => &mut answered.state,
            "code" => &mut answered.code,
            "iss" => &mut answered.issuer,
            "error" => &mut answered.error,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(invalid(name, "is there twice"));
        }
    }
    Ok(answered)
}

/// A session for a person whom a provider vouches for, if the policy lets them in.
async fn admit(
    site: &Site,
    parts: &Parts,
    vouched: Vouched,
    begun: Begun,
) -> Result<Response, ProblemAnswer> {
    let gateway = &site.gateway;
    let authority = &gateway.door.authority;
    let standing = authority.subject(&gateway.tenant, &vouched.subject).await;
    let standing = standing.map_err(wire::failed)?;
    let cookie = gateway.door.cookie;
    let device = cookie.find_device(&parts.headers, standing.roster.tag)?;
    let origin = origin_of(parts);
    let again = again(site, begun.next)?;
    let tried = Try {
        tenant: &gateway.tenant,
        who: vouched.subject.as_str(),
        ip: origin.0.ip,
        device: device
            .as_ref()
            .and_then(|token: &DeviceToken| token.digest_for(standing.roster.tag)),
        client: Some(&gateway.client),
        class: SessionClass::Interactive,
        remember: false,
    };
    let Standing { roster, now } = &standing;
    if let Err(over) = authority.spend(Place::Hosted, &tried, roster, *now) {
        return again.over_budget(&over);
    }

    let display_name = vouched.display_name.as_deref();
    let called = display_name.unwrap_or(vouched.subject.as_str());
    let attributes = serde_json::json!({ NAME_ATTRIBUTE: called }).to_string();
    let (origin, device_class) = origin;
    let request = SignInRequest {
        tenant: gateway.tenant.clone(),
        sign_in: SignIn {
            client: Some(gateway.client.clone()),
            class: SessionClass::Interactive,
            actor: None,
            remember: false,
            authentication: vouched.authentication,
            evidence: Some(roster.generation),
            groups: vouched.groups,
            contact: None,
            replaces: None,
            origin,
            device: None,
            device_class,
            attributes: Some(attributes.into()),
            federation: Some(Box::new(vouched.sign_in)),
            end: Box::default(),
        },
        replaces: gateway.held_token(&parts.headers)?,
        device,
        // One proof of identity gives one session (S10).
        idempotency: Some(Idempotency::new(
            &gateway.tenant,
            &begun.flow.state(),
            vouched.subject.as_str().as_bytes(),
        )),
        subject: vouched.subject,
    };
    let authority = Arc::clone(authority);
    match wholly(async move { authority.sign_in(request).await }).await? {
        SignInAnswer::Admitted(signed_in) | SignInAnswer::Repeated(signed_in) => {
            Ok(sign_in::let_in(site, parts, &signed_in, &again.next))
        }
        SignInAnswer::Refused(refusal, turned_away) => again.refused(&refusal, &turned_away),
        SignInAnswer::KeyMisused | SignInAnswer::AlreadyUsed => {
            again.page(StatusCode::CONFLICT, FOREIGN)
        }
        SignInAnswer::TooManyKeys => {
            Err(ProblemAnswer::from(ProblemCode::TooManySignIns).retry_after(60))
        }
        // No ticket was sent, and the budget was asked before.
        SignInAnswer::UnknownTicket | SignInAnswer::OverBudget(_) => {
            Err(ProblemCode::Internal.into())
        }
    }
}

/// `GET /oidc/sign-out`: to where one signs out at a provider, which asks for itself.
pub(super) async fn sign_out(State(site): State<Site>, parts: Parts) -> Response {
    site.answer(try_sign_out(&site, &parts).await)
}

async fn try_sign_out(site: &Site, parts: &Parts) -> Result<Response, ProblemAnswer> {
    let name = form::parameter(parts.uri.query(), "provider").unwrap_or_default();
    let Some(provider) = site.gateway.provider(&name) else {
        return Ok(sign_in::redirect(site, &site.home(), None));
    };
    let now: Timestamp = site
        .gateway
        .door
        .authority
        .now()
        .await
        .map_err(wire::failed)?;
    match provider.sign_out(now).await {
        Ok(address) => Ok(leave_for(&address)),
        Err(error) => told(site, provider, site.home(), &error),
    }
}

/// `GET /oidc/signed-out`: where a provider sends browsers after a sign-out.
pub(super) async fn signed_out(State(site): State<Site>) -> Response {
    sign_in::redirect_after_sign_out(&site, None)
}

fn again(site: &Site, next: SitePath) -> Result<Again<'_>, ProblemAnswer> {
    Ok(Again {
        site,
        name: String::new(),
        next,
        remember: Remember::read(site, None)?,
    })
}

/// The form again, since a provider did not sign somebody in. The words are ours: what the provider
/// sent with an error came through the browser, and may be anybody's.
fn told(
    site: &Site,
    provider: &Provider,
    next: SitePath,
    error: &FederationError,
) -> Result<Response, ProblemAnswer> {
    let name = provider.name();
    let (status, words) = match error {
        FederationError::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{name} does not answer at the moment. Wait a little, then try again."),
        ),
        FederationError::Declined => (
            StatusCode::FORBIDDEN,
            format!("{name} did not sign you in. Try again, or sign in another way."),
        ),
        FederationError::Foreign => (StatusCode::BAD_REQUEST, FOREIGN.to_owned()),
        FederationError::Token(TokenFault::Stale) => (
            StatusCode::FORBIDDEN,
            format!(
                "{name} did not have you prove again who you are. Sign out there, then try again."
            ),
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            format!(
                "Signing in with {name} does not work at the moment. An administrator finds the \
                 reason in the log."
            ),
        ),
    };
    let error: &dyn std::error::Error = error;
    tracing::warn!(
        error,
        provider = name.as_str(),
        "no sign-in with a provider"
    );
    again(site, next)?.page(status, words)
}
