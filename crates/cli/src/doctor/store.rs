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
use crate::remote::Server;

const NAME: &str = "store";
const PAGE: usize = 1024;

/// The checks, and whether the store could be looked at.
pub(super) async fn checks(config: &Config, arguments: &DoctorArguments) -> (Vec<Check>, bool) {
    let data = config.store.path.clone();
    if let Some(lost) = admin_key::without_store(&data) {
        return (vec![Check::new(NAME, State::Failed, lost)], true);
    }
    if !data.join("store").exists() {
        let check = Check::new(
            NAME,
            State::Ok,
            "there is none yet: the first start makes it",
        );
        return (vec![check], true);
    }
    let opening = move || EmbeddedStore::open(&data, Arc::new(SystemClock));
    match task::spawn_blocking(opening).await {
        Ok(Ok(store)) => (of_open(&store).await, true),
        Ok(Err(OpenError::InUse { .. })) => (vec![of_running(config, arguments).await], true),
        Ok(Err(error)) => {
            let could_run = !matches!(error, OpenError::NotWritable { .. } | OpenError::Io { .. });
            let detail = chain(&error);
            (vec![Check::new(NAME, State::Failed, detail)], could_run)
        }
        Err(error) => {
            let check = Check::new(NAME, State::Unknown, error.to_string());
            (vec![check], false)
        }
    }
}

/// Every record was read and compared at opening; what is left is to say what is in it.
async fn of_open(store: &EmbeddedStore) -> Vec<Check> {
    let whole = Check::new(
        NAME,
        State::Ok,
        "every record was read and compared: it is whole",
    );
    let unfenced = match unfenced(store).await {
        Ok((0, births)) => Check::new(
            "unfenced sign-ins",
            State::Ok,
            format!("each of {births} in the journal said which generation it was made under"),
        ),
        Ok((n, births)) => Check::new(
            "unfenced sign-ins",
            State::Warning,
            format!(
                "{n} of {births} in the journal did not say which generation they were made \
                 under: send `generation` with POST /v1/sessions, or a sign-in that overlaps a \
                 credential change gets through (S8)"
            ),
        ),
        Err(error) => Check::new("unfenced sign-ins", State::Unknown, chain(&error)),
    };
    let closed = match store.close().await {
        Ok(()) => None,
        Err(error) => Some(Check::new("closing", State::Failed, chain(&error))),
    };
    [whole, unfenced].into_iter().chain(closed).collect()
}

async fn unfenced(store: &EmbeddedStore) -> Result<(u64, u64), innkeeper_store::StoreError> {
    let (mut found, mut births) = (0, 0);
    let mut after = None;
    loop {
        let Tail::Page(page) = store.tail(after.as_ref(), PAGE).await? else {
            return Ok((found, births));
        };
        let Some((last, _)) = page.last() else {
            return Ok((found, births));
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
    let server = format!("{scheme}://{}", config.server.listen);
    let server = Server::anonymous(&server, arguments.ca_file.as_deref());
    let asked = match &server {
        Ok(server) => server.is_ready().await,
        Err(_) => None,
    };
    match asked {
        Some(true) => Check::new(
            NAME,
            State::Ok,
            "a running server has it open and is ready; stop it to have sign-ins counted",
        ),
        Some(false) => Check::new(
            NAME,
            State::Failed,
            "a running server has it open and takes no changes: see its log",
        ),
        None => Check::new(
            NAME,
            State::Unknown,
            "a process has it open, and none answers where the configuration says",
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
