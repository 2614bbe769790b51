//! The recipe: which application, whose accounts, how one signs in, and what its policy is.

mod expect;
mod fault;
mod policy;
mod read;
mod request;
mod steps;
mod template;
mod walk;
mod yaml;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

pub(crate) use expect::{Expect, Seen};
pub use fault::Fault;
pub use policy::{Limits, OnExceed, Policy, span};
pub(crate) use request::Request;
pub(crate) use request::{Body, Source};
pub(crate) use template::Values;

use crate::origin::Origin;
use crate::path::Path;

/// A recipe without mistakes.
#[derive(Debug)]
pub struct Recipe {
    /// Where the application is.
    pub target: Target,
    /// What it is supposed to do, as far as its owner says so.
    pub policy: Policy,
    /// The account that is signed in to from two sides.
    pub user: User,
    /// Another account, for what one user must not see of another.
    pub other: Option<User>,
    pub(crate) carrier: Carrier,
    pub(crate) devices: [Device; 2],
    pub(crate) steps: Steps,
    /// How much the probe may do.
    pub limits: Limits,
}

/// Where the application is.
#[derive(Debug)]
pub struct Target {
    /// What paths are relative to.
    pub base: Origin,
    /// All that may be called.
    pub scope: Vec<Origin>,
    /// Certificates to trust besides those of the machine (PEM).
    pub ca_file: Option<PathBuf>,
    /// The nonce that the owner of a public host shows, to prove that it is theirs.
    pub proof: Option<String>,
}

/// One account of the recipe. Only these are ever signed in to.
#[derive(Clone, Debug)]
pub struct User {
    /// Its key in the recipe.
    pub key: String,
    /// The name it signs in with.
    pub name: String,
    /// How the application names it once signed in.
    pub identity: String,
    /// Where its password is.
    pub password: SecretAt,
    pub(crate) new_password: Option<SecretAt>,
}

/// Where a secret is: never in the recipe itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SecretAt {
    /// In this variable of the environment.
    Env(String),
    /// In this file, beside the recipe if it is no whole path.
    File(PathBuf),
}

/// What carries a session.
#[derive(Clone, Debug)]
pub(crate) enum Carrier {
    /// The cookie of this name.
    Cookie(String),
    /// `Authorization: Bearer`, with what was captured under this name.
    Bearer(String),
    /// A header, with what was captured under a name.
    Header { name: String, capture: String },
}

impl Carrier {
    /// The word of a recipe.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Cookie(_) => "cookie",
            Self::Bearer(_) => "bearer",
            Self::Header { .. } => "header",
        }
    }
}

/// One side from which the user signs in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Device {
    pub(crate) user_agent: String,
    pub(crate) source: Option<IpAddr>,
}

/// What can be done at the application. What is missing skips the checks that need it.
#[derive(Debug)]
pub(crate) struct Steps {
    pub(crate) login: Vec<Request>,
    pub(crate) other_logins: BTreeMap<String, Vec<Request>>,
    pub(crate) whoami: Whoami,
    pub(crate) slow_read: Option<Request>,
    pub(crate) list: Option<List>,
    pub(crate) revoke: Option<Request>,
    pub(crate) refresh: Option<Request>,
    pub(crate) logout: Request,
    pub(crate) logout_all: Option<Request>,
    pub(crate) change_password: Option<Effect>,
}

/// The request whose answer tells who is signed in.
#[derive(Debug)]
pub(crate) struct Whoami {
    pub(crate) request: Request,
    pub(crate) logged_in: Expect,
    pub(crate) logged_out: Option<Expect>,
}

/// The request whose answer lists the user's own sessions.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) request: Request,
    pub(crate) items: Path,
    pub(crate) fields: BTreeMap<String, Path>,
}

/// A step that changes an account, and that is undone.
#[derive(Debug)]
pub(crate) struct Effect {
    pub(crate) confirm: String,
    pub(crate) request: Request,
}

impl Recipe {
    /// Reads a recipe, or says all that is wrong with it.
    pub fn read(text: &str) -> Result<Self, Vec<Fault>> {
        read::recipe(text)
    }

    /// All accounts in it.
    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        std::iter::once(&self.user).chain(&self.other)
    }
}
