//! `sessions` with a filter: who is meant, and the end of all of it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use innkeeper_api::{
    OrderedReason, Revocation, RevocationCount, RevocationRequest, RevocationState, Session,
    SessionFilter, SessionPage,
};
use serde_json::json;

use super::Now;
use crate::args::{Reason, RevokeArguments};
use crate::confirm;
use crate::exit::Failure;
use crate::pages;
use crate::print;
use crate::remote::Server;
use crate::table::counted;

/// How often a person wants to know how far it has come.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a filter means.
pub(super) async fn search(
    server: &Server,
    tenant: &str,
    filter: &SessionFilter,
) -> Result<(Vec<Session>, Now), Failure> {
    let named = serde_json::to_value(filter)
        .map_err(|error| Failure::cannot_run("the filter cannot be written", error))?;
    let members = named.as_object().into_iter().flatten();
    let mut query = vec![("tenant", tenant), ("limit", "200")];
    query.extend(members.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))));
    pages::all::<SessionPage>(server, &["v1", "sessions"], &query).await
}

/// `sessions revoke` with a filter: counts, asks, orders, and waits until it is done.
pub(super) async fn revoke(
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
        let meant = of(count.sessions, count.subjects);
        if arguments.dry_run {
            let document = json!({
                "schema": "innkeeper.revocation_count/1",
                "sessions": count.sessions,
                "subjects": count.subjects,
            });
            return print::answer(is_json, &document, format_args!("{meant} would end"));
        }
        confirm::confirm(
            &format!("End {meant}? Nobody can undo it."),
            &format!(
                "nothing was ended: {meant} would end; say --yes to end what the filter means"
            ),
        )?;
    }
    let ordered: Revocation = server.post(&path, &order).await?;
    let done = finished(server, tenant, ordered).await?;
    let document = json!({"schema": "innkeeper.revocation/1", "revocation": done});
    let words = format!("ended {}", of(done.ended, done.subjects));
    print::answer(is_json, &document, words)?;
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

fn of(sessions: u64, subjects: u64) -> String {
    let (sessions, subjects) = (counted(sessions, "session"), counted(subjects, "subject"));
    format!("{sessions} of {subjects}")
}

/// The reason as the API takes it.
pub(super) fn reason(reason: Reason) -> OrderedReason {
    match reason {
        Reason::RevokedByAdmin => OrderedReason::RevokedByAdmin,
        Reason::Risk => OrderedReason::Risk,
        Reason::Federation => OrderedReason::Federation,
    }
}
