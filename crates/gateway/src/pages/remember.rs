//! The box on the form by which somebody stays signed in when the browser is closed.

use innkeeper_http::problem::{ProblemAnswer, invalid};

use super::Site;

/// Whether somebody wants to stay signed in when the browser is closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Remember {
    /// Nobody is asked.
    NotOffered,
    /// No.
    No,
    /// Yes.
    Yes,
}

impl Remember {
    /// What was ticked on a form. What is not offered is not taken either: the policy has no rule
    /// for it.
    pub(super) fn read(site: &Site, ticked: Option<&str>) -> Result<Self, ProblemAnswer> {
        Ok(match ticked {
            _ if !site.gateway.offers_to_remember() => Self::NotOffered,
            None => Self::No,
            Some("yes") => Self::Yes,
            Some(_) => return Err(invalid("remember", "expected yes, or to be left out")),
        })
    }

    /// Whether the box is there.
    pub(super) fn is_offered(self) -> bool {
        self != Self::NotOffered
    }

    /// Whether it is ticked.
    pub(super) fn is_yes(self) -> bool {
        self == Self::Yes
    }
}
