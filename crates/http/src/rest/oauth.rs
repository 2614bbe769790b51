//! Introspection (RFC 7662) and revocation (RFC 7009), for programs that know OAuth and not us.

use axum::extract::State;
use innkeeper_api as api;
use innkeeper_api::OAuthErrorCode;
use innkeeper_domain::check::{Demand, Shown};
use innkeeper_domain::name::TenantId;
use innkeeper_domain::session::{EndReason, Initiator, Timestamp};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Checked, Renewal};
use serde_json::json;

use crate::json::Json;
use crate::layer::{Check, Door, Manage};
use crate::oauth::{Client, Form, Refusal};
use crate::query::Query;
use crate::route::{Done, Route};
use crate::wire;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(
            "/oauth/introspect",
            introspect,
            "introspect",
            "Tell what a token is good for, as RFC 7662 does",
        )
        .detail(
            "A token that opens nothing, or nothing to this caller, is exactly \
             `{\"active\": false}`. Like a check, it is a sign of life of the holder unless \
             `passive` is set.",
        )
        .example(json!({"token": "ik_…"})),
        Route::post(
            "/oauth/revoke",
            revoke,
            "revokeToken",
            "End the session of a token, as RFC 7009 does",
        )
        .detail("Done also where there is none. It ends as `revoked_by_admin`.")
        .example(json!({"token": "ik_…", "token_type_hint": "access_token"})),
    ]
}

async fn introspect(
    client: Client<Check>,
    State(door): State<Door>,
    Query(query): Query<api::IntrospectionQuery>,
    Form(form): Form,
) -> Result<Json<api::Introspection>, Refusal> {
    let tenant = client.tenant(query.tenant.as_deref())?;
    let activity = if query.passive {
        Activity::Passive
    } else {
        Activity::Active
    };
    let checked = look_up(&door, &form.token, tenant, activity).await?;
    let shown = checked.map_or(api::Introspection::INACTIVE, |checked| show(&checked));
    Ok(Json(shown))
}

async fn revoke(
    client: Client<Manage>,
    State(door): State<Door>,
    Query(query): Query<api::RevocationQuery>,
    Form(form): Form,
) -> Result<Done, Refusal> {
    let tenant = client.tenant(query.tenant.as_deref())?;
    if is_of_another_kind(form.token.reveal()) {
        return Err(Refusal::OAuth(
            OAuthErrorCode::UnsupportedTokenType,
            "Only session tokens are revoked here.",
        ));
    }
    let Ok(token) = SessionToken::parse(form.token.reveal()) else {
        return Ok(Done);
    };
    let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
    let tenant = tenant.as_ref();
    let revoked = door.authority.revoke_by_token(tenant, &token, reason, by);
    revoked.await.map_err(wire::failed)?;
    Ok(Done)
}

/// The session that a token opens, to a client of this tenant.
async fn look_up(
    door: &Door,
    token: &api::AnyToken,
    tenant: Option<TenantId>,
    activity: Activity,
) -> Result<Option<Checked>, Refusal> {
    let Ok(token) = SessionToken::parse(token.reveal()) else {
        return Ok(None);
    };
    let request = CheckRequest {
        token,
        tenant,
        // A session that is bound to a device opens nothing to whom cannot show that.
        demand: Demand {
            device: Shown::NoPlace,
            ..Demand::default()
        },
        activity,
        renewal: Renewal::Never,
    };
    match door.authority.check(&request).await.map_err(wire::failed)? {
        CheckAnswer::Valid(passed) => Ok(Some(passed.open().map_err(wire::failed)?)),
        CheckAnswer::NoSession(_) | CheckAnswer::Shortfall(_) => Ok(None),
    }
}

/// Keys, tickets and device tokens are ours too, and end otherwise.
fn is_of_another_kind(token: &str) -> bool {
    ["ikk_", "ikc_", "ikd_"]
        .iter()
        .any(|prefix| token.starts_with(prefix))
}

fn show(checked: &Checked) -> api::Introspection {
    let (roster, session) = (&checked.roster, &checked.session);
    let authentication = &session.authentication;
    let level = authentication.assurance.get();
    let methods = &authentication.methods;
    api::Introspection {
        active: true,
        sub: Some(roster.subject.to_string()),
        username: Some(roster.subject.to_string()),
        client_id: session.client.as_ref().map(ToString::to_string),
        token_type: Some("Bearer".to_owned()),
        exp: Some(seconds(session.expires_at())),
        iat: Some(seconds(session.token_made_at)),
        auth_time: Some(seconds(authentication.at)),
        acr: (level > 0).then(|| level.to_string()),
        amr: (!methods.is_empty()).then(|| methods.iter().map(ToString::to_string).collect()),
        sid: Some(session.id.to_string()),
        tenant: Some(roster.tenant.to_string()),
    }
}

/// Whole seconds since 1970, as `NumericDate` has them; what is finer is cut off, so that `exp` is
/// never later than the end.
const fn seconds(at: Timestamp) -> u64 {
    at.as_millis() / 1_000
}
