//! Ending another side from this one.

use super::Conclusion;
use super::list::{Item, session_of_b};
use crate::client::Answer;
use crate::run::{GuestId, Run, State};
use crate::trouble::Trouble;

/// Asks, as a guest, to end the session that a list told of.
pub(super) async fn end(run: &mut Run, guest: GuestId, item: &Item) -> Result<Answer, Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let revoke = recipe.steps.revoke.as_ref();
    let revoke =
        revoke.ok_or_else(|| Trouble::Answer("the recipe has no steps.revoke".to_owned()))?;
    let values = &mut run.visitor_mut(guest).values;
    for (name, value) in item {
        values.insert(format!("item.{name}"), value.clone());
    }
    run.ask(guest, revoke).await
}

/// A ends B, and both are looked at.
pub(super) async fn other_side(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    let (a, b, item, evidence) = session_of_b(run).await?;
    let asked = end(run, a, &item).await?;
    let settled = run.settle(b).await?;
    let (a_now, a_shown) = run.who(a).await?;
    let shown = || evidence.iter().cloned().chain([asked.id.clone()]);
    let milliseconds = settled.after.as_millis();
    let b_end = match &settled.state {
        State::Dead => {
            let words = format!("A ended B, and B was signed out {milliseconds} ms later");
            Conclusion::pass("PRB-REV-001", words)
        }
        State::Alive if asked.is_refusal() => {
            let words = format!("steps.revoke is answered {} ({})", asked.status, asked.id);
            Conclusion::inconclusive("PRB-REV-001", words)
        }
        State::Alive => {
            let words = format!("A ended B, and B is still signed in after {milliseconds} ms");
            Conclusion::fail("PRB-REV-001", words)
        }
        other => Conclusion::inconclusive("PRB-REV-001", format!("B is {}", other.words())),
    };
    let a_end = match a_now {
        State::Alive if asked.is_refusal() => {
            Conclusion::inconclusive("PRB-REV-002", "nothing was ended")
        }
        State::Alive => Conclusion::pass("PRB-REV-002", "A ended B, and is signed in itself"),
        State::Dead => Conclusion::fail("PRB-REV-002", "A ended B, and is signed out itself"),
        other => Conclusion::inconclusive("PRB-REV-002", format!("A is {}", other.words())),
    };
    Ok(vec![
        b_end
            .shown_by(shown())
            .shown_by(settled.asked)
            .taking(settled.after),
        a_end.shown_by(shown()).shown_by([a_shown]),
    ])
}
