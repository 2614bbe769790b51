//! Subjects: looked at, amended, disabled and enabled.

use std::sync::Arc;

use axum::extract::State;
use innkeeper_api as api;
use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::name::{GroupName, SubjectId};
use innkeeper_domain::policy::SessionLimit;
use innkeeper_domain::roster::Contact;
use innkeeper_domain::session::Initiator;
use innkeeper_engine::subjects::Standing;
use serde_json::json;

use super::sign_in::contact;
use super::users::MaybeDirectory;
use super::{devices, sessions};
use crate::json::{Json, OptionalJson};
use crate::layer::{Admit, Caller, Door, Manage, ManageOrAdmit, wholly};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::query_or_body::QueryOrBody;
use crate::route::{NoContent, Route};
use crate::segment::Segment;
use crate::wire;

/// One subject.
const ONE: &str = "/v1/subjects/{subject}";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(ONE, show, "showSubject", "Show a subject").detail(
            "One never seen is shown too, with nothing live. Read it when the credential is \
                 checked, and hand `generation` to the sign-in.",
        ),
        Route::patch(
            ONE,
            amend,
            "amendSubject",
            "Change the groups, limits or contact of a subject",
        )
        .detail("In force on live sessions in the same step; may end some.")
        .example(json!({"groups": ["staff"], "limits": {"max_sessions": 2}})),
        Route::get(
            "/v1/subjects/{subject}/export",
            export,
            "exportSubject",
            "Show all that is kept of a subject",
        )
        .detail(
            "For whoever asks what is known of them (GDPR, articles 15 and 20): contact, groups, \
             limits, devices, and sessions open and ended, all as they were at one moment. What \
             happened to them is at `GET /v1/events` with `subject`.",
        ),
        Route::post(
            "/v1/subjects/{subject}/failures",
            count_failure,
            "countFailure",
            "Count a failed sign-in",
        )
        .detail("Told to the subject at its next sign-in. Nothing is kept of one never seen.")
        .example(json!({"ip": "203.0.113.7"})),
        Route::post(
            "/v1/subjects/{subject}/disable",
            disable,
            "disableSubject",
            "End all sessions of a subject and refuse new ones",
        ),
        Route::post(
            "/v1/subjects/{subject}/enable",
            enable,
            "enableSubject",
            "Let a subject sign in again",
        ),
    ]
}

/// What reaches the local users of a subject too.
pub(super) fn routes_with_users() -> Vec<Route> {
    vec![
        Route::delete(ONE, erase, "deleteSubject", "Delete a subject").detail(
            "Removes the local users of that subject, ends all its sessions, refuses evidence from \
             before, and erases contact, groups, devices, addresses and attributes: from what is known now, from the journal, and from \
             the files of the store, all before it answers. The journal keeps that something \
             happened, to nobody by name. Back-ups made before hold it still, and so may the disk \
             beneath the files. One that was disabled stays so. Repeat it if it fails.",
        ),
    ]
}

/// `GET /v1/subjects/{subject}`: 200, also for one never seen, with nothing live.
async fn show(
    caller: Caller<ManageOrAdmit>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    Query(query): Query<api::TenantQuery>,
) -> Result<Json<api::SubjectView>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let standing = door.authority.subject(&tenant, &subject).await;
    Ok(Json(view(&standing.map_err(wire::failed)?)))
}

/// `GET /v1/subjects/{subject}/export`: 200, also for one never seen.
async fn export(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    Query(query): Query<api::TenantQuery>,
) -> Result<Json<api::SubjectExport>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let standing = door.authority.subject(&tenant, &subject).await;
    let standing = standing.map_err(wire::failed)?;
    let sessions = sessions::of_state(&standing, api::StateFilter::All, None);
    Ok(Json(api::SubjectExport {
        made_at: wire::timestamp(standing.now),
        subject: view(&standing),
        contact: shown_contact(&standing.roster.contact),
        devices: devices::all(&standing, None).devices,
        sessions: sessions.into_iter().map(|(_, session)| session).collect(),
    }))
}

fn shown_contact(contact: &Contact) -> api::Contact {
    let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    api::Contact {
        email: owned(&contact.email).and_then(api::Text::new),
        locale: owned(&contact.locale).and_then(api::Text::new),
        time_zone: owned(&contact.time_zone).and_then(api::Text::new),
    }
}

/// `PATCH /v1/subjects/{subject}`: 200 with the subject as it then is.
async fn amend(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::SubjectPatch>,
) -> Result<Json<api::SubjectView>, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let patch = SubjectPatch {
        groups: match &asked.groups {
            api::Change::Absent => None,
            api::Change::Cleared => Some(Box::default()),
            api::Change::Set(groups) => {
                let texts = groups.iter().map(String::as_str);
                Some(wire::list("groups", texts, GroupName::parse)?)
            }
        },
        own_limit: match &asked.limits {
            api::Change::Absent => None,
            api::Change::Cleared => Some(None),
            api::Change::Set(limits) => Some(Some(own_limit(*limits)?)),
        },
        contact: match &asked.contact {
            api::Change::Absent => None,
            api::Change::Cleared => Some(Contact::default()),
            api::Change::Set(given) => Some(contact(given)?),
        },
    };
    let standing = door.authority.amend(&tenant, &subject, &patch).await;
    Ok(Json(view(&standing.map_err(wire::failed)?)))
}

fn own_limit(limits: api::SubjectLimits) -> Result<SessionLimit, ProblemAnswer> {
    SessionLimit::new(limits.max_sessions.into()).ok_or_else(|| {
        invalid(
            "limits.max_sessions",
            "expected 1 to 1000: there is no unlimited",
        )
    })
}

/// `DELETE /v1/subjects/{subject}`: 204, also for one never seen.
async fn erase(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    MaybeDirectory(users): MaybeDirectory,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<NoContent, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    // Whoever is signing in by their passwords then finds the evidence stale (S8).
    if let Some(users) = users {
        users.forget(tenant.clone(), subject.clone()).await?;
    }
    let authority = Arc::clone(&door.authority);
    wholly(async move { authority.erase(&tenant, &subject, Initiator::Admin).await }).await?;
    Ok(NoContent)
}

/// `POST /v1/subjects/{subject}/failures`: 204. Where it came from is checked and not kept.
async fn count_failure(
    caller: Caller<Admit>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    Query(query): Query<api::TenantQuery>,
    OptionalJson(asked): OptionalJson<api::FailureRequest>,
) -> Result<NoContent, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let counted = door.authority.count_failure(&tenant, &subject).await;
    counted.map_err(wire::failed)?;
    Ok(NoContent)
}

/// `POST /v1/subjects/{subject}/disable`: 200 with how many sessions ended.
async fn disable(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<Json<api::EndedCount>, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let ended = door
        .authority
        .disable(&tenant, &subject, Initiator::Admin)
        .await;
    let ended = ended.map_err(wire::failed)?;
    Ok(Json(api::EndedCount { ended }))
}

/// `POST /v1/subjects/{subject}/enable`: 200. Nothing that ended comes back.
async fn enable(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<Json<api::EndedCount>, ProblemAnswer> {
    let tenant = caller.tenant(named.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    door.authority
        .enable(&tenant, &subject)
        .await
        .map_err(wire::failed)?;
    Ok(Json(api::EndedCount { ended: 0 }))
}

fn view(standing: &Standing) -> api::SubjectView {
    let Standing { roster, now, .. } = standing;
    api::SubjectView {
        subject: roster.subject.to_string(),
        tenant: roster.tenant.to_string(),
        generation: roster.generation.0,
        live: roster.live(*now).count(),
        disabled: roster.disabled,
        groups: roster.groups.iter().map(ToString::to_string).collect(),
        limits: roster.own_limit.map(|limit| api::SubjectLimits {
            max_sessions: u32::try_from(limit.get()).expect("a limit is at most 1,000"),
        }),
        policy: roster.policy.0,
        last_sign_in: roster
            .last_sign_in
            .as_deref()
            .map(|last| wire::past_sign_in(last, roster.failures_since())),
    }
}
