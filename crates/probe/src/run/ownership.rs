//! Whose host it is: a public one is probed only if its owner shows so.

use super::Run;
use crate::client::{Purse, Reach};
use crate::origin::Origin;
use crate::recipe::{Recipe, Request};
use crate::trouble::Trouble;

use super::Who;

/// Where the owner of a public host shows the nonce of the recipe.
pub const WELL_KNOWN: &str = "/.well-known/innkeeper-probe";

/// A rail that refuses the run before anything is sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// The public origins of the scope, each of which the caller says they own.
///
/// The error says what to do; nothing has been sent by then.
pub(crate) fn claimed(
    recipe: &Recipe,
    reach: &Reach,
    owned: &[String],
    nonce: impl Fn() -> String,
) -> Result<Vec<Origin>, Refused> {
    let mut claimed = Vec::new();
    for origin in reach.public() {
        let host = &origin.host;
        if !owned.contains(host) {
            return Err(Refused(format!(
                "{host} is a public host. If it is yours, and probing it is agreed, say \
                 `--i-own {host}`"
            )));
        }
        if recipe.target.proof.is_none() {
            return Err(Refused(format!(
                "{host} is a public host, and that it is yours needs a proof. Put this nonce into \
                 the recipe, as `proof: {nonce}` under `target`, and on the host as the only line \
                 of {origin}{WELL_KNOWN}",
                nonce = nonce()
            )));
        }
        claimed.push(origin.clone());
    }
    Ok(claimed)
}

/// Looks for the proof on each public origin.
pub(crate) async fn prove(run: &Run, origins: &[Origin]) -> Result<(), Trouble> {
    let proof = run.recipe.target.proof.as_deref().unwrap_or_default();
    for origin in origins {
        let mut visitor = run.stranger("owner", Who::User, 0, Purse::Plain)?;
        let request = Request::get(&format!("{origin}{WELL_KNOWN}"));
        let answer = run.client.ask(&mut visitor, &request).await;
        let is_shown = answer.is_ok_and(|answer| {
            answer.status == 200 && proof.len() == 32 && answer.body.trim() == proof
        });
        if !is_shown {
            return Err(Trouble::Stop(format!(
                "{origin}{WELL_KNOWN} does not show the nonce of the recipe, so it is not proven \
                 that {} is yours",
                origin.host
            )));
        }
    }
    Ok(())
}
