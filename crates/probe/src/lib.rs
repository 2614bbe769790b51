//! Talks to a running application from outside, and finds out what it does about concurrent
//! sessions.
//!
//! A [`Recipe`] says which application, whose accounts and how one signs in. [`run`] signs in from
//! two sides and makes the checks of [`CHECKS`], within rails that no recipe can leave
//! ([`ceiling`]). The prober shares no code with the server, so that it cannot inherit our
//! misunderstandings: it knows HTTP, and what the recipe says.

pub mod ceiling;
mod checks;
mod client;
mod engine;
mod html;
mod interview;
mod lint;
mod origin;
mod path;
mod recipe;
mod report;
mod run;
mod trouble;

pub use checks::{CHECKS, Check, Class, Conclusion, Need};
pub use client::{Exchange, Left};
pub use engine::{NotRun, Options, Progress, run};
pub use interview::Interview;
pub use lint::{lint, plan};
pub use origin::Origin;
pub use recipe::{Fault, Limits, OnExceed, Policy, Recipe, SecretAt, Target, User, span};
pub use report::{Ended, Report};
pub use run::{NoSecret, Secrets, WELL_KNOWN};
