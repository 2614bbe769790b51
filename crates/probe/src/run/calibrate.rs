//! Before anything is judged: can signed in be told from signed out here at all?

use super::{Run, State, Who};
use crate::client::{Purse, hex};
use crate::trouble::Trouble;

/// What calibration found.
pub(crate) enum Calibration {
    /// Signed in can be told from signed out. The requests that showed it.
    Good(Vec<String>),
    /// It cannot, and why.
    Bad(String, Vec<String>),
}

/// Asks without a credential, with a made-up one, and freshly signed in.
pub(crate) async fn calibrate(run: &mut Run) -> Result<Calibration, Trouble> {
    let mut evidence = Vec::new();
    let mut nobody = run.stranger("nobody", Who::User, 0, Purse::Plain)?;
    let (state, answer) = run.who_is(&mut nobody).await?;
    evidence.push(answer.id);
    if state != State::Dead {
        let words = format!("without a credential, whoami is {}", state.words());
        return Ok(Calibration::Bad(words, evidence));
    }
    let nobody = run.stranger("made-up", Who::User, 0, Purse::Plain)?;
    let base = &run.recipe.target.base;
    let mut forged = nobody.with_credential(run.client.carrier(), base, &made_up());
    let (state, answer) = run.who_is(&mut forged).await?;
    evidence.push(answer.id);
    if state != State::Dead {
        let words = format!("with a made-up credential, whoami is {}", state.words());
        return Ok(Calibration::Bad(words, evidence));
    }
    let signed_in = run.sign_in(Who::User, 0, Purse::Plain).await?;
    evidence.push(signed_in.shown_by);
    if signed_in.state != State::Alive {
        let words = format!("after signing in, whoami is {}", signed_in.state.words());
        return Ok(Calibration::Bad(words, evidence));
    }
    if run
        .visitor(signed_in.guest)
        .credential(run.client.carrier())
        .is_none()
    {
        let words = "signing in works, but what the recipe calls the session was not set by it; \
                     see `session`";
        return Ok(Calibration::Bad(words.to_owned(), evidence));
    }
    run.seat(0, signed_in.guest);
    Ok(Calibration::Good(evidence))
}

/// A credential that nobody handed out.
pub(crate) fn made_up() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the machine has random numbers");
    hex(&bytes)
}
