//! The policy as the register keeps it: one document, one version, one limit in force.
//!
//! It comes from two sides: the file that a node is started with, and `PUT /v1/policy`. The file
//! is put when it says something else than the file that was put last, or when nothing but a file
//! ever was. So a change of the file takes effect, and a restart with the same file does not undo
//! what was put over the API since. Whoever puts, the version rises by one.

pub mod document;
pub mod history;
pub mod presets;
pub mod trial;

use std::sync::Arc;

use innkeeper_domain::policy::{Policy, PolicyVersion};
use innkeeper_store::Register;
use innkeeper_store::register::{Put, Registered};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Authority, EngineError};
use document::{Document, Short};

const POLICY: &str = "policy";

/// What the register holds.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Record {
    document: Document,
    /// Who put it.
    by: Source,
    /// The digest of the file that was put last, by what it says.
    filed: [u8; 32],
}

/// From which side a policy came.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From the file of a node.
    File,
    /// Over the API.
    Api,
}

/// What became of the policy of a file.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Filed {
    /// It is in force.
    InForce(Arc<Policy>),
    /// What was put over the API since is in force, and stays.
    Overridden(Arc<Policy>),
}

/// What became of a policy that was put.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum PolicyPut {
    /// It is in force.
    Done(Arc<Policy>),
    /// Another came between: this one is in force.
    Stale(Arc<Policy>),
}

impl Authority {
    /// Puts the policy of a file, unless the same file was put before.
    pub async fn file_policy(&self, policy: Policy) -> Result<Filed, EngineError> {
        let (by, policy) = file(&*self.register, policy).await?;
        self.policy.take_up(policy);
        let policy = self.policy.load_full();
        Ok(match by {
            Source::File => Filed::InForce(policy),
            Source::Api => Filed::Overridden(policy),
        })
    }

    /// Puts a policy over the API, if `seen` is still the version in force. It is in force for
    /// every roster before its next answer: here at once, on other nodes within
    /// [`FOLLOWED_WITHIN`](crate::follow::FOLLOWED_WITHIN).
    pub async fn put_policy(
        &self,
        policy: Policy,
        seen: Option<PolicyVersion>,
    ) -> Result<PolicyPut, EngineError> {
        loop {
            let (held, known) = get(&*self.register).await?;
            let Some(known) = known else {
                return Err(EngineError::Register {
                    name: POLICY.into(),
                    source: "it is gone, and with it the number of the next one".into(),
                });
            };
            let version = known.document.0.version;
            if seen.is_some_and(|seen| seen != version) {
                self.policy.take_up(known.document.0);
                return Ok(PolicyPut::Stale(self.policy.load_full()));
            }
            let same = record(&policy, version.0, Source::Api, known.filed);
            if write(&same.document)? == write(&known.document)? {
                self.policy.take_up(known.document.0);
                return Ok(PolicyPut::Done(self.policy.load_full()));
            }
            let next = record(&policy, version.0 + 1, Source::Api, known.filed);
            if let Some(policy) = put(&*self.register, held, &next).await? {
                self.policy.take_up(policy.clone());
                return Ok(PolicyPut::Done(Arc::new(policy)));
            }
        }
    }

    /// Looks up the newest policy and follows it.
    pub async fn newest_policy(&self) -> Result<Arc<Policy>, EngineError> {
        if let Some(newest) = load(&*self.register).await? {
            self.policy.take_up(newest);
        }
        Ok(self.policy.load_full())
    }
}

/// What the register holds, and what a start with a file would leave in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreseen {
    /// The policy in force; `None` where none ever was.
    pub held: Option<Policy>,
    /// The policy in force after a start with the file.
    pub next: Policy,
}

/// Looks at what a start with the policy of this file would leave in force, and puts nothing.
pub async fn foresee(register: &dyn Register, policy: &Policy) -> Result<Foreseen, EngineError> {
    let (_, known) = get(register).await?;
    let next = match found(known.as_ref(), policy, digest(policy)?)? {
        Found::Stays(_, policy) => policy,
        Found::Next(next) => next.document.0,
    };
    let held = known.map(|known| known.document.0);
    Ok(Foreseen { held, next })
}

/// What becomes of the policy of a file, by what is in force.
enum Found {
    /// This stays in force, which came from that side.
    Stays(Source, Policy),
    /// This is to be put.
    Next(Record),
}

fn found(known: Option<&Record>, policy: &Policy, filed: [u8; 32]) -> Result<Found, EngineError> {
    let mut version = 1;
    if let Some(known) = known {
        let in_force = &known.document.0;
        let same = write(&Document(Policy {
            version: in_force.version,
            ..policy.clone()
        }))? == write(&known.document)?;
        // The same words may mean something else since: then a default has changed, and
        // nobody has put anything in its place.
        if known.filed == filed && (same || known.by == Source::Api) {
            let by = if same { Source::File } else { known.by };
            return Ok(Found::Stays(by, in_force.clone()));
        }
        version = in_force.version.0 + u64::from(!same);
    }
    Ok(Found::Next(record(policy, version, Source::File, filed)))
}

/// Puts the policy of a file unless the same file was put before. Returns what is in force then,
/// and who put that.
pub(crate) async fn file(
    register: &dyn Register,
    policy: Policy,
) -> Result<(Source, Policy), EngineError> {
    let filed = digest(&policy)?;
    loop {
        let (held, known) = get(register).await?;
        let next = match found(known.as_ref(), &policy, filed)? {
            Found::Stays(by, in_force) => return Ok((by, in_force)),
            Found::Next(next) => next,
        };
        if let Some(policy) = put(register, held, &next).await? {
            return Ok((Source::File, policy));
        }
    }
}

/// The policy that the register holds, if it holds one.
pub(crate) async fn load(register: &dyn Register) -> Result<Option<Policy>, EngineError> {
    let (_, known) = get(register).await?;
    Ok(known.map(|known| known.document.0))
}

/// Whether a value that was kept elsewhere is a policy as it would be kept here.
pub fn vet(name: &str, value: &[u8]) -> Result<(), EngineError> {
    if name != POLICY {
        return Err(EngineError::Register {
            name: name.into(),
            source: "there is one policy, under another name".into(),
        });
    }
    serde_json::from_slice::<Record>(value).map_err(unreadable)?;
    Ok(())
}

async fn get(register: &dyn Register) -> Result<(Option<Registered>, Option<Record>), EngineError> {
    let held = register.get(POLICY).await?;
    let known = held
        .as_ref()
        .map(|held| serde_json::from_slice(&held.value).map_err(unreadable))
        .transpose()?;
    Ok((held, known))
}

fn record(policy: &Policy, version: u64, by: Source, filed: [u8; 32]) -> Record {
    let version = PolicyVersion(version);
    let document = Document(Policy {
        version,
        ..policy.clone()
    });
    Record {
        document,
        by,
        filed,
    }
}

/// Puts a record, and returns its policy as every other node reads it; `None` if another came
/// first.
async fn put(
    register: &dyn Register,
    held: Option<Registered>,
    next: &Record,
) -> Result<Option<Policy>, EngineError> {
    let value = write(next)?;
    let seen = held.map(|h| h.version);
    let done = register.put(POLICY, seen, Some(value.clone())).await?;
    match done {
        Put::Done(_) => {
            let read: Record = serde_json::from_slice(&value).map_err(unreadable)?;
            Ok(Some(read.document.0))
        }
        Put::Stale => Ok(None),
    }
}

/// What a file says, however it says it: what is as by default is as good as left out.
fn digest(policy: &Policy) -> Result<[u8; 32], EngineError> {
    Ok(Sha256::digest(write(&Short(policy))?).into())
}

fn write(value: &impl Serialize) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(value).map_err(unreadable)
}

fn unreadable(source: serde_json::Error) -> EngineError {
    EngineError::Register {
        name: POLICY.into(),
        source: source.into(),
    }
}
