//! Signing out: of this side, and of all others.

use super::Conclusion;
use crate::run::{Run, State};
use crate::trouble::Trouble;

/// Signs a side out, and presents what it held before.
pub(super) async fn this_side(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-LOGOUT-001";
    let recipe = std::sync::Arc::clone(&run.recipe);
    let guest = run.side(1).await?;
    let before = run.visitor(guest).clone();
    let signed_out = run.ask(guest, &recipe.steps.logout).await?;
    // The answer removes the cookie; whoever stole it keeps it.
    *run.visitor_mut(guest) = before;
    let settled = run.settle(guest).await?;
    let milliseconds = settled.after.as_millis();
    let conclusion = match &settled.state {
        State::Dead => Conclusion::pass(
            ID,
            format!("what was signed in is signed out, {milliseconds} ms after signing out"),
        ),
        State::Alive if signed_out.is_refusal() => {
            let words = format!(
                "steps.logout is answered {} ({})",
                signed_out.status, signed_out.id
            );
            Conclusion::inconclusive(ID, words)
        }
        State::Alive => Conclusion::fail(
            ID,
            format!("what was held before signing out is still let in, {milliseconds} ms later"),
        ),
        other => Conclusion::inconclusive(ID, format!("B is {}", other.words())),
    };
    let evidence = [signed_out.id].into_iter().chain(settled.asked);
    Ok(vec![conclusion.shown_by(evidence).taking(settled.after)])
}

/// A signs out everywhere else.
pub(super) async fn everywhere(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-LOGOUT-002";
    let recipe = std::sync::Arc::clone(&run.recipe);
    let (a, b) = run.both().await?;
    let Some(request) = &recipe.steps.logout_all else {
        return Ok(vec![Conclusion::skipped(ID, "needs steps.logout_all")]);
    };
    let asked = run.ask(a, request).await?;
    let settled = run.settle(b).await?;
    let (a_now, a_shown) = run.who(a).await?;
    let milliseconds = settled.after.as_millis();
    let a_words = a_now.words();
    let conclusion = match &settled.state {
        State::Dead => Conclusion::pass(
            ID,
            format!(
                "A signed out everywhere else: B was signed out {milliseconds} ms later, A is {a_words}"
            ),
        ),
        State::Alive if asked.is_refusal() => {
            let words = format!(
                "steps.logout_all is answered {} ({})",
                asked.status, asked.id
            );
            Conclusion::inconclusive(ID, words)
        }
        State::Alive => Conclusion::fail(
            ID,
            format!(
                "A signed out everywhere else, and B is still signed in after {milliseconds} ms"
            ),
        ),
        other => Conclusion::inconclusive(ID, format!("B is {}", other.words())),
    };
    let evidence = [asked.id, a_shown].into_iter().chain(settled.asked);
    Ok(vec![conclusion.shown_by(evidence).taking(settled.after)])
}
