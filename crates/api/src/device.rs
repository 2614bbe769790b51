//! Where a session is: the device it was opened on, and a rough place on the map.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DeviceClass, Text, Timestamp};

/// The device of a session, as its owner may see it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Device {
    /// The public name, `dev_…`; it opens nothing.
    pub id: String,
    /// A name for people, like `Firefox on Linux`. Hostile text: escape it.
    pub name: String,
    /// Whether the subject chose to remember it.
    pub trusted: bool,
}

/// A rough place, guessed from an address. Decoration: no decision rests on it.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Place {
    /// ISO 3166 code of the country, two capital letters.
    pub country: Option<String>,
    /// The city, where it is known.
    pub city: Option<String>,
}

/// A device, in the list of its subject.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DeviceView {
    /// The public name, `dev_…`; it opens nothing.
    pub id: String,
    /// A name for people: the one its owner gave, or what its browser said. Hostile text: escape
    /// it.
    pub name: String,
    /// What kind of thing it is, as far as its browser says.
    pub class: DeviceClass,
    /// Whether the subject chose to remember it.
    pub trusted: bool,
    /// Since when.
    pub trusted_at: Option<Timestamp>,
    /// When it was first signed in from.
    pub first_seen_at: Timestamp,
    /// When it was last heard from.
    pub last_seen_at: Timestamp,
    /// How many sessions are open on it.
    pub sessions: usize,
    /// Whether it is the device of the session that asks.
    pub current: bool,
}

/// The devices of a subject, the one heard from last first. There are never more than 50.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct DeviceList {
    /// All of them.
    pub devices: Vec<DeviceView>,
}

/// The body of `PATCH /v1/subjects/{subject}/devices/{id}`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DevicePatch {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// What to call it from now on: 1 to 64 characters that can be seen.
    pub name: Text<256>,
}

/// The body of `PATCH /me/devices/{id}`, whose tenant the session names.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OwnDevicePatch {
    /// What to call it from now on: 1 to 64 characters that can be seen.
    pub name: Text<256>,
}
