//! What commands print: tables for people, JSON for programs.

use std::fmt::{self, Write as _};

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use innkeeper_api::{KeyView, Session, SubjectView};
use serde::Serialize;
use serde_json::Value;

use crate::shown::{Shown, acts_on_a_reader};

/// Prints JSON for programs. It may land on a terminal all the same, so what could act there is
/// written as an escape, which a program reads back as the character.
pub(crate) fn json(value: &Value) {
    println!("{}", escaped(&format!("{value:#}")));
}

/// JSON with what could act on a terminal as escapes.
pub(crate) fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && acts_on_a_reader(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A table for people; every cell is made safe for a terminal.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// A table with a header.
    pub(crate) fn new(header: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        if !header.is_empty() {
            table.set_header(header);
        }
        Self(table)
    }

    /// A table of one thing: a name and a value in each row.
    pub(crate) fn of_one() -> Self {
        Self::new(&[])
    }

    /// Adds a row to a table of one thing.
    pub(crate) fn row(&mut self, name: &str, value: &str) {
        self.cells([name.to_owned(), value.to_owned()]);
    }

    /// Adds a row of any table.
    pub(crate) fn cells<const N: usize>(&mut self, cells: [String; N]) {
        self.0.add_row(cells.map(|cell| Shown(&cell).to_string()));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.0)
    }
}

/// The word by which the API calls a value, such as `evicted`.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(Value::Null) | Err(_) => "–".to_owned(),
        Ok(other) => other.to_string(),
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

/// Sessions, one a row.
pub(crate) fn sessions(sessions: &[Session]) -> Table {
    let header = ["id", "client", "created", "last seen", "expires", "address"];
    let mut table = Table::new(&header);
    for session in sessions {
        table.cells([
            session.id.clone(),
            or_dash(session.client.clone()),
            session.created_at.to_string(),
            session.last_seen_at.to_string(),
            session.expires_at.to_string(),
            or_dash(session.ip.map(|ip| ip.to_string())),
        ]);
    }
    table
}

/// Sessions of many subjects, one a row.
pub(crate) fn found(sessions: &[Session]) -> Table {
    let header = ["subject", "id", "client", "created", "last seen", "address"];
    let mut table = Table::new(&header);
    for session in sessions {
        table.cells([
            session.subject.clone(),
            session.id.clone(),
            or_dash(session.client.clone()),
            session.created_at.to_string(),
            session.last_seen_at.to_string(),
            or_dash(session.ip.map(|ip| ip.to_string())),
        ]);
    }
    table
}

/// One session, whole.
pub(crate) fn session(session: &Session) -> Table {
    let mut table = Table::of_one();
    table.row("id", &session.id);
    table.row("subject", &session.subject);
    table.row("tenant", &session.tenant);
    table.row("client", &or_dash(session.client.clone()));
    table.row("class", &word(&session.class));
    table.row("state", &word(&session.state));
    table.row("created", &session.created_at.to_string());
    table.row("last seen", &session.last_seen_at.to_string());
    table.row("idle until", &session.idle_expires_at.to_string());
    table.row("expires", &session.expires_at.to_string());
    table.row("authenticated", &session.authenticated_at.to_string());
    table.row("methods", &session.methods.join(", "));
    table.row("address", &or_dash(session.ip.map(|ip| ip.to_string())));
    if let Some(at) = session.ended_at {
        table.row("ended", &at.to_string());
        table.row("reason", &word(&session.end_reason));
        table.row("ended by", &word(&session.ended_by));
    }
    table
}

/// One subject.
pub(crate) fn subject(view: &SubjectView) -> Table {
    let limit = view.limits.map(|limits| limits.max_sessions.to_string());
    let last = view.last_sign_in.as_ref();
    let mut table = Table::of_one();
    table.row("subject", &view.subject);
    table.row("tenant", &view.tenant);
    table.row("live sessions", &view.live.to_string());
    table.row("disabled", if view.disabled { "yes" } else { "no" });
    table.row("groups", &view.groups.join(", "));
    table.row("own limit", &or_dash(limit));
    table.row("generation", &view.generation.to_string());
    table.row("policy version", &view.policy.to_string());
    table.row("last sign-in", &or_dash(last.map(|l| l.at.to_string())));
    table
}

/// Keys, one a row.
pub(crate) fn keys(keys: &[KeyView]) -> Table {
    let mut table = Table::new(&["id", "name", "scopes", "tenant", "created"]);
    for key in keys {
        let scopes: Vec<_> = key.scopes.iter().map(word).collect();
        table.cells([
            key.id.clone(),
            key.name.clone(),
            scopes.join(", "),
            key.tenant.clone().unwrap_or_else(|| "all".to_owned()),
            key.created_at.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::escaped;

    #[test]
    fn given_json_with_what_acts_on_a_terminal_when_printed_then_it_is_escaped_and_reads_back() {
        let value = json!({"a": "\u{9b}31m \u{202e} \u{7f} \u{1b} é 😀", "b": [1, "line\nbreak"]});

        let printed = escaped(&format!("{value:#}"));

        assert!(
            !printed.contains(['\u{9b}', '\u{202e}', '\u{7f}', '\u{1b}']),
            "{printed}"
        );
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), value);
    }
}
