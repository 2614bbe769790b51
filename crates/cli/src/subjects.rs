//! `subjects`: looked at, shut out, let in again, exported and erased.

mod export;

use innkeeper_api::{Contact, EndedCount, SubjectExport, SubjectView};
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
            let is_on_file = is_on_file(&server, tenant, &found).await;
            if !is_on_file && !is_json {
                return print::lines(unknown(tenant, subject));
            }
            if !is_on_file {
                tell_unknown(tenant, subject);
            }
            let document = json!({"schema": "innkeeper.subject/1", "subject": found});
            print::answer(is_json, &document, view(&found))
        }
        SubjectsCommand::Disable { subject } => {
            tell_if_unknown(&server, tenant, subject).await?;
            let path = ["v1", "subjects", subject, "disable"];
            let EndedCount { ended } = server.post(&path, &named).await?;
            let document = json!({"schema": "innkeeper.disabled/1", "ended": ended});
            let words = format!("disabled; {} ended", counted(ended, "session"));
            print::answer(is_json, &document, words)
        }
        SubjectsCommand::Enable { subject } => {
            tell_if_unknown(&server, tenant, subject).await?;
            let path = ["v1", "subjects", subject, "enable"];
            let EndedCount { .. } = server.post(&path, &named).await?;
            let document = json!({"schema": "innkeeper.enabled/1"});
            print::answer(is_json, &document, "enabled")
        }
        SubjectsCommand::End { subject, except } => {
            tell_if_unknown(&server, tenant, subject).await?;
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
            if !is_on_file(&server, tenant, &found).await {
                tell_unknown(tenant, subject);
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

/// Whether anything is kept of a subject, as far as can be told. One that nobody has heard of is
/// shown like one that is signed in nowhere; what the first answer leaves open, the second, of all
/// that is kept, shows. Whoever may not ask for that is told nothing.
async fn is_on_file(server: &Server, tenant: &str, subject: &SubjectView) -> bool {
    if says_something(subject) {
        return true;
    }
    let path = ["v1", "subjects", &subject.subject, "export"];
    let kept = server.get(&path, &[("tenant", tenant)]).await;
    kept.as_ref().map_or(true, holds_something)
}

fn says_something(subject: &SubjectView) -> bool {
    // Those of whom no session was ever opened have obeyed no policy.
    subject.policy > 0
        || subject.live > 0
        || subject.last_sign_in.is_some()
        || subject.disabled
        || subject.limits.is_some()
        || !subject.groups.is_empty()
}

/// Whether something in this is kept of a subject.
fn holds_something(kept: &SubjectExport) -> bool {
    says_something(&kept.subject)
        || kept.contact != Contact::default()
        || !kept.devices.is_empty()
        || !kept.sessions.is_empty()
}

fn unknown(tenant: &str, subject: &str) -> String {
    format!(
        "no sessions, devices or settings of {subject} are on file in tenant {tenant}; another one \
         is named with --tenant"
    )
}

fn tell_unknown(tenant: &str, subject: &str) {
    print::aside(format_args!("{}\n", Whole(&unknown(tenant, subject))));
}

/// Says on standard error that nothing is kept of a subject, if so: an empty answer about it may be
/// due to a slip of the pen.
pub(crate) async fn tell_if_unknown(
    server: &Server,
    tenant: &str,
    subject: &str,
) -> Result<(), Failure> {
    let path = ["v1", "subjects", subject];
    let found: SubjectView = server.get(&path, &[("tenant", tenant)]).await?;
    if !is_on_file(server, tenant, &found).await {
        tell_unknown(tenant, subject);
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
