//! Calls that give a session its next token: rotation, reauthentication, a changed credential.

use std::sync::Arc;

use axum::extract::State;
use innkeeper_api as api;
use innkeeper_api::ProblemCode;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::rotation::{NoProof, Occasion, Reauthentication};
use innkeeper_domain::session::Initiator;
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::rotate::{RotateAnswer, Rotated};
use serde_json::json;

use super::sign_in::methods;
use crate::json::{Json, OptionalJson};
use crate::layer::{Admit, Caller, Door, Manage, wholly};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::route::Route;
use crate::segment::Segment;
use crate::wire::{self, Current};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(
            "/v1/sessions/rotate",
            rotate,
            "rotateToken",
            "Give a session its next token",
        )
        .detail(
            "Whoever repeats the call within the grace gets the same one. The token of a session \
             that is bound to a device comes with its device token, as at a check.",
        )
        .example(json!({"token": "ik_…", "device_token": "ikd_…"}))
        .refuses(&[ProblemCode::NoSession, ProblemCode::DeviceMismatch]),
        Route::post(
            "/v1/sessions/reauthenticated",
            reauthenticated,
            "reauthenticated",
            "Tell that the subject proved identity again",
        )
        .detail(
            "Raises assurance or leaves it as it is, adds the methods to those of the session, gives \
             the next token, and counts as activity. A proof at least as strong as the session \
             also starts the absolute timeout anew, and is what `authenticated_at` tells of. A \
             weaker one makes fresh what it proved and no more: a check with `assurance` and \
             `max_age` asks for a proof of that strength that is no older. The token of a session \
             that is bound to a device comes with its device token, as at a check.",
        )
        .example(json!({"token": "ik_…", "methods": ["otp"], "assurance": 2}))
        .refuses(&[ProblemCode::NoSession, ProblemCode::DeviceMismatch]),
        Route::post(
            "/v1/subjects/{subject}/credential-changed",
            credential_changed,
            "credentialChanged",
            "End all sessions of a subject but the one to keep",
        )
        .detail(
            "The session of `keep` lives on under a new token. A token that is not good for that, or \
             comes without the device that its session is bound to, keeps nothing.",
        )
        .example(json!({"keep": "ik_…"})),
    ]
}

/// `POST /v1/sessions/rotate`: 200 with the next token, the same one for whoever repeats.
async fn rotate(
    caller: Caller<Admit>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::RotateRequest>,
) -> Result<Json<api::TokenAnswer>, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let device = asked.device_token.as_ref();
    renew(door, tenant, &asked.token, device, Occasion::Renewal).await
}

/// `POST /v1/sessions/reauthenticated`: 200 with the next token, and as much time as was proved.
async fn reauthenticated(
    caller: Caller<Admit>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::ReauthenticatedRequest>,
) -> Result<Json<api::TokenAnswer>, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let assurance = wire::assurance(asked.assurance)?;
    let proof = Reauthentication::new(methods(&asked.methods)?, assurance).map_err(|error| {
        let field = match error {
            NoProof::Methods => "methods",
            NoProof::Assurance => "assurance",
        };
        invalid(field, error.to_string())
    })?;
    let occasion = Occasion::Reauthentication(proof);
    let device = asked.device_token.as_ref();
    renew(door, tenant, &asked.token, device, occasion).await
}

async fn renew(
    door: Door,
    tenant: TenantId,
    token: &api::Secret,
    device: Option<&api::Secret>,
    occasion: Occasion,
) -> Result<Json<api::TokenAnswer>, ProblemAnswer> {
    let Ok(token) = SessionToken::parse(token.reveal()) else {
        return Err(wire::no_session(None));
    };
    let device = wire::shown(device, &token);
    let authority = Arc::clone(&door.authority);
    let work = async move {
        let tenant = Some(&tenant);
        authority.rotate(tenant, &token, device, occasion).await
    };
    match wholly(work).await? {
        RotateAnswer::Rotated(rotated) => {
            let (token, session) = show(&rotated);
            Ok(Json(api::TokenAnswer { token, session }))
        }
        RotateAnswer::NoSession(ending) => Err(wire::no_session(ending)),
        RotateAnswer::DeviceMismatch => Err(ProblemCode::DeviceMismatch.into()),
    }
}

fn show(rotated: &Rotated) -> (api::Secret, api::Session) {
    (
        api::Secret::new(rotated.token.reveal()),
        wire::session(&rotated.roster, &rotated.session, Current::Yes, rotated.now),
    )
}

/// `POST /v1/subjects/{subject}/credential-changed`: 200; all sessions end but the kept one.
async fn credential_changed(
    caller: Caller<Manage>,
    State(door): State<Door>,
    Segment(subject): Segment<String>,
    Query(query): Query<api::TenantQuery>,
    OptionalJson(asked): OptionalJson<api::CredentialChangedRequest>,
) -> Result<Json<api::CredentialChangedAnswer>, ProblemAnswer> {
    let tenant = caller.tenant_of(&query, asked.tenant.as_deref())?;
    let subject = wire::name("subject", &subject, SubjectId::parse)?;
    let keep = asked
        .keep
        .map(|token| {
            SessionToken::parse(token.reveal())
                .map_err(|_| invalid("keep", "is not a session token"))
        })
        .transpose()?
        .map(|token| {
            let device = wire::shown(asked.device_token.as_ref(), &token);
            (token, device)
        });
    let authority = Arc::clone(&door.authority);
    let changed = wholly(async move {
        let by = Initiator::User;
        let keep = keep.as_ref().map(|(token, device)| (token, *device));
        authority
            .credential_changed(&tenant, &subject, keep, by)
            .await
    })
    .await?;
    let (token, session) = changed.kept.as_deref().map(show).unzip();
    Ok(Json(api::CredentialChangedAnswer {
        ended: changed.ended,
        token,
        session,
    }))
}
