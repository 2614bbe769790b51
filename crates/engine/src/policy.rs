//! The policy as the register keeps it: one document, one version, one limit in force.

pub mod document;

use innkeeper_domain::policy::{Policy, PolicyVersion};
use innkeeper_store::Register;
use innkeeper_store::register::Put;

use crate::EngineError;
use document::Document;

const POLICY: &str = "policy";

/// Puts `policy` into the register unless it is there already, and returns it with its version.
pub(crate) async fn enact(
    register: &dyn Register,
    mut policy: Policy,
) -> Result<Policy, EngineError> {
    loop {
        let held = register.get(POLICY).await?;
        let known = held.as_ref().map(|h| read(&h.value)).transpose()?;
        policy.version = known.as_ref().map_or(PolicyVersion(1), |k| k.version);
        if let Some(known) = known {
            if same(&known, &policy)? {
                return Ok(known);
            }
            policy.version = PolicyVersion(known.version.0 + 1);
        }
        let value = write(&policy)?;
        let seen = held.map(|h| h.version);
        if let Put::Done(_) = register.put(POLICY, seen, Some(value.clone())).await? {
            tracing::info!(version = policy.version.0, "policy enacted");
            // As every other node reads it.
            return read(&value);
        }
    }
}

/// The policy that the register holds, if it holds one.
pub(crate) async fn load(register: &dyn Register) -> Result<Option<Policy>, EngineError> {
    let held = register.get(POLICY).await?;
    held.map(|h| read(&h.value)).transpose()
}

/// Whether two policies are written the same.
fn same(one: &Policy, other: &Policy) -> Result<bool, EngineError> {
    Ok(write(one)? == write(other)?)
}

fn read(value: &[u8]) -> Result<Policy, EngineError> {
    let document: Document = serde_json::from_slice(value).map_err(unreadable)?;
    Ok(document.0)
}

fn write(policy: &Policy) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(&Document(policy.clone())).map_err(unreadable)
}

fn unreadable(source: serde_json::Error) -> EngineError {
    EngineError::Register {
        name: POLICY.into(),
        source: source.into(),
    }
}
