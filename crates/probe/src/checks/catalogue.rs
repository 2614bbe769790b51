//! What a check is: what it asks, what it takes, and how serious its failure is.

use std::time::Duration;

use innkeeper_report::Severity;

use super::table::CHECKS;
use super::{absolute_wait, idle_wait};
use crate::recipe::Recipe;

/// One check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Check {
    /// Its name, which never changes meaning.
    pub id: &'static str,
    /// The tests of the literature that it covers.
    pub covers: &'static [&'static str],
    /// What it asks.
    pub question: &'static str,
    /// How serious it is that it fails.
    pub severity: Severity,
    /// What it needs in the recipe, beyond signing in and out.
    pub needs: &'static [Need],
    /// What has to be allowed for it.
    pub class: Class,
    pub(crate) group: Group,
    /// What it takes at most, where nothing is in the way: requests and sign-ins.
    pub(crate) cost: (u32, u32),
}

/// Something in a recipe that makes checks possible.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Need {
    /// The list of a user's own sessions.
    List,
    /// Ending one of them.
    Revoke,
    /// Ending all others.
    LogoutAll,
    /// Changing the password.
    ChangePassword,
    /// A request that takes its time.
    SlowRead,
    /// The longest silence.
    Idle,
    /// The longest life.
    Absolute,
    /// A new token for an old one.
    Refresh,
    /// Further ways to sign in.
    OtherLogins,
    /// Another account.
    Other,
    /// A limit to hold the application to.
    MaxSessions,
    /// Sessions in a cookie.
    Cookie,
}

/// What has to be allowed for a check.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Reading, and signing the recipe's own accounts in and out.
    Session,
    /// Many requests at one moment.
    Burst,
    /// A change of the account, which is undone.
    Account,
}

/// Checks that are answered together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Group {
    Calibration,
    Concurrency,
    Limit,
    Paths,
    Race,
    List,
    Strangers,
    Revoke,
    Logout,
    LogoutAll,
    Fixation,
    Refresh,
    Cookie,
    Cache,
    Binding,
    Password,
    InFlight,
    Isolation,
    Seat,
    Outlived,
    Idle,
    Absolute,
}

impl Need {
    /// Where it stands in a recipe.
    #[must_use]
    pub const fn place(self) -> &'static str {
        match self {
            Self::List => "steps.list",
            Self::Revoke => "steps.revoke",
            Self::LogoutAll => "steps.logout_all",
            Self::ChangePassword => "steps.change_password",
            Self::SlowRead => "steps.slow_read",
            Self::Idle => "policy.idle",
            Self::Absolute => "policy.absolute",
            Self::Refresh => "steps.refresh",
            Self::OtherLogins => "steps.other_logins",
            Self::Other => "users.other",
            Self::MaxSessions => "policy.max_sessions",
            Self::Cookie => "session.carrier: cookie",
        }
    }

    /// Whether a recipe has it.
    #[must_use]
    pub fn is_met(self, recipe: &Recipe) -> bool {
        let steps = &recipe.steps;
        match self {
            Self::List => steps.list.is_some(),
            Self::Revoke => steps.revoke.is_some(),
            Self::LogoutAll => steps.logout_all.is_some(),
            Self::ChangePassword => steps.change_password.is_some(),
            Self::SlowRead => steps.slow_read.is_some(),
            Self::Idle => recipe.policy.idle.is_some(),
            Self::Absolute => recipe.policy.absolute.is_some(),
            Self::Refresh => steps.refresh.is_some(),
            Self::OtherLogins => !steps.other_logins.is_empty(),
            Self::Other => recipe.other.is_some(),
            Self::MaxSessions => recipe.policy.max_sessions.is_some(),
            Self::Cookie => matches!(recipe.carrier, crate::recipe::Carrier::Cookie(_)),
        }
    }
}

impl Class {
    /// The word of `--allow`, where it takes one.
    #[must_use]
    pub const fn allowed_by(self) -> Option<&'static str> {
        match self {
            Self::Session => None,
            Self::Burst => Some("burst"),
            Self::Account => Some("account"),
        }
    }
}

impl Check {
    /// The check of this name.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        CHECKS
            .iter()
            .find(|check| check.id.eq_ignore_ascii_case(id))
    }

    /// What of the recipe it misses.
    #[must_use]
    pub fn missing(&self, recipe: &Recipe) -> Vec<Need> {
        let needs = self.needs.iter().copied();
        needs.filter(|need| !need.is_met(recipe)).collect()
    }

    /// What has to be allowed for it, with this recipe.
    #[must_use]
    pub fn class_for(&self, recipe: &Recipe) -> Class {
        let steps = recipe.policy.max_sessions.map_or(0, |max| max + 2);
        match self.group {
            // A high ladder signs in more often than the everyday purse pays for.
            Group::Limit | Group::Paths | Group::Seat if steps > 5 => Class::Burst,
            _ => self.class,
        }
    }

    /// How long has to be waited for it, beside what its requests take.
    #[must_use]
    pub fn wait(&self, recipe: &Recipe) -> Option<Duration> {
        match self.group {
            Group::Idle => idle_wait(&recipe.policy),
            Group::Absolute => absolute_wait(&recipe.policy),
            _ => None,
        }
    }

    /// How many sessions of the user have to live side by side for it.
    pub(crate) const fn sides(&self) -> u32 {
        match self.group {
            Group::List
            | Group::Strangers
            | Group::Revoke
            | Group::LogoutAll
            | Group::Password
            | Group::InFlight => 2,
            _ => 1,
        }
    }
}
