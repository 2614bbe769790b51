//! API keys, for administrators.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use innkeeper_api as api;
use innkeeper_api::{Problem, ProblemCode};
use innkeeper_domain::name::{ClientId, TenantId};
use innkeeper_engine::keys::{Enrolled, Issuer, KEYS_OF_ONE_TENANT, KeyInfo, KeyRevoked, KeyScope};
use serde_json::json;

use super::sessions::PAGE_MAX;
use crate::json::Json;
use crate::layer::{Admin, Caller, Door, one_tenant, wholly, wrong_key};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::query_or_body::QueryOrBody;
use crate::route::{Created, Link, NoContent, Route};
use crate::segment::Segment;
use crate::wire;

/// Longer than any place of a key.
const PLACE_MAX: usize = 256;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/v1/keys", create, "createKey", "Make an API key")
            .detail("The key is in this answer and is never shown again.")
            .example(json!({"name": "the shop", "scopes": ["admit", "check"]}))
            .link(Link::to("revoke", "revokeKey").parameter("id", "$response.body#/id")),
        Route::get(
            "/v1/keys",
            list,
            "listKeys",
            "List the API keys that this one may see",
        ),
        Route::delete("/v1/keys/{id}", revoke, "revokeKey", "Revoke an API key")
            .refuses(&[ProblemCode::NotFound]),
    ]
}

/// `POST /v1/keys`: 201; the key is in this answer and never shown again.
async fn create(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Query(query): Query<api::TenantQuery>,
    Json(asked): Json<api::KeyCreateRequest>,
) -> Result<Created<api::KeyCreated>, ProblemAnswer> {
    let name = asked.name.as_str();
    // It is shown beside other people's names, so it is held to the same rules.
    wire::name("name", name, ClientId::parse)?;
    if asked.scopes.is_empty() {
        return Err(invalid("scopes", "expected at least one"));
    }
    let named = one_tenant(&query, asked.tenant.as_deref())?;
    let tenant = wire::optional("tenant", named, TenantId::parse)?;
    // A key of one tenant makes keys of that tenant, and no wider one.
    let own = caller.key()?;
    let tenant = match &own.tenant {
        None => tenant,
        Some(only) if tenant.is_none() => Some(only.clone()),
        Some(_) => Some(caller.tenant(named)?),
    };
    let mut scopes: Vec<_> = asked.scopes.iter().copied().map(wire::read_scope).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let now = door.authority.now().await.map_err(wire::failed)?;
    let key = door.authority.prepare_key().map_err(wire::failed)?;
    let (authority, name) = (Arc::clone(&door.authority), name.to_owned());
    let (key, enrolled) = wholly(async move {
        let issuer = Issuer::Key(&own.id);
        let enrolled = authority.enrol_key(issuer, &key, &name, scopes, tenant, now);
        let enrolled = enrolled.await?;
        Ok((key, enrolled))
    })
    .await?;
    let info = match enrolled {
        Enrolled::Done(info) => info,
        Enrolled::IssuerGone => return Err(wrong_key()),
        Enrolled::TooMany => {
            let how = format!("has {KEYS_OF_ONE_TENANT} keys already; revoke one first");
            return Err(invalid("tenant", how));
        }
    };
    let created = api::KeyCreated {
        id: info.id.clone(),
        key: api::Secret::new(key.reveal()),
        name: info.name.clone(),
        scopes: info.scopes.iter().copied().map(show_scope).collect(),
        tenant: info.tenant.as_ref().map(ToString::to_string),
    };
    Ok(Created(created))
}

/// `GET /v1/keys`: 200 with the keys that this one may see, and nobody's secret.
///
/// With a tenant, only those that belong to it.
async fn list(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Query(query): Query<api::KeysQuery>,
) -> Result<Json<api::KeyPage>, ProblemAnswer> {
    let named = query.tenant.as_deref();
    let tenant = named.map(|named| caller.tenant(Some(named))).transpose()?;
    let after = query.after.as_deref().map(read_place).transpose()?;
    let own = caller.key()?;
    let keys = door.authority.keys();
    let mut seen = keys
        .iter()
        .filter(|key| may_see(&own, key) && (tenant.is_none() || key.tenant == tenant))
        .skip_while(|key| after.as_ref().is_some_and(|after| place_of(key) <= *after));
    let page: Vec<_> = seen.by_ref().take(PAGE_MAX.into()).collect();
    let last = seen.next().and_then(|_| page.last());
    Ok(Json(api::KeyPage {
        next: last.map(|key| written_place(key)),
        keys: page.into_iter().map(|key| view(key)).collect(),
    }))
}

/// Where a key stands among all, also once it is revoked.
fn place_of(key: &KeyInfo) -> (u64, Vec<u8>) {
    (key.created_at.as_millis(), key.id.clone().into_bytes())
}

fn written_place(key: &KeyInfo) -> String {
    let (made, id) = place_of(key);
    URL_SAFE_NO_PAD.encode([&made.to_be_bytes()[..], &id].concat())
}

fn read_place(text: &str) -> Result<(u64, Vec<u8>), ProblemAnswer> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let bytes = bytes.filter(|_| text.len() <= PLACE_MAX);
    let place = bytes.as_deref().and_then(<[u8]>::split_first_chunk);
    let (made, id) = place.ok_or_else(|| invalid("after", "is not a cursor of this list"))?;
    Ok((u64::from_be_bytes(*made), id.to_vec()))
}

/// `DELETE /v1/keys/{id}`: 204; 404 for foreign and absent alike.
async fn revoke(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Segment(id): Segment<String>,
    QueryOrBody(named): QueryOrBody<api::TenantQuery>,
) -> Result<NoContent, ProblemAnswer> {
    if let Some(named) = named.tenant.as_deref() {
        caller.tenant(Some(named))?;
    }
    let own = caller.key()?;
    let key = door.authority.key(&id);
    if !key.is_some_and(|key| may_see(&own, &key)) {
        return Err(ProblemCode::NotFound.into());
    }
    if own.id == id {
        // The last administrator's key must not lock everybody out by a slip.
        return Err(Problem::new(ProblemCode::Forbidden)
            .detail("A key does not revoke itself; use another administrator's.")
            .into());
    }
    let authority = Arc::clone(&door.authority);
    let revoked =
        wholly(async move { authority.revoke_key(Issuer::Key(&own.id), &id).await }).await?;
    match revoked {
        // It was there a moment ago: somebody else was first.
        KeyRevoked::Done | KeyRevoked::Absent => Ok(NoContent),
        KeyRevoked::IssuerGone => Err(wrong_key()),
        KeyRevoked::LastAdmin => Err(Problem::new(ProblemCode::Forbidden)
            .detail("No other key opens everything, so this one stays.")
            .into()),
    }
}

fn may_see(own: &KeyInfo, key: &KeyInfo) -> bool {
    own.tenant.is_none() || own.tenant == key.tenant
}

fn view(key: &KeyInfo) -> api::KeyView {
    api::KeyView {
        id: key.id.clone(),
        name: key.name.clone(),
        scopes: key.scopes.iter().copied().map(show_scope).collect(),
        tenant: key.tenant.as_ref().map(ToString::to_string),
        created_at: wire::timestamp(key.created_at),
    }
}

const fn show_scope(scope: KeyScope) -> api::Scope {
    match scope {
        KeyScope::Admin => api::Scope::Admin,
        KeyScope::Admit => api::Scope::Admit,
        KeyScope::Check => api::Scope::Check,
        KeyScope::Events => api::Scope::Events,
        KeyScope::Manage => api::Scope::Manage,
    }
}
