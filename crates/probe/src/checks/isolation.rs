//! Two users who ask at one moment: each has to be taken for who they are.

use super::Conclusion;
use crate::client::Purse;
use crate::run::{Run, State, Who, judge};
use crate::trouble::Trouble;

const ID: &str = "PRB-ISO-001";
const ROUNDS: u32 = 25;
const ABREAST: usize = 8;

/// Has both ask who they are, interleaved, with the last bytes sent at one moment.
pub(super) async fn interleaved(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    let abreast = ABREAST.min(run.client.abreast());
    if abreast < 2 {
        let words = "limits.concurrency allows no two requests at one time";
        return Ok(vec![Conclusion::skipped(ID, words)]);
    }
    let a = run.side(0).await?;
    let x = run.sign_in_surely(Who::Other, 1, Purse::Burst).await?;
    let recipe = std::sync::Arc::clone(&run.recipe);
    let client = std::sync::Arc::clone(&run.client);
    let request = &recipe.steps.whoami.request;
    let (mut asked, mut unclear) = (0_u32, 0_u32);
    let mut last = Vec::new();
    for _ in 0..ROUNDS {
        let both = [a, x].map(|guest| {
            let mut visitor = run.visitor(guest).clone();
            visitor.purse = Purse::Burst;
            visitor
        });
        let asking = both.iter().cycle().take(abreast);
        let asking = asking
            .map(|visitor| (visitor.clone(), request.clone()))
            .collect();
        last.clear();
        for (visitor, answer) in client.at_once(asking).await {
            let answer = match answer {
                Ok(answer) => answer,
                Err(Trouble::Answer(_)) => {
                    unclear += 1;
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            asked += 1;
            last.push(answer.id.clone());
            match judge(&recipe, &visitor.user, &answer) {
                State::Alive => {}
                State::Somebody(other) => {
                    let words = format!(
                        "{} asked, and was answered as {other} ({asked} answers so far)",
                        visitor.user.key
                    );
                    run.close(x).await;
                    let fail = Conclusion::fail(ID, words).shown_by([answer.id]);
                    return Ok(vec![fail.counting("requests", asked)]);
                }
                State::Dead | State::Unclear(_) => unclear += 1,
            }
        }
    }
    run.close(x).await;
    let conclusion = if unclear > 0 {
        let words = format!("{unclear} of {asked} answers named neither user");
        Conclusion::inconclusive(ID, words)
    } else {
        let words =
            format!("{asked} answers to two users, {abreast} at one moment, none to the wrong one");
        Conclusion::pass(ID, words)
    };
    Ok(vec![conclusion.shown_by(last).counting("requests", asked)])
}
