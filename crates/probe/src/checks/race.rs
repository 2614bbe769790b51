//! The limit, when many sign in at one moment.

use super::Conclusion;
use crate::client::Purse;
use crate::run::{GuestId, Run, State, Who, expected};
use crate::trouble::Trouble;

const ID: &str = "PRB-LIMIT-002";
const ROUNDS: u32 = 5;
const ABREAST: usize = 8;

/// Fills the limit, and then has several sign in with their last bytes sent at one moment.
pub(super) async fn at_the_limit(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    run.close_all().await;
    let max = run.recipe.policy.max_sessions.unwrap_or(1) as usize;
    let abreast = ABREAST.min(run.client.abreast());
    if abreast < 2 {
        let words = "limits.concurrency allows no two sign-ins at one time";
        return Ok(vec![Conclusion::skipped(ID, words)]);
    }
    let mut alive: Vec<GuestId> = Vec::new();
    // A higher limit cannot be filled within the sign-ins of a burst, but can be passed in one.
    for _ in 0..max.min(ABREAST) {
        alive.push(run.sign_in_surely(Who::User, 0, Purse::Burst).await?);
    }
    let mut evidence = Vec::new();
    let mut most = alive.len();
    for round in 1..=ROUNDS {
        let (new, shown) = together(run, abreast).await?;
        alive.extend(new);
        let mut count = still_alive(run, &mut alive, &mut evidence).await?;
        if count > max {
            run.settle(alive[0]).await?;
            count = still_alive(run, &mut alive, &mut evidence).await?;
        }
        most = most.max(count);
        if count > max {
            let words = format!(
                "in round {round}, {abreast} sign-ins at one moment left {count} sessions alive; \
                 the policy allows {max}"
            );
            let fail = Conclusion::fail(ID, words)
                .shown_by(shown)
                .shown_by(evidence);
            return Ok(vec![
                fail.counting("rounds", round).counting("sessions", count),
            ]);
        }
    }
    if most < max {
        let words =
            format!("never more than {most} sessions, and the limit of {max} was not reached");
        return Ok(vec![Conclusion::inconclusive(ID, words).shown_by(evidence)]);
    }
    let words = format!(
        "{ROUNDS} rounds of {abreast} sign-ins at one moment, and never more than {max} sessions"
    );
    let pass = Conclusion::pass(ID, words).shown_by(evidence);
    Ok(vec![
        pass.counting("rounds", ROUNDS).counting("sessions", most),
    ])
}

/// Several sign-ins, of which the request that counts is released at one moment.
async fn together(run: &mut Run, abreast: usize) -> Result<(Vec<GuestId>, Vec<String>), Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let path = &recipe.steps.login;
    // The one that is likely to open the session: the last that is more than a reading.
    let at = path.iter().rposition(|request| request.method != "GET");
    let at = at.unwrap_or(path.len() - 1);
    let mut guests = Vec::new();
    for _ in 0..abreast {
        let visitor = run.stranger("", Who::User, 1, Purse::Burst)?;
        let guest = run.begin(visitor, path)?;
        for request in &path[..at] {
            let answer = run.ask(guest, request).await?;
            expected(request, answer)?;
        }
        guests.push(guest);
    }
    let held = guests
        .iter()
        .map(|guest| (run.visitor(*guest).clone(), path[at].clone()))
        .collect();
    let client = std::sync::Arc::clone(&run.client);
    let answered = client.at_once(held).await;
    let mut evidence = Vec::new();
    let mut trouble = None;
    let mut refused = 0;
    for (guest, (visitor, answer)) in guests.iter().zip(answered) {
        *run.visitor_mut(*guest) = visitor;
        match answer {
            Ok(answer) => {
                refused += usize::from(answer.status == 429 || answer.status >= 500);
                evidence.push(answer.id);
            }
            Err(error) => trouble = Some(error),
        }
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    if refused == guests.len() {
        let words = "all sign-ins at one moment were answered 429 or with an error of the server";
        return Err(Trouble::Stop(words.to_owned()));
    }
    for guest in &guests {
        for request in &path[at + 1..] {
            run.ask(*guest, request).await?;
        }
    }
    Ok((guests, evidence))
}

/// Keeps those of the guests that are signed in, and counts them.
async fn still_alive(
    run: &mut Run,
    guests: &mut Vec<GuestId>,
    evidence: &mut Vec<String>,
) -> Result<usize, Trouble> {
    let mut alive = Vec::new();
    evidence.clear();
    for &guest in guests.iter() {
        let (state, id) = run.who(guest).await?;
        match state {
            State::Alive => {
                alive.push(guest);
                evidence.push(id);
            }
            State::Dead => run.is_gone(guest),
            other => {
                let words = format!("one of several sessions is {} ({id})", other.words());
                return Err(Trouble::Answer(words));
            }
        }
    }
    *guests = alive;
    Ok(guests.len())
}
