//! `users`: who may sign in on the pages of a running server.

use innkeeper_api as api;
use innkeeper_api::{EndedCount, UserPage, UserView};
use serde_json::json;

use crate::args::{UsersArguments, UsersCommand};
use crate::exit::Failure;
use crate::pages;
use crate::password;
use crate::print;
use crate::remote::Server;
use crate::table::{Table, counted};

/// Runs `users`.
pub(crate) async fn run(arguments: UsersArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let is_json = arguments.client.json;
    let tenant = arguments.tenant;
    match arguments.command {
        UsersCommand::Add {
            name,
            subject,
            groups,
        } => {
            let request = api::UserCreateRequest {
                tenant: Some(tenant),
                password: password::read()?,
                name,
                subject,
                groups,
            };
            let made: UserView = server.post(&["v1", "users"], &request).await?;
            let document = json!({"schema": "innkeeper.user/1", "user": made});
            print::answer(is_json, &document, users(&[made]))
        }
        UsersCommand::Passwd { name } => {
            let request = api::PasswordRequest {
                tenant: Some(tenant),
                password: password::read()?,
            };
            let path = ["v1", "users", &name, "password"];
            let EndedCount { ended } = server.put(&path, &request).await?;
            let document = json!({"schema": "innkeeper.password_changed/1", "ended": ended});
            let words = format!("changed; {} ended", counted(ended, "session"));
            print::answer(is_json, &document, words)
        }
        UsersCommand::Remove { name } => {
            let (path, query) = (["v1", "users", &name], [("tenant", &tenant[..])]);
            let EndedCount { ended } = server.delete_for(&path, &query).await?;
            let document = json!({"schema": "innkeeper.user_removed/1", "ended": ended});
            let words = format!("removed; {} ended", counted(ended, "session"));
            print::answer(is_json, &document, words)
        }
        UsersCommand::List => {
            let all = all(&server, &tenant).await?;
            if is_json {
                print::json(&json!({"schema": "innkeeper.users/1", "users": all}))
            } else if all.is_empty() {
                print::lines("no user")
            } else {
                print::lines(users(&all))
            }
        }
    }
}

/// Every user of a tenant.
pub(crate) async fn all(server: &Server, tenant: &str) -> Result<Vec<UserView>, Failure> {
    let query = [("tenant", tenant)];
    let (users, _) = pages::all::<UserPage>(server, &["v1", "users"], &query).await?;
    Ok(users)
}

fn users(users: &[UserView]) -> Table {
    let mut table = Table::new(&["name", "subject", "groups"]);
    for user in users {
        table.cells([
            user.name.clone(),
            user.subject.clone(),
            user.groups.join(", "),
        ]);
    }
    table
}
