//! The user's own calls: who am I, where am I signed in, and out.

use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::StatusCode;
use innkeeper_api as api;
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::notice;
use innkeeper_domain::session::{EndReason, Initiator};
use innkeeper_engine::check::{Activity, Checked};
use innkeeper_engine::revoke::{Revoked, RevokedAll, Scope};
use schemars::JsonSchema;

use super::sessions::{page, read_id};
use crate::json::Json;
use crate::layer::{Door, Principal};
use crate::openapi::Operation;
use crate::problem::ProblemAnswer;
use crate::query::Query;
use crate::query_or_body::QueryOrBody;
use crate::route::{Answer, Route};
use crate::segment::Segment;
use crate::wire::{self, Current};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/me", show, "me", "Show the session that asks")
            .takes::<(Principal, Query<api::MeQuery>)>(),
        Route::get(
            "/me/sessions",
            list,
            "listOwnSessions",
            "List one's own sessions",
        ),
        Route::delete(
            "/me/sessions",
            end_others,
            "endOtherSessions",
            "End all one's other sessions",
        )
        .refuses(&[ProblemCode::DeviceNotTrusted])
        .refuses_with(401, ProblemCode::StepUpRequired),
        Route::delete(
            "/me/sessions/{id}",
            end,
            "endOwnSession",
            "End one of one's own sessions",
        )
        .refuses(&[ProblemCode::NotFound, ProblemCode::DeviceNotTrusted])
        .refuses_with(401, ProblemCode::StepUpRequired),
        Route::post("/me/logout", log_out, "logOut", "End the session that asks"),
    ]
}

/// `GET /me`: 200 with the session that asks. `?passive=true` is no sign of life.
async fn show(State(door): State<Door>, request: Request) -> Result<Json<api::Me>, ProblemAnswer> {
    let (mut parts, _) = request.into_parts();
    let Query(query) = Query::<api::MeQuery>::from_request_parts(&mut parts, &door).await?;
    let activity = if query.passive {
        Activity::Passive
    } else {
        Activity::Active
    };
    let principal = door.principal(&parts, activity).await?;
    let Checked {
        session,
        roster,
        now,
        ..
    } = principal.checked();
    let policy = door.authority.policy();
    let notices = notice::standing(roster, session, &policy, *now);
    Ok(Json(api::Me {
        session: wire::session(roster, session, Current::Yes, *now),
        previous_sign_in: wire::previous_sign_in(session),
        notices: notices.into_iter().map(wire::notice).collect(),
        time_left: session.expires_at().since(*now).as_secs(),
    }))
}

/// `GET /me/sessions`: 200 with one's own, this one marked.
async fn list(
    principal: Principal,
    State(door): State<Door>,
    Query(query): Query<PageQuery>,
) -> Result<Json<api::SessionPage>, ProblemAnswer> {
    let Checked {
        session, roster, ..
    } = principal.checked();
    let standing = door
        .authority
        .subject(&roster.tenant, &roster.subject)
        .await;
    let query = api::SessionsQuery {
        tenant: None,
        state: query.state,
        after: query.after,
        limit: query.limit,
    };
    page(&standing.map_err(wire::failed)?, &query, Some(session.id)).map(Json)
}

/// What may be asked of one's own list: everything but a tenant, which the session names.
#[derive(Debug, Default, JsonSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    #[serde(default)]
    state: api::StateFilter,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    limit: Option<u16>,
}

/// The query of calls that take none, or their body. A member that we passed over might have been meant to
/// spare a session.
#[derive(Debug, Default, JsonSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// `DELETE /me/sessions/{id}`: 204; 404 for foreign and absent alike.
async fn end(
    principal: Principal,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    QueryOrBody(Nothing {}): QueryOrBody<Nothing>,
) -> Result<SignedOut, ProblemAnswer> {
    let id = read_id(&id)?;
    if id == principal.checked().session.id {
        return sign_out(&door, &principal).await;
    }
    require_fresh(&door, &principal)?;
    let own = Scope::Holder(principal.checked());
    let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
    let revoked = door.authority.revoke(own, id, reason, by).await;
    match revoked.map_err(wire::failed)? {
        Revoked::Ended => Ok(SignedOut {
            headers: HeaderMap::new(),
        }),
        Revoked::Absent => Err(ProblemCode::NotFound.into()),
        Revoked::Protected => Err(protected()),
        Revoked::Impersonated => Err(impersonated()),
        // The session that asked ended meanwhile, so its word no longer counts.
        Revoked::AskerGone => Err(wire::no_session(None)),
    }
}

/// `DELETE /me/sessions`: 200 with how many others ended.
async fn end_others(
    principal: Principal,
    State(door): State<Door>,
    QueryOrBody(Nothing {}): QueryOrBody<Nothing>,
) -> Result<Json<api::EndedCount>, ProblemAnswer> {
    require_fresh(&door, &principal)?;
    let revoked = door.authority.revoke_others(principal.checked()).await;
    match revoked.map_err(wire::failed)? {
        RevokedAll::Ended(ended) => Ok(Json(api::EndedCount { ended })),
        // As above.
        RevokedAll::KeptIsAbsent => Err(wire::no_session(None)),
        RevokedAll::Protected => Err(protected()),
        RevokedAll::Impersonated => Err(impersonated()),
    }
}

/// `POST /me/logout`: 204, and the cookie is gone.
async fn log_out(
    principal: Principal,
    State(door): State<Door>,
    QueryOrBody(Nothing {}): QueryOrBody<Nothing>,
) -> Result<SignedOut, ProblemAnswer> {
    sign_out(&door, &principal).await
}

/// 204; and where the session was one of a browser, its cookie goes.
struct SignedOut {
    headers: HeaderMap,
}

impl IntoResponse for SignedOut {
    fn into_response(self) -> Response {
        (StatusCode::NO_CONTENT, self.headers).into_response()
    }
}

impl Answer for SignedOut {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers(StatusCode::NO_CONTENT);
    }
}

async fn sign_out(door: &Door, principal: &Principal) -> Result<SignedOut, ProblemAnswer> {
    let own = Scope::Holder(principal.checked());
    let id = principal.checked().session.id;
    let (reason, by) = (EndReason::Logout, Initiator::User);
    let revoked = door.authority.revoke(own, id, reason, by).await;
    // However it came about, it is over.
    let _ = revoked.map_err(wire::failed)?;
    let mut headers = HeaderMap::new();
    if principal.came_by_cookie() {
        door.part(&mut headers);
    }
    Ok(SignedOut { headers })
}

/// A young session on an untrusted device does not end older trusted ones.
pub(super) fn protected() -> ProblemAnswer {
    Problem::new(ProblemCode::DeviceNotTrusted)
        .detail(
            "What is on a device that was trusted before is protected from a new session on one \
             that was not. Do it from the trusted device, sign in with stronger evidence, or wait.",
        )
        .into()
}

/// What somebody else would do here would stand in the journal as the subject's own doing.
pub(super) fn impersonated() -> ProblemAnswer {
    Problem::new(ProblemCode::Forbidden)
        .detail(
            "A session in which somebody acts as the subject ends none but itself, and changes no \
             device. Use an API key of the scope manage.",
        )
        .into()
}

/// Ending other sessions asks for a recent proof of identity (ASVS 7.5.2): else 401 with the
/// challenge of RFC 9470.
pub(super) fn require_fresh(door: &Door, principal: &Principal) -> Result<(), ProblemAnswer> {
    let Some(freshness) = door.authority.wants_fresher(principal.checked()) else {
        return Ok(());
    };
    let asked = api::StepUp {
        assurance: None,
        max_age: Some(freshness.as_secs()),
    };
    Err(Problem::new(ProblemCode::StepUpRequired)
        .status(StatusCode::UNAUTHORIZED.as_u16())
        .with(&asked)
        .into())
}
