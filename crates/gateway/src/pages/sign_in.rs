//! Signing in: the form, and what comes of it.

use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::SET_COOKIE;
use http::request::Parts;
use innkeeper_api::ProblemCode;
use innkeeper_domain::admission::SignIn;
use innkeeper_domain::budget::Spent;
use innkeeper_domain::device::{DeviceClass, DeviceToken};
use innkeeper_domain::name::{AuthenticationMethod, SubjectId};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Origin, SessionClass, SessionId, Timestamp,
};
use innkeeper_domain::ticket::ChoiceTicket;
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::budget::{Place, Try};
use innkeeper_engine::check::Activity;
use innkeeper_engine::choice::ChoiceRequest;
use innkeeper_engine::sign_in::{Idempotency, SignInAnswer, SignInRequest, SignedIn};
use innkeeper_federation::Provider;
use innkeeper_http::cookies::CookieLife;
use innkeeper_http::layer::wholly;
use innkeeper_http::problem::{ProblemAnswer, invalid};
use innkeeper_http::wire;

use super::remember::Remember;
use super::turned_away::Again;
use super::{
    Frame, NAME_ATTRIBUTE, Site, ended, name_of, origin_of, page, previous, provider, see_other,
};
use crate::address::SitePath;
use crate::form::{self, SignInForm};
use crate::users::{Claim, Proved, UsersError, base32};
use crate::visitor::Visitor;

/// The form, as it stands on a page.
#[derive(Debug)]
pub(super) struct FormView {
    pub(super) name: String,
    pub(super) next: SitePath,
    pub(super) attempt: String,
    pub(super) remember: Remember,
    pub(super) error: Option<Cow<'static, str>>,
    /// The providers to sign in with instead.
    pub(super) providers: Vec<String>,
    /// Whether a provider is to have identity proved again.
    pub(super) anew: bool,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    pub(super) frame: Frame,
    pub(super) notice: Option<&'static str>,
    /// The provider at which the person may still be signed in.
    pub(super) still_at: Option<String>,
    /// Who is signed in already.
    pub(super) user: Option<String>,
    pub(super) form: FormView,
}

/// What somebody who is sent to the form is told there. Words of ours only: a link could not put
/// others in our mouth.
#[derive(Clone, Copy, Debug)]
pub(super) enum Notice {
    /// Ending other sessions, and trusting a device, need a recent sign-in.
    Confirm,
    /// The sign-out is done.
    SignedOut,
}

impl Notice {
    const ALL: [Self; 2] = [Self::Confirm, Self::SignedOut];

    const fn word(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::SignedOut => "signed-out",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Confirm => {
                "Your sign-in is some time ago. Sign in again to confirm that it is you; then you \
                 can end sessions, and trust or forget devices."
            }
            Self::SignedOut => "You are signed out.",
        }
    }
}

/// To the form, from where it leads on to `next`.
pub(super) fn redirect(site: &Site, next: &SitePath, notice: Option<Notice>) -> Response {
    let mut path = format!("/sign-in?next={}", next.encoded());
    if let Some(notice) = notice {
        path.push_str("&notice=");
        path.push_str(notice.word());
    }
    see_other(&site.path(&path))
}

/// To the form after a sign-out. The person may still be signed in at a provider.
pub(super) fn redirect_after_sign_out(site: &Site, still_at: Option<&Provider>) -> Response {
    let notice = Notice::SignedOut.word();
    let mut path = format!("/sign-in?next={}&notice={notice}", site.home().encoded());
    if let Some(provider) = still_at {
        path.push_str("&at=");
        path.push_str(provider.name().as_str());
    }
    see_other(&site.path(&path))
}

/// An empty form that leads on to `next`.
pub(super) fn empty_form(site: &Site, next: SitePath) -> Result<FormView, ProblemAnswer> {
    let entropy = site.gateway.door.authority.entropy();
    let drawn = entropy.draw::<16>();
    Ok(FormView {
        name: String::new(),
        next,
        attempt: base32(&drawn.map_err(|error| wire::failed(error.into()))?),
        remember: Remember::read(site, None)?,
        error: None,
        providers: site
            .gateway
            .providers()
            .iter()
            .map(|provider| provider.name().to_string())
            .collect(),
        anew: false,
    })
}

/// `GET /sign-in`: the form. Whoever is signed in may go on, or sign in as somebody else.
pub(super) async fn show(State(site): State<Site>, parts: Parts) -> Response {
    site.answer(try_show(&site, &parts).await)
}

async fn try_show(site: &Site, parts: &Parts) -> Result<Response, ProblemAnswer> {
    let query = parts.uri.query();
    let next = read_next(site, form::parameter(query, "next").as_deref());
    if let Some(name) = form::parameter(query, "provider") {
        return provider::begin(site, parts, &name, next).await;
    }
    let visitor = site.gateway.visitor(&parts.headers, Activity::Passive);
    let signed_in = match visitor.await? {
        Visitor::Ended(gone) => return ended::show(site, *gone, next),
        Visitor::SignedIn(checked) => Some(checked),
        Visitor::Stranger => None,
    };
    let word = form::parameter(query, "notice");
    let notice = Notice::ALL
        .into_iter()
        .find(|notice| Some(notice.word()) == word.as_deref());
    let mut user = signed_in.as_deref().map(name_of);
    let mut form = empty_form(site, next)?;
    // Somebody else may sit there now, or it is to be shown who does: the provider is not to answer
    // by itself.
    form.anew = notice.is_some();
    let still_at = form::parameter(query, "at")
        .filter(|_| matches!(notice, Some(Notice::SignedOut)))
        .filter(|name| site.gateway.provider(name).is_some());
    // Who is sent here to confirm has no use for a way back without it, and for another name.
    if let Some(Notice::Confirm) = notice {
        form.name = user.take().unwrap_or_default();
    }
    let sign_in = SignInPage {
        frame: site.frame(None),
        notice: notice.map(Notice::text),
        still_at,
        user,
        form,
    };
    Ok(page(StatusCode::OK, &sign_in))
}

/// Where to go after the sign-in: what is not plainly a path of this site is left out.
pub(super) fn read_next(site: &Site, text: Option<&str>) -> SitePath {
    text.and_then(SitePath::parse)
        .unwrap_or_else(|| site.home())
}

/// `POST /sign-in`: 303 with a new session, or the form again.
pub(super) async fn submit(State(site): State<Site>, request: Request) -> Response {
    site.answer(try_submit(&site, request).await)
}

async fn try_submit(site: &Site, request: Request) -> Result<Response, ProblemAnswer> {
    let (parts, body) = request.into_parts();
    // Also without a cookie: or another site could sign somebody in here as somebody else.
    site.require_own_form(&parts)?;
    let replaces = site.gateway.held_token(&parts.headers)?;
    let sent: SignInForm = form::read(&parts.headers, body).await?;
    let attempt = sent.attempt.as_deref().map(read_attempt).transpose()?;
    let remember = Remember::read(site, sent.remember.as_deref())?;
    let users = site.gateway.users();
    let claim = users.claim(&sent.name).await.map_err(wire::failed)?;
    let again = Again {
        site,
        name: sent.name,
        next: read_next(site, sent.next.as_deref()),
        remember,
    };
    let authority = &site.gateway.door.authority;
    let tag = authority.tag(&site.gateway.tenant, &claim.subject);
    let device = site.gateway.door.cookie.find_device(&parts.headers, tag)?;
    let origin = origin_of(&parts);
    let turn = users.turn(claim.queue(device.as_ref())).map_err(unproved)?;
    // Before the password is looked at: that is the work which a budget is there to bound.
    if let Err(over) = ask_budget(site, &claim, remember, device.as_ref(), &origin.0) {
        return again.over_budget(&over);
    }

    let proved = users.prove(claim, sent.password, turn).await;
    let Some(proved) = proved.map_err(unproved)? else {
        return again.page(
            StatusCode::UNAUTHORIZED,
            "The name or the password is wrong.",
        );
    };
    let held = Held {
        replaces,
        device,
        remember,
    };
    match admit(site, proved, held, attempt, origin).await? {
        SignInAnswer::Admitted(signed_in) | SignInAnswer::Repeated(signed_in) => {
            Ok(let_in(site, &parts, &signed_in, &again.next))
        }
        SignInAnswer::Refused(refusal, turned_away) => again.refused(&refusal, &turned_away),
        // No ticket was sent, and the budget was asked before.
        SignInAnswer::UnknownTicket | SignInAnswer::OverBudget(_) => {
            Err(ProblemCode::Internal.into())
        }
        SignInAnswer::KeyMisused | SignInAnswer::AlreadyUsed => again.page(
            StatusCode::CONFLICT,
            "This form was used before. Please sign in once more.",
        ),
        SignInAnswer::TooManyKeys => {
            Err(ProblemAnswer::from(ProblemCode::TooManySignIns).retry_after(60))
        }
    }
}

/// Nobody can say now whether the password is right.
fn unproved(error: UsersError) -> ProblemAnswer {
    match error {
        UsersError::Engine(error) => wire::failed(error),
        UsersError::Busy => ProblemAnswer::from(ProblemCode::Unavailable).retry_after(5),
        // The second speaks of new passwords only.
        UsersError::Hash | UsersError::PasswordTooLong => ProblemCode::Internal.into(),
    }
}

/// Into the application, with the new session in its cookie and the device in its own; by way of
/// the page that tells of failed sign-ins, if there were any.
pub(super) fn let_in(
    site: &Site,
    parts: &Parts,
    signed_in: &SignedIn,
    next: &SitePath,
) -> Response {
    let session = &signed_in.session;
    let token = signed_in.token.reveal();
    let cookie = site.gateway.door.cookie;
    let mut response = if session.failures_since > 0 {
        see_other(&previous::address(site, next))
    } else {
        see_other(next)
    };
    // The cookie may go before the session does, and never stands for it.
    let life = if session.remember {
        CookieLife::Lasting(session.absolute_deadline.since(signed_in.now))
    } else {
        CookieLife::BrowserSession
    };
    let headers = response.headers_mut();
    headers.insert(SET_COOKIE, cookie.set(&token, life));
    for line in cookie.set_device(&parts.headers, &signed_in.device.token) {
        headers.append(SET_COOKIE, line);
    }
    response
}

/// `POST /sign-in/choice`: 303 with a new session, now that enough others are ended; the list
/// again where it was not enough; the form where the ticket is no good any more.
pub(super) async fn choose(State(site): State<Site>, request: Request) -> Response {
    site.answer(try_choose(&site, request).await)
}

async fn try_choose(site: &Site, request: Request) -> Result<Response, ProblemAnswer> {
    let (parts, body) = request.into_parts();
    site.require_own_form(&parts)?;
    let replaces = site.gateway.held_token(&parts.headers)?;
    let sent = form::read_choice(&parts.headers, body).await?;
    let again = Again {
        site,
        name: String::new(),
        next: read_next(site, sent.next.as_deref()),
        remember: Remember::read(site, None)?,
    };
    let end = sent.end.iter().map(|text| SessionId::parse(text));
    let end: Result<Box<[_]>, _> = end.collect();
    let end = end.map_err(|error| invalid("end", error.to_string()))?;
    let Ok(ticket) = ChoiceTicket::parse(&sent.choice) else {
        return again.expired();
    };
    let request = ChoiceRequest {
        place: Place::Hosted,
        tenant: site.gateway.tenant.clone(),
        subject: wire::name("subject", &sent.subject, SubjectId::parse)?,
        ticket,
        end,
        replaces,
        idempotency: None,
    };
    let authority = Arc::clone(&site.gateway.door.authority);
    match wholly(async move { authority.choose(request).await }).await? {
        SignInAnswer::Admitted(signed_in) | SignInAnswer::Repeated(signed_in) => {
            Ok(let_in(site, &parts, &signed_in, &again.next))
        }
        SignInAnswer::Refused(refusal, turned_away) => again.refused(&refusal, &turned_away),
        SignInAnswer::UnknownTicket | SignInAnswer::AlreadyUsed | SignInAnswer::KeyMisused => {
            again.expired()
        }
        SignInAnswer::TooManyKeys => {
            Err(ProblemAnswer::from(ProblemCode::TooManySignIns).retry_after(60))
        }
        // A choice has its ticket, which was paid for.
        SignInAnswer::OverBudget(_) => Err(ProblemCode::Internal.into()),
    }
}

/// Asks the budget for one try: of a browser that has been here with this subject, that of its
/// device; else what strangers may try.
fn ask_budget(
    site: &Site,
    claim: &Claim,
    remember: Remember,
    device: Option<&DeviceToken>,
    origin: &Origin,
) -> Result<(), Spent> {
    let gateway = &site.gateway;
    let (roster, now) = (&claim.standing.roster, claim.standing.now);
    let tried = Try {
        tenant: &gateway.tenant,
        who: claim.who(),
        ip: origin.ip,
        device: device.and_then(|token| token.digest_for(roster.tag)),
        client: Some(&gateway.client),
        class: SessionClass::Interactive,
        remember: remember.is_yes(),
    };
    let authority = &gateway.door.authority;
    authority
        .spend(Place::Hosted, &tried, roster, now)
        .map(|_| ())
}

/// The mark that a form of ours carries, so that pressing its button twice is one sign-in.
fn read_attempt(text: &str) -> Result<&str, ProblemAnswer> {
    let fits = (16..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then_some(text)
        .ok_or_else(|| invalid("attempt", "is not one of ours"))
}

/// What the browser held before it signed in, and what it is to keep.
struct Held {
    replaces: Option<SessionToken>,
    device: Option<DeviceToken>,
    remember: Remember,
}

async fn admit(
    site: &Site,
    proved: Proved,
    held: Held,
    attempt: Option<&str>,
    (origin, device_class): (Origin, Option<DeviceClass>),
) -> Result<SignInAnswer, ProblemAnswer> {
    let gateway = &site.gateway;
    let name = proved.name.as_str();
    let attributes = serde_json::json!({ NAME_ATTRIBUTE: name }).to_string();
    let request = SignInRequest {
        tenant: gateway.tenant.clone(),
        sign_in: SignIn {
            client: Some(gateway.client.clone()),
            class: SessionClass::Interactive,
            actor: None,
            remember: held.remember.is_yes(),
            authentication: AuthenticationEvent {
                // Now: admission takes the earlier of this and the store's time.
                at: Timestamp::MAX,
                methods: AuthenticationMethod::parse("pwd").into_iter().collect(),
                assurance: AssuranceLevel::new(1).expect("it is one of ten"),
            },
            evidence: Some(proved.evidence),
            groups: (!proved.groups.is_empty()).then(|| proved.groups.into()),
            contact: None,
            replaces: None,
            origin,
            device: None,
            device_class,
            attributes: Some(attributes.into()),
            federation: None,
            end: Box::default(),
        },
        replaces: held.replaces,
        device: held.device,
        idempotency: attempt
            .map(|key| Idempotency::new(&gateway.tenant, key, proved.subject.as_str().as_bytes())),
        subject: proved.subject,
    };
    let authority = Arc::clone(&gateway.door.authority);
    wholly(async move { authority.sign_in(request).await }).await
}

#[cfg(test)]
mod tests;
