//! Calls that hand out a new token for a session that goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::bounded_list;
use crate::{Secret, Session, Text};

/// The body of `POST /v1/sessions/rotate`.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RotateRequest {
    /// The token to be replaced.
    pub token: Secret,
    /// The device token that came with it, needed where the session is bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Secret>,
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
}

/// The body of `POST /v1/sessions/reauthenticated`: the subject proved identity again.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReauthenticatedRequest {
    /// The token of the session in which identity was proved.
    pub token: Secret,
    /// The device token that came with it, needed where the session is bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Secret>,
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// How, at most 16 methods as in RFC 8176. They are added to those of the session, each once,
    /// as long as there are no more than 16.
    #[serde(deserialize_with = "bounded_list::<16, _, _>")]
    #[schemars(length(max = 16))]
    pub methods: Vec<Text<64>>,
    /// How much that proved. The session keeps what it has if that is more.
    #[schemars(range(max = 9))]
    pub assurance: u8,
}

/// The answer of both: the same session under a new token.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct TokenAnswer {
    /// The token to use from now on.
    pub token: Secret,
    /// The session as it now stands.
    pub session: Session,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_reauthentication_without_its_proof_when_read_then_it_is_refused() {
        let whole = r#"{"token": "ik_x", "methods": ["otp"], "assurance": 2}"#;

        assert!(serde_json::from_str::<ReauthenticatedRequest>(whole).is_ok());
        assert!(serde_json::from_str::<ReauthenticatedRequest>(r#"{"token": "ik_x"}"#).is_err());
    }

    #[test]
    fn given_a_rotation_with_an_unknown_member_when_read_then_it_is_refused() {
        let json = r#"{"token": "ik_x", "session": "ses_x"}"#;

        assert!(serde_json::from_str::<RotateRequest>(json).is_err());
    }
}
