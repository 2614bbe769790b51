//! Sessions by their ids, and those of a subject.

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use innkeeper_api as api;
use innkeeper_api::ProblemCode;
use innkeeper_domain::name::SubjectId;
use innkeeper_domain::session::{EndReason, Initiator, SessionId};
use innkeeper_engine::revoke::{Revoked, RevokedAll, Scope};
use innkeeper_engine::subjects::Standing;

use crate::json::Json;
use crate::layer::{Caller, Door, Manage};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::query_or_body::QueryOrBody;
use crate::route::{NoContent, Route};
use crate::segment::Segment;
use crate::wire::{self, Current};

pub(super) fn routes() -> Vec<Route> {
    const OF_SUBJECT: &str = "/v1/subjects/{subject}/sessions";
    vec![
        Route::get("/v1/sessions/{id}", show, "showSession", "Show a session")
            .refuses(&[ProblemCode::NotFound]),
        Route::delete("/v1/sessions/{id}", end, "endSession", "End a session")
            .detail(
                "Done also when it has ended already. It ends as `revoked_by_admin`, or for the \
                 `reason` that is given.",
            )
            .refuses(&[ProblemCode::NotFound]),
        Route::get(
            OF_SUBJECT,
            list,
            "listSessions",
            "List the sessions of a subject",
        ),
        Route::delete(
            OF_SUBJECT,
            end_all,
            "endSessions",
            "End the sessions of a subject",
        )
        .detail("Raises the generation, so that no sign-in from before is let in.")
        .refuses(&[ProblemCode::NotFound]),
    ]
}

/// The most sessions on one page.
pub(super) const PAGE_MAX: u16 = 200;

/// `GET /v1/sessions/{id}`: 200, or 404 for foreign and absent alike.
async fn show(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    Query(query): Query<api::TenantQuery>,
) -> Result<Json<api::Session>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let id = read_id(&id)?;
    let standing = door
        .authority
        .roster_at(&tenant, id.tag())
        .await
        .map_err(wire::failed)?;
    standing
        .and_then(|Standing { roster, now, .. }| {
            let live = roster
                .find(id)
                .map(|s| wire::session(&roster, s, Current::No, now));
            live.or_else(|| roster.find_ended(id, now).map(|e| wire::ended(&roster, e)))
        })
        .map(Json)
        .ok_or_else(|| ProblemCode::NotFound.into())
}

/// `DELETE /v1/sessions/{id}`: 204, also when it has ended already; else 404.
async fn end(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    QueryOrBody(named): QueryOrBody<api::EndSessionQuery>,
) -> Result<NoContent, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let reason = ordered_reason(named.reason);
    let id = read_id(&id)?;
    let revoked = door
        .authority
        .revoke(Scope::Tenant(&tenant), id, reason, Initiator::Admin)
        .await;
    match revoked.map_err(wire::failed)? {
        Revoked::Ended => Ok(NoContent),
        // Nothing is protected from an administrator, who asks from no session.
        Revoked::Absent | Revoked::Protected | Revoked::AskerGone | Revoked::Impersonated => {
            Err(ProblemCode::NotFound.into())
        }
    }
}

/// `GET /v1/subjects/{subject}/sessions`: a page of them, the youngest first.
async fn list(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    Query(query): Query<api::SessionsQuery>,
) -> Result<Json<api::SessionPage>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let standing = door.authority.subject(&tenant, &subject).await;
    page(&standing.map_err(wire::failed)?, &query, None).map(Json)
}

/// `DELETE /v1/subjects/{subject}/sessions`: 200 with how many ended.
async fn end_all(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    QueryOrBody(named): QueryOrBody<api::EndSessionsQuery>,
) -> Result<Json<api::EndedCount>, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let keep = named.except.as_deref().map(read_id).transpose()?;
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
    let revoked = door
        .authority
        .revoke_all(&tenant, &subject, keep, reason, by)
        .await;
    match revoked.map_err(wire::failed)? {
        RevokedAll::Ended(ended) => Ok(Json(api::EndedCount { ended })),
        RevokedAll::KeptIsAbsent | RevokedAll::Protected | RevokedAll::Impersonated => {
            Err(ProblemCode::NotFound.into())
        }
    }
}

/// Why a session ends that an administrator ends.
pub(super) fn ordered_reason(asked: Option<api::OrderedReason>) -> EndReason {
    match asked.unwrap_or_default() {
        api::OrderedReason::RevokedByAdmin => EndReason::RevokedByAdmin,
        api::OrderedReason::Risk => EndReason::Risk,
        api::OrderedReason::Federation => EndReason::Federation,
        api::OrderedReason::PolicyChange => EndReason::PolicyChange,
    }
}

/// An id that we could not have issued is absent, like any other that is not here.
pub(super) fn read_id(text: &str) -> Result<SessionId, ProblemAnswer> {
    SessionId::parse(text).map_err(|_| ProblemCode::NotFound.into())
}

/// One page of a roster, the youngest session first.
pub(super) fn page(
    standing: &Standing,
    query: &api::SessionsQuery,
    current: Option<SessionId>,
) -> Result<api::SessionPage, ProblemAnswer> {
    let limit = page_limit(query.limit)?;
    let before = query.after.as_deref().map(read_cursor).transpose()?;
    let mut found = of_state(standing, query.state, current);
    found.retain(|(birth, _)| before.is_none_or(|before| *birth < before));

    let more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|(birth, _)| URL_SAFE_NO_PAD.encode(birth.to_be_bytes()));
    Ok(api::SessionPage {
        sessions: found.into_iter().map(|(_, session)| session).collect(),
        next,
    })
}

/// The sessions of a roster that are in this state, the youngest first, each with its birth.
pub(super) fn of_state(
    standing: &Standing,
    state: api::StateFilter,
    current: Option<SessionId>,
) -> Vec<(u64, api::Session)> {
    let Standing { roster, now, .. } = standing;
    let recorded = roster.sessions.iter().map(|s| {
        let is_current = if current == Some(s.id) {
            Current::Yes
        } else {
            Current::No
        };
        (s.birth, wire::session(roster, s, is_current, *now))
    });
    let ended = roster
        .remembered(*now)
        .map(|e| (e.session.birth, wire::ended(roster, e)));
    let mut found: Vec<_> = recorded.chain(ended).collect();
    found.retain(|(_, session)| match state {
        api::StateFilter::Open => session.state == api::SessionState::Open,
        api::StateFilter::Ended => session.state == api::SessionState::Ended,
        api::StateFilter::All => true,
    });
    found.sort_by_key(|(birth, _)| std::cmp::Reverse(*birth));
    found
}

/// How much a page holds, at most 200; that if nothing is said.
pub(super) fn page_limit(asked: Option<u16>) -> Result<usize, ProblemAnswer> {
    match asked.unwrap_or(PAGE_MAX) {
        limit @ 1..=PAGE_MAX => Ok(limit.into()),
        _ => Err(invalid("limit", format!("expected 1 to {PAGE_MAX}"))),
    }
}

fn read_cursor(text: &str) -> Result<u64, ProblemAnswer> {
    let mut bytes = [0; 8];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(8) => Ok(u64::from_be_bytes(bytes)),
        _ => Err(invalid("after", "is not a cursor of this list")),
    }
}
