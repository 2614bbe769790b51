//! The store: opened and read whole, or asked after where a server has it open.

use std::sync::Arc;

use innkeeper_domain::policy::Policy;
use innkeeper_engine::policy::document::Document;
use innkeeper_engine::policy::{self, Foreseen};
use innkeeper_store::SessionStore;
use innkeeper_store::clock::SystemClock;
use innkeeper_store::journal::{SessionEvent, Tail};
use innkeeper_store_embedded::{EmbeddedStore, OpenError};
use tokio::task;

use super::{Check, State};
use crate::admin_key;
use crate::args::DoctorArguments;
use crate::config::Config;
use crate::key_file;
use crate::open_store;
use crate::promises::Unfenced;
use crate::remote::Server;

pub(super) const NAME: &str = "store";
const POLICY: &str = "policy";
const PAGE: usize = 1024;

/// What a look at the store showed.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) checks: Vec<Check>,
    /// Whether the store could be looked at.
    pub(super) could_run: bool,
    /// What its journal holds, if that was read.
    pub(super) unfenced: Option<Unfenced>,
    /// The policies that its limits are of: in force now, and after the next start.
    pub(super) policies: Vec<Policy>,
}

impl Looked {
    /// What is known by one check, and no more.
    pub(super) fn at(state: State, detail: impl Into<String>) -> Self {
        Self {
            checks: vec![Check::new(NAME, state, detail)],
            could_run: state != State::Unknown,
            unfenced: None,
            policies: Vec::new(),
        }
    }
}

/// Looks at the store, or asks the server that has it open.
pub(super) async fn look(config: &Config, arguments: &DoctorArguments) -> Looked {
    let data = config.store.path.clone();
    if let Err(another) = open_store::refuse_another(&data) {
        return Looked::at(State::Failed, another.text());
    }
    if !data.join("store").exists() {
        return match (&arguments.data, &arguments.server) {
            (Some(named), Some(server)) => Looked::at(
                State::Unknown,
                format!(
                    "there is none in {}, so the server at {server} has another: to ask that \
                     one, leave --data out",
                    named.display()
                ),
            ),
            (None, Some(_)) => of_running(config, arguments).await,
            (_, None) => Looked::at(
                State::Unknown,
                "there is none here: `innkeeper serve` would make it; to ask a server that runs \
                 elsewhere, name it with --server",
            ),
        };
    }
    let opening = move || EmbeddedStore::open(&data, Arc::new(SystemClock));
    match task::spawn_blocking(opening).await {
        Ok(Ok(store)) => of_open(&store, &config.policy).await,
        Ok(Err(OpenError::InUse { .. })) => of_running(config, arguments).await,
        Ok(Err(error)) => {
            let could_run = !matches!(error, OpenError::NotWritable { .. } | OpenError::Io { .. });
            let looked = Looked::at(State::Failed, chain(&error));
            Looked {
                could_run,
                ..looked
            }
        }
        Err(error) => Looked::at(State::Unknown, error.to_string()),
    }
}

/// Every record was read and compared at opening; what is left is to say what is in it.
async fn of_open(store: &EmbeddedStore, of_file: &Policy) -> Looked {
    let whole = Check::new(
        NAME,
        State::Ok,
        "every record was read and compared: it is whole",
    );
    let (policy, policies) = foreseen(store, of_file).await;
    let counted = unfenced(store).await;
    let unfenced = match &counted {
        Ok(Unfenced { found: 0, births }) => Check::new(
            "unfenced sign-ins",
            State::Ok,
            format!("each of {births} in the journal said which generation it was made under"),
        ),
        Ok(Unfenced { found, births }) => Check::new(
            "unfenced sign-ins",
            State::Warning,
            format!(
                "{found} of {births} in the journal did not say which generation they were made \
                 under: send `generation` with POST /v1/sessions, or a sign-in that overlaps a \
                 credential change gets through (S8)"
            ),
        ),
        Err(error) => Check::new("unfenced sign-ins", State::Unknown, chain(error)),
    };
    let closed = match store.close().await {
        Ok(()) => None,
        Err(error) => Some(Check::new("closing", State::Failed, chain(&error))),
    };
    Looked {
        checks: [whole, policy, unfenced]
            .into_iter()
            .chain(closed)
            .collect(),
        could_run: true,
        unfenced: counted.ok(),
        policies,
    }
}

/// The policy in force, and what the next start with these settings would make of it.
async fn foreseen(store: &EmbeddedStore, of_file: &Policy) -> (Check, Vec<Policy>) {
    match policy::foresee(store, of_file).await {
        Ok(Foreseen { held: None, next }) => {
            let detail = "none is in force yet: the next start puts that of these settings";
            (Check::new(POLICY, State::Ok, detail), vec![next])
        }
        Ok(Foreseen {
            held: Some(held),
            next,
        }) => {
            let detail = if held.version == next.version {
                in_force(&held)
            } else {
                format!(
                    "{}; the next start with these settings puts theirs",
                    in_force(&held)
                )
            };
            (Check::new(POLICY, State::Ok, detail), vec![held, next])
        }
        Err(error) => (Check::new(POLICY, State::Failed, chain(&error)), Vec::new()),
    }
}

fn in_force(policy: &Policy) -> String {
    format!("version {} is in force", policy.version.0)
}

async fn unfenced(store: &EmbeddedStore) -> Result<Unfenced, innkeeper_store::StoreError> {
    let (mut found, mut births) = (0, 0);
    let mut after = None;
    loop {
        let Tail::Page(page) = store.tail(after.as_ref(), PAGE).await? else {
            return Ok(Unfenced { found, births });
        };
        let Some((last, _)) = page.last() else {
            return Ok(Unfenced { found, births });
        };
        after = Some(last.clone());
        for event in page.iter().flat_map(|(_, entry)| &entry.events) {
            if let SessionEvent::Opened { fenced, .. } = event {
                births += 1;
                found += u64::from(!fenced);
            }
        }
    }
}

/// A server has it open: it read every record when it started, so it is asked how it is, and
/// which policy is in force.
async fn of_running(config: &Config, arguments: &DoctorArguments) -> Looked {
    let scheme = if config.tls.cert_file.is_some() {
        "https"
    } else {
        "http"
    };
    let configured = || format!("{scheme}://{}", config.server.listen);
    let named = arguments.server.as_ref();
    let at = named.map_or_else(configured, ToString::to_string);
    let of_folder = admin_key::file(&config.store.path);
    let file = arguments.key_file.as_ref().unwrap_or(&of_folder);
    let key = key_file::read(file);
    let has_key = key.is_ok();
    let server = match Server::at(&at, arguments.ca_file.as_deref(), key.ok()) {
        Ok(server) => server,
        Err(failure) => return Looked::at(State::Unknown, failure.text()),
    };
    match server.is_ready().await {
        Ok(true) => {}
        Ok(false) => {
            let detail = format!("the server at {at} takes no changes: see its log");
            return Looked::at(State::Failed, detail);
        }
        Err(failure) => {
            let why = failure.text().replace('\n', "; ");
            let detail = format!("no Innkeeper answers at {at}, name it with --server: {why}");
            return Looked::at(State::Unknown, detail);
        }
    }
    let mut looked = Looked::at(
        State::Ok,
        format!("the server at {at} is ready; stop it to have sign-ins counted"),
    );
    // Whoever does not show a key is not told whose store that is either.
    let unasked = |looked: Looked, why: &str| {
        let detail = format!("which one is in force was not told: {why}");
        let check = Check::new(POLICY, State::Unknown, detail);
        Looked {
            checks: [looked.checks, vec![check]].concat(),
            could_run: false,
            ..looked
        }
    };
    if !has_key {
        let why = format!(
            "{} is no key to ask with; name one with --key-file",
            file.display()
        );
        return unasked(looked, &why);
    }
    match server.get::<Document>(&["v1", "policy"], &[]).await {
        Ok(Document(policy)) => {
            let check = Check::new(POLICY, State::Ok, in_force(&policy));
            looked.checks.push(check);
            looked.policies.push(policy);
            looked
        }
        Err(failure) if failure.may_pass() => unasked(looked, failure.text()),
        Err(failure) => Looked::at(
            State::Unknown,
            format!(
                "the server at {at} does not take the key in {}, and may have another store ({}): \
                 name the server with --server, or a key that it takes with --key-file",
                file.display(),
                failure.text().replace('\n', " ")
            ),
        ),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
