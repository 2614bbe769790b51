//! Where a session is: the device it was opened on, and a rough place on the map.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
