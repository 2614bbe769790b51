//! Lists, and what may be asked of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::strict::{given, given_word};
use crate::{OrderedReason, Session};

/// A page of sessions.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SessionPage {
    /// At most 200 of them.
    pub sessions: Vec<Session>,
    /// Where the next page starts, opaque; `null` where there is none.
    pub next: Option<String>,
}

/// How many sessions a call has ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EndedCount {
    /// So many.
    pub ended: usize,
}

/// The query of calls that take a tenant and nothing else, or their body.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-null-refused" = true))]
pub struct TenantQuery {
    /// The tenant; `default` if absent.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
}

/// The query of `GET /v1/subjects/{subject}/sessions`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-null-refused" = true))]
pub struct SessionsQuery {
    /// The tenant; `default` if absent.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Which sessions.
    #[serde(default)]
    pub state: StateFilter,
    /// Where the page starts: `next` of the page before.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub after: Option<String>,
    /// How many sessions a page has, 1 to 200.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u16>,
}

/// Which sessions a list shows.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StateFilter {
    /// Those that are open.
    #[default]
    Open,
    /// Those that ended lately.
    Ended,
    /// Both.
    All,
}

/// The query of `DELETE /v1/sessions/{id}`, or its body.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-null-refused" = true))]
pub struct EndSessionQuery {
    /// The tenant; `default` if absent.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Why: `revoked_by_admin` if absent.
    #[serde(
        default,
        deserialize_with = "given_word",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason: Option<OrderedReason>,
}

/// The query of `DELETE /v1/subjects/{subject}/sessions`, or its body.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-null-refused" = true))]
pub struct EndSessionsQuery {
    /// The tenant; `default` if absent.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// The one session that lives on, `ses_…`.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub except: Option<String>,
}
