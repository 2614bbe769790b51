//! Whether an answer is to somebody who is signed in, and to whom. Never by its status alone.

use crate::client::{Answer, values_of};
use crate::recipe::{Recipe, Seen, User};

/// What an answer says about who asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// The user is signed in: the answer names them.
    Alive,
    /// Nobody is signed in.
    Dead,
    /// The answer names another user of the recipe: their key in it.
    Somebody(String),
    /// The answer is neither, or both.
    Unclear(String),
}

impl State {
    /// In the words of a sentence: "A is …".
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Alive => "signed in".to_owned(),
            Self::Dead => "signed out".to_owned(),
            Self::Somebody(key) => format!("taken for {key}"),
            Self::Unclear(why) => format!("neither signed in nor out ({why})"),
        }
    }
}

/// Judges the answer to whoami, for the user that asked.
pub(crate) fn judge(recipe: &Recipe, user: &User, answer: &Answer) -> State {
    let whoami = &recipe.steps.whoami;
    let seen = Seen {
        status: answer.status,
        location: answer.header("location"),
        body: &answer.body,
        json: answer.json.as_ref(),
    };
    let names = |user: &User| whoami.logged_in.is_met(&seen, &values_of(user, None));
    let is_own = names(user);
    let others: Vec<&User> = recipe
        .users()
        .filter(|other| other.key != user.key && names(other))
        .collect();
    let is_out = whoami
        .logged_out
        .as_ref()
        .map(|expect| expect.is_met(&seen, &values_of(user, None)));
    let unclear = |why: &str| State::Unclear(format!("{why}, {}", answer.id));
    match (is_own, &others[..], is_out) {
        (true, [], Some(true)) => unclear("it looks signed in and signed out at once"),
        (true, [], _) => State::Alive,
        (true, [_, ..], _) => unclear("the answer names two users"),
        (false, [other, ..], _) => State::Somebody(other.key.clone()),
        (false, [], Some(false)) => unclear(&format!("status {}", answer.status)),
        // An application in trouble has signed nobody out.
        (false, [], None) if answer.status == 429 || answer.status >= 500 => {
            unclear(&format!("status {}", answer.status))
        }
        (false, [], None | Some(true)) => State::Dead,
    }
}
