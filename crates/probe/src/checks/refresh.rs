//! A new credential for an old one.

use super::Conclusion;
use crate::run::{Run, State};
use crate::trouble::Trouble;

const ROTATES: &str = "PRB-REF-001";
const REUSE: &str = "PRB-REF-002";

/// Refreshes, and then refreshes once more with what was held before.
pub(super) async fn rotation(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let Some(request) = &recipe.steps.refresh else {
        return Ok(vec![Conclusion::skipped(ROTATES, "needs steps.refresh")]);
    };
    let guest = run.side(1).await?;
    let mut thief = run.visitor(guest).clone();
    let refreshed = run.ask(guest, request).await?;
    let (state, shown) = run.who(guest).await?;
    let evidence = vec![refreshed.id, shown];
    if state != State::Alive {
        let words = format!("after refreshing, B is {}", state.words());
        return Err(Trouble::Answer(words));
    }
    let held = |visitor: &crate::client::Visitor| {
        let cookies: Vec<String> = visitor.jar.values().map(str::to_owned).collect();
        (cookies, visitor.values.clone())
    };
    if held(&thief) == held(run.visitor(guest)) {
        let words = "refreshing gives nothing new: what was held before is held after";
        let skipped = Conclusion::skipped(REUSE, "there is no old refresh, since none is new");
        return Ok(vec![
            Conclusion::fail(ROTATES, words).shown_by(evidence),
            skipped,
        ]);
    }
    let rotates = Conclusion::pass(ROTATES, "refreshing gives a new credential");
    let before = held(&thief);
    let reused = run.client.ask(&mut thief, request).await?;
    let got_new = held(&thief) != before;
    let (thief_now, thief_shown) = run.who_is(&mut thief).await?;
    let (b_now, b_shown) = run.who(guest).await?;
    let shown = [reused.id, thief_shown.id, b_shown];
    let reuse = if got_new && thief_now == State::Alive {
        Conclusion::fail(REUSE, "an old refresh was accepted a second time")
    } else {
        match b_now {
            State::Dead => {
                Conclusion::pass(REUSE, "an old refresh was refused, and ended the family")
            }
            State::Alive => {
                Conclusion::fail(REUSE, "an old refresh was refused, and the family lives on")
            }
            other => Conclusion::inconclusive(REUSE, format!("B is {}", other.words())),
        }
    };
    Ok(vec![
        rotates.shown_by(evidence.clone()),
        reuse.shown_by(evidence).shown_by(shown),
    ])
}

/// Signs a side out, and refreshes with what it held before.
pub(super) async fn after_sign_out(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-REF-003";
    let recipe = std::sync::Arc::clone(&run.recipe);
    let Some(request) = &recipe.steps.refresh else {
        return Ok(vec![Conclusion::skipped(ID, "needs steps.refresh")]);
    };
    let guest = run.side(1).await?;
    let mut thief = run.visitor(guest).clone();
    let signed_out = run.ask(guest, &recipe.steps.logout).await?;
    let (state, shown) = run.who_is(&mut thief).await?;
    let mut evidence = vec![signed_out.id, shown.id];
    if state != State::Dead {
        *run.visitor_mut(guest) = thief;
        let words = format!(
            "signing out leaves it {}, so what a refresh adds is not seen; see PRB-LOGOUT-001",
            state.words()
        );
        return Ok(vec![Conclusion::inconclusive(ID, words).shown_by(evidence)]);
    }
    let refreshed = run.client.ask(&mut thief, request).await?;
    evidence.push(refreshed.id);
    // If it is signed in now, it has to be signed out like anybody else.
    *run.visitor_mut(guest) = thief;
    let (state, shown) = run.who(guest).await?;
    evidence.push(shown);
    let conclusion = match state {
        State::Dead => {
            run.is_gone(guest);
            Conclusion::pass(ID, "after signing out, a refresh lets nobody in")
        }
        State::Alive => {
            Conclusion::fail(ID, "after signing out, a refresh lets in again who held it")
        }
        other => {
            Conclusion::inconclusive(ID, format!("after the refresh, it is {}", other.words()))
        }
    };
    Ok(vec![conclusion.shown_by(evidence)])
}
