//! `sessions` with a filter: who is meant, and the end of all of it.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use innkeeper_api::{
    EndReason, Revocation, RevocationCount, RevocationRequest, RevocationState, SessionFilter,
};
use serde_json::{Value, json};

use crate::args::{Reason, RevokeArguments};
use crate::call::Server;
use crate::client;
use crate::exit::Failure;
use crate::table;

/// How often a person wants to know how far it has come.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// `sessions list` with a filter.
pub(crate) async fn search(
    server: &Server,
    tenant: &str,
    filter: &SessionFilter,
    is_json: bool,
) -> Result<(), Failure> {
    let named = serde_json::to_value(filter)
        .map_err(|error| Failure::cannot_run("the filter cannot be written", error))?;
    let members = named.as_object().into_iter().flatten();
    let mut query = vec![("tenant", tenant), ("limit", "200")];
    query.extend(members.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))));
    client::list(server, &["v1", "sessions"], &query, is_json, table::found).await
}

/// `sessions revoke` with a filter: counts, asks, orders, and waits until it is done.
pub(crate) async fn revoke(
    server: &Server,
    tenant: &str,
    arguments: &RevokeArguments,
    is_json: bool,
) -> Result<(), Failure> {
    let path = ["v1", "revocations"];
    let order = RevocationRequest {
        tenant: Some(tenant.to_owned()),
        filter: Some(arguments.filter.named(arguments.subject.as_deref())),
        reason: Some(reason(arguments.reason)),
        dry_run: false,
        all: arguments.all,
    };
    if !arguments.yes {
        let only_count = RevocationRequest {
            dry_run: true,
            ..order.clone()
        };
        let count: RevocationCount = server.post(&path, &only_count).await?;
        if arguments.dry_run {
            tell(
                is_json,
                "innkeeper.revocation_count/1",
                &json!(count),
                || format!("{} would end", of(count.sessions, count.subjects)),
            );
            return Ok(());
        }
        agreed(count)?;
    }
    let ordered: Revocation = server.post(&path, &order).await?;
    let done = finished(server, tenant, ordered).await?;
    tell(
        is_json,
        "innkeeper.revocation/1",
        &json!({"revocation": done}),
        || format!("ended {}", of(done.ended, done.subjects)),
    );
    if done.state == RevocationState::Cancelled {
        return Err(Failure::found("somebody stopped it before it was done"));
    }
    Ok(())
}

/// Waits for the last word; a person sees how far it has come.
async fn finished(
    server: &Server,
    tenant: &str,
    mut order: Revocation,
) -> Result<Revocation, Failure> {
    // It draws nothing where standard error is no terminal.
    let bar = ProgressBar::new(100).with_style(
        ProgressStyle::with_template("{bar:30} {percent} % {msg}").expect("the template is fixed"),
    );
    loop {
        bar.set_position(order.progress.into());
        bar.set_message(format!("{} ended", order.ended));
        if matches!(
            order.state,
            RevocationState::Done | RevocationState::Cancelled
        ) {
            bar.finish_and_clear();
            return Ok(order);
        }
        tokio::time::sleep(LOOK_EVERY).await;
        let id = order.id;
        let path = ["v1", "revocations", &id];
        let looked = server.get(&path, &[("tenant", tenant)]).await;
        order = looked.map_err(|failure| {
            failure.but(&format!(
                "{id} was ordered, and the server goes on with it; GET /v1/revocations/{id} says \
                 how far it has come"
            ))
        })?;
    }
}

/// Asks the person who is there. Where nobody is, the answer is no.
fn agreed(count: RevocationCount) -> Result<(), Failure> {
    let meant = of(count.sessions, count.subjects);
    let is_watched = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !is_watched {
        return Err(Failure::unsafe_to(format!(
            "nothing was ended: {meant} would end; say --yes to end what the filter means"
        )));
    }
    eprint!("End {meant}? Nobody can undo it. [y/N] ");
    let _ = std::io::stderr().flush();
    let mut said = String::new();
    let heard = std::io::stdin().read_line(&mut said);
    heard.map_err(|error| Failure::cannot_run("the answer cannot be read", error))?;
    if matches!(said.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::unsafe_to("nothing was ended"))
    }
}

fn tell(is_json: bool, schema: &str, members: &Value, words: impl FnOnce() -> String) {
    if is_json {
        let mut document = json!({"schema": schema});
        for (name, value) in members.as_object().into_iter().flatten() {
            document[name] = value.clone();
        }
        table::json(&document);
    } else {
        println!("{}", words());
    }
}

fn of(sessions: u64, subjects: u64) -> String {
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    format!(
        "{sessions} session{} of {subjects} subject{}",
        plural(sessions),
        plural(subjects)
    )
}

fn reason(reason: Reason) -> EndReason {
    match reason {
        Reason::RevokedByAdmin => EndReason::RevokedByAdmin,
        Reason::Risk => EndReason::Risk,
        Reason::Federation => EndReason::Federation,
        Reason::PolicyChange => EndReason::PolicyChange,
    }
}
