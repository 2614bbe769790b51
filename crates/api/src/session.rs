//! A session as the API shows it.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Attributes, Binding, Class, Device, EndReason, EndedBy, Place, SessionState, Timestamp,
};

/// One sign-in of one subject on one device.
///
/// Nothing in it opens anything: no token, no digest, no ticket.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Session {
    /// The public name, `ses_…`: for lists, logs and revocation.
    pub id: String,
    /// The tenant of the subject.
    pub tenant: String,
    /// The account whose session this is.
    pub subject: String,
    /// The application that signed the subject in, where it named itself.
    pub client: Option<String>,
    /// What the session is for.
    pub class: Class,
    /// Who acts as the subject; there only in sessions of the class `impersonation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Open, or ended.
    pub state: SessionState,
    /// When it was born.
    pub created_at: Timestamp,
    /// When it was last heard from.
    pub last_seen_at: Timestamp,
    /// When it ends unless it is heard from before.
    pub idle_expires_at: Timestamp,
    /// When it ends however busy it is.
    pub expires_at: Timestamp,
    /// When the subject last proved as much as `assurance` says. A weaker proof since then does
    /// not move it.
    pub authenticated_at: Timestamp,
    /// How identity was proved in this session: methods as in RFC 8176, like `pwd` and `otp`.
    pub methods: Vec<String>,
    /// How much was proved at `authenticated_at`; `null` where nobody said.
    pub assurance: Option<u8>,
    /// The device, where it is known.
    pub device: Option<Device>,
    /// The address it was opened from, where it is known.
    #[schemars(with = "Option<crate::schema::Address>")]
    pub ip: Option<IpAddr>,
    /// Roughly where that is.
    pub place: Option<Place>,
    /// What ties its token to the holder.
    pub binding: Binding,
    /// Whether it is the session of the caller who asks.
    pub current: bool,
    /// What the application keeps with it.
    pub attributes: Attributes,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the published contract, with its gaps filled in.
    const EXAMPLE: &str = r#"{
        "id": "ses_x", "tenant": "default", "subject": "alice", "client": "web",
        "class": "interactive", "state": "open",
        "created_at": "2026-01-02T03:04:05.000Z", "last_seen_at": "2026-01-02T03:04:06.000Z",
        "idle_expires_at": "2026-01-02T03:34:06.000Z", "expires_at": "2026-01-02T15:04:05.000Z",
        "authenticated_at": "2026-01-02T03:04:05.000Z", "methods": ["pwd", "otp"], "assurance": 2,
        "device": {"id": "dev_x", "name": "Firefox on Linux", "trusted": false},
        "ip": "203.0.113.7", "place": {"country": "DE", "city": "Berlin"},
        "binding": "none", "current": true, "attributes": {},
        "ended_at": null, "end_reason": null, "ended_by": null
    }"#;

    #[test]
    fn given_the_example_of_the_contract_when_read_and_written_then_no_member_is_lost_or_added() {
        let session: Session = serde_json::from_str(EXAMPLE).expect("the example is valid");

        let written = serde_json::to_value(&session).expect("a session is written");
        let example: serde_json::Value = serde_json::from_str(EXAMPLE).expect("it is JSON");

        assert_eq!(written, example);
    }

    #[test]
    fn given_a_member_of_a_later_version_when_a_client_reads_it_then_it_is_let_pass() {
        let later = EXAMPLE.replacen('{', r#"{"later": 1,"#, 1);

        assert!(serde_json::from_str::<Session>(&later).is_ok());
    }
}
