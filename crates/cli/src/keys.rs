//! `keys`: the API keys of applications, made, listed and revoked.

use innkeeper_api as api;
use innkeeper_api::{KeyCreateRequest, KeyCreated, KeyPage, KeyView};
use serde_json::json;

use crate::args::{KeysArguments, KeysCommand, Scope};
use crate::exit::Failure;
use crate::offline;
use crate::pages;
use crate::print;
use crate::remote::Server;
use crate::table::{Table, word};

/// Runs `keys`.
pub(crate) async fn run(arguments: KeysArguments) -> Result<(), Failure> {
    let client = &arguments.client;
    let is_json = client.json;
    match arguments.command {
        KeysCommand::Create {
            name,
            scopes,
            tenant,
            offline,
        } => {
            let request = KeyCreateRequest {
                name: api::Text::new(name)
                    .ok_or_else(|| Failure::usage("the name has more than 256 bytes"))?,
                scopes: scopes.into_iter().map(scope).collect(),
                tenant,
            };
            let made: KeyCreated = if offline {
                offline::create_key(client.data(), request).await?
            } else {
                let server = Server::reach(client)?;
                server.post(&["v1", "keys"], &request).await?
            };
            let document = json!({
                "schema": "innkeeper.keys/1",
                "id": made.id,
                "key": made.key.reveal(),
                "scopes": made.scopes,
                "tenant": made.tenant,
            });
            let words = format!("{}The key is not shown again.", of_one(&made));
            print::answer(is_json, &document, words)
        }
        KeysCommand::List { tenant } => {
            let server = Server::reach(client)?;
            let query: Vec<_> = tenant.iter().map(|t| ("tenant", &t[..])).collect();
            let (keys, _) = pages::all::<KeyPage>(&server, &["v1", "keys"], &query).await?;
            let document = json!({"schema": "innkeeper.keys/1", "keys": keys});
            match &tenant {
                Some(tenant) if keys.is_empty() && !is_json => {
                    print::lines(format_args!("no key of tenant {tenant} alone"))
                }
                _ => print::answer(is_json, &document, all(&keys)),
            }
        }
        KeysCommand::Revoke { id } => {
            let server = Server::reach(client)?;
            server.delete(&["v1", "keys", &id], &[]).await?;
            let document = json!({"schema": "innkeeper.revoked/1", "id": id});
            print::answer(is_json, &document, format_args!("revoked {id}"))
        }
    }
}

fn of_one(made: &KeyCreated) -> Table {
    let mut table = Table::of_one();
    table.row("id", &made.id);
    table.row("scopes", &words(&made.scopes));
    table.row("tenant", made.tenant.as_deref().unwrap_or("all"));
    table.row("key", made.key.reveal());
    table
}

fn all(keys: &[KeyView]) -> Table {
    let mut table = Table::new(&["id", "name", "scopes", "tenant", "created"]);
    for key in keys {
        table.cells([
            key.id.clone(),
            key.name.clone(),
            words(&key.scopes),
            key.tenant.clone().unwrap_or_else(|| "all".to_owned()),
            key.created_at.to_string(),
        ]);
    }
    table
}

fn words(scopes: &[api::Scope]) -> String {
    let words: Vec<_> = scopes.iter().map(word).collect();
    words.join(", ")
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
