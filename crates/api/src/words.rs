//! The closed lists of words that sessions are described with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a session is for; each class is counted by its own limits.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A person at a browser or an app.
    #[default]
    Interactive,
    /// A program that signed in as itself.
    Machine,
    /// Somebody acting as the subject; the session names who in `actor`.
    Impersonation,
}

/// What kind of thing a device is, as far as its browser says.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceClass {
    /// A computer with a browser.
    Desktop,
    /// A phone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A television or a console.
    Tv,
    /// A program on a command line.
    Cli,
    /// Nothing that we know.
    Other,
}

/// Whether a session is open or has ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It has not ended and none of its deadlines has passed.
    Open,
    /// It is over, for good.
    Ended,
}

/// What ties a token to its holder.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Nothing: who holds the token is let in.
    #[default]
    None,
    /// A second secret in a cookie of the device.
    DeviceCookie,
    /// A key in the browser.
    Dbsc,
    /// A key in the client.
    Dpop,
}

/// What ties a token to its holder, where sessions are looked for: what one can be bound to today.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BindingKind {
    /// Nothing: who holds the token is let in.
    None,
    /// A second secret in a cookie of the device.
    DeviceCookie,
}

/// Why a session ends that an administrator ends. Every other [`EndReason`] tells of something
/// that has not happened.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderedReason {
    /// An administrator wants it so.
    #[default]
    RevokedByAdmin,
    /// It may be in the wrong hands.
    Risk,
    /// The login service says that it is over.
    Federation,
    /// Another policy holds.
    PolicyChange,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The holder signed out.
    Logout,
    /// It was silent for too long.
    Idle,
    /// It reached the longest life allowed.
    Absolute,
    /// A later sign-in took its seat.
    Evicted,
    /// A sign-in of the same browser or device took its place.
    Superseded,
    /// The subject ended it from another session.
    RevokedByUser,
    /// An administrator ended it.
    RevokedByAdmin,
    /// A password or another credential was changed.
    CredentialChange,
    /// The subject was disabled.
    SubjectDisabled,
    /// An older token of it was used after its successor: one of two holders is a thief.
    ReuseDetected,
    /// It was presented from another device than the one it is bound to.
    DeviceMismatch,
    /// A rule about risk ended it.
    Risk,
    /// The login service said it was over.
    Federation,
    /// A policy came into force that has no seat for it.
    PolicyChange,
}

/// Who ended a session, in the words of the Continuous Access Evaluation Profile.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The subject.
    User,
    /// An administrator, or an application that acts for one.
    Admin,
    /// A rule of the policy.
    Policy,
    /// The system, on its own account.
    System,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word<T: Serialize>(value: T) -> String {
        serde_json::to_string(&value).expect("a word is written as a string")
    }

    #[test]
    fn given_words_of_several_parts_when_written_then_they_are_joined_by_underscores() {
        assert_eq!(word(Binding::DeviceCookie), r#""device_cookie""#);
        assert_eq!(word(EndReason::RevokedByAdmin), r#""revoked_by_admin""#);
        assert_eq!(word(EndReason::ReuseDetected), r#""reuse_detected""#);
    }

    #[test]
    fn given_a_word_in_another_case_when_read_then_it_is_refused() {
        assert!(serde_json::from_str::<Class>(r#""Interactive""#).is_err());
        assert!(serde_json::from_str::<Binding>(r#""device-cookie""#).is_err());
    }
}
