//! What a policy would do, as `POST /v1/policy/try` answers it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a policy would do to the live sessions there are.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct PolicyTrial {
    /// How many subjects have a live session.
    pub subjects: usize,
    /// How many live sessions there are.
    pub sessions: usize,
    /// How many subjects would lose a session.
    pub subjects_hit: usize,
    /// How many sessions would end, as `policy_change`.
    pub ended: usize,
    /// How many subjects have how many live sessions, the fewest first.
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
    /// How many live sessions it has.
    pub live: usize,
    /// How many of them would end.
    pub ended: usize,
}
