//! What becomes of a credential that was there before the sign-in.

use super::Conclusion;
use crate::client::Purse;
use crate::recipe::Carrier;
use crate::run::{Run, State, Who, made_up};
use crate::trouble::Trouble;

const KEPT: &str = "PRB-FIX-001";
const CHOSEN: &str = "PRB-FIX-002";

/// Signs in with a credential that was there before: one that the application handed out, and one
/// that it never saw.
pub(super) async fn before_and_after(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    Ok(vec![kept(run).await?, chosen(run).await?])
}

async fn kept(run: &mut Run) -> Result<Conclusion, Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let carrier = run.client.carrier().clone();
    let mut visitor = run.stranger("", Who::User, 1, Purse::Plain)?;
    // Whatever comes before the request that signs in may hand out a credential; so may whoami.
    let (_, first) = run.who_is(&mut visitor).await?;
    let mut evidence = vec![first.id];
    let (start, end) = recipe.steps.login.split_at(recipe.steps.login.len() - 1);
    for request in start {
        evidence.push(run.client.ask(&mut visitor, request).await?.id);
    }
    let before = visitor.clone();
    let signed_in = run.sign_in_as(visitor, end).await?;
    evidence.push(signed_in.shown_by);
    if signed_in.state != State::Alive {
        let words = format!(
            "the sign-in did not work: it is {}",
            signed_in.state.words()
        );
        return Ok(Conclusion::inconclusive(KEPT, words).shown_by(evidence));
    }
    let old = before.credential(&carrier).map(str::to_owned);
    let new = run
        .visitor(signed_in.guest)
        .credential(&carrier)
        .map(str::to_owned);
    let conclusion = match old {
        None => Conclusion::pass(KEPT, "there is no credential before signing in"),
        Some(old) if Some(&old) == new.as_ref() => Conclusion::fail(
            KEPT,
            "the credential from before signing in is the one after it",
        ),
        Some(_) => {
            let mut thief = before;
            let (state, answer) = run.who_is(&mut thief).await?;
            evidence.push(answer.id);
            match state {
                State::Dead => Conclusion::pass(
                    KEPT,
                    "signing in gives a new credential, and the old one is nobody's",
                ),
                State::Alive => Conclusion::fail(
                    KEPT,
                    "signing in gives a new credential, and the old one is signed in too",
                ),
                other => {
                    Conclusion::inconclusive(KEPT, format!("the old one is {}", other.words()))
                }
            }
        }
    };
    run.close(signed_in.guest).await;
    Ok(conclusion.shown_by(evidence))
}

async fn chosen(run: &mut Run) -> Result<Conclusion, Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let carrier = run.client.carrier().clone();
    let Carrier::Cookie(name) = &carrier else {
        return Ok(Conclusion::skipped(CHOSEN, "sessions are not in a cookie"));
    };
    let base = &recipe.target.base;
    let token = made_up();
    let mut victim = run.stranger("", Who::User, 1, Purse::Plain)?;
    victim.jar.put(base, name, &token);
    let signed_in = run.sign_in_as(victim, &recipe.steps.login).await?;
    let nobody = run.stranger("thief", Who::User, 1, Purse::Plain)?;
    let mut thief = nobody.with_credential(&carrier, base, &token);
    let (state, answer) = run.who_is(&mut thief).await?;
    let evidence = [signed_in.shown_by.clone(), answer.id];
    let conclusion = match (state, &signed_in.state) {
        (State::Alive, _) => Conclusion::fail(
            CHOSEN,
            "a credential that was chosen before the sign-in is signed in after it",
        ),
        (State::Dead, State::Alive) => Conclusion::pass(
            CHOSEN,
            "a credential that was chosen before the sign-in is nobody's",
        ),
        (_, other) => {
            let words = format!("with a chosen credential, the sign-in is {}", other.words());
            Conclusion::inconclusive(CHOSEN, words)
        }
    };
    run.close(signed_in.guest).await;
    Ok(conclusion.shown_by(evidence))
}
