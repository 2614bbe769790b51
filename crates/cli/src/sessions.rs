//! `sessions`: one subject's, one by its id, or all that a filter means.

mod bulk;
mod view;

use innkeeper_api::{Session, SessionFilter, SessionPage, SessionState, StateFilter};
use serde_json::json;

use crate::args::{ListArguments, SessionsArguments, SessionsCommand};
use crate::exit::Failure;
use crate::pages;
use crate::print;
use crate::remote::Server;
use crate::subjects::tell_if_unknown;
use crate::table::{Table, word};

/// Runs `sessions`.
pub(crate) async fn run(arguments: SessionsArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let is_json = arguments.client.json;
    let tenant = arguments.tenant.as_str();
    match &arguments.command {
        SessionsCommand::List(list) => listed(&server, tenant, list, is_json).await,
        SessionsCommand::Show { id } => {
            let path = ["v1", "sessions", id];
            let (session, now) = server.get_dated(&path, &[("tenant", tenant)]).await?;
            let document = json!({"schema": "innkeeper.session/1", "session": session});
            print::answer(is_json, &document, view::whole(&session, now))
        }
        SessionsCommand::Revoke(revoke) => match &revoke.id {
            None => bulk::revoke(&server, tenant, revoke, is_json).await,
            Some(id) => {
                let path = ["v1", "sessions", id];
                let before: Session = server.get(&path, &[("tenant", tenant)]).await?;
                let reason = word(&bulk::reason(revoke.reason));
                let query = [("tenant", tenant), ("reason", &reason)];
                server.delete(&path, &query).await?;
                let had_ended = before.state == SessionState::Ended;
                let document = json!({
                    "schema": "innkeeper.revoked/1",
                    "id": id,
                    "had_ended": had_ended,
                });
                let words = if had_ended {
                    view::had_ended(&before)
                } else {
                    format!("ended {id}")
                };
                print::answer(is_json, &document, words)
            }
        },
    }
}

/// `sessions list`: of one subject straight from its roster, else by search.
async fn listed(
    server: &Server,
    tenant: &str,
    list: &ListArguments,
    is_json: bool,
) -> Result<(), Failure> {
    let filter = list.filter.named(list.subject());
    let of_one = SessionFilter {
        subject: list.subject().map(str::to_owned),
        ..SessionFilter::default()
    };
    match list.subject() {
        Some(subject) if filter == of_one => {
            let state = list.state();
            let word = word(&state);
            let query = [("tenant", tenant), ("state", &word)];
            let path = ["v1", "subjects", subject, "sessions"];
            let (sessions, now) = pages::all::<SessionPage>(server, &path, &query).await?;
            show(&sessions, state, is_json, || match state {
                StateFilter::Open => view::open(&sessions, now),
                StateFilter::Ended | StateFilter::All => view::with_ends(&sessions, now),
            })?;
            if sessions.is_empty() {
                tell_if_unknown(server, tenant, subject).await?;
            }
            Ok(())
        }
        _ => {
            let (sessions, now) = bulk::search(server, tenant, &filter).await?;
            show(&sessions, StateFilter::Open, is_json, || {
                view::of_many(&sessions, now)
            })
        }
    }
}

fn show(
    sessions: &[Session],
    state: StateFilter,
    is_json: bool,
    table: impl FnOnce() -> Table,
) -> Result<(), Failure> {
    if is_json {
        let document = json!({"schema": "innkeeper.sessions/1", "sessions": sessions});
        return print::json(&document);
    }
    if sessions.is_empty() {
        return print::lines(match state {
            StateFilter::Open => "no live session",
            StateFilter::Ended => "no session that ended lately",
            StateFilter::All => "no session",
        });
    }
    print::lines(table())
}

/// The time of the server; `None` where its answer has no date.
type Now = Option<innkeeper_api::Timestamp>;
