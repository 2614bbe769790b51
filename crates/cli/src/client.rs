//! The operator's hands: sessions, subjects and keys of a running server.

use innkeeper_api as api;
use innkeeper_api::{
    EndedCount, KeyCreateRequest, KeyCreated, KeyPage, Session, SessionFilter, SessionPage,
};
use serde_json::json;

use crate::args::{
    KeysArguments, KeysCommand, Scope, SessionsArguments, SessionsCommand, SubjectsArguments,
    SubjectsCommand,
};
use crate::bulk;
use crate::call::Server;
use crate::exit::Failure;
use crate::table::{self, Table};

/// `sessions`.
pub(crate) async fn sessions(arguments: SessionsArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let is_json = arguments.client.json;
    let tenant = arguments.tenant.as_str();
    match &arguments.command {
        SessionsCommand::List { subject, filter } => {
            let subject = subject.as_deref();
            let filter = filter.named(subject);
            let of_one = SessionFilter {
                subject: filter.subject.clone(),
                ..SessionFilter::default()
            };
            match subject {
                Some(subject) if filter == of_one => {
                    let path = ["v1", "subjects", subject, "sessions"];
                    list(
                        &server,
                        &path,
                        &[("tenant", tenant)],
                        is_json,
                        table::sessions,
                    )
                    .await?;
                }
                _ => bulk::search(&server, tenant, &filter, is_json).await?,
            }
        }
        SessionsCommand::Show { id } => {
            let path = ["v1", "sessions", id];
            let session: Session = server.get(&path, &[("tenant", tenant)]).await?;
            if is_json {
                table::json(&json!({"schema": "innkeeper.session/1", "session": session}));
            } else {
                print!("{}", table::session(&session));
            }
        }
        SessionsCommand::Revoke(revoke) => match &revoke.id {
            None => bulk::revoke(&server, tenant, revoke, is_json).await?,
            Some(id) => {
                let path = ["v1", "sessions", id];
                server.delete(&path, &[("tenant", tenant)]).await?;
                if is_json {
                    table::json(&json!({"schema": "innkeeper.revoked/1", "id": id}));
                } else {
                    println!("ended {id}");
                }
            }
        },
    }
    Ok(())
}

/// Prints all pages of a list of sessions, as JSON or as a table of this kind.
pub(crate) async fn list(
    server: &Server,
    path: &[&str],
    query: &[(&str, &str)],
    is_json: bool,
    shown: fn(&[Session]) -> Table,
) -> Result<(), Failure> {
    let sessions = all_sessions(server, path, query).await?;
    if is_json {
        table::json(&json!({"schema": "innkeeper.sessions/1", "sessions": sessions}));
    } else if sessions.is_empty() {
        println!("no live session");
    } else {
        print!("{}", shown(&sessions));
    }
    Ok(())
}

async fn all_sessions(
    server: &Server,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Vec<Session>, Failure> {
    let mut sessions = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.extend(after.as_deref().map(|cursor| ("after", cursor)));
        let page: SessionPage = server.get(path, &query).await?;
        sessions.extend(page.sessions);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(sessions),
        }
    }
}

/// `subjects`.
pub(crate) async fn subjects(arguments: SubjectsArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let is_json = arguments.client.json;
    let tenant = arguments.tenant.as_str();
    let named = json!({"tenant": tenant});
    match &arguments.command {
        SubjectsCommand::Show { subject } => {
            let path = ["v1", "subjects", subject];
            let view: api::SubjectView = server.get(&path, &[("tenant", tenant)]).await?;
            if is_json {
                table::json(&json!({"schema": "innkeeper.subject/1", "subject": view}));
            } else {
                print!("{}", table::subject(&view));
            }
        }
        SubjectsCommand::Disable { subject } => {
            let path = ["v1", "subjects", subject, "disable"];
            let EndedCount { ended } = server.post(&path, &named).await?;
            if is_json {
                table::json(&json!({"schema": "innkeeper.disabled/1", "ended": ended}));
            } else {
                let noun = if ended == 1 { "session" } else { "sessions" };
                println!("disabled; {ended} {noun} ended");
            }
        }
        SubjectsCommand::Enable { subject } => {
            let path = ["v1", "subjects", subject, "enable"];
            let EndedCount { .. } = server.post(&path, &named).await?;
            if is_json {
                table::json(&json!({"schema": "innkeeper.enabled/1"}));
            } else {
                println!("enabled");
            }
        }
    }
    Ok(())
}

/// `keys`.
pub(crate) async fn keys(arguments: KeysArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let is_json = arguments.client.json;
    match arguments.command {
        KeysCommand::Create { name, scopes } => {
            let request = KeyCreateRequest {
                name: api::Text::new(name)
                    .ok_or_else(|| Failure::usage("the name has more than 256 bytes"))?,
                scopes: scopes.into_iter().map(scope).collect(),
                tenant: arguments.tenant,
            };
            let made: KeyCreated = server.post(&["v1", "keys"], &request).await?;
            if is_json {
                table::json(&json!({
                    "schema": "innkeeper.keys/1",
                    "id": made.id,
                    "key": made.key.reveal(),
                    "scopes": made.scopes,
                    "tenant": made.tenant,
                }));
            } else {
                let mut table = Table::of_one();
                table.row("id", &made.id);
                table.row("key", made.key.reveal());
                print!("{table}");
                println!("The key is not shown again.");
            }
        }
        KeysCommand::List => {
            let page: KeyPage = server.get(&["v1", "keys"], &[]).await?;
            if is_json {
                table::json(&json!({"schema": "innkeeper.keys/1", "keys": page.keys}));
            } else {
                print!("{}", table::keys(&page.keys));
            }
        }
        KeysCommand::Revoke { id } => {
            server.delete(&["v1", "keys", &id], &[]).await?;
            if is_json {
                table::json(&json!({"schema": "innkeeper.revoked/1", "id": id}));
            } else {
                println!("revoked {id}");
            }
        }
    }
    Ok(())
}

const fn scope(scope: Scope) -> api::Scope {
    match scope {
        Scope::Admit => api::Scope::Admit,
        Scope::Check => api::Scope::Check,
        Scope::Manage => api::Scope::Manage,
        Scope::Events => api::Scope::Events,
        Scope::Admin => api::Scope::Admin,
    }
}
