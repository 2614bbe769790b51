//! Which policy holds for which unit: the one that lies nearest to its code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use crate::policy::Policy;
use crate::unit::Unit;
use crate::walk::{self, Found, Part};

/// What a team requires, where it says so beside its code.
const POLICY_FILE: &str = "session-policy.toml";

/// Why a tree was not scanned.
#[derive(Debug)]
pub enum Error {
    /// The tree, or the cache beside it, cannot be read.
    Unreadable(io::Error),
    /// A policy in the tree says something that no policy can: `app/session-policy.toml: …`.
    Policy(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::Policy(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// The policies of a tree, by the folder that each lies in.
#[derive(Debug, Default)]
pub(crate) struct Policies(BTreeMap<String, Policy>);

impl Policies {
    /// Reads those that the walk has found: no link is among them, and none that lies with tests or
    /// with code of others.
    pub(crate) fn read(found: &[Found]) -> Result<Self, Error> {
        let mut out = BTreeMap::new();
        for file in found.iter().filter(|file| file.part == Part::Config) {
            let (folder, name) = file.path.rsplit_once('/').unwrap_or((".", &file.path));
            if name != POLICY_FILE {
                continue;
            }
            let wrong = |why: &dyn fmt::Display| Error::Policy(format!("{}: {why}", file.path));
            let text = walk::read(&file.place).map_err(|reason| wrong(&reason.words()))?;
            let policy = Policy::parse(&text).map_err(|error| wrong(&error))?;
            out.insert(folder.to_owned(), policy);
        }
        Ok(Self(out))
    }

    /// The one that lies in a folder of the unit or, failing that, nearest above one.
    pub(crate) fn of(&self, unit: &Unit) -> Option<(&str, &Policy)> {
        let above = |policy: &str| {
            let holds = |folder: &&String| {
                policy == "."
                    || folder.as_str() == policy
                    || folder
                        .strip_prefix(policy)
                        .is_some_and(|rest| rest.starts_with('/'))
            };
            unit.folders.iter().any(|folder| holds(&folder))
        };
        let depth = |folder: &str| match folder {
            "." => 0,
            folder => folder.split('/').count(),
        };
        self.0
            .iter()
            .filter(|(folder, _)| above(folder))
            .max_by_key(|(folder, _)| (depth(folder), std::cmp::Reverse(*folder)))
            .map(|(folder, policy)| (folder.as_str(), policy))
    }

    /// The files that hold for none of the units that were judged.
    pub(crate) fn unused(&self, used: &BTreeSet<String>) -> Vec<String> {
        let unused = self.0.keys().filter(|folder| !used.contains(*folder));
        unused
            .map(|folder| match folder.as_str() {
                "." => POLICY_FILE.to_owned(),
                folder => format!("{folder}/{POLICY_FILE}"),
            })
            .collect()
    }
}
