//! Introspection and revocation, in the shapes of OAuth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AnyToken;

/// The form of `POST /oauth/introspect` (RFC 7662, 2.1) and `POST /oauth/revoke` (RFC 7009, 2.1).
///
/// Parameters that are not known are passed over, as RFC 6749 wants it in section 3.2.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct TokenForm {
    /// The session token, `ik_…`. Any other text is a token that opens nothing.
    pub token: AnyToken,
    /// What kind of token the caller believes it is; the token itself says so, and is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type_hint: Option<String>,
}

/// The query of `POST /oauth/introspect`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionQuery {
    /// The tenant. Without it, the one of the key; and any, where the key belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Whether the call leaves the idle time alone.
    #[serde(default)]
    pub passive: bool,
}

/// The query of `POST /oauth/revoke`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationQuery {
    /// The tenant. Without it, the one of the key; and any, where the key belongs to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
}

/// The answer of introspection (RFC 7662, 2.2). All but `active` is there only if that is true.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Introspection {
    /// Whether the token opens a session now.
    pub active: bool,
    /// The subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The subject, as a name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The application that signed the subject in, where it named itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// `Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// When the session ends if nothing more is heard of it, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
    /// When the token was made, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// When the subject last proved identity, in seconds since 1970 (RFC 9470, 6.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// How much that proved, 1 to 9 as text (RFC 9470, 6.2); absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By which methods, as in RFC 8176.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
    /// The public name of the session, `ses_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The tenant of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

impl Introspection {
    /// What is said of a token that opens nothing, or nothing to this caller. Never why.
    pub const INACTIVE: Self = Self {
        active: false,
        sub: None,
        username: None,
        client_id: None,
        token_type: None,
        exp: None,
        iat: None,
        auth_time: None,
        acr: None,
        amr: None,
        sid: None,
        tenant: None,
    };
}

/// A refusal in the words of OAuth (RFC 6749, 5.2).
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct OAuthError {
    /// What went wrong, for programs.
    pub error: OAuthErrorCode,
    /// The same for people.
    pub error_description: String,
}

/// The codes of RFC 6749 (5.2), RFC 6750 (3.1) and RFC 7009 (2.2.1) that we use.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OAuthErrorCode {
    /// A parameter is missing, repeated or not readable.
    InvalidRequest,
    /// The API key is missing or wrong.
    InvalidClient,
    /// The API key lacks the scope, or belongs to another tenant.
    InsufficientScope,
    /// The token is of a kind that is not revoked here.
    UnsupportedTokenType,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_dead_token_when_introspected_then_nothing_but_that_is_said() {
        let written = serde_json::to_string(&Introspection::INACTIVE).expect("it is written");

        assert_eq!(written, r#"{"active":false}"#);
    }
}
