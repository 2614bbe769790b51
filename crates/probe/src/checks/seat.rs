//! What becomes of a seat: when its session was signed out, and when somebody was refused one.

use innkeeper_report::Severity;

use super::Conclusion;
use super::limit::{Roll, purse};
use crate::recipe::OnExceed;
use crate::run::{Run, State, Who};
use crate::trouble::Trouble;

const ID: &str = "PRB-LIMIT-004";

/// Fills the limit, is refused where the policy refuses, frees a seat, and takes it.
pub(super) async fn freed(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    run.close_all().await;
    let recipe = std::sync::Arc::clone(&run.recipe);
    let max = recipe.policy.max_sessions.unwrap_or(1);
    let purse = purse(run);
    let mut guests = Vec::new();
    for _ in 0..max {
        guests.push(run.sign_in_surely(Who::User, 0, purse).await?);
    }
    let full = Roll::call(run, &guests).await?;
    let mut evidence = full.evidence.clone();
    if full.count() != guests.len() {
        let words = format!(
            "{} of {max} sessions that the policy allows could be held, so the limit was not filled",
            full.count()
        );
        return Ok(vec![Conclusion::inconclusive(ID, words).shown_by(evidence)]);
    }
    let refuses = matches!(
        recipe.policy.on_exceed,
        Some(OnExceed::DenyNew | OnExceed::Ask)
    );
    if refuses {
        match run.sign_in(Who::User, 1, purse).await {
            Ok(signed_in) if signed_in.state == State::Alive => {
                let words = "a sign-in beyond the limit was let in; see PRB-LIMIT-001";
                return Ok(vec![Conclusion::inconclusive(ID, words).shown_by(evidence)]);
            }
            Ok(turned_away) => evidence.push(turned_away.shown_by),
            // An answer that the recipe does not expect is a refusal too.
            Err(Trouble::Answer(_)) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    let leaving = guests.pop().expect("a policy allows one session at least");
    let before = run.visitor(leaving).clone();
    let signed_out = run.ask(leaving, &recipe.steps.logout).await?;
    *run.visitor_mut(leaving) = before;
    let settled = run.settle(leaving).await?;
    evidence.push(signed_out.id);
    evidence.extend(settled.asked);
    if settled.state != State::Dead {
        let words = format!(
            "no seat could be freed: after signing out, it is {}",
            settled.state.words()
        );
        return Ok(vec![Conclusion::inconclusive(ID, words).shown_by(evidence)]);
    }
    let newcomer = match run.sign_in(Who::User, 1, purse).await {
        Ok(newcomer) => {
            evidence.push(newcomer.shown_by.clone());
            Some(newcomer)
        }
        Err(Trouble::Answer(_)) => None,
        Err(trouble) => return Err(trouble),
    };
    let conclusion = match newcomer.map(|newcomer| (newcomer.guest, newcomer.state)) {
        Some((guest, State::Alive)) => {
            guests.push(guest);
            let roll = Roll::call(run, &guests).await?;
            evidence.extend(roll.evidence.iter().cloned());
            if roll.count() == guests.len() {
                Conclusion::pass(
                    ID,
                    "a seat that was signed out of was free, and nobody had to go",
                )
            } else {
                let words = "a seat was signed out of, and the next sign-in put out another session \
                             all the same";
                Conclusion::fail(ID, words)
            }
        }
        Some((_, State::Somebody(_) | State::Unclear(_))) => {
            Conclusion::inconclusive(ID, "whoami does not say who came in")
        }
        Some((_, State::Dead)) | None if refuses => {
            let words = "after one refusal at the limit, a sign-in is refused although a seat was \
                         signed out of: refusing locks the owner out";
            Conclusion::fail(ID, words).rated(Severity::Medium)
        }
        Some((_, State::Dead)) | None => Conclusion::fail(
            ID,
            "a seat was signed out of, and the next sign-in is refused",
        ),
    };
    Ok(vec![conclusion.shown_by(evidence)])
}
