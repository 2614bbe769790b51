//! Events: what happened, as those outside are told.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Class, DeviceClass, EndReason, EndedBy, Timestamp};

/// One thing that happened to a subject.
///
/// It is told at least once; `id` is the same each time. More members and more types may come.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Event {
    /// Its name, `evt_…`: no other event ever has it.
    pub id: String,
    /// The number of the change in the history of its subject, without gaps; one change may be
    /// told in several events.
    pub seq: u64,
    /// When it happened. For an expiry that is the deadline, however much later it was noted.
    pub at: Timestamp,
    /// What happened: `session.opened`, `session.ended` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// The tenant of the subject.
    pub tenant: String,
    /// Whom it happened to; `null` once that was erased.
    pub subject: Option<String>,
    /// Which session, where it is about one.
    pub session: Option<String>,
    /// Why it ended, if it did.
    pub reason: Option<EndReason>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// What more there is to tell of it.
    #[serde(flatten)]
    pub details: EventDetails,
}

/// What some events tell beside. What does not belong to one is absent.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EventDetails {
    /// The application that the session is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What the session is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// How much the authentication proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<u8>,
    /// The device it is about, or was opened on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What kind of thing that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_class: Option<DeviceClass>,
    /// The address it was opened from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// Whether the sign-in said under which generation its credential was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fenced: Option<bool>,
    /// The generation of the subject from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The version of the policy that it obeys from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<u64>,
}

/// The answer of `GET /v1/events`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct EventPage {
    /// In the order in which they were noted.
    pub events: Vec<Event>,
    /// Where to go on, now or later; opaque, and always there.
    pub next: String,
    /// Whether there may be more already. Where it is `false`, ask again later.
    pub more: bool,
}

/// The query of `GET /v1/events`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Only of this subject; what was erased is nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub subject: Option<String>,
    /// Where to go on: `next` of a page, or the `id` of a message. `now` begins after all that
    /// has happened; absent, it begins with the first event that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How many events a page has, 1 to 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u16>,
}
