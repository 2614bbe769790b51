//! How long a session lives: when nobody uses it, and when somebody always does.

use std::time::{Duration, Instant};

use super::Conclusion;
use crate::client::Purse;
use crate::recipe::Policy;
use crate::run::{Run, State, Who};
use crate::trouble::Trouble;

/// How long it takes to see whether a session ends after a span: the span, a tenth of it for an
/// application that looks now and then, and a little for the network.
fn until_seen(span: Duration) -> Duration {
    span + span / 10 + Duration::from_millis(200)
}

/// How long silence has to be waited out to see the longest one end, if the policy names it.
pub(crate) fn idle_wait(policy: &Policy) -> Option<Duration> {
    policy.idle.map(until_seen)
}

/// How long a session has to be kept in use to see the longest life end, if the policy names it.
pub(crate) fn absolute_wait(policy: &Policy) -> Option<Duration> {
    policy.absolute.map(until_seen)
}

/// Signs in, keeps silent for longer than the policy allows, and looks.
pub(super) async fn idle(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-IDLE-001";
    let Some(wait) = idle_wait(&run.recipe.policy) else {
        return Ok(vec![Conclusion::skipped(ID, "needs policy.idle")]);
    };
    fits(run, wait)?;
    let signed_in = run.sign_in(Who::User, 0, Purse::Plain).await?;
    let mut evidence = vec![signed_in.shown_by];
    if signed_in.state != State::Alive {
        let words = format!("after signing in, whoami is {}", signed_in.state.words());
        return Ok(vec![Conclusion::inconclusive(ID, words).shown_by(evidence)]);
    }
    let began = Instant::now();
    run.client.wait(wait).await?;
    let silent = began.elapsed();
    let (state, shown) = run.who(signed_in.guest).await?;
    evidence.push(shown);
    let silence = in_words(silent);
    let conclusion = match state {
        State::Alive => Conclusion::fail(
            ID,
            format!("after {silence} of silence, it is still signed in"),
        ),
        State::Dead => {
            run.is_gone(signed_in.guest);
            // An application that lets nobody in any more has ended nothing by the clock.
            let again = run.sign_in_surely(Who::User, 0, Purse::Plain).await?;
            run.close(again).await;
            Conclusion::pass(ID, format!("after {silence} of silence, it is signed out"))
        }
        other => Conclusion::inconclusive(ID, format!("it is {}", other.words())),
    };
    run.close(signed_in.guest).await;
    Ok(vec![conclusion.shown_by(evidence).taking(silent)])
}

/// Signs in, uses the session for longer than the policy lets it live, and looks.
pub(super) async fn absolute(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    const ID: &str = "PRB-ABS-001";
    let Some(wait) = absolute_wait(&run.recipe.policy) else {
        return Ok(vec![Conclusion::skipped(ID, "needs policy.absolute")]);
    };
    fits(run, wait)?;
    // Often enough that silence does not end it.
    let idle = run.recipe.policy.idle.unwrap_or(wait);
    let pause = (idle / 3).min(wait / 4).max(Duration::from_millis(50));
    let signed_in = run.sign_in(Who::User, 0, Purse::Plain).await?;
    let mut evidence = vec![signed_in.shown_by];
    let began = Instant::now();
    let conclusion = loop {
        let (state, shown) = run.who(signed_in.guest).await?;
        let lived = began.elapsed();
        let life = in_words(lived);
        let is_last = lived >= wait;
        if is_last || state != State::Alive {
            evidence.push(shown);
        }
        match state {
            State::Alive if is_last => {
                let words = format!("after {life} in use, it is still signed in");
                break Conclusion::fail(ID, words).taking(lived);
            }
            State::Alive => {
                let pause = pause.min(wait.saturating_sub(lived));
                run.client.wait(pause).await?;
            }
            State::Dead => {
                run.is_gone(signed_in.guest);
                let again = run.sign_in_surely(Who::User, 0, Purse::Plain).await?;
                run.close(again).await;
                let words = format!("after {life} in use, it is signed out");
                break Conclusion::pass(ID, words).taking(lived);
            }
            other => break Conclusion::inconclusive(ID, format!("it is {}", other.words())),
        }
    };
    run.close(signed_in.guest).await;
    Ok(vec![conclusion.shown_by(evidence)])
}

/// Whether a wait fits in the time that is left.
fn fits(run: &Run, wait: Duration) -> Result<(), Trouble> {
    let left = run.client.budget(|budget| budget.left()).seconds;
    if wait.as_secs() >= left {
        let words = format!(
            "it takes {} of waiting, and {left} s are left",
            in_words(wait)
        );
        return Err(Trouble::Short(words));
    }
    Ok(())
}

fn in_words(span: Duration) -> String {
    if span < Duration::from_secs(10) {
        format!("{} ms", span.as_millis())
    } else {
        format!("{} s", span.as_secs())
    }
}
