//! Bulk revocation: counted first, ordered, followed and stopped.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use innkeeper_api as api;
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::name::TenantId;
use innkeeper_engine::bulk::{self, BulkRevocation, Ordered, RevocationId};
use serde_json::json;

use super::sessions::{PAGE_MAX, ordered_reason};
use crate::json::Json;
use crate::layer::{Admin, Caller, Door};
use crate::openapi::Operation;
use crate::problem::{ProblemAnswer, invalid};
use crate::query::{Query, encoded};
use crate::query_or_body::QueryOrBody;
use crate::route::{Accepted, Answer, Link, Route};
use crate::segment::Segment;
use crate::wire;

pub(super) fn routes() -> Vec<Route> {
    const ONE: &str = "/v1/revocations/{id}";
    vec![
        Route::post(
            "/v1/revocations",
            order,
            "revokeSessions",
            "End all sessions that a filter means",
        )
        .detail(
            "With `dry_run` they are only counted: 200. Otherwise 202, and the work goes on by \
             itself, also across a restart; what is born later is not touched. A filter that \
             names nothing needs `\"all\": true`.",
        )
        .example(json!({"filter": {"client": "tv"}, "reason": "risk", "dry_run": true}))
        .refuses(&[ProblemCode::TooManyRevocations])
        .link(
            Link::to("follow", "showRevocation")
                .parameter("id", "$response.body#/id")
                .parameter("tenant", "$response.body#/tenant")
                .only_at(StatusCode::ACCEPTED),
        ),
        Route::get(
            "/v1/revocations",
            list,
            "listRevocations",
            "List bulk revocations",
        )
        .detail("The youngest first, at most 200."),
        Route::get(
            ONE,
            show,
            "showRevocation",
            "Show how far a bulk revocation has come",
        )
        .refuses(&[ProblemCode::NotFound]),
        Route::delete(ONE, cancel, "cancelRevocation", "Stop a bulk revocation")
            .detail("What has ended stays ended. One that is over stays as it is.")
            .refuses(&[ProblemCode::NotFound]),
    ]
}

/// What became of an order.
enum Taken {
    Counted(api::RevocationCount),
    Accepted(Box<Accepted<api::Revocation>>),
}

impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        match self {
            Self::Counted(count) => Json(count).into_response(),
            Self::Accepted(accepted) => accepted.into_response(),
        }
    }
}

impl Answer for Taken {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers_json::<api::RevocationCount>(StatusCode::OK);
        Accepted::<api::Revocation>::describe(operation);
    }
}

/// `POST /v1/revocations`: 200 with counts for a dry run, else 202.
async fn order(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::RevocationRequest>,
) -> Result<Taken, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let given = asked.filter.unwrap_or_default();
    let filter = wire::read_filter("filter.", &given)?;
    let is_all = asked.all || given.all == Some(true);
    if filter.is_empty() && !is_all {
        let how = "names nothing, and so means every session: say so with \"all\": true";
        return Err(invalid("filter", how));
    }
    let reason = ordered_reason(asked.reason);
    let authority = &door.authority;
    if asked.dry_run {
        let now = authority.now().await.map_err(wire::failed)?;
        let count = authority.count(&tenant, &filter, now).await;
        let count = count.map_err(wire::failed)?;
        return Ok(Taken::Counted(api::RevocationCount {
            subjects: count.subjects as u64,
            sessions: count.sessions as u64,
        }));
    }
    match authority.revoke_in_bulk(&tenant, filter, reason).await {
        Ok(Ordered::Accepted(order)) => Ok(Taken::Accepted(Box::new(Accepted {
            location: location(&order),
            body: shown(&order),
        }))),
        Ok(Ordered::TooMany) => Err(Problem::new(ProblemCode::TooManyRevocations)
            .detail("Wait until one of them is over, or stop one.")
            .into()),
        Err(error) => Err(wire::failed(error)),
    }
}

/// Where an order is followed: as it stands, by whoever gave it.
fn location(order: &BulkRevocation) -> String {
    let path = format!("/v1/revocations/{}", order.id);
    if order.tenant == TenantId::default() {
        return path;
    }
    format!("{path}?tenant={}", encoded(order.tenant.as_str()))
}

/// `GET /v1/revocations`: 200. Those that are over are remembered for a while.
async fn list(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
) -> Result<Json<api::RevocationList>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let found = door.authority.bulk_revocations(&tenant, PAGE_MAX.into());
    let found = found.await.map_err(wire::failed)?;
    let revocations = found.iter().map(shown).collect();
    Ok(Json(api::RevocationList { revocations }))
}

/// `GET /v1/revocations/{id}`: 200, or 404 for foreign and absent alike.
async fn show(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    Query(query): Query<api::TenantQuery>,
) -> Result<Json<api::Revocation>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let found = door.authority.bulk_revocation(&tenant, read_id(&id)?).await;
    found_or_absent(found.map_err(wire::failed)?)
}

/// `DELETE /v1/revocations/{id}`: 200 with what it is then.
async fn cancel(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<Json<api::Revocation>, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let id = read_id(&id)?;
    let found = door.authority.cancel_bulk_revocation(&tenant, id).await;
    found_or_absent(found.map_err(wire::failed)?)
}

fn read_id(text: &str) -> Result<RevocationId, ProblemAnswer> {
    RevocationId::parse(text).ok_or_else(|| ProblemCode::NotFound.into())
}

fn found_or_absent(found: Option<BulkRevocation>) -> Result<Json<api::Revocation>, ProblemAnswer> {
    let found = found.ok_or(ProblemCode::NotFound)?;
    Ok(Json(shown(&found)))
}

fn shown(order: &BulkRevocation) -> api::Revocation {
    api::Revocation {
        id: order.id.to_string(),
        tenant: order.tenant.to_string(),
        state: match order.state {
            bulk::State::Waiting => api::RevocationState::Waiting,
            bulk::State::Running => api::RevocationState::Running,
            bulk::State::Cancelling => api::RevocationState::Cancelling,
            bulk::State::Cancelled => api::RevocationState::Cancelled,
            bulk::State::Done => api::RevocationState::Done,
        },
        filter: wire::filter(&order.filter),
        reason: wire::end_reason(order.reason),
        subjects: order.subjects,
        matched: order.matched,
        ended: order.ended,
        progress: order.progress(),
        started_at: wire::timestamp(order.started_at),
        finished_at: order.finished_at.map(wire::timestamp),
    }
}
