//! `subjects`: looked at, shut out, let in again, exported and erased.

mod export;

use innkeeper_api::{EndedCount, SubjectView};
use serde_json::json;

use crate::args::{SubjectsArguments, SubjectsCommand};
use crate::confirm;
use crate::escape::Whole;
use crate::exit::Failure;
use crate::print;
use crate::remote::Server;
use crate::table::{Table, counted, or_dash};

/// Runs `subjects`.
pub(crate) async fn run(arguments: SubjectsArguments) -> Result<(), Failure> {
    let server = Server::reach(&arguments.client)?;
    let is_json = arguments.client.json;
    let tenant = arguments.tenant.as_str();
    let named = json!({"tenant": tenant});
    match &arguments.command {
        SubjectsCommand::Show { subject } => {
            let path = ["v1", "subjects", subject];
            let found: SubjectView = server.get(&path, &[("tenant", tenant)]).await?;
            if !is_json && !is_known(&found) {
                return print::lines(unknown(tenant, subject));
            }
            let document = json!({"schema": "innkeeper.subject/1", "subject": found});
            print::answer(is_json, &document, view(&found))
        }
        SubjectsCommand::Disable { subject } => {
            if !is_json {
                tell_if_unknown(&server, tenant, subject).await?;
            }
            let path = ["v1", "subjects", subject, "disable"];
            let EndedCount { ended } = server.post(&path, &named).await?;
            let document = json!({"schema": "innkeeper.disabled/1", "ended": ended});
            let words = format!("disabled; {} ended", counted(ended, "session"));
            print::answer(is_json, &document, words)
        }
        SubjectsCommand::Enable { subject } => {
            if !is_json {
                tell_if_unknown(&server, tenant, subject).await?;
            }
            let path = ["v1", "subjects", subject, "enable"];
            let EndedCount { .. } = server.post(&path, &named).await?;
            let document = json!({"schema": "innkeeper.enabled/1"});
            print::answer(is_json, &document, "enabled")
        }
        SubjectsCommand::End { subject, except } => {
            if !is_json {
                tell_if_unknown(&server, tenant, subject).await?;
            }
            let path = ["v1", "subjects", subject, "sessions"];
            let mut query = vec![("tenant", tenant)];
            query.extend(except.as_deref().map(|id| ("except", id)));
            let EndedCount { ended } = server.delete_for(&path, &query).await?;
            let document = json!({"schema": "innkeeper.ended/1", "ended": ended});
            let words = format!("ended {}", counted(ended, "session"));
            print::answer(is_json, &document, words)
        }
        SubjectsCommand::Export { subject } => {
            print::json(&export::of(&server, tenant, subject).await?)
        }
        SubjectsCommand::Erase { subject, yes } => {
            let path = ["v1", "subjects", subject];
            let found: SubjectView = server.get(&path, &[("tenant", tenant)]).await?;
            if !is_json && !is_known(&found) {
                print::aside(format_args!("{}\n", Whole(&unknown(tenant, subject))));
            }
            if !yes {
                let live = counted(found.live, "live session");
                confirm::confirm(
                    &format!(
                        "Erase {subject} in tenant {tenant}, who has {live}? Nobody can undo it."
                    ),
                    &format!(
                        "nothing was erased: {subject} in tenant {tenant} has {live}; say --yes \
                         to erase what is known of the person"
                    ),
                )?;
            }
            server.delete(&path, &[("tenant", tenant)]).await?;
            let document = json!({"schema": "innkeeper.erased/1", "subject": subject});
            print::answer(is_json, &document, "erased; all its sessions have ended")
        }
    }
}

/// Whether anything is known of a subject. One that nobody has heard of is shown like one that is
/// signed in nowhere, but its sessions have obeyed no policy yet.
fn is_known(subject: &SubjectView) -> bool {
    subject.policy > 0 || subject.disabled || subject.limits.is_some() || !subject.groups.is_empty()
}

fn unknown(tenant: &str, subject: &str) -> String {
    format!("no subject {subject} is known in tenant {tenant}; another one is named with --tenant")
}

/// Says on standard error that nobody knows a subject, if so: an empty answer about it may be due to
/// a slip of the pen.
pub(crate) async fn tell_if_unknown(
    server: &Server,
    tenant: &str,
    subject: &str,
) -> Result<(), Failure> {
    let path = ["v1", "subjects", subject];
    let found: SubjectView = server.get(&path, &[("tenant", tenant)]).await?;
    if !is_known(&found) {
        print::aside(format_args!("{}\n", Whole(&unknown(tenant, subject))));
    }
    Ok(())
}

fn view(subject: &SubjectView) -> Table {
    let last = subject.last_sign_in.as_ref();
    let mut table = Table::of_one();
    table.row("subject", &subject.subject);
    table.row("tenant", &subject.tenant);
    table.row("live sessions", &subject.live.to_string());
    table.row("disabled", if subject.disabled { "yes" } else { "no" });
    table.row("groups", &subject.groups.join(", "));
    table.row(
        "own limit",
        &or_dash(subject.limits.map(|l| l.max_sessions)),
    );
    table.row("generation", &subject.generation.to_string());
    table.row("policy version", &subject.policy.to_string());
    table.row("last sign-in", &or_dash(last.map(|l| l.at)));
    table
}
