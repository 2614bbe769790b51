//! `doctor`: looks at configuration, folder, disk, clock and store, and says what can be promised.

mod disk;
mod proxy;
mod shared;
mod store;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::json;

use crate::args::DoctorArguments;
use crate::config::{Config, Doors, StoreKind};
use crate::exit::Failure;
use crate::print;
use crate::promises::{Configuration, EMBEDDED, Holds, Promise, Seen};
use crate::serve::certificate;
use crate::table::{self, Table};
use crate::trust;

/// What a check concluded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work, or breaks a promise.
    Failed,
    /// It could not be found out.
    Unknown,
    /// There is nothing to check.
    NotConfigured,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    detail: String,
}

impl Check {
    fn new(name: &'static str, state: State, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            name,
            state,
            detail,
        }
    }
}

/// Runs `doctor`.
pub(crate) async fn run(arguments: DoctorArguments) -> Result<(), Failure> {
    if let Some(address) = &arguments.proxy {
        return proxy::run(&arguments, address).await;
    }
    let config = Config::load(Doors {
        file: arguments.config.as_deref(),
        environment: std::env::vars_os().collect(),
        listen: None,
        data: arguments.data.clone(),
    })
    .map_err(|refused| Failure::usage(format!("configuration refused\n{refused}")))?;
    let data = config.store.path.clone();
    let mut checks = vec![configuration(&config)];
    checks.extend(disk::checks(&data));
    checks.extend(arguments.key_file.as_deref().map(disk::named_key));
    checks.push(clock(&data));
    checks.push(listener(&config));
    let is_shared = config.store.kind != StoreKind::Embedded;
    let (looked, configuration) = if is_shared {
        shared::look(&config).await
    } else {
        (store::look(&config, &arguments).await, EMBEDDED)
    };
    let store::Looked {
        checks: found,
        could_run,
        unfenced,
        policies,
    } = looked;
    let is_refused = is_shared && found.iter().any(|check| check.state == State::Failed);
    checks.extend(found);
    for (name, what) in [
        ("mail", "no notices are sent"),
        ("places", "no GeoIP file is read"),
    ] {
        checks.push(Check::new(name, State::NotConfigured, what));
    }
    checks.push(believed(&config));
    let promises = configuration.as_seen(&Seen {
        policies: &policies,
        store: could_run && !is_refused,
        unfenced,
        // Beside a shared store the folder has the administrator's key alone.
        syncs: is_shared
            || !checks
                .iter()
                .any(|check| check.name == "sync" && check.state == State::Failed),
    });
    show(&checks, &configuration, &promises, arguments.json)?;

    let failed = checks.iter().filter(|c| c.state == State::Failed).count();
    match (could_run, failed) {
        (false, _) => Err(Failure::cannot_run(
            "the store could not be looked at",
            "see above",
        )),
        (true, 0) => Ok(()),
        (true, 1) => Err(Failure::found("1 check failed")),
        (true, n) => Err(Failure::found(format!("{n} checks failed"))),
    }
}

fn show(
    checks: &[Check],
    configuration: &Configuration,
    promises: &[Promise],
    is_json: bool,
) -> Result<(), Failure> {
    if is_json {
        return print::json(&json!({
            "schema": "innkeeper.doctor/1",
            "checks": checks,
            "configuration": configuration.name,
            "promises": promises,
        }));
    }
    print::lines(as_table(checks))?;
    print::lines(&configuration.name)?;
    let mut table = Table::new(&["promise", "holds", "words", "which says"]);
    for promise in promises {
        let holds = match promise.holds {
            Holds::Yes => "yes",
            Holds::Conditional => "conditional",
            Holds::No => "no",
        };
        table.cells([promise.id, holds, &promise.words, promise.says].map(ToOwned::to_owned));
    }
    print::lines(table)
}

/// Checks that say nothing of what can be promised.
fn show_checks(checks: &[Check], is_json: bool) -> Result<(), Failure> {
    if is_json {
        return print::json(&json!({
            "schema": "innkeeper.doctor/1",
            "checks": checks,
            "promises": [],
        }));
    }
    print::lines(as_table(checks))
}

fn as_table(checks: &[Check]) -> Table {
    let mut table = Table::new(&["check", "state", "detail"]);
    for check in checks {
        let state = table::word(&check.state);
        table.cells([check.name.to_owned(), state, check.detail.clone()]);
    }
    table
}

/// What is accepted and probably not meant. What is not accepted was said before.
fn configuration(config: &Config) -> Check {
    const NAME: &str = "configuration";
    let warnings = config.warnings();
    let warnings = warnings.iter().map(|w| format!("{}: {}", w.place, w.text));
    let warnings: Vec<String> = warnings.collect();
    if warnings.is_empty() {
        Check::new(NAME, State::Ok, "every setting is accepted")
    } else {
        Check::new(NAME, State::Warning, warnings.join("; "))
    }
}

/// Whether the wall clock can be what it says. Time here never falls all the same; a clock that is
/// ahead ends sessions early, one that is behind late.
fn clock(data: &Path) -> Check {
    const NAME: &str = "clock";
    let now = SystemTime::now();
    // 2026-01-01: nothing of ours was there before.
    if now < UNIX_EPOCH + Duration::from_hours(490_896) {
        return Check::new(NAME, State::Failed, "the wall clock is in the past: set it");
    }
    let written = std::fs::metadata(data.join("store/mark")).and_then(|f| f.modified());
    let ahead = written.ok().and_then(|at| at.duration_since(now).ok());
    if let Some(ahead) = ahead.filter(|ahead| *ahead > Duration::from_secs(5)) {
        return Check::new(
            NAME,
            State::Warning,
            format!(
                "the store was written {} seconds from now: the wall clock was set back; time \
                 goes on at half speed until it has caught up",
                ahead.as_secs()
            ),
        );
    }
    let is_synchronised = Path::new("/run/systemd/timesync/synchronized").exists();
    let detail = if is_synchronised {
        "synchronised, and not behind what the store has seen"
    } else {
        "not behind what the store has seen; whether it is synchronised cannot be told from here"
    };
    Check::new(NAME, State::Ok, detail)
}

/// Whose word on where a request comes from is believed.
fn believed(config: &Config) -> Check {
    const NAME: &str = "proxy";
    let believed: Vec<_> = config.server.trusted_peers.networks().collect();
    let listed: Vec<_> = believed.iter().map(ToString::to_string).collect();
    let listed = listed.join(", ");
    if believed.is_empty() {
        Check::new(NAME, State::NotConfigured, "no proxy is believed")
    } else if believed.iter().any(|network| network.prefix_len() == 0) {
        let detail = format!(
            "{listed}: everybody is believed, and may say to be anywhere; name the proxies alone \
             in server.trusted_peers"
        );
        Check::new(NAME, State::Warning, detail)
    } else {
        let detail = format!("{listed}: believed in whom they forward for");
        Check::new(NAME, State::Ok, detail)
    }
}

/// Who can listen in on the way.
fn listener(config: &Config) -> Check {
    const NAME: &str = "listener";
    let address = config.server.listen;
    match certificate::load(config) {
        Err(failure) => Check::new(NAME, State::Failed, failure.text()),
        Ok(Some(_)) => match config.tls.cert_file.as_deref().and_then(trust::own_lapsed) {
            Some(why) => Check::new(NAME, State::Failed, format!("{address}: {why}")),
            None => Check::new(NAME, State::Ok, format!("{address}, behind TLS")),
        },
        Ok(None) if address.ip().is_loopback() => {
            Check::new(NAME, State::Ok, format!("{address}, on this machine only"))
        }
        Ok(None) => Check::new(
            NAME,
            State::Warning,
            format!("{address} speaks plain http: name a certificate in [server.tls]"),
        ),
    }
}
