//! `GET /v1/sessions`: which sessions of a tenant does a filter mean?

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use innkeeper_api as api;
use innkeeper_domain::token::RosterTag;
use innkeeper_engine::search::SearchPlace;

use super::sessions::page_limit;
use crate::json::Json;
use crate::layer::{Admin, Caller, Door};
use crate::problem::{ProblemAnswer, invalid};
use crate::query::Query;
use crate::route::Route;
use crate::wire::{self, Current};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/sessions",
            search,
            "searchSessions",
            "Search the open sessions of a tenant",
        )
        .detail(
            "All that is named must be true of a session; without anything named, all are shown. \
             A page may hold fewer than `limit`, even none, and yet have a `next`: go on until \
             that is `null`.",
        ),
    ]
}

/// `GET /v1/sessions`: 200 with a page, each row as it stands in its roster.
async fn search(
    caller: Caller<Admin>,
    State(door): State<Door>,
    Query(query): Query<api::SearchQuery>,
) -> Result<Json<api::SessionPage>, ProblemAnswer> {
    let tenant = caller.tenant(query.tenant.as_deref())?;
    let limit = page_limit(query.limit)?;
    let filter = wire::read_filter("", &query.filter())?;
    let after = query.after.as_deref().map(read_place).transpose()?;
    let found = door.authority.search(&tenant, &filter, after, limit).await;
    let found = found.map_err(wire::failed)?;
    let shown = found
        .hits
        .iter()
        .map(|hit| wire::session(&hit.roster, &hit.session, Current::No, hit.now));
    Ok(Json(api::SessionPage {
        sessions: shown.collect(),
        next: found.next.map(place),
    }))
}

/// A place tells nothing that the ids of sessions do not, and opens nothing: what is shown is
/// chosen by tenant and filter, wherever one goes on.
fn place(at: SearchPlace) -> String {
    let mut bytes = at.tag.as_bytes().to_vec();
    bytes.extend(at.birth.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_place(text: &str) -> Result<SearchPlace, ProblemAnswer> {
    let mut bytes = [0; 24];
    let (Ok(24), Some((tag, birth))) = (
        URL_SAFE_NO_PAD.decode_slice(text, &mut bytes),
        bytes.split_first_chunk::<16>(),
    ) else {
        return Err(invalid("after", "is not a cursor of this search"));
    };
    Ok(SearchPlace {
        tag: RosterTag::from_bytes(*tag),
        birth: u64::from_be_bytes(birth.try_into().expect("eight bytes are left")),
    })
}
