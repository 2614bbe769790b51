//! A credential that turns up somewhere else.

use innkeeper_report::Severity;

use super::Conclusion;
use crate::client::Purse;
use crate::run::{Run, State, Who};
use crate::trouble::Trouble;

/// Presents the credential of B alone, as another browser would that was handed a copy.
pub(super) async fn elsewhere(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-BIND-001";
    let carrier = run.client.carrier().clone();
    let b = run.side(1).await?;
    let Some(token) = run.visitor(b).credential(&carrier).map(str::to_owned) else {
        return Ok(vec![Conclusion::inconclusive(
            ID,
            "the sign-in handed out no credential",
        )]);
    };
    let nobody = run.stranger("thief", Who::User, 0, Purse::Plain)?;
    let mut thief = nobody.with_credential(&carrier, &run.recipe.target.base, &token);
    let (state, answer) = run.who_is(&mut thief).await?;
    let (b_now, b_shown) = run.who(b).await?;
    let evidence = [answer.id, b_shown];
    let what = "the credential of B, without its other cookies and from another browser";
    let conclusion = match (state, run.recipe.policy.bound) {
        (State::Alive, Some(true)) => Conclusion::fail(
            ID,
            format!("{what}, is let in; the policy ties it to its device"),
        ),
        (State::Alive, _) => {
            Conclusion::observed(ID, format!("{what}, is let in")).rated(Severity::Info)
        }
        (State::Dead, _) => {
            Conclusion::pass(ID, format!("{what}, is refused; B is {}", b_now.words()))
        }
        (other, _) => Conclusion::inconclusive(ID, format!("{what}, is {}", other.words())),
    };
    Ok(vec![conclusion.shown_by(evidence)])
}
