//! Requests of a session that are on their way while it ends: does one of them bring it back?

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Conclusion;
use super::list::session_of_b;
use super::revoke::end;
use crate::client::Purse;
use crate::run::{Run, State};
use crate::trouble::Trouble;

const ID: &str = "PRB-RES-001";
const ROUNDS: u32 = 5;
const ABREAST: usize = 4;
/// What is answered within this was not on its way when the session ended.
const HEAD_START: Duration = Duration::from_millis(30);

/// Sends slow requests of B, ends B while they are on their way, and looks at B when they are
/// answered.
pub(super) async fn resurrection(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let client = std::sync::Arc::clone(&run.client);
    let Some(slow) = &recipe.steps.slow_read else {
        return Ok(vec![Conclusion::skipped(ID, "needs steps.slow_read")]);
    };
    // One seat is for ending B.
    let abreast = ABREAST.min(client.abreast().saturating_sub(1));
    if abreast == 0 {
        let words = "limits.concurrency allows no request beside another";
        return Ok(vec![Conclusion::skipped(ID, words)]);
    }
    let mut evidence = Vec::new();
    for round in 1..=ROUNDS {
        let (a, b, item, listed) = session_of_b(run).await?;
        let mut visitor = run.visitor(b).clone();
        visitor.purse = Purse::Burst;
        let mut answers = JoinSet::new();
        for _ in 0..abreast {
            let held = client.hold(&visitor, slow).await?;
            let sent = client.fire(held).await?;
            let (client, recipe) = (Arc::clone(&client), Arc::clone(&recipe));
            let mut copy = visitor.clone();
            answers.spawn(async move {
                let slow = recipe
                    .steps
                    .slow_read
                    .as_ref()
                    .expect("it was there before");
                let answer = client.take_in(&mut copy, slow, sent).await;
                (copy, answer)
            });
        }
        client.wait(HEAD_START).await?;
        let early = std::iter::from_fn(|| answers.try_join_next()).count();
        if early == abreast {
            let words = format!(
                "steps.slow_read is answered within {HEAD_START:?}, so nothing is on its way when B \
                 is ended"
            );
            return Ok(vec![Conclusion::inconclusive(ID, words)]);
        }
        let asked = end(run, a, &item).await?;
        evidence = listed;
        evidence.push(asked.id.clone());
        if asked.is_refusal() {
            let words = format!("steps.revoke is answered {}", asked.status);
            let open = Conclusion::inconclusive(ID, words);
            return Ok(vec![open.shown_by(evidence)]);
        }
        let mut fresh = Vec::new();
        for (copy, answer) in answers.join_all().await {
            // What became of the request itself is not the question.
            match answer {
                Ok(answer) => {
                    evidence.push(answer.id);
                    if !answer.set.is_empty() {
                        fresh.push(copy);
                    }
                }
                Err(Trouble::Answer(_)) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let settled = run.settle(b).await?;
        evidence.extend(settled.asked);
        if settled.state != State::Dead {
            let words = format!(
                "in round {round}, B was ended with {abreast} of its requests on their way, and is \
                 {} after they were answered",
                settled.state.words()
            );
            let conclusion = match settled.state {
                State::Alive => Conclusion::fail(ID, words),
                _ => Conclusion::inconclusive(ID, words),
            };
            return Ok(vec![
                conclusion.shown_by(evidence).counting("rounds", round),
            ]);
        }
        for mut copy in fresh {
            let (state, answer) = run.who_is(&mut copy).await?;
            evidence.push(answer.id);
            if state == State::Alive {
                let words = format!(
                    "in round {round}, B was ended, and an answer that was on its way handed out a \
                     credential that works"
                );
                let fail = Conclusion::fail(ID, words).shown_by(evidence);
                return Ok(vec![fail.counting("rounds", round)]);
            }
        }
    }
    let words = format!(
        "{ROUNDS} times B was ended with {abreast} requests on their way, and stayed ended"
    );
    let pass = Conclusion::pass(ID, words).shown_by(evidence);
    Ok(vec![
        pass.counting("rounds", ROUNDS)
            .counting("requests", ROUNDS as usize * abreast),
    ])
}
