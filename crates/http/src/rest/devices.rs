//! Devices: those of a subject for who looks after it, and one's own.

use std::cmp::Reverse;

use axum::extract::State;
use innkeeper_api as api;
use innkeeper_api::ProblemCode;
use innkeeper_domain::device::{DeviceId, DeviceLabel};
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_engine::devices::{DeviceAnswer, DeviceChange, DeviceScope};
use innkeeper_engine::subjects::Standing;
use serde_json::json;

use super::me::{Nothing, impersonated, protected, require_fresh};
use crate::json::Json;
use crate::layer::{Caller, Door, Manage, Principal};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::query_or_body::QueryOrBody;
use crate::route::{NoContent, Route};
use crate::segment::Segment;
use crate::wire;

pub(super) fn routes() -> Vec<Route> {
    const ONE: &str = "/v1/subjects/{subject}/devices/{id}";
    const TRUST: &str = "/v1/subjects/{subject}/devices/{id}/trust";
    let absent = [ProblemCode::NotFound];
    vec![
        Route::get(
            "/v1/subjects/{subject}/devices",
            list,
            "listDevices",
            "List the devices of a subject",
        ),
        Route::patch(ONE, rename, "renameDevice", "Give a device another name")
            .example(json!({"name": "Phone of the front desk"}))
            .refuses(&absent),
        Route::post(TRUST, trust, "trustDevice", "Trust a device")
            .detail("The word of an administrator counts at once.")
            .refuses(&absent),
        Route::delete(
            TRUST,
            distrust,
            "distrustDevice",
            "Trust a device no longer",
        )
        .refuses(&absent),
        Route::delete(
            ONE,
            end,
            "endDevice",
            "Forget a device and end its sessions",
        )
        .detail("Its sessions end as `revoked_by_admin`.")
        .refuses(&absent),
        Route::delete(
            "/v1/devices/{id}",
            end_by_id,
            "endDeviceById",
            "Forget a device, found by its name alone",
        )
        .refuses(&absent),
    ]
}

/// One's own; they answer under the prefix as well.
pub(super) fn own_routes() -> Vec<Route> {
    vec![
        Route::get(
            "/me/devices",
            list_own,
            "listOwnDevices",
            "List one's own devices",
        ),
        Route::post(
            "/me/devices/current/trust",
            trust_own,
            "trustOwnDevice",
            "Trust the device that asks",
        )
        .refuses(&[ProblemCode::NotFound])
        .refuses_with(401, ProblemCode::StepUpRequired),
        Route::patch(
            "/me/devices/{id}",
            rename_own,
            "renameOwnDevice",
            "Give one of one's own devices another name",
        )
        .detail(
            "It takes no fresh proof of identity: nothing ends by it, and nothing rests on a name.",
        )
        .example(json!({"name": "Kitchen"}))
        .refuses(&[ProblemCode::NotFound]),
        Route::delete(
            "/me/devices/{id}",
            end_own,
            "endOwnDevice",
            "Forget one of one's own devices and end its sessions",
        )
        .refuses(&[ProblemCode::NotFound, ProblemCode::DeviceNotTrusted])
        .refuses_with(401, ProblemCode::StepUpRequired),
    ]
}

async fn list(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    Query(query): Query<api::TenantQuery>,
) -> Result<Json<api::DeviceList>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let standing = door.authority.subject(&tenant, &subject).await;
    Ok(Json(all(&standing.map_err(wire::failed)?, None)))
}

async fn rename(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment((subject, id)): Segment<(String, String)>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::DevicePatch>,
) -> Result<Json<api::DeviceView>, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let change = DeviceChange::Rename(label(&asked.name)?);
    of_subject(&door, &tenant, &subject, &id, change).await
}

async fn trust(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment((subject, id)): Segment<(String, String)>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<Json<api::DeviceView>, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    of_subject(&door, &tenant, &subject, &id, DeviceChange::Trust).await
}

async fn distrust(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment((subject, id)): Segment<(String, String)>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<Json<api::DeviceView>, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    of_subject(&door, &tenant, &subject, &id, DeviceChange::Distrust).await
}

async fn of_subject(
    door: &Door,
    tenant: &TenantId,
    subject: &str,
    id: &str,
    change: DeviceChange,
) -> Result<Json<api::DeviceView>, ProblemAnswer> {
    let subject = wire::name("subject", subject, SubjectId::parse)?;
    let id = read_id(id)?;
    let scope = DeviceScope::Subject(tenant, &subject);
    one(&order(door, scope, id, change).await?, id, None)
}

/// 204; 404 for foreign and absent alike, and so for one that was forgotten before.
async fn end(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment((subject, id)): Segment<(String, String)>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<NoContent, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let scope = DeviceScope::Subject(&tenant, &subject);
    order(&door, scope, read_id(&id)?, DeviceChange::End).await?;
    Ok(NoContent)
}

async fn end_by_id(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<NoContent, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let scope = DeviceScope::Tenant(&tenant);
    order(&door, scope, read_id(&id)?, DeviceChange::End).await?;
    Ok(NoContent)
}

async fn list_own(
    principal: Principal,
    State(door): State<Door>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Json<api::DeviceList>, ProblemAnswer> {
    let checked = principal.checked();
    let (tenant, subject) = (&checked.roster.tenant, &checked.roster.subject);
    let standing = door.authority.subject(tenant, subject).await;
    let current = checked.session.device_id();
    Ok(Json(all(&standing.map_err(wire::failed)?, current)))
}

/// Whoever is trusted may do more, so it takes a recent proof of identity, as ending others does.
async fn trust_own(
    principal: Principal,
    State(door): State<Door>,
    QueryOrBody(Nothing {}): QueryOrBody<Nothing>,
) -> Result<Json<api::DeviceView>, ProblemAnswer> {
    require_fresh(&door, &principal)?;
    let id = principal.checked().session.device_id();
    let id = id.ok_or(ProblemCode::NotFound)?;
    let scope = DeviceScope::Holder(principal.checked());
    let standing = order(&door, scope, id, DeviceChange::Trust).await?;
    one(&standing, id, Some(id))
}

async fn rename_own(
    principal: Principal,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    Query(Nothing {}): Query<Nothing>,
    Json(asked): Json<api::OwnDevicePatch>,
) -> Result<Json<api::DeviceView>, ProblemAnswer> {
    let (id, change) = (read_id(&id)?, DeviceChange::Rename(label(&asked.name)?));
    let current = principal.checked().session.device_id();
    let scope = DeviceScope::Holder(principal.checked());
    one(&order(&door, scope, id, change).await?, id, current)
}

async fn end_own(
    principal: Principal,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    QueryOrBody(Nothing {}): QueryOrBody<Nothing>,
) -> Result<NoContent, ProblemAnswer> {
    require_fresh(&door, &principal)?;
    let scope = DeviceScope::Holder(principal.checked());
    order(&door, scope, read_id(&id)?, DeviceChange::End).await?;
    Ok(NoContent)
}

async fn order(
    door: &Door,
    scope: DeviceScope<'_>,
    id: DeviceId,
    change: DeviceChange,
) -> Result<Standing, ProblemAnswer> {
    let answer = door.authority.order_device(scope, id, &change).await;
    match answer.map_err(wire::failed)? {
        DeviceAnswer::Done(standing) => Ok(standing),
        DeviceAnswer::Absent => Err(ProblemCode::NotFound.into()),
        DeviceAnswer::Protected => Err(protected()),
        DeviceAnswer::Impersonated => Err(impersonated()),
        // The session that asked ended meanwhile, so its word no longer counts.
        DeviceAnswer::AskerGone => Err(wire::no_session(None)),
    }
}

/// What cannot be the name of a device is the name of none.
fn read_id(text: &str) -> Result<DeviceId, ProblemAnswer> {
    DeviceId::parse(text).map_err(|_| ProblemCode::NotFound.into())
}

fn label(name: &api::Text<256>) -> Result<DeviceLabel, ProblemAnswer> {
    let label = DeviceLabel::parse(name.as_str());
    label.map_err(|error| invalid("name", error.to_string()))
}

fn one(
    standing: &Standing,
    id: DeviceId,
    current: Option<DeviceId>,
) -> Result<Json<api::DeviceView>, ProblemAnswer> {
    let device = standing
        .roster
        .find_device(id)
        .ok_or(ProblemCode::NotFound)?;
    Ok(Json(wire::device(
        &standing.roster,
        device,
        current,
        standing.now,
    )))
}

/// All devices of a roster, the one heard from last first.
pub(super) fn all(standing: &Standing, current: Option<DeviceId>) -> api::DeviceList {
    let (roster, now) = (&standing.roster, standing.now);
    let mut devices: Vec<_> = roster.devices.iter().collect();
    devices.sort_by_cached_key(|d| (Reverse(roster.device_seen(d)), d.id));
    let shown = devices
        .into_iter()
        .map(|d| wire::device(roster, d, current, now));
    api::DeviceList {
        devices: shown.collect(),
    }
}
