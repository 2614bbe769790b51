//! Sessions as tables.

use innkeeper_api::{Device, Place, Session, SessionState};

use super::Now;
use crate::table::{Table, or_dash, span, word};

const OPEN: [&str; 10] = [
    "id",
    "client",
    "device",
    "address",
    "place",
    "created",
    "last seen",
    "idle until",
    "expires",
    "time left",
];

/// Open sessions of one subject.
pub(super) fn open(sessions: &[Session], now: Now) -> Table {
    let mut table = Table::new(&OPEN);
    for session in sessions {
        table.cells(row(session, now));
    }
    table
}

/// Sessions of one subject, those that ended among them.
pub(super) fn with_ends(sessions: &[Session], now: Now) -> Table {
    let mut header = OPEN.to_vec();
    header.extend(["state", "ended", "reason", "by"]);
    let mut table = Table::new(&header);
    for session in sessions {
        let end = [
            word(&session.state),
            or_dash(session.ended_at),
            word(&session.end_reason),
            word(&session.ended_by),
        ];
        table.cells(row(session, now).into_iter().chain(end));
    }
    table
}

/// Open sessions of many subjects.
pub(super) fn of_many(sessions: &[Session], now: Now) -> Table {
    let mut header = vec!["subject"];
    header.extend(OPEN);
    let mut table = Table::new(&header);
    for session in sessions {
        let subject = [session.subject.clone()];
        table.cells(subject.into_iter().chain(row(session, now)));
    }
    table
}

fn row(session: &Session, now: Now) -> [String; OPEN.len()] {
    [
        session.id.clone(),
        or_dash(session.client.as_ref()),
        or_dash(session.device.as_ref().map(|device| &device.name)),
        or_dash(session.ip),
        place(session.place.as_ref()),
        session.created_at.to_string(),
        session.last_seen_at.to_string(),
        session.idle_expires_at.to_string(),
        session.expires_at.to_string(),
        time_left(session, now),
    ]
}

/// One session, whole.
pub(super) fn whole(session: &Session, now: Now) -> Table {
    let mut table = Table::of_one();
    table.row("id", &session.id);
    table.row("subject", &session.subject);
    table.row("tenant", &session.tenant);
    table.row("client", &or_dash(session.client.as_ref()));
    table.row("class", &word(&session.class));
    if let Some(actor) = &session.actor {
        table.row("acts as the subject", actor);
    }
    table.row("state", &word(&session.state));
    table.row("device", &or_dash(session.device.as_ref().map(device)));
    table.row("address", &or_dash(session.ip));
    table.row("place", &place(session.place.as_ref()));
    table.row("created", &session.created_at.to_string());
    table.row("last seen", &session.last_seen_at.to_string());
    table.row("idle until", &session.idle_expires_at.to_string());
    table.row("expires", &session.expires_at.to_string());
    table.row("time left", &time_left(session, now));
    table.row("authenticated", &session.authenticated_at.to_string());
    table.row("methods", &session.methods.join(", "));
    table.row("assurance", &or_dash(session.assurance));
    table.row("binding", &word(&session.binding));
    if let Some(at) = session.ended_at {
        table.row("ended", &at.to_string());
        table.row("reason", &word(&session.end_reason));
        table.row("ended by", &word(&session.ended_by));
    }
    table
}

/// That a session was over before anybody asked for its end, and why.
pub(super) fn had_ended(session: &Session) -> String {
    let at = or_dash(session.ended_at);
    let reason = word(&session.end_reason);
    format!("{} had ended before: {reason}, at {at}", session.id)
}

fn device(device: &Device) -> String {
    let trusted = if device.trusted { ", trusted" } else { "" };
    format!("{} ({}{trusted})", device.name, device.id)
}

fn place(place: Option<&Place>) -> String {
    let parts = place.into_iter().flat_map(|p| [&p.city, &p.country]);
    let parts: Vec<&str> = parts.flatten().map(String::as_str).collect();
    or_dash((!parts.is_empty()).then(|| parts.join(", ")))
}

/// Until the session ends if nothing more is heard of it, by the server's clock.
fn time_left(session: &Session, now: Now) -> String {
    let end = session.idle_expires_at.min(session.expires_at);
    or_dash(match session.state {
        SessionState::Open => now.map(|now| span(end.as_millis() - now.as_millis())),
        SessionState::Ended => None,
    })
}
