//! The store: opened and read whole, or asked after where a server has it open.

use std::sync::Arc;

use innkeeper_store::SessionStore;
use innkeeper_store::clock::SystemClock;
use innkeeper_store::journal::{SessionEvent, Tail};
use innkeeper_store_embedded::{EmbeddedStore, OpenError};
use tokio::task;

use super::{Check, State};
use crate::admin_key;
use crate::args::DoctorArguments;
use crate::config::Config;
use crate::promises::Unfenced;
use crate::remote::Server;

const NAME: &str = "store";
const PAGE: usize = 1024;

/// What a look at the store showed.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) checks: Vec<Check>,
    /// Whether the store could be looked at.
    pub(super) could_run: bool,
    /// What its journal holds, if that was read.
    pub(super) unfenced: Option<Unfenced>,
}

impl Looked {
    fn at(check: Check) -> Self {
        Self {
            checks: vec![check],
            could_run: true,
            unfenced: None,
        }
    }
}

/// Looks at the store, or asks the server that has it open.
pub(super) async fn look(config: &Config, arguments: &DoctorArguments) -> Looked {
    let data = config.store.path.clone();
    if let Some(lost) = admin_key::without_store(&data) {
        return Looked::at(Check::new(NAME, State::Failed, lost));
    }
    if !data.join("store").exists() {
        if arguments.server.is_some() {
            return Looked::at(of_running(config, arguments).await);
        }
        return Looked::at(Check::new(
            NAME,
            State::Unknown,
            "there is none here: the first start makes it; to ask a server that runs elsewhere, \
             name it with --server",
        ));
    }
    let opening = move || EmbeddedStore::open(&data, Arc::new(SystemClock));
    match task::spawn_blocking(opening).await {
        Ok(Ok(store)) => of_open(&store).await,
        Ok(Err(OpenError::InUse { .. })) => Looked::at(of_running(config, arguments).await),
        Ok(Err(error)) => {
            let could_run = !matches!(error, OpenError::NotWritable { .. } | OpenError::Io { .. });
            let looked = Looked::at(Check::new(NAME, State::Failed, chain(&error)));
            Looked {
                could_run,
                ..looked
            }
        }
        Err(error) => Looked {
            could_run: false,
            ..Looked::at(Check::new(NAME, State::Unknown, error.to_string()))
        },
    }
}

/// Every record was read and compared at opening; what is left is to say what is in it.
async fn of_open(store: &EmbeddedStore) -> Looked {
    let whole = Check::new(
        NAME,
        State::Ok,
        "every record was read and compared: it is whole",
    );
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
        checks: [whole, unfenced].into_iter().chain(closed).collect(),
        could_run: true,
        unfenced: counted.ok(),
    }
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

/// A server has it open: it read every record when it started, so it is asked how it is.
async fn of_running(config: &Config, arguments: &DoctorArguments) -> Check {
    let scheme = if config.tls.cert_file.is_some() {
        "https"
    } else {
        "http"
    };
    let configured = || format!("{scheme}://{}", config.server.listen);
    let named = arguments.server.as_ref();
    let server = named.map_or_else(configured, ToString::to_string);
    let at = server.clone();
    let server = Server::anonymous(&server, arguments.ca_file.as_deref());
    let asked = match &server {
        Ok(server) => server.is_ready().await,
        Err(_) => None,
    };
    match asked {
        Some(true) => Check::new(
            NAME,
            State::Ok,
            format!("the server at {at} is ready; stop it to have sign-ins counted"),
        ),
        Some(false) => Check::new(
            NAME,
            State::Failed,
            format!("the server at {at} takes no changes: see its log"),
        ),
        None => Check::new(
            NAME,
            State::Unknown,
            format!("no server answers at {at}: name it with --server"),
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
