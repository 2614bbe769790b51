//! How many sessions a user may hold, and what happens at one more.

use innkeeper_report::Severity;

use super::Conclusion;
use crate::client::Purse;
use crate::recipe::OnExceed;
use crate::run::{GuestId, Run, State, Who};
use crate::trouble::Trouble;

/// No ladder is higher.
const STEPS_MAX: u32 = 12;
/// How high a ladder goes where no policy says how high.
const STEPS_UNKNOWN: u32 = 5;

/// Who of several guests is signed in.
pub(super) struct Roll {
    alive: Vec<bool>,
    pub(super) evidence: Vec<String>,
}

impl Roll {
    /// Asks each. Anything but in or out settles nothing.
    pub(super) async fn call(run: &mut Run, guests: &[GuestId]) -> Result<Self, Trouble> {
        let mut roll = Self {
            alive: Vec::new(),
            evidence: Vec::new(),
        };
        for &guest in guests {
            let (state, id) = run.who(guest).await?;
            match state {
                State::Alive => roll.alive.push(true),
                State::Dead => {
                    run.is_gone(guest);
                    roll.alive.push(false);
                }
                other => {
                    let words = format!("one of several sessions is {} ({id})", other.words());
                    return Err(Trouble::Answer(words));
                }
            }
            roll.evidence.push(id);
        }
        Ok(roll)
    }

    pub(super) fn count(&self) -> usize {
        self.alive.iter().filter(|alive| **alive).count()
    }
}

/// Signs in again and again, and finds out where it stops.
pub(super) async fn ladder(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-LIMIT-001";
    run.close_all().await;
    let max = run.recipe.policy.max_sessions;
    if max.is_some_and(|max| max + 2 > STEPS_MAX) {
        let words =
            format!("the policy allows more than a ladder of {STEPS_MAX} sign-ins can reach");
        return Ok(vec![Conclusion::inconclusive(ID, words)]);
    }
    let purse = purse(run);
    let steps = max.map_or(STEPS_UNKNOWN, |max| max + 2);
    let mut guests = Vec::new();
    let mut evidence = Vec::new();
    for step in 1..=steps {
        let signed_in = run.sign_in(Who::User, usize::from(step > 1), purse).await?;
        evidence.push(signed_in.shown_by.clone());
        guests.push(signed_in.guest);
        let is_over = max.is_some_and(|max| step > max);
        if max.is_some() && !is_over && max != Some(step) {
            continue;
        }
        let roll = Roll::call(run, &guests).await?;
        evidence.extend(roll.evidence.iter().cloned());
        let all_alive = roll.count() == guests.len();
        if all_alive && !is_over {
            continue;
        }
        let conclusion = judged(run, &guests, roll, step).await?;
        if let Some(conclusion) = conclusion {
            return Ok(vec![conclusion.shown_by(evidence)]);
        }
    }
    let alive = guests.len();
    let conclusion = match max {
        None => Conclusion::observed(
            ID,
            format!(
                "{alive} sessions at one time, and no limit was met; the recipe names no policy"
            ),
        ),
        Some(max) => Conclusion::pass(
            ID,
            format!("never more than {max} sessions, as the policy says"),
        ),
    };
    Ok(vec![
        conclusion.shown_by(evidence).counting("sessions", alive),
    ])
}

/// What it means that after `step` sign-ins these are alive; nothing, if the ladder goes on.
async fn judged(
    run: &mut Run,
    guests: &[GuestId],
    roll: Roll,
    step: u32,
) -> Result<Option<Conclusion>, Trouble> {
    const ID: &str = "PRB-LIMIT-001";
    let mut count = u32::try_from(roll.count()).unwrap_or(u32::MAX);
    let alive: Vec<String> = roll
        .alive
        .iter()
        .zip(1..)
        .filter(|(alive, _)| **alive)
        .map(|(_, at): (_, u32)| at.to_string())
        .collect();
    let seen = format!(
        "after {step} sign-ins, {count} sessions are alive (in the order of sign-in: {})",
        if alive.is_empty() {
            "none".to_owned()
        } else {
            alive.join(", ")
        }
    );
    let Some(max) = run.recipe.policy.max_sessions else {
        let words = format!("{seen}; the recipe names no policy to hold it to");
        return Ok(Some(
            Conclusion::observed(ID, words).counting("sessions", count),
        ));
    };
    if count > max {
        // An end may take its time; the first one is asked until it shows.
        let settled = run.settle(guests[0]).await?;
        let again = Roll::call(run, guests).await?;
        count = u32::try_from(again.count()).unwrap_or(u32::MAX);
        if count > max {
            let words = format!("{seen}; the policy allows {max}");
            let more = settled.asked.into_iter().chain(again.evidence);
            let fail = Conclusion::fail(ID, words)
                .shown_by(more)
                .counting("sessions", count);
            return Ok(Some(fail));
        }
    }
    if count < max.min(step) {
        let words = format!(
            "{seen}, fewer than the {max} of the policy; are there sessions we do not know of?"
        );
        return Ok(Some(
            Conclusion::inconclusive(ID, words).counting("sessions", count),
        ));
    }
    if step <= max {
        return Ok(None);
    }
    let newest_alive = roll.alive.last().copied().unwrap_or_default();
    let first_alive = roll.alive.first().copied().unwrap_or_default();
    let is_as_said = match run.recipe.policy.on_exceed {
        None => true,
        Some(OnExceed::EvictOldest | OnExceed::EvictLeastRecentlyUsed) => {
            newest_alive && !first_alive
        }
        Some(OnExceed::DenyNew | OnExceed::Ask) => !newest_alive && first_alive,
    };
    if is_as_said {
        return Ok(None);
    }
    let words = format!("the number of sessions is held, but the policy lets others go: {seen}");
    Ok(Some(Conclusion::fail(ID, words).rated(Severity::Low)))
}

/// Fills the limit by the usual path, and goes beyond it by each other one.
pub(super) async fn other_paths(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-LIMIT-003";
    run.close_all().await;
    let max = run.recipe.policy.max_sessions.unwrap_or(1);
    let purse = purse(run);
    let recipe = std::sync::Arc::clone(&run.recipe);
    let mut guests = Vec::new();
    let mut evidence = Vec::new();
    for _ in 0..max {
        guests.push(run.sign_in_surely(Who::User, 0, purse).await?);
    }
    for (name, path) in &recipe.steps.other_logins {
        let visitor = run.stranger("", Who::User, 1, purse)?;
        let signed_in = run.sign_in_as(visitor, path).await?;
        evidence.push(signed_in.shown_by);
        guests.push(signed_in.guest);
        let mut roll = Roll::call(run, &guests).await?;
        if roll.count() > max as usize {
            run.settle(guests[0]).await?;
            roll = Roll::call(run, &guests).await?;
        }
        evidence.extend(roll.evidence.iter().cloned());
        if roll.count() > max as usize {
            let words = format!(
                "after a sign-in by `{name}`, {} sessions are alive; the policy allows {max}",
                roll.count()
            );
            let fail = Conclusion::fail(ID, words).shown_by(evidence);
            return Ok(vec![fail.counting("sessions", roll.count())]);
        }
    }
    let names: Vec<&str> = recipe
        .steps
        .other_logins
        .keys()
        .map(String::as_str)
        .collect();
    let words = format!(
        "never more than {max} sessions, also by {}",
        names.join(", ")
    );
    Ok(vec![Conclusion::pass(ID, words).shown_by(evidence)])
}

/// From which purse a ladder up to the limit is paid.
pub(super) fn purse(run: &Run) -> Purse {
    match run.recipe.policy.max_sessions {
        Some(max) if max + 2 > STEPS_UNKNOWN => Purse::Burst,
        _ => Purse::Plain,
    }
}
