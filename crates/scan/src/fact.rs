//! A fact: one thing the code or its configuration says about sessions, and how we know.

use innkeeper_report::Confidence;
use serde::{Deserialize, Serialize};

/// What a fact is about.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Identity is bound to a new session or token.
    Creates,
    /// A password is checked, where nothing was understood of what it signs in to.
    ChecksPassword,
    /// A token that carries identity is signed.
    SignsToken,
    /// The session gets a new id.
    Regenerates,
    /// Live sessions of one user are bounded.
    Limits,
    /// A bound that is written, and off where it ships.
    LimitsOff,
    /// A bound on the sessions of one device, which the client names.
    LimitsPerDevice,
    /// One slot for a refresh token: a new sign-in takes it from the old.
    SingleSlot,
    /// Sessions can be seen.
    Lists,
    /// One session can be ended.
    RevokesOne,
    /// All sessions but the present one can be ended.
    RevokesOthers,
    /// All sessions of a user can be ended.
    RevokesAll,
    /// A message tells the user of a new sign-in.
    Notifies,
    /// Signing out, and what it ends on the server.
    Logout,
    /// Signing out that only tells the browser to forget.
    LogoutClientOnly,
    /// A password is changed.
    PasswordChange,
    /// Changing the password ends sessions.
    RevokesOnPassword,
    /// Changing the password ends sessions when somebody asks for it.
    RevokesOnPasswordOptIn,
    /// The session is bound to the password, so that changing it ends others.
    BindsPassword,
    /// The session cookie is configured.
    CookieConfig,
    /// Identity or request context in state shared by callers.
    SharedState,
    /// The same, and it decides who may do what.
    SharedStateDecides,
    /// Sessions or revocations in the memory of one process.
    StoreLocal,
    /// Sessions or tokens expire.
    Expires,
    /// A token is signed without an expiry.
    NeverExpires,
    /// Sign-in is somebody else's: a hosted service keeps the sessions.
    Delegated,
    /// Sessions are counted and created in two steps that nothing holds together.
    CountsThenCreates,
    /// A list of sessions is read, changed and written back whole.
    RewritesSessions,
    /// A session is ended by an id that nobody checks against its owner.
    RevokesUnowned,
    /// The same where a user is named on the way, and whether the owner is asked was not understood.
    OwnerUnsure,
    /// An account is disabled, and its sessions end.
    RevokesOnDisable,
    /// An account is disabled, and its sessions stay.
    DisableKeeps,
    /// Each request asks whether the account is still in use.
    RefusesDisabled,
    /// A new access token is given out and the refresh token stays the same.
    RefreshKept,
    /// The refresh token is replaced, and nobody notices the old one coming back.
    ReuseUnseen,
    /// A session's secret is written to a log, put into an address, or kept as it is.
    Leaks,
}

impl Kind {
    /// The word used in every format.
    #[must_use]
    pub fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// Whose sessions, or who may act.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A user, for themselves.
    #[default]
    User,
    /// An administrator, for others.
    Admin,
}

/// How the fact was learnt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A call, assignment or annotation in the code.
    Call,
    /// A setting.
    Config,
    /// A default of a framework, in the version in use.
    FrameworkDefault,
    /// A query or schema.
    Schema,
}

/// One fact.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    /// What it is about.
    pub kind: Kind,
    /// Path from the root.
    pub file: String,
    /// Line, counted from one.
    pub line: u32,
    /// The route or function it stands in.
    pub scope: String,
    /// Whose sessions, or who may act.
    pub subject: Subject,
    /// How sure.
    pub confidence: Confidence,
    /// How it was learnt.
    pub via: Via,
    /// The framework or the kind of home-grown code.
    pub mechanism: String,
    /// What is to be seen there.
    pub note: String,
    /// For a bound: how many sessions it allows, where the code or a setting says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

impl Fact {
    /// A likely fact about home-grown code, which is what most facts are.
    pub(crate) fn likely(kind: Kind, file: &str, line: u32, note: String) -> Self {
        Self {
            kind,
            file: file.to_owned(),
            line,
            scope: String::new(),
            subject: Subject::User,
            confidence: Confidence::Likely,
            via: Via::Call,
            mechanism: "home-grown".into(),
            note,
            number: None,
        }
    }
}
