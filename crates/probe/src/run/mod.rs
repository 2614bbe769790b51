//! A run: who is signed in for it, and how each of them is signed out again.

mod calibrate;
mod ownership;
mod secrets;
mod state;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use calibrate::{Calibration, calibrate, made_up};
pub use ownership::WELL_KNOWN;
pub(crate) use ownership::{claimed, prove};
pub use secrets::{NoSecret, Secrets};
pub(crate) use state::{State, judge};

use crate::client::{Answer, Client, Purse, Visitor};
use crate::recipe::{Recipe, Request, User};
use crate::trouble::Trouble;

/// How many requests it takes to sign one session out, and to see that it is.
pub(crate) const CLEAN_UP_COST: u32 = 2;

/// Phrases of applications that shut an account out after too many attempts.
const LOCKED_OUT: [&str; 12] = [
    "account is locked",
    "account has been locked",
    "account locked",
    "account is temporarily",
    "locked out",
    "too many attempts",
    "too many failed",
    "too many login",
    "too many sign-in",
    "temporarily blocked",
    "temporarily locked",
    "captcha",
];

/// Which of the two accounts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Who {
    /// The account that is probed.
    User,
    /// The other one.
    Other,
}

/// One side that signed in, or tried to.
pub(crate) struct Guest {
    pub(crate) visitor: Visitor,
    /// Whether there may be a session to sign out of.
    is_open: bool,
}

/// The place of a guest in a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct GuestId(usize);

/// How a sign-in went.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) guest: GuestId,
    pub(crate) state: State,
    /// The request that showed it.
    pub(crate) shown_by: String,
}

/// One run against one application.
pub(crate) struct Run {
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) client: Arc<Client>,
    pub(crate) secrets: Secrets,
    guests: Vec<Guest>,
    /// The sides A and B that checks share.
    pair: [Option<GuestId>; 2],
    /// What could not be signed out.
    left_behind: Vec<String>,
    signed: u32,
}

impl Run {
    pub(crate) fn new(recipe: Arc<Recipe>, client: Arc<Client>, secrets: Secrets) -> Self {
        for password in secrets.all() {
            client.hide_password(password);
        }
        Self {
            recipe,
            client,
            secrets,
            guests: Vec::new(),
            pair: [None, None],
            left_behind: Vec::new(),
            signed: 0,
        }
    }

    pub(crate) fn user(&self, who: Who) -> Result<&User, Trouble> {
        match who {
            Who::User => Ok(&self.recipe.user),
            Who::Other => {
                let words = || Trouble::Answer("the recipe has no users.other".to_owned());
                self.recipe.other.as_ref().ok_or_else(words)
            }
        }
    }

    /// Somebody who has not signed in.
    pub(crate) fn stranger(
        &self,
        side: &str,
        who: Who,
        device: usize,
        purse: Purse,
    ) -> Result<Visitor, Trouble> {
        let user = self.user(who)?;
        let password = self.secrets.password(user);
        Ok(Visitor::new(
            side,
            user,
            password,
            &self.recipe.devices[device],
            purse,
        ))
    }

    pub(crate) fn visitor(&self, guest: GuestId) -> &Visitor {
        &self.guests[guest.0].visitor
    }

    pub(crate) fn visitor_mut(&mut self, guest: GuestId) -> &mut Visitor {
        &mut self.guests[guest.0].visitor
    }

    /// Asks the application who a visitor is.
    pub(crate) async fn who_is(&self, visitor: &mut Visitor) -> Result<(State, Answer), Trouble> {
        let answer = self
            .client
            .ask(visitor, &self.recipe.steps.whoami.request)
            .await?;
        Ok((judge(&self.recipe, &visitor.user, &answer), answer))
    }

    /// Asks the application who a guest is.
    pub(crate) async fn who(&mut self, guest: GuestId) -> Result<(State, String), Trouble> {
        let mut visitor = self.visitor(guest).clone();
        let asked = self.who_is(&mut visitor).await;
        *self.visitor_mut(guest) = visitor;
        let (state, answer) = asked?;
        if state == State::Alive {
            self.guests[guest.0].is_open = true;
        }
        Ok((state, answer.id))
    }

    /// Asks a request of the recipe as a guest.
    pub(crate) async fn ask(
        &mut self,
        guest: GuestId,
        request: &Request,
    ) -> Result<Answer, Trouble> {
        let client = Arc::clone(&self.client);
        client.ask(self.visitor_mut(guest), request).await
    }

    /// Signs in by the usual path.
    pub(crate) async fn sign_in(
        &mut self,
        who: Who,
        device: usize,
        purse: Purse,
    ) -> Result<SignedIn, Trouble> {
        let recipe = Arc::clone(&self.recipe);
        let visitor = self.stranger("", who, device, purse)?;
        self.sign_in_as(visitor, &recipe.steps.login).await
    }

    /// Signs a visitor in by a path of requests, and looks at what has come of it.
    pub(crate) async fn sign_in_as(
        &mut self,
        visitor: Visitor,
        path: &[Request],
    ) -> Result<SignedIn, Trouble> {
        let guest = self.begin(visitor, path)?;
        let mut last = None;
        for request in path {
            let answer = self.ask(guest, request).await?;
            last = Some(expected(request, answer)?);
        }
        self.signed_in(guest, last).await
    }

    /// Pays for a sign-in, and sees to it that it will be signed out.
    pub(crate) fn begin(
        &mut self,
        mut visitor: Visitor,
        path: &[Request],
    ) -> Result<GuestId, Trouble> {
        let requests = u32::try_from(path.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        self.client
            .budget(|budget| budget.take_login(visitor.purse, requests, CLEAN_UP_COST))?;
        self.signed += 1;
        let letter = if visitor.device == self.recipe.devices[0] {
            'A'
        } else {
            'B'
        };
        visitor.side = if visitor.user.key == self.recipe.user.key {
            format!("{letter}{}", self.signed)
        } else {
            format!("X{}", self.signed)
        };
        self.guests.push(Guest {
            visitor,
            is_open: true,
        });
        Ok(GuestId(self.guests.len() - 1))
    }

    /// Looks at what has come of a sign-in.
    pub(crate) async fn signed_in(
        &mut self,
        guest: GuestId,
        last: Option<Answer>,
    ) -> Result<SignedIn, Trouble> {
        let (state, shown_by) = self.who(guest).await?;
        if state != State::Alive {
            if let Some(answer) = &last {
                stop_if_locked_out(answer)?;
            }
            if state == State::Dead {
                self.is_gone(guest);
            }
        }
        Ok(SignedIn {
            guest,
            state,
            shown_by,
        })
    }

    /// Signs in where nothing stands in the way of it; that it fails settles nothing.
    pub(crate) async fn sign_in_surely(
        &mut self,
        who: Who,
        device: usize,
        purse: Purse,
    ) -> Result<GuestId, Trouble> {
        let signed_in = self.sign_in(who, device, purse).await?;
        match signed_in.state {
            State::Alive => Ok(signed_in.guest),
            other => Err(Trouble::Answer(format!(
                "a sign-in that should have worked did not: it is {} ({})",
                other.words(),
                signed_in.shown_by
            ))),
        }
    }

    /// The sides A and B, both signed in.
    pub(crate) async fn both(&mut self) -> Result<(GuestId, GuestId), Trouble> {
        let a = self.side(0).await?;
        let b = self.side(1).await?;
        // Signing B in may have ended A, where one session is all there may be.
        let (state, id) = self.who(a).await?;
        if state == State::Alive {
            Ok((a, b))
        } else {
            let words = format!("two sessions cannot be held: A is {} ({id})", state.words());
            Err(Trouble::Answer(words))
        }
    }

    /// One of the two sides, signed in.
    pub(crate) async fn side(&mut self, device: usize) -> Result<GuestId, Trouble> {
        if let Some(guest) = self.pair[device] {
            let (state, _) = self.who(guest).await?;
            if state == State::Alive {
                return Ok(guest);
            }
            self.is_gone(guest);
        }
        let guest = self.sign_in_surely(Who::User, device, Purse::Plain).await?;
        self.pair[device] = Some(guest);
        Ok(guest)
    }

    /// Signs side B out, if it is signed in.
    pub(crate) async fn close_b(&mut self) {
        if let Some(guest) = self.pair[1].take() {
            self.close(guest).await;
        }
    }

    /// Takes a guest as side A or B.
    pub(crate) fn seat(&mut self, device: usize, guest: GuestId) {
        self.pair[device] = Some(guest);
    }

    /// Notes that a guest has no session any more.
    pub(crate) fn is_gone(&mut self, guest: GuestId) {
        let guest = &mut self.guests[guest.0];
        if std::mem::take(&mut guest.is_open) {
            let purse = guest.visitor.purse;
            self.client
                .budget(|budget| budget.give_back(purse, CLEAN_UP_COST));
        }
    }

    /// Asks until a guest is signed out, or the time for it is up. Says how it stands at last.
    pub(crate) async fn settle(&mut self, guest: GuestId) -> Result<Settled, Trouble> {
        let began = Instant::now();
        let within = self.recipe.limits.settle_within;
        let mut pause = Duration::from_millis(100);
        let mut asked = Vec::new();
        loop {
            let (state, id) = self.who(guest).await?;
            asked.push(id);
            if state == State::Dead || began.elapsed() >= within {
                if state == State::Dead {
                    self.is_gone(guest);
                }
                return Ok(Settled {
                    state,
                    after: began.elapsed(),
                    asked,
                });
            }
            self.client.wait(pause).await?;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Signs out everybody who may be signed in, also when the probe was asked to stop.
    pub(crate) async fn close_all(&mut self) {
        for at in 0..self.guests.len() {
            self.close(GuestId(at)).await;
        }
        self.pair = [None, None];
    }

    /// Signs one guest out, and makes sure of it.
    pub(crate) async fn close(&mut self, guest: GuestId) {
        let Guest { visitor, is_open } = &mut self.guests[guest.0];
        if !std::mem::take(is_open) {
            return;
        }
        let (client, recipe) = (Arc::clone(&self.client), Arc::clone(&self.recipe));
        // The answer may only take the cookie away, and leave the session: so it is asked for with
        // what was held before.
        let mut before = visitor.clone();
        let logout = &recipe.steps.logout;
        let signed_out = client.ask_to_clean_up(visitor, logout).await;
        let whoami = &recipe.steps.whoami.request;
        let asked = client.ask_to_clean_up(&mut before, whoami).await;
        let is_out = signed_out.is_ok()
            && asked.is_ok_and(|answer| judge(&recipe, &visitor.user, &answer) == State::Dead);
        if !is_out {
            self.left_behind.push(visitor.side.clone());
        }
    }

    /// The sides that could not be signed out.
    pub(crate) fn left_behind(&self) -> &[String] {
        &self.left_behind
    }
}

/// How a session stood when its end was waited for.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) state: State,
    pub(crate) after: Duration,
    pub(crate) asked: Vec<String>,
}

/// Holds the answer to a request of a sign-in against the statuses that the recipe expects.
pub(crate) fn expected(request: &Request, answer: Answer) -> Result<Answer, Trouble> {
    if request.statuses.is_empty() || request.statuses.contains(&answer.status) {
        return Ok(answer);
    }
    stop_if_locked_out(&answer)?;
    Err(Trouble::Answer(format!(
        "{} answered {}, and the recipe expects {:?} (line {})",
        answer.id, answer.status, request.statuses, request.line
    )))
}

fn stop_if_locked_out(answer: &Answer) -> Result<(), Trouble> {
    let body = answer.body.to_lowercase();
    let found = LOCKED_OUT.iter().find(|phrase| body.contains(**phrase));
    found.map_or(Ok(()), |phrase| {
        Err(Trouble::Stop(format!(
            "the account seems to be locked: a failed sign-in says `{phrase}` ({})",
            answer.id
        )))
    })
}
