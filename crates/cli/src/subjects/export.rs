//! All that is kept of one person, as one JSON document.
//!
//! It is put together from three calls: what is kept of the subject, as it was at one moment;
//! its events; and the local users that stand for it. If one of them is refused there is no
//! document, since one that lacks a part would pass for whole.

use innkeeper_api::{Event, EventPage, SubjectExport};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::remote::Server;
use crate::users;

/// Asks for all of it.
pub(super) async fn of(server: &Server, tenant: &str, subject: &str) -> Result<Value, Failure> {
    let path = ["v1", "subjects", subject, "export"];
    let kept: SubjectExport = server.get(&path, &[("tenant", tenant)]).await?;
    if !super::holds_something(&kept) {
        super::tell_unknown(tenant, subject);
    }
    let mut users = users::all(server, tenant).await?;
    users.retain(|user| user.subject == kept.subject.subject);
    let events = events(server, tenant, subject).await?;
    let mut document = json!(kept);
    document["schema"] = json!("innkeeper.subject_export/1");
    document["users"] = json!(users);
    document["events"] = json!(events);
    Ok(document)
}

async fn events(server: &Server, tenant: &str, subject: &str) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("tenant", tenant), ("subject", subject)];
        query.extend(after.as_deref().map(|cursor| ("after", cursor)));
        let page: EventPage = server.get(&["v1", "events"], &query).await?;
        events.extend(page.events);
        if !page.more {
            return Ok(events);
        }
        after = Some(page.next);
    }
}
