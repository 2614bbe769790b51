//! Hosted sign-in, local users, pages and the demo.
//!
//! [`router`] answers a browser; it needs no script. [`Gateway`] is what it stands on, [`Users`]
//! keeps who may sign in here, and [`Demo`] makes a few of them to try it with.

mod address;
mod begun;
mod demo;
mod ending;
mod form;
mod gateway;
mod hasher;
mod moment;
mod pages;
mod password;
mod user_name;
mod users;
mod visitor;

pub use demo::{Demo, DemoUser};
pub use gateway::Gateway;
pub use hasher::Cost;
pub use pages::router;
pub use password::Password;
pub use user_name::UserName;
pub use users::{Added, NewUser, Users, UsersError};
