//! A change of password. It is tried and undone first, so that it is known to be undone.

use super::Conclusion;
use crate::client::{Answer, Purse};
use crate::run::{GuestId, Run, State, Who};
use crate::trouble::Trouble;

const ID: &str = "PRB-PWD-001";

/// What it takes, with everything that has to be undone: requests and sign-ins.
const COST: (u32, u32) = (60, 6);

/// A changes the password, and B is looked at.
pub(super) async fn change(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    let left = run.client.budget(|budget| budget.left());
    if left.requests < COST.0 || left.logins < COST.1 {
        let words = "too little is left to change a password and to be sure of changing it back";
        return Err(Trouble::Short(words.to_owned()));
    }
    run.client.has_to_finish(true);
    let changed = there_and_back(run).await;
    run.client.has_to_finish(false);
    changed.map(|conclusion| vec![conclusion])
}

async fn there_and_back(run: &mut Run) -> Result<Conclusion, Trouble> {
    let user = run.recipe.user.clone();
    let old = run.secrets.password(&user).to_owned();
    let new = run.secrets.new_password().to_owned();
    let (rehearsal, b) = run.both().await?;
    let first = swap(run, rehearsal, &old, &new).await;
    let undone = undo(run, rehearsal, &old, &new).await;
    run.close(rehearsal).await;
    run.close(b).await;
    undone?;
    let first = first?;
    // By now the change is known to be undone.
    let (a, b) = run.both().await?;
    let changed = swap(run, a, &old, &new).await;
    let seen = match &changed {
        Ok(changed) => look(run, a, b, changed).await,
        Err(trouble) => Err(trouble.clone()),
    };
    undo(run, a, &old, &new).await?;
    let evidence = [first.id]
        .into_iter()
        .chain(changed.map(|answer| answer.id));
    Ok(seen?.shown_by(evidence))
}

async fn look(
    run: &mut Run,
    a: GuestId,
    b: GuestId,
    changed: &Answer,
) -> Result<Conclusion, Trouble> {
    let settled = run.settle(b).await?;
    let (a_now, a_shown) = run.who(a).await?;
    // That the password was changed at all is seen by signing in with the new one.
    let new = run.secrets.new_password().to_owned();
    let is_changed = signs_in(run, &new).await?;
    let milliseconds = settled.after.as_millis();
    let conclusion = if is_changed {
        match &settled.state {
            State::Dead => Conclusion::pass(
                ID,
                format!(
                    "A changed the password: B was signed out {milliseconds} ms later, A is {}",
                    a_now.words()
                ),
            ),
            State::Alive => Conclusion::fail(
                ID,
                format!("A changed the password, and B is still signed in after {milliseconds} ms"),
            ),
            other => Conclusion::inconclusive(ID, format!("B is {}", other.words())),
        }
    } else {
        Conclusion::inconclusive(
            ID,
            format!(
                "the request to change the password ({}) did not change it",
                changed.id
            ),
        )
    };
    let evidence = settled.asked.into_iter().chain([a_shown]);
    Ok(conclusion.shown_by(evidence).taking(settled.after))
}

/// Changes the password from one to another.
async fn swap(run: &mut Run, guest: GuestId, from: &str, to: &str) -> Result<Answer, Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let step = recipe.steps.change_password.as_ref();
    let step = step.ok_or_else(|| Trouble::Answer("the recipe has no such step".to_owned()))?;
    let values = &mut run.visitor_mut(guest).values;
    values.insert("user.password".to_owned(), from.to_owned());
    values.insert("new_password".to_owned(), to.to_owned());
    let answer = run.ask(guest, &step.request).await?;
    run.visitor_mut(guest).values.remove("new_password");
    Ok(answer)
}

/// Changes it back, signing in with whichever password works if it has to. If the account cannot
/// be brought back, the run stops and says how it was left.
async fn undo(run: &mut Run, guest: GuestId, old: &str, new: &str) -> Result<(), Trouble> {
    let words = run.secrets.new_password_in_words();
    let left = move |why: String| {
        Trouble::Stop(format!(
            "the password of the account could not be brought back ({why}): it is {words}, or the \
             old one. Sign in and change it"
        ))
    };
    let undone = swap(run, guest, new, old).await;
    let is_back = signs_in(run, old).await;
    if matches!(is_back, Ok(true)) {
        return Ok(());
    }
    // The change may have ended this side too.
    let visitor = stranger_with(run, new).map_err(|error| left(error.to_string()))?;
    let recipe = std::sync::Arc::clone(&run.recipe);
    let again = run.sign_in_as(visitor, &recipe.steps.login).await;
    let again = again.map_err(|error| left(error.to_string()))?;
    swap(run, again.guest, new, old)
        .await
        .map_err(|error| left(error.to_string()))?;
    let is_back = signs_in(run, old)
        .await
        .map_err(|error| left(error.to_string()))?;
    run.close(again.guest).await;
    if is_back {
        Ok(())
    } else {
        Err(left(
            undone.map_or_else(|e| e.to_string(), |answer| answer.id),
        ))
    }
}

async fn signs_in(run: &mut Run, password: &str) -> Result<bool, Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let visitor = stranger_with(run, password)?;
    let signed_in = match run.sign_in_as(visitor, &recipe.steps.login).await {
        // An answer that the recipe does not expect is a refusal.
        Err(Trouble::Answer(_)) => return Ok(false),
        other => other?,
    };
    run.close(signed_in.guest).await;
    Ok(signed_in.state == State::Alive)
}

fn stranger_with(run: &Run, password: &str) -> Result<crate::client::Visitor, Trouble> {
    let mut visitor = run.stranger("", Who::User, 0, Purse::Plain)?;
    visitor
        .values
        .insert("user.password".to_owned(), password.to_owned());
    Ok(visitor)
}
