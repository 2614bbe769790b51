//! The check: is this token good, and may this caller use it?

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::bounded_list;
use crate::{EndReason, EndedBy, Problem, Secret, Session, Text, Timestamp};

/// The body of `POST /v1/check`. Only `token` is required.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckRequest {
    /// What the browser presented.
    pub token: Secret,
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// The device token the browser presented with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Secret>,
    /// Where the browser is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::Address>")]
    pub ip: Option<IpAddr>,
    /// The browser's own description of itself, at most 1,024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Text<1_024>>,
    /// The subject the caller expects; another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub subject: Option<String>,
    /// The assurance the caller needs at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9))]
    pub assurance: Option<u8>,
    /// How old the authentication may be at most, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Whether the check leaves the idle time alone.
    #[serde(default)]
    pub passive: bool,
}

/// The answer to a check of a good token.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct CheckAnswer {
    /// The owner of the token.
    pub subject: String,
    /// The owner's tenant.
    pub tenant: String,
    /// The session the token opens.
    pub session: Session,
    /// A new token to use from now on, where the policy sets `rotate_every`.
    pub rotated: Option<Secret>,
}

/// The body of `POST /v1/check/batch`.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"), deny_unknown_fields)]
#[schemars(rename = "CheckBatchRequest")]
pub struct CheckBatchRequest<C = CheckRequest> {
    /// The tenant of those checks that name none; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Up to 256 checks, each as it would be asked alone.
    #[serde(deserialize_with = "bounded_list::<256, _, _>")]
    #[schemars(length(max = 256))]
    pub checks: Vec<C>,
}

/// The answer to it.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct CheckBatchAnswer {
    /// One for each check, in the same order.
    pub results: Vec<CheckBatchResult>,
}

/// What one check of a batch comes to, with the status that it would have alone.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum CheckBatchResult {
    /// The token is good.
    Good(Box<CheckBatchGood>),
    /// It is not, or not for this: the problem has the status in it.
    Refused(Problem),
}

/// The answer to a check that is one of a batch.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct CheckBatchGood {
    /// 200.
    pub status: u16,
    /// The answer.
    #[serde(flatten)]
    pub answer: CheckAnswer,
}

/// What the problem `no-session` adds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct NoSession {
    /// Why there is none.
    pub reason: NoSessionReason,
    /// When it ended; told only to the holder of a token that was once good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who ended it; told to the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<EndedBy>,
}

impl NoSession {
    /// What anybody is told who holds no token that was ever good, or one that is forgotten.
    pub const UNKNOWN: Self = Self {
        reason: NoSessionReason::Unknown(Unknown::Unknown),
        ended_at: None,
        ended_by: None,
    };
}

/// Why a token opens no session: `unknown`, or one of the end reasons.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum NoSessionReason {
    /// The session is on file, and this is how it ended.
    Ended(EndReason),
    /// No such token is on file.
    Unknown(Unknown),
}

/// The one word for a token that is not on file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// Never issued, damaged, or forgotten.
    Unknown,
}

/// What the problem `step-up-required` adds: what to sign in with.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct StepUp {
    /// The assurance that is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<u8>,
    /// How old the authentication may be at most, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_example_of_the_contract_when_read_then_every_member_is_known() {
        let json = r#"{"token": "ik_x", "device_token": "ikd_x", "ip": "2001:db8::1",
            "user_agent": "curl", "subject": "alice", "assurance": 2, "max_age": 900,
            "passive": false}"#;

        let request: CheckRequest = serde_json::from_str(json).expect("the example is valid");

        assert_eq!(request.max_age, Some(900));
    }

    #[test]
    fn given_a_reason_when_written_and_read_then_it_is_one_word() {
        let unknown = serde_json::to_string(&NoSession::UNKNOWN).expect("it is written");
        let evicted = NoSession {
            reason: NoSessionReason::Ended(EndReason::Evicted),
            ended_at: Timestamp::from_millis(0),
            ended_by: Some(EndedBy::Policy),
        };
        let written = serde_json::to_string(&evicted).expect("it is written");

        assert_eq!(unknown, r#"{"reason":"unknown"}"#);
        assert_eq!(
            written,
            r#"{"reason":"evicted","ended_at":"1970-01-01T00:00:00.000Z","ended_by":"policy"}"#
        );
        assert_eq!(
            serde_json::from_str::<NoSession>(&unknown).expect("it was just written"),
            NoSession::UNKNOWN
        );
        assert_eq!(
            serde_json::from_str::<NoSession>(&written).expect("it was just written"),
            evicted
        );
    }

    #[test]
    fn given_an_over_long_user_agent_when_read_then_it_is_refused() {
        let json = format!(
            r#"{{"token": "ik_x", "user_agent": "{}"}}"#,
            "x".repeat(1_025)
        );

        assert!(serde_json::from_str::<CheckRequest>(&json).is_err());
    }
}
