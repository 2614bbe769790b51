//! The user's own view of the session that asks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Notice, Session, SignInSummary};

/// The answer of `GET /me`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Me {
    /// The session of the token that was presented.
    pub session: Session,
    /// The sign-in of class `interactive` before the one that opened it; told to no other class.
    pub previous_sign_in: Option<SignInSummary>,
    /// What the person should know, told to class `interactive` alone. Each stands until what it
    /// tells of is over: the other sessions, the new device until it is forgotten, the refused
    /// requests until their session ends, the failures until the next sign-in, a session that was
    /// ended for 24 hours. Asking changes none of them.
    pub notices: Vec<Notice>,
    /// How long the session lasts if nothing more is heard of it, in whole seconds.
    pub time_left: u64,
}

/// The query of `GET /me`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MeQuery {
    /// Whether the call leaves the idle time alone, so that a page can warn before the end.
    #[serde(default)]
    pub passive: bool,
}
