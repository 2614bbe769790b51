//! `revocations`: what ends sessions in bulk, listed, looked at and stopped.

use innkeeper_api::{Revocation, RevocationList, RevocationState, SessionFilter};
use serde_json::json;

use crate::args::{RevocationsArguments, RevocationsCommand};
use crate::exit::Failure;
use crate::print;
use crate::remote::Server;
use crate::table::{Table, or_dash, word};

/// Runs `revocations`.
pub(crate) async fn run(arguments: RevocationsArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let is_json = arguments.client.json;
    let query = [("tenant", arguments.tenant.as_str())];
    match arguments.command {
        RevocationsCommand::List => {
            let list: RevocationList = server.get(&["v1", "revocations"], &query).await?;
            let all = list.revocations;
            if is_json {
                print::json(&json!({"schema": "innkeeper.revocations/1", "revocations": all}))
            } else if all.is_empty() {
                print::lines("no bulk revocation")
            } else {
                print::lines(table(&all))
            }
        }
        RevocationsCommand::Show { id } => {
            let found = server.get(&["v1", "revocations", &id], &query).await?;
            show(is_json, found)
        }
        RevocationsCommand::Stop { id } => {
            let path = ["v1", "revocations", &id];
            let before: Revocation = server.get(&path, &query).await?;
            let stopped = server.delete_for(&path, &query).await?;
            if is_over(before.state) && !is_json {
                let state = word(&before.state);
                print::aside(format_args!("{id} was over before: {state}\n"));
            }
            show(is_json, stopped)
        }
    }
}

/// Whether nothing of it is left to stop.
fn is_over(state: RevocationState) -> bool {
    matches!(state, RevocationState::Done | RevocationState::Cancelled)
}

fn show(is_json: bool, order: Revocation) -> Result<(), Failure> {
    let document = json!({"schema": "innkeeper.revocation/1", "revocation": order});
    print::answer(is_json, &document, table(&[order]))
}

fn table(orders: &[Revocation]) -> Table {
    let mut table = Table::new(&[
        "id", "state", "done", "ended", "found", "subjects", "reason", "ordered", "over", "means",
    ]);
    for order in orders {
        table.cells([
            order.id.clone(),
            word(&order.state),
            format!("{} %", order.progress),
            order.ended.to_string(),
            order.matched.to_string(),
            order.subjects.to_string(),
            word(&order.reason),
            order.started_at.to_string(),
            or_dash(order.finished_at),
            meant(&order.filter),
        ]);
    }
    table
}

/// What a filter names, as it is written at the command.
fn meant(filter: &SessionFilter) -> String {
    let named = serde_json::to_value(filter).unwrap_or_default();
    let members = named.as_object().into_iter().flatten();
    let members = members.filter_map(|(name, value)| {
        let name = name.replace('_', "-");
        Some(format!("--{name} {}", value.as_str()?))
    });
    let members: Vec<_> = members.collect();
    if members.is_empty() {
        return "--all".to_owned();
    }
    members.join(" ")
}
