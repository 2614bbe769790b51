//! The checks. Each asks one question, and is decided by who the application says is there, never
//! by a status alone.

mod binding;
mod catalogue;
mod conclusion;
mod concurrency;
mod credential;
mod fixation;
mod in_flight;
mod isolation;
mod lifetime;
mod limit;
mod list;
mod logout;
mod password;
mod race;
mod refresh;
mod revoke;
mod seat;
mod table;

pub(crate) use catalogue::Group;
pub use catalogue::{Check, Class, Need};
pub use conclusion::Conclusion;
pub(crate) use lifetime::{absolute_wait, idle_wait};
pub use table::CHECKS;

use crate::run::Run;
use crate::trouble::Trouble;

/// Answers the checks of one group.
pub(crate) async fn answer(group: Group, run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    match group {
        // Made before all others.
        Group::Calibration => Ok(Vec::new()),
        Group::Concurrency => concurrency::side_by_side(run).await,
        Group::Limit => limit::ladder(run).await,
        Group::Paths => limit::other_paths(run).await,
        Group::Seat => seat::freed(run).await,
        Group::Idle => lifetime::idle(run).await,
        Group::Absolute => lifetime::absolute(run).await,
        Group::Race => race::at_the_limit(run).await,
        Group::List => list::own(run).await,
        Group::Strangers => list::of_strangers(run).await,
        Group::Revoke => revoke::other_side(run).await,
        Group::Logout => logout::this_side(run).await,
        Group::LogoutAll => logout::everywhere(run).await,
        Group::Fixation => fixation::before_and_after(run).await,
        Group::Refresh => refresh::rotation(run).await,
        Group::Outlived => refresh::after_sign_out(run).await,
        Group::Cookie => credential::as_handed_out(run).await,
        Group::Cache => credential::caching(run).await,
        Group::Binding => binding::elsewhere(run).await,
        Group::Password => password::change(run).await,
        Group::InFlight => in_flight::resurrection(run).await,
        Group::Isolation => isolation::interleaved(run).await,
    }
}
