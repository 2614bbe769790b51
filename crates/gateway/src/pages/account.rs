//! One's own sessions: seen, and ended.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use innkeeper_api::ProblemCode;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{EndReason, Initiator, Session, SessionId, Timestamp};
use innkeeper_engine::check::{Activity, Checked};
use innkeeper_engine::revoke::{Revoked, RevokedAll, Scope};
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::wire;

use super::devices::DeviceRow;
use super::previous::Previous;
use super::sign_in::{self, Notice};
use super::{Frame, Site, ended, page, see_other, sign_out};
use crate::ending::PastView;
use crate::form::{self, ButtonForm};
use crate::moment::Moment;
use crate::visitor::Visitor;

const PROTECTED: &str = "Nothing was ended: a session on a device you trusted before is protected from \
                         a new sign-in elsewhere. End it from the trusted device, or come back later.";

/// How many sessions that have ended are shown.
const PAST_MAX: usize = 5;

/// A live session, as its owner sees it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) device: String,
    pub(super) client: Option<String>,
    pub(super) ip: Option<String>,
    pub(super) created: Moment,
    pub(super) last_seen: Moment,
    pub(super) expires: Moment,
    pub(super) is_current: bool,
}

impl Row {
    pub(super) fn of(
        roster: &Roster,
        session: &Session,
        current: Option<SessionId>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: session.id.to_string(),
            device: wire::device_name(roster, session),
            client: session.client.as_ref().map(ToString::to_string),
            ip: session.origin.ip.map(|ip| ip.to_string()),
            created: Moment::of(session.created_at, now),
            last_seen: Moment::of(session.last_seen.get(), now),
            expires: Moment::of(session.expires_at(), now),
            is_current: current == Some(session.id),
        }
    }
}

/// How long this session lasts. Whoever needs more time can have it, as often as there is any
/// (WCAG 2.2, 2.2.1).
#[derive(Debug)]
struct TimeLeft {
    /// If nothing more is heard of it.
    ends: Moment,
    /// However busy it is.
    ends_anyway: Moment,
    /// Whether staying makes it longer: not in the last stretch before the absolute end.
    can_stay: bool,
}

impl TimeLeft {
    fn of(session: &Session, now: Timestamp) -> Self {
        Self {
            ends: Moment::of(session.expires_at(), now),
            ends_anyway: Moment::of(session.absolute_deadline, now),
            can_stay: now.plus(session.idle) < session.absolute_deadline,
        }
    }
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    notice: Option<&'static str>,
    time: TimeLeft,
    rows: Vec<Row>,
    others: usize,
    previous: Previous,
    devices: Vec<DeviceRow>,
    /// Whether trust in a device protects what is done there.
    protects: bool,
    past: Vec<PastView>,
}

/// `GET /account`: the list, this session first, then the youngest.
pub(super) async fn show(State(site): State<Site>, parts: Parts) -> Response {
    site.answer(try_show(&site, &parts).await)
}

async fn try_show(site: &Site, parts: &Parts) -> Result<Response, ProblemAnswer> {
    let here = site.path("/account");
    let visitor = site.gateway.visitor(&parts.headers, Activity::Active);
    let checked = match visitor.await? {
        Visitor::SignedIn(checked) => checked,
        Visitor::Ended(gone) => return ended::show(site, *gone, here),
        Visitor::Stranger => return Ok(sign_in::redirect(site, &here, None)),
    };
    let (tenant, subject) = (&checked.roster.tenant, &checked.roster.subject);
    let standing = site.gateway.door.authority.subject(tenant, subject).await;
    let standing = standing.map_err(wire::failed)?;
    let (roster, now) = (&standing.roster, standing.now);
    let current = checked.session.id;
    let policy = site.gateway.door.authority.policy();
    let protect_trusted_for = policy
        .terms(&roster.facts(&checked.session))
        .protect_trusted_for;
    let mut live: Vec<_> = roster.live(now).collect();
    live.sort_by_key(|s| (s.id != current, std::cmp::Reverse(s.birth)));
    let mut past: Vec<_> = roster.remembered(now).collect();
    past.sort_by_key(|ended| std::cmp::Reverse(ended.ending.at));
    past.truncate(PAST_MAX);

    let time = TimeLeft::of(&checked.session, now);
    let notice = match form::parameter(parts.uri.query(), "notice").as_deref() {
        Some("ended") => Some("The session is ended."),
        // Near the absolute end the page says that staying changes nothing.
        Some("stayed") => time.can_stay.then_some("You stay signed in."),
        Some("others-ended") => Some("All other sessions are ended."),
        Some("trusted") => Some("You trust this device now."),
        Some("forgotten") => Some("The device is forgotten, and its sessions are ended."),
        Some("protected") => Some(PROTECTED),
        _ => None,
    };
    let account = AccountPage {
        frame: site.frame(Some(&checked)),
        notice,
        time,
        others: live.iter().filter(|s| s.id != current).count(),
        rows: live
            .into_iter()
            .map(|s| Row::of(roster, s, Some(current), now))
            .collect(),
        previous: Previous::of(&checked.session, now),
        protects: !protect_trusted_for.is_zero(),
        devices: DeviceRow::all(roster, checked.session.device_id(), now),
        past: past
            .into_iter()
            .map(|e| PastView::of(roster, e, now))
            .collect(),
    };
    Ok(page(StatusCode::OK, &account))
}

/// `POST /account/sessions/{id}/end`: 303 to the list. Ending this one is signing out; foreign
/// and absent ones are 404 alike.
pub(super) async fn end(
    State(site): State<Site>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    site.answer(try_end(&site, id, request).await)
}

async fn try_end(
    site: &Site,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ProblemAnswer> {
    let checked = match presser(site, request).await? {
        Presser::SignedIn(checked) => checked,
        Presser::Other(response) => return Ok(response),
    };
    let id = id.ok().and_then(|Path(text)| SessionId::parse(&text).ok());
    let id = id.ok_or(ProblemCode::NotFound)?;
    if id == checked.session.id {
        return sign_out::sign_out(site, &checked).await;
    }
    if site
        .gateway
        .door
        .authority
        .wants_fresher(&checked)
        .is_some()
    {
        return Ok(confirm_first(site));
    }
    let own = Scope::Holder(&checked);
    let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
    let authority = &site.gateway.door.authority;
    let revoked = authority.revoke(own, id, reason, by).await;
    match revoked.map_err(wire::failed)? {
        Revoked::Ended => Ok(see_other(&site.path("/account?notice=ended"))),
        Revoked::Absent => Err(ProblemCode::NotFound.into()),
        Revoked::Protected => Ok(see_other(&site.path("/account?notice=protected"))),
        // The session that asked ended meanwhile, so its word no longer counts; the list says
        // how.
        Revoked::AskerGone => Ok(see_other(&site.path("/account"))),
        Revoked::Impersonated => Err(ProblemCode::Forbidden.into()),
    }
}

/// `POST /account/stay`: a sign of life, and 303 to the list, which says how long that lasts.
pub(super) async fn stay(State(site): State<Site>, request: Request) -> Response {
    let stayed = presser(&site, request).await.map(|presser| match presser {
        Presser::SignedIn(_) => see_other(&site.path("/account?notice=stayed")),
        Presser::Other(response) => response,
    });
    site.answer(stayed)
}

/// `POST /account/end-others`: 303 to the list, with this session alone.
pub(super) async fn end_others(State(site): State<Site>, request: Request) -> Response {
    site.answer(try_end_others(&site, request).await)
}

async fn try_end_others(site: &Site, request: Request) -> Result<Response, ProblemAnswer> {
    let checked = match presser(site, request).await? {
        Presser::SignedIn(checked) => checked,
        Presser::Other(response) => return Ok(response),
    };
    if site
        .gateway
        .door
        .authority
        .wants_fresher(&checked)
        .is_some()
    {
        return Ok(confirm_first(site));
    }
    let authority = &site.gateway.door.authority;
    let revoked = authority.revoke_others(&checked).await;
    Ok(match revoked.map_err(wire::failed)? {
        RevokedAll::Ended(_) => see_other(&site.path("/account?notice=others-ended")),
        // As above.
        RevokedAll::KeptIsAbsent => see_other(&site.path("/account")),
        RevokedAll::Protected => see_other(&site.path("/account?notice=protected")),
        RevokedAll::Impersonated => return Err(ProblemCode::Forbidden.into()),
    })
}

/// Who pressed a button: somebody signed in, or one who is answered otherwise.
pub(super) enum Presser {
    SignedIn(Box<Checked>),
    Other(Response),
}

pub(super) async fn presser(site: &Site, request: Request) -> Result<Presser, ProblemAnswer> {
    let (parts, body): (Parts, _) = request.into_parts();
    site.require_own_form(&parts)?;
    let ButtonForm {} = form::read(&parts.headers, body).await?;
    let here = site.path("/account");
    let visitor = site.gateway.visitor(&parts.headers, Activity::Active);
    Ok(match visitor.await? {
        Visitor::SignedIn(checked) => Presser::SignedIn(checked),
        Visitor::Ended(gone) => Presser::Other(ended::show(site, *gone, here)?),
        Visitor::Stranger => Presser::Other(sign_in::redirect(site, &here, None)),
    })
}

pub(super) fn confirm_first(site: &Site) -> Response {
    sign_in::redirect(site, &site.path("/account"), Some(Notice::Confirm))
}
