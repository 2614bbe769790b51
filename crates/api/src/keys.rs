//! API keys: made, listed and taken back.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::strict::{Word, given};
use crate::text::bounded_list;
use crate::{Secret, Text, Timestamp};

/// What a key may do.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Sign subjects in.
    Admit,
    /// Ask whether tokens are good.
    Check,
    /// Look at subjects and sessions, and end them.
    Manage,
    /// Read the journal.
    Events,
    /// Everything, the keys themselves included.
    Admin,
}

/// The body of `POST /v1/keys`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCreateRequest {
    /// A name for people, at most 256 bytes.
    #[schemars(length(min = 1))]
    pub name: Text<256>,
    /// What it may do.
    #[serde(deserialize_with = "scopes")]
    #[schemars(length(min = 1, max = 5))]
    pub scopes: Vec<Scope>,
    /// The one tenant it may name; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
}

fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scope>, D::Error> {
    let words = bounded_list::<5, Word<Scope>, D>(deserializer)?;
    Ok(words.into_iter().map(|word| word.0).collect())
}

/// The answer to it, the only one that ever shows the key.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct KeyCreated {
    /// The public name, by which it is taken back.
    pub id: String,
    /// The key, `ikk_…`.
    pub key: Secret,
    /// The name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The one tenant it may name; `null` for all.
    pub tenant: Option<String>,
}

/// The query of `GET /v1/keys`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeysQuery {
    /// Only the keys that belong to this tenant.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Where the page starts: `next` of the page before.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub after: Option<String>,
}

/// The answer of `GET /v1/keys`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct KeyPage {
    /// At most 200 keys, in the order of their making.
    pub keys: Vec<KeyView>,
    /// Where the next page starts, opaque; `null` where there is none.
    pub next: Option<String>,
}

/// A key without its secret.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct KeyView {
    /// The public name, by which it is taken back.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The one tenant it may name; `null` for all.
    pub tenant: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_unknown_scope_or_too_many_when_read_then_the_request_is_refused() {
        for json in [
            r#"{"name": "ci", "scopes": ["root"]}"#,
            r#"{"name": "ci", "scopes": ["admit", "admit", "admit", "admit", "admit", "admit"]}"#,
            r#"{"name": "ci"}"#,
            r#"{"name": "ci", "scopes": [{"admit": null}]}"#,
        ] {
            assert!(
                serde_json::from_str::<KeyCreateRequest>(json).is_err(),
                "{json} is refused"
            );
        }
    }

    #[test]
    fn given_a_new_key_when_debugged_then_it_does_not_show() {
        let created = KeyCreated {
            id: "key_1".to_owned(),
            key: Secret::new("ikk_secret".to_owned()),
            name: "ci".to_owned(),
            scopes: vec![Scope::Admit],
            tenant: None,
        };

        assert!(!format!("{created:?}").contains("ikk_secret"));
    }
}
