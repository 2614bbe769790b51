//! Admission: the sign-in as it is asked for, and as it is granted.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::strict::{object_option, word};
use crate::text::{bounded_list, bounded_list_option};
use crate::{Attributes, Class, Contact, Place, Secret, Session, Text, Ticket, Timestamp};

/// The body of `POST /v1/sessions`. Only `subject` is required.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// Who signed in.
    #[schemars(length(min = 1, max = 256))]
    pub subject: String,
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// The application that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub client: Option<String>,
    /// What the session is for.
    #[serde(default, deserialize_with = "word")]
    pub class: Class,
    /// Who acts as the subject; goes with the class `impersonation` and no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub actor: Option<String>,
    /// The generation that was read when the credential was checked. Without it a sign-in that
    /// overlaps a credential change cannot be told from a fresh one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// How identity was proved, at most 16 methods as in RFC 8176.
    #[serde(default, deserialize_with = "bounded_list::<16, _, _>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub methods: Vec<Text<64>>,
    /// How much that proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9))]
    pub assurance: Option<u8>,
    /// When; the moment of the call if absent, or if it lies ahead of the clock here by a minute at
    /// most. Further ahead is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_at: Option<Timestamp>,
    /// The token by which the device was recognised before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Secret>,
    /// The browser's own description of itself, at most 1,024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Text<1_024>>,
    /// Where the browser is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::Address>")]
    pub ip: Option<IpAddr>,
    /// The groups of the subject, at most 256; given, they replace what was known.
    #[serde(default, deserialize_with = "bounded_list_option::<256, _, _>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub groups: Option<Vec<String>>,
    /// How to reach the subject; given, it replaces what was known.
    #[serde(default, deserialize_with = "object_option")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// What the application wants to find in the session again.
    #[serde(default)]
    pub attributes: Attributes,
    /// Whether the subject asked to stay signed in; a fact that rules can name.
    #[serde(default)]
    pub remember: bool,
    /// The token the browser held before: it ends in the same step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Secret>,
    /// The sessions the subject chose to end; goes with `choice` only.
    #[serde(default, deserialize_with = "bounded_list_option::<1000, _, _>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub end: Option<Vec<Text<128>>>,
    /// The ticket of an earlier `session-limit`, `ikc_…`. It stands for that sign-in: with it go
    /// `subject`, `tenant`, `end` and `replaces`, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Ticket>,
}

/// The answer to a sign-in that was let in.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct SignInAnswer {
    /// The session token, `ik_…`, shown to nobody but the new holder.
    pub token: Secret,
    /// The new session.
    pub session: Session,
    /// The device it is on.
    pub device: Option<IssuedDevice>,
    /// The sessions that ended to make room, and the one that was replaced.
    pub ended: Vec<Session>,
    /// The sign-in before this one, for the person to judge: of class `interactive`, and told to
    /// no other class.
    pub previous_sign_in: Option<SignInSummary>,
    /// What the person should be told.
    pub notices: Vec<Notice>,
}

/// The device of a new session, with the token to recognise it by.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct IssuedDevice {
    /// The public name, `dev_…`.
    pub id: String,
    /// The device token, `ikd_…`: a new one, or the good one that was presented.
    pub token: Option<Secret>,
    /// Whether the subject has signed in from it before.
    pub known: bool,
    /// Whether the subject chose to remember it.
    pub trusted: bool,
}

/// One past sign-in in a line.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SignInSummary {
    /// When it was.
    pub at: Timestamp,
    /// From which address.
    #[schemars(with = "Option<crate::schema::Address>")]
    pub ip: Option<IpAddr>,
    /// Roughly where that is.
    pub place: Option<Place>,
    /// On what, as a name for people. Hostile text: escape it.
    pub device: Option<String>,
    /// How many sign-ins have failed since.
    pub failures_since: u64,
}

/// What a person should be told: after a sign-in, or later in the session.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The subject has not signed in from this device before.
    UnseenDevice,
    /// The subject has not signed in from this place before.
    UnseenPlace,
    /// Other sessions of the subject are open.
    Concurrent,
    /// The token of a session came without the device that it is bound to, and was refused.
    DeviceMismatch,
    /// Sign-ins of the subject have failed since the last one.
    FailedSignIns,
    /// A session of the subject was ended, and not by its holder or by the clock.
    SessionEnded,
    /// More sessions are open than the policy would allow if it were in force.
    OverLimit,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the published contract, with its gaps filled in.
    const EXAMPLE: &str = r#"{
        "subject": "alice", "tenant": "default", "client": "web", "class": "interactive",
        "generation": 7, "methods": ["pwd"], "assurance": 1,
        "authenticated_at": "2026-01-02T03:04:05.000Z",
        "device_token": "ikd_x", "user_agent": "Mozilla/5.0", "ip": "203.0.113.7",
        "groups": ["staff"],
        "contact": {"email": "a@example.org", "locale": "de", "time_zone": "Europe/Berlin"},
        "attributes": {"locale": "de"}, "remember": false,
        "replaces": "ik_x", "end": ["ses_x"], "choice": "ikc_x"
    }"#;

    #[test]
    fn given_the_example_of_the_contract_when_read_and_written_then_no_member_is_lost_or_added() {
        let request: SignInRequest = serde_json::from_str(EXAMPLE).expect("the example is valid");

        let written = serde_json::to_value(&request).expect("a request is written");
        let example: serde_json::Value = serde_json::from_str(EXAMPLE).expect("it is JSON");

        assert_eq!(written, example);
    }

    #[test]
    fn given_only_a_subject_when_read_then_the_rest_has_its_default() {
        let request: SignInRequest =
            serde_json::from_str(r#"{"subject": "alice"}"#).expect("a subject is enough");

        assert_eq!(request.class, Class::Interactive);
        assert!(request.groups.is_none());
        assert!(!request.remember);
    }

    #[test]
    fn given_bad_members_when_read_then_each_is_refused() {
        for json in [
            r"{}",
            r#"{"subject": "a", "subject": "a"}"#,
            r#"{"subject": "a", "subjekt": "b"}"#,
            r#"{"subject": 1}"#,
            r#"{"subject": "a", "class": "root"}"#,
            r#"{"subject": "a", "generation": -1}"#,
            r#"{"subject": "a", "generation": 1.5}"#,
            r#"{"subject": "a", "assurance": 256}"#,
            r#"{"subject": "a", "ip": "203.0.113"}"#,
            r#"{"subject": "a", "authenticated_at": "yesterday"}"#,
            r#"{"subject": "a", "contact": {"phone": "1"}}"#,
            r#"{"subject": "a", "attributes": {"x": 1, "x": 1}}"#,
            r#"{"subject": "a", "remember": "yes"}"#,
            r#"{"subject": "a", "class": {"machine": null}}"#,
            r#"{"subject": "a", "contact": ["a@example.org", "de", null]}"#,
        ] {
            assert!(
                serde_json::from_str::<SignInRequest>(json).is_err(),
                "{json} is refused"
            );
        }
    }

    #[test]
    fn given_a_request_with_secrets_when_debugged_then_none_of_them_shows() {
        let request: SignInRequest = serde_json::from_str(EXAMPLE).expect("the example is valid");

        let shown = format!("{request:?}");

        for secret in ["ikd_x", "ik_x", "ikc_x"] {
            assert!(!shown.contains(secret), "{secret} is hidden");
        }
    }
}
