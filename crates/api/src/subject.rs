//! A subject as the API shows and changes it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::patch::Change;
use crate::strict::Object;
use crate::text::BoundedList;
use crate::{DeviceView, Secret, Session, SignInSummary, Text, Timestamp};

/// The answer of `GET` and `PATCH /v1/subjects/{subject}`.
///
/// A subject never seen looks like this too, with nothing live.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SubjectView {
    /// The account.
    pub subject: String,
    /// Its tenant.
    pub tenant: String,
    /// Read it when the credential is checked, and hand it to the sign-in.
    pub generation: u64,
    /// How many sessions are live.
    pub live: usize,
    /// Whether sign-ins are refused.
    pub disabled: bool,
    /// The groups that rules may name.
    pub groups: Vec<String>,
    /// The subject's own limits, where they replace those of the policy.
    pub limits: Option<SubjectLimits>,
    /// The version of the policy that the subject's sessions last obeyed; 0 where none is on file.
    pub policy: u64,
    /// The latest sign-in of class `interactive` that was let in.
    pub last_sign_in: Option<SignInSummary>,
}

/// The answer of `GET /v1/subjects/{subject}/export`: all that is kept of a subject but its
/// events, as it was at one moment.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct SubjectExport {
    /// When that was.
    pub made_at: Timestamp,
    /// What is known of the account.
    pub subject: SubjectView,
    /// How to reach the subject.
    pub contact: Contact,
    /// Its devices, the one heard from last first.
    pub devices: Vec<DeviceView>,
    /// Its sessions, those that ended lately among them, the youngest first.
    pub sessions: Vec<Session>,
}

/// The body of `PATCH /v1/subjects/{subject}`; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectPatch {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// The groups, at most 256.
    #[serde(default, deserialize_with = "groups")]
    #[serde(skip_serializing_if = "Change::is_absent")]
    pub groups: Change<Vec<String>>,
    /// The subject's own limits; `null` gives it those of the policy again.
    #[serde(default, deserialize_with = "object")]
    #[serde(skip_serializing_if = "Change::is_absent")]
    pub limits: Change<SubjectLimits>,
    /// How to reach the subject.
    #[serde(default, deserialize_with = "object")]
    #[serde(skip_serializing_if = "Change::is_absent")]
    pub contact: Change<Contact>,
}

fn groups<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change<Vec<String>>, D::Error> {
    let change = Change::<BoundedList<String, 256>>::deserialize(deserializer)?;
    Ok(change.map(|list| list.0))
}

fn object<'de, T, D>(deserializer: D) -> Result<Change<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let change = Change::<Object<T>>::deserialize(deserializer)?;
    Ok(change.map(|object| object.0))
}

/// Limits of one subject, instead of the policy's.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectLimits {
    /// How many sessions may be live, 1 to 1,000; the domain refuses others.
    #[schemars(range(min = 1, max = 1000))]
    pub max_sessions: u32,
}

/// How to reach a subject.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Where mail goes, at most 320 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Text<320>>,
    /// The language of mail, as in BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Text<64>>,
    /// The zone in which mail names times, as in the IANA database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Text<64>>,
}

/// The body of `POST /v1/subjects/{subject}/failures`; it may be left out.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FailureRequest {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Where the attempt came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::Address>")]
    pub ip: Option<std::net::IpAddr>,
    /// The browser's own description of itself, at most 1,024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Text<1_024>>,
}

/// The body of `POST /v1/subjects/{subject}/credential-changed`; it may be left out.
#[derive(Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialChangedRequest {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// The token of the one session that lives on, under a new token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Secret>,
    /// The device token that came with it; a session that is bound to one is kept only with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<Secret>,
}

/// The answer to it.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct CredentialChangedAnswer {
    /// How many sessions ended.
    pub ended: usize,
    /// The new token of the session that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The session that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(json: &str) -> Result<SubjectPatch, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn given_an_absent_a_null_and_a_set_member_when_a_patch_is_read_then_the_three_differ() {
        let patch = patch(r#"{"limits": null, "groups": ["staff"]}"#).expect("it is a patch");

        assert_eq!(patch.limits, Change::Cleared);
        assert_eq!(patch.groups, Change::Set(vec!["staff".to_owned()]));
        assert_eq!(patch.contact, Change::Absent);
    }

    #[test]
    fn given_a_patch_when_written_then_absent_members_stay_absent_and_cleared_ones_are_null() {
        let patch = SubjectPatch {
            limits: Change::Cleared,
            ..SubjectPatch::default()
        };

        let json = serde_json::to_string(&patch).expect("a patch is written");

        assert_eq!(json, r#"{"limits":null}"#);
    }

    #[test]
    fn given_unknown_repeated_or_wrong_members_when_a_patch_is_read_then_it_is_refused() {
        for json in [
            r#"{"group": []}"#,
            r#"{"limits": {"max_sessions": 2, "max_sessions": 3}}"#,
            r#"{"limits": {"max_sessions": -1}}"#,
            r#"{"limits": {"max_session": 1}}"#,
            r#"{"limits": [1]}"#,
            r#"{"groups": "staff"}"#,
            r#"{"contact": {"email": 1}}"#,
        ] {
            assert!(patch(json).is_err(), "{json} is refused");
        }
    }

    #[test]
    fn given_257_groups_when_a_patch_is_read_then_it_is_refused() {
        let groups = vec!["g"; 257];
        let json = serde_json::json!({ "groups": groups }).to_string();

        assert!(patch(&json).is_err());
    }
}
