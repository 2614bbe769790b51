//! Which sessions are meant, and the end of all of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::strict::{given, given_object, given_word};
use crate::{BindingKind, Class, EndReason, OrderedReason, Timestamp};

/// Which sessions are meant: all that is named must be true of them.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-null-refused" = true))]
pub struct SessionFilter {
    /// They are this subject's.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub subject: Option<String>,
    /// They were opened for this application.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub client: Option<String>,
    /// They are of this class.
    #[serde(
        default,
        deserialize_with = "given_word",
        skip_serializing_if = "Option::is_none"
    )]
    pub class: Option<Class>,
    /// Their subject is in this group.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub group: Option<String>,
    /// They were opened from this address, or from one of this range, like `203.0.113.0/24`.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 2, max = 49))]
    pub ip: Option<String>,
    /// They are on this device, `dev_…`.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub device: Option<String>,
    /// They were opened before this moment.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_before: Option<Timestamp>,
    /// Nothing was heard from them after this moment.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub idle_since: Option<Timestamp>,
    /// Their token is tied to its holder like this.
    #[serde(
        default,
        deserialize_with = "given_word",
        skip_serializing_if = "Option::is_none"
    )]
    pub binding: Option<BindingKind>,
    /// That every session is meant: the word without which an empty filter ends nothing.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub all: Option<bool>,
}

/// The query of `GET /v1/sessions`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-null-refused" = true))]
pub struct SearchQuery {
    /// The tenant; `default` if absent.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// See [`SessionFilter::subject`].
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub subject: Option<String>,
    /// See [`SessionFilter::client`].
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub client: Option<String>,
    /// See [`SessionFilter::class`].
    #[serde(
        default,
        deserialize_with = "given_word",
        skip_serializing_if = "Option::is_none"
    )]
    pub class: Option<Class>,
    /// See [`SessionFilter::group`].
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub group: Option<String>,
    /// See [`SessionFilter::ip`].
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 2, max = 49))]
    pub ip: Option<String>,
    /// See [`SessionFilter::device`].
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub device: Option<String>,
    /// See [`SessionFilter::created_before`].
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_before: Option<Timestamp>,
    /// See [`SessionFilter::idle_since`].
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub idle_since: Option<Timestamp>,
    /// See [`SessionFilter::binding`].
    #[serde(
        default,
        deserialize_with = "given_word",
        skip_serializing_if = "Option::is_none"
    )]
    pub binding: Option<BindingKind>,
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

impl SearchQuery {
    /// Which sessions are looked for.
    #[must_use]
    pub fn filter(&self) -> SessionFilter {
        SessionFilter {
            subject: self.subject.clone(),
            client: self.client.clone(),
            class: self.class,
            group: self.group.clone(),
            ip: self.ip.clone(),
            device: self.device.clone(),
            created_before: self.created_before,
            idle_since: self.idle_since,
            binding: self.binding,
            all: None,
        }
    }
}

/// The body of `POST /v1/revocations`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-null-refused" = true))]
pub struct RevocationRequest {
    /// The tenant; `default` if absent.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Which sessions are to end.
    #[serde(
        default,
        deserialize_with = "given_object",
        skip_serializing_if = "Option::is_none"
    )]
    pub filter: Option<SessionFilter>,
    /// Why: `revoked_by_admin` if absent.
    #[serde(
        default,
        deserialize_with = "given_word",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason: Option<OrderedReason>,
    /// Whether only to count.
    #[serde(default)]
    pub dry_run: bool,
    /// That every session is meant, where the filter names nothing.
    #[serde(default)]
    pub all: bool,
}

/// How many sessions would end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct RevocationCount {
    /// Of so many subjects.
    pub subjects: u64,
    /// So many.
    pub sessions: u64,
}

/// A bulk revocation, as far as it has come.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Revocation {
    /// Its name, `rev_…`.
    pub id: String,
    /// The tenant.
    pub tenant: String,
    /// How far it has come.
    pub state: RevocationState,
    /// Which sessions are meant.
    pub filter: SessionFilter,
    /// Why they end.
    pub reason: EndReason,
    /// How many subjects had such sessions, as far as it has come.
    pub subjects: u64,
    /// How many sessions it has found.
    pub matched: u64,
    /// How many of them it has ended.
    pub ended: u64,
    /// How much is behind it, in hundredths.
    pub progress: u8,
    /// When it was asked for. What was born later is not touched.
    pub started_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// The bulk revocations of a tenant, the youngest first.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct RevocationList {
    /// At most 200 of them.
    pub revocations: Vec<Revocation>,
}

/// How far a bulk revocation has come.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationState {
    /// Others go first.
    Waiting,
    /// It is under way.
    Running,
    /// It is to stop, and has not yet.
    Cancelling,
    /// It was stopped. What had ended stays ended.
    Cancelled,
    /// Nothing is left that it means.
    Done,
}
