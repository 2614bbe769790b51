//! `doctor --proxy`: sends known tricks through a proxy, and says whether any gets past it.
//!
//! What reaches an application is seen where the application is. So doctor can take its place for
//! the while (`--application`), and then judges every trick by what arrived; without that it sees
//! answers alone, and says what cannot be known from them. The same tricks are the tests of the
//! recipes in `docs/proxies`.

mod judge;
mod stand_in;
mod tricks;
mod wire;

use std::collections::BTreeMap;

use innkeeper_api::SignInAnswer;
use serde_json::json;

use super::{Check, State, show_checks};
use crate::admin_key;
use crate::args::{DoctorArguments, ServerUrl};
use crate::exit::Failure;
use crate::key_file;
use crate::remote::Server;
use judge::{Fault, Seen};
use stand_in::StandIn;
use tricks::{Sender, Trick, Who};
use wire::{Reply, Target};

/// Where an Innkeeper is unless it is said.
const SERVER: &str = "http://127.0.0.1:7070";

/// Whom the session is of that doctor opens for the while.
const SUBJECT: &str = "innkeeper-doctor";

/// Runs `doctor --proxy`.
pub(super) async fn run(arguments: &DoctorArguments, proxy: &ServerUrl) -> Result<(), Failure> {
    let target = Target::of(&proxy.to_string(), arguments.ca_file.as_deref())?;
    let stand_in = match arguments.application {
        Some(address) => Some(StandIn::listen(address).await.map_err(|error| {
            let what = format!(
                "cannot take the place of the application at {address}: stop it for the while"
            );
            Failure::cannot_run(&what, error)
        })?),
        None => None,
    };
    let session = Session::open(arguments).await?;
    let tried = try_all(&target, stand_in.as_ref(), session.as_ref()).await;
    if let Some(session) = session {
        session.end().await?;
    }
    conclude(&tried?, arguments)
}

/// A session to send tricks with.
struct Session {
    server: Server,
    id: String,
    who: Who,
}

impl Session {
    /// Opens one at the running server, if its key is at hand.
    async fn open(arguments: &DoctorArguments) -> Result<Option<Self>, Failure> {
        let file = arguments.key_file.clone().unwrap_or_else(|| {
            let data = arguments.data.as_deref();
            admin_key::file(data.unwrap_or_else(|| "innkeeper-data".as_ref()))
        });
        if arguments.key_file.is_none() && !file.exists() {
            return Ok(None);
        }
        let key = key_file::read(&file)
            .map_err(|error| Failure::cannot_run("the API key cannot be read", error))?;
        let base = arguments
            .server
            .as_ref()
            .map_or_else(|| SERVER.to_owned(), ToString::to_string);
        let server = Server::at(&base, arguments.ca_file.as_deref(), Some(key))?;
        let body = json!({
            "subject": SUBJECT, "client": "doctor", "groups": [SUBJECT], "assurance": 1,
            "methods": ["pwd"],
        });
        let born: SignInAnswer = server.post(&["v1", "sessions"], &body).await?;
        let id = born.session.id;
        let tag: String = id.chars().skip("ses_".len()).take(8).collect();
        let device = born.device.and_then(|device| device.token);
        let device = device.map_or_else(String::new, |token| {
            format!("__Host-innkeeper-device-{tag}={}", token.reveal())
        });
        Ok(Some(Self {
            server,
            who: Who {
                token: born.token.reveal().to_owned(),
                device,
                identity: [
                    ("remote-user", SUBJECT.to_owned()),
                    ("remote-groups", SUBJECT.to_owned()),
                    ("innkeeper-tenant", "default".to_owned()),
                    ("innkeeper-session", id.clone()),
                    ("innkeeper-assurance", "1".to_owned()),
                ],
            },
            id,
        }))
    }

    async fn end(self) -> Result<(), Failure> {
        self.server.delete(&["v1", "sessions", &self.id], &[]).await
    }
}

/// What came of all tricks, by the check that they are of.
#[derive(Default)]
struct Tried {
    checks: BTreeMap<&'static str, Outcome>,
    /// How many requests were sent.
    sent: usize,
    /// How many arrived where the application is.
    arrived: usize,
}

#[derive(Default)]
struct Outcome {
    sent: usize,
    faults: Vec<String>,
    /// What could not be judged, for want of the other side.
    unseen: usize,
}

async fn try_all(
    target: &Target,
    stand_in: Option<&StandIn>,
    session: Option<&Session>,
) -> Result<Tried, Failure> {
    let mut tried = Tried::default();
    for trick in tricks::all() {
        for sender in trick.senders {
            let who = match (sender, session) {
                (Sender::Stranger, _) => None,
                (Sender::Holder, Some(session)) => Some(&session.who),
                (Sender::Holder, None) => {
                    tried.checks.entry(trick.check).or_default().unseen += 1;
                    continue;
                }
            };
            if let Some(stand_in) = stand_in {
                judge_strays(stand_in, &mut tried);
            }
            let reply = wire::send(target, &trick.bytes(target, who)).await;
            let reply = match reply {
                Ok(reply) => reply,
                Err(error) if tried.sent == 0 => {
                    return Err(Failure::cannot_run("the proxy cannot be reached", error));
                }
                // Closed without a word: nothing came back, and what arrived is looked at.
                Err(_) => Reply::nothing(),
            };
            let arrivals = stand_in.map(StandIn::take);
            tried.sent += 1;
            tried.arrived += arrivals.as_ref().map_or(0, Vec::len);
            let seen = Seen {
                who,
                reply: &reply,
                arrivals: arrivals.as_deref(),
            };
            let outcome = tried.checks.entry(trick.check).or_default();
            outcome.sent += 1;
            match judge::judge(&trick, &seen) {
                Ok(()) => {}
                Err(Fault::Unseen) => outcome.unseen += 1,
                Err(Fault::Found(what)) => outcome.faults.push(told(&trick, who, &what)),
            }
        }
    }
    if let Some(stand_in) = stand_in {
        judge_strays(stand_in, &mut tried);
    }
    Ok(tried)
}

fn told(trick: &Trick, who: Option<&Who>, what: &str) -> String {
    let sender = who.map_or("without a session", |_| "with a session");
    format!("{} ({sender}): {what}", trick.name)
}

/// What arrives when nothing is under way was hidden in an earlier request.
fn judge_strays(stand_in: &StandIn, tried: &mut Tried) {
    for stray in stand_in.take() {
        tried.arrived += 1;
        let outcome = tried.checks.entry(tricks::FRAMING).or_default();
        let fault = format!(
            "a request arrived that nobody sent by itself: {}",
            stray.shown()
        );
        outcome.faults.push(fault);
    }
}

/// The most faults of one check that are told.
const TOLD_MAX: usize = 5;

fn conclude(tried: &Tried, arguments: &DoctorArguments) -> Result<(), Failure> {
    let mut checks = Vec::new();
    for (name, outcome) in &tried.checks {
        let Outcome {
            sent,
            faults,
            unseen,
        } = outcome;
        let check = if !faults.is_empty() {
            let mut told = faults[..faults.len().min(TOLD_MAX)].join("; ");
            if faults.len() > TOLD_MAX {
                told.push_str("; …");
            }
            let detail = format!("{} of {sent} tricks got past it: {told}", faults.len());
            Check::new(name, State::Failed, detail)
        } else if *unseen > 0 {
            let detail = format!(
                "{} of {sent} could be judged, and failed",
                sent.saturating_sub(*unseen)
            );
            Check::new(name, State::Unknown, detail)
        } else {
            let detail = format!("{sent} tricks were tried, and none got past it");
            Check::new(name, State::Ok, detail)
        };
        checks.push(check);
    }
    let detail = format!(
        "{} requests were sent, {} arrived",
        tried.sent, tried.arrived
    );
    checks.push(Check::new("proxy_requests", State::Ok, detail));
    show_checks(&checks, arguments.json)?;
    let has = |state| checks.iter().filter(|check| check.state == state).count();
    match (has(State::Failed), has(State::Unknown)) {
        (0, 0) => Ok(()),
        (0, _) => Err(Failure::inconclusive(
            "no trick got past the proxy as far as could be seen; for the rest let doctor take the \
             place of the application (--application ADDR), and open a session (--key-file FILE)",
        )),
        (1, _) => Err(Failure::found("1 check of the proxy failed")),
        (n, _) => Err(Failure::found(format!("{n} checks of the proxy failed"))),
    }
}
