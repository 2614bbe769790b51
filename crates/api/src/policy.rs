//! What a policy would do, as `POST /v1/policy/try` is asked and answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The query of `POST /v1/policy/try`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTrialQuery {
    /// The tenant; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub tenant: Option<String>,
    /// Over the journal instead of the live sessions: so many whole seconds back, or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(all|[1-9][0-9]{0,9})$"))]
    pub history: Option<String>,
}

/// What a policy would do to the live sessions there are, or would have done in a history.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyTrial {
    /// How many subjects have a live session, or opened one in that time.
    pub subjects: usize,
    /// How many live sessions there are, or were opened in that time.
    pub sessions: usize,
    /// How many subjects would lose a session, or be turned away.
    pub subjects_hit: usize,
    /// How many sessions would end, as `policy_change`, or would have ended in a history.
    pub ended: usize,
    /// How many sign-ins would have been turned away; 0 for live sessions.
    #[serde(default)]
    pub refused: usize,
    /// How many subjects have how many live sessions, the fewest first; in a history, the most
    /// that they had open at once.
    pub histogram: Vec<PolicyTrialBar>,
    /// Some of those who would lose the most, at most ten.
    pub examples: Vec<PolicyTrialExample>,
}

/// So many subjects have so many live sessions.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyTrialBar {
    /// How many live sessions.
    pub live: usize,
    /// How many subjects have so many.
    pub subjects: usize,
}

/// A subject that would lose sessions.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyTrialExample {
    /// Its tenant.
    pub tenant: String,
    /// Who.
    pub subject: String,
    /// How many live sessions it has; in a history, the most that it had open at once.
    pub live: usize,
    /// How many of them would end.
    pub ended: usize,
    /// How many of its sign-ins would have been turned away.
    #[serde(default)]
    pub refused: usize,
}
