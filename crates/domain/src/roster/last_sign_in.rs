//! The sign-in that a subject is told of at the next one.

use crate::session::{Origin, Timestamp};

/// The last successful sign-in of the subject in person, told to it at the next one (AC-9).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LastSignIn {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub origin: Origin,
    /// How many failed sign-ins the roster had counted by then.
    pub failures_before: u32,
}
