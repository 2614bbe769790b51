//! Local users: made, listed, and given other passwords.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Secret;
use crate::text::bounded_list;

/// A password on its way to its hash; longer ones are nobody's.
pub type NewPassword = Secret<1_024>;

/// The body of `POST /v1/users`.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UserCreateRequest {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// The name to sign in with; case and composition make no difference.
    #[schemars(length(min = 1, max = 1024))]
    pub name: String,
    /// The password, at least 8 characters.
    pub password: NewPassword,
    /// The immutable id whose sessions are counted; drawn if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub subject: Option<String>,
    /// The groups that a sign-in brings along.
    #[serde(default, deserialize_with = "groups")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub groups: Vec<String>,
}

fn groups<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    bounded_list::<256, String, D>(deserializer)
}

/// The body of `PUT /v1/users/{name}/password`.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// The new password, at least 8 characters.
    pub password: NewPassword,
}

/// A local user, without what is secret.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct UserView {
    /// The name to sign in with, in its canonical form.
    pub name: String,
    /// The immutable id whose sessions are counted.
    pub subject: String,
    /// The groups that a sign-in brings along.
    pub groups: Vec<String>,
}

/// The answer of `GET /v1/users`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct UserPage {
    /// The users, in the order of their names.
    pub users: Vec<UserView>,
    /// Where the next page starts, opaque; `null` where there is none.
    pub next: Option<String>,
}

/// The query of `GET /v1/users`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UsersQuery {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Where the page starts: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub after: Option<String>,
}
