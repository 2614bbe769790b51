//! Two sides of one user, at one time.

use super::Conclusion;
use crate::client::Purse;
use crate::recipe::OnExceed;
use crate::run::{Run, State, Who};
use crate::trouble::Trouble;

const ID: &str = "PRB-CONC-001";

/// A is signed in, B signs in: who is there afterwards?
pub(super) async fn side_by_side(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    let a = run.side(0).await?;
    let (_, before) = run.who(a).await?;
    let b = run.sign_in(Who::User, 1, Purse::Plain).await?;
    let (a_now, a_shown) = run.who(a).await?;
    if b.state == State::Alive {
        run.seat(1, b.guest);
    }
    let evidence = [before, b.shown_by, a_shown];
    let seen = format!(
        "after B signed in, A is {} and B is {}",
        a_now.words(),
        b.state.words()
    );
    let is_known = |state: &State| matches!(state, State::Alive | State::Dead);
    if !is_known(&a_now) || !is_known(&b.state) {
        return Ok(vec![Conclusion::inconclusive(ID, seen).shown_by(evidence)]);
    }
    let (a_alive, b_alive) = (a_now == State::Alive, b.state == State::Alive);
    let policy = &run.recipe.policy;
    let conclusion = match (policy.max_sessions, policy.on_exceed) {
        (None, _) => Conclusion::observed(
            ID,
            format!("{seen}; the recipe names no policy to hold it to"),
        ),
        (Some(1), _) if a_alive && b_alive => {
            Conclusion::fail(ID, format!("{seen}; the policy allows one session"))
        }
        (Some(1), Some(OnExceed::DenyNew | OnExceed::Ask)) if !a_alive => Conclusion::fail(
            ID,
            format!("{seen}; the policy refuses or asks B, and leaves A"),
        ),
        (Some(1), Some(OnExceed::EvictOldest | OnExceed::EvictLeastRecentlyUsed)) if !b_alive => {
            Conclusion::fail(ID, format!("{seen}; the policy ends A, and lets B in"))
        }
        (Some(1), _) => Conclusion::pass(ID, format!("{seen}, as the policy says")),
        (Some(max), _) if a_alive && b_alive => {
            Conclusion::pass(ID, format!("{seen}; the policy allows {max}"))
        }
        (Some(max), _) => Conclusion::inconclusive(
            ID,
            format!(
                "{seen}, though the policy allows {max}; are there sessions we do not know of?"
            ),
        ),
    };
    Ok(vec![conclusion.shown_by(evidence)])
}
