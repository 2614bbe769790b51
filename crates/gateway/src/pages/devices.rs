//! One's own devices: seen, trusted, and forgotten with their sessions.

use std::cmp::Reverse;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use innkeeper_api::ProblemCode;
use innkeeper_domain::device::{Device, DeviceId};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::Timestamp;
use innkeeper_engine::check::Checked;
use innkeeper_engine::devices::{DeviceAnswer, DeviceChange, DeviceScope};
use innkeeper_http::problem::ProblemAnswer;
use innkeeper_http::wire;

use super::account::{Presser, confirm_first, presser};
use super::{Site, see_other};
use crate::moment::Moment;

/// How many devices are shown. There may be more, of which the others were seen longer ago.
const SHOWN_MAX: usize = 12;

/// A device, as its owner sees it.
#[derive(Debug)]
pub(super) struct DeviceRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) first_seen: Moment,
    pub(super) last_seen: Moment,
    pub(super) trusted: Option<Moment>,
    /// How many sessions are live on it.
    pub(super) sessions: usize,
    pub(super) is_current: bool,
}

impl DeviceRow {
    /// All of a roster, this one first, then the one seen last.
    pub(super) fn all(roster: &Roster, current: Option<DeviceId>, now: Timestamp) -> Vec<Self> {
        let mut devices: Vec<_> = roster.devices.iter().collect();
        devices.sort_by_cached_key(|d| {
            let seen = roster.device_seen(d);
            (current != Some(d.id), Reverse(seen), d.id)
        });
        let shown = devices.into_iter().take(SHOWN_MAX);
        shown.map(|d| Self::of(roster, d, current, now)).collect()
    }

    fn of(roster: &Roster, device: &Device, current: Option<DeviceId>, now: Timestamp) -> Self {
        let view = wire::device(roster, device, current, now);
        Self {
            id: view.id,
            name: view.name,
            first_seen: Moment::of(device.first_seen, now),
            last_seen: Moment::of(roster.device_seen(device), now),
            trusted: device.trust.map(|trust| Moment::of(trust.since, now)),
            sessions: view.sessions,
            is_current: view.current,
        }
    }
}

/// `POST /account/devices/current/trust`: 303 to the list.
pub(super) async fn trust(State(site): State<Site>, request: Request) -> Response {
    site.answer(try_trust(&site, request).await)
}

async fn try_trust(site: &Site, request: Request) -> Result<Response, ProblemAnswer> {
    let checked = match presser(site, request).await? {
        Presser::SignedIn(checked) => checked,
        Presser::Other(response) => return Ok(response),
    };
    let id = checked.session.device_id().ok_or(ProblemCode::NotFound)?;
    order(site, &checked, id, DeviceChange::Trust, "trusted").await
}

/// `POST /account/devices/{id}/end`: 303 to the list, without it and its sessions. Foreign and
/// absent ones are 404 alike.
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
    let id = id.ok().and_then(|Path(text)| DeviceId::parse(&text).ok());
    let id = id.ok_or(ProblemCode::NotFound)?;
    order(site, &checked, id, DeviceChange::End, "forgotten").await
}

/// Either takes a recent proof of identity: a device that is trusted may do more, and one that is
/// forgotten takes its sessions along.
async fn order(
    site: &Site,
    checked: &Checked,
    id: DeviceId,
    change: DeviceChange,
    done: &str,
) -> Result<Response, ProblemAnswer> {
    let authority = &site.gateway.door.authority;
    if authority.wants_fresher(checked).is_some() {
        return Ok(confirm_first(site));
    }
    let scope = DeviceScope::Holder(checked);
    let answer = authority.order_device(scope, id, &change).await;
    let notice = match answer.map_err(wire::failed)? {
        DeviceAnswer::Done(_) => done,
        DeviceAnswer::Absent => return Err(ProblemCode::NotFound.into()),
        DeviceAnswer::Protected => "protected",
        DeviceAnswer::Impersonated => return Err(ProblemCode::Forbidden.into()),
        // The session that asked ended meanwhile, so its word no longer counts; the list says
        // how.
        DeviceAnswer::AskerGone => return Ok(see_other(&site.path("/account"))),
    };
    Ok(see_other(&site.path(&format!("/account?notice={notice}"))))
}
