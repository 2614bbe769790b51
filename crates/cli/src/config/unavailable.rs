//! The one table of what is known but not built yet.
//!
//! A setting that is read and not obeyed is a hole: somebody believes in a protection that is
//! not there. So each of these is refused, unless the value asks for exactly what happens anyway.
//! To build one, its line leaves this table and a line enters [`schema`](super::schema).

use super::problem::Fault;
use super::raw::Raw;

/// A setting, or some values of one, that are not built yet.
pub(super) struct NotYet {
    /// The full key, or the table.
    pub(super) key: &'static str,
    /// Which values are refused.
    pub(super) refused: Refused,
    /// What is missing.
    pub(super) what: &'static str,
}

/// Which values of a setting are refused.
pub(super) enum Refused {
    /// All but these TOML literals, which ask for what happens anyway.
    AllBut(&'static [&'static str]),
    /// Only these words. The key itself is built, and known by its schema.
    Words(&'static [&'static str]),
    /// The whole table, with these keys in it.
    Table(&'static [&'static str]),
    /// Each table of a list, with these keys in it.
    Rows(&'static [&'static str]),
}

use Refused::{AllBut, Rows, Table, Words};

/// What a build without the feature lacks.
#[cfg(not(feature = "otel"))]
pub(super) const OTEL: &str = "sending traces (built with the feature otel)";

#[rustfmt::skip]
pub(super) const NOT_YET: &[NotYet] = &[
    NotYet { key: "server.admin_listen", refused: AllBut(&[]), what: "the console" },
    NotYet { key: "policy.binding", refused: Words(&["dbsc"]), what: "binding sessions to a key of the browser" },
    NotYet { key: "policy.binding_mode", refused: AllBut(&["\"prefer\""]), what: "binding sessions to a key of the browser" },
    NotYet { key: "policy.rule.binding", refused: Words(&["dbsc"]), what: "binding sessions to a key of the browser" },
    NotYet { key: "policy.rule.binding_mode", refused: AllBut(&["\"prefer\""]), what: "binding sessions to a key of the browser" },
    NotYet { key: "admin.groups", refused: AllBut(&["[\"innkeeper-admins\"]"]), what: "the console" },
    #[cfg(not(feature = "otel"))]
    NotYet { key: "telemetry.endpoint", refused: AllBut(&[]), what: OTEL },
    #[cfg(not(feature = "otel"))]
    NotYet { key: "telemetry.ca_file", refused: AllBut(&[]), what: OTEL },
    NotYet { key: "notify.digest", refused: AllBut(&["\"2m\""]), what: "sending notices" },
    NotYet { key: "notify.smtp", refused: Table(&["host", "port", "tls", "from", "user", "password", "password_file"]), what: "sending notices" },
    NotYet { key: "notify.webhook", refused: Rows(&["url", "secret", "secret_file"]), what: "sending notices" },
    NotYet { key: "signals.transmitter", refused: AllBut(&["false"]), what: "sending security events" },
    NotYet { key: "geo.path", refused: AllBut(&[]), what: "naming places" },
    NotYet { key: "dbsc.cookie_life", refused: AllBut(&["\"10m\""]), what: "binding sessions to a key of the browser" },
];

/// Whether this value of this key is not built yet, and how to say so.
pub(super) fn not_yet(key: &str, raw: Raw<'_>) -> Option<Fault> {
    let table = key.rsplit_once('.').map(|(table, _)| table);
    let line = NOT_YET.iter().find(|line| match line.refused {
        Table(_) | Rows(_) => Some(line.key) == table,
        AllBut(_) | Words(_) => line.key == key,
    })?;
    match line.refused {
        AllBut(literals) if literals.iter().any(|literal| raw.is(literal)) => None,
        Words(words) if !words.iter().any(|word| raw.text() == Some(*word)) => None,
        _ => Some(line.fault()),
    }
}

/// Whether nothing of this key is built, whatever its value.
pub(super) fn is_not_yet(key: &str) -> bool {
    let table = key.rsplit_once('.').map(|(table, _)| table);
    NOT_YET.iter().any(|line| match line.refused {
        AllBut(_) => line.key == key,
        Table(_) | Rows(_) => Some(line.key) == table,
        Words(_) => false,
    })
}

/// Why a table is refused as a whole, if it is.
pub(super) fn whole(table: &str) -> Option<Fault> {
    NOT_YET
        .iter()
        .find(|line| line.key == table && matches!(line.refused, Table(_) | Rows(_)))
        .map(NotYet::fault)
}

impl NotYet {
    /// Says what is missing and what may stand there instead. What was found is not shown: it
    /// may be a secret.
    fn fault(&self) -> Fault {
        let instead = match self.refused {
            AllBut([]) | Table(_) | Rows(_) => "leave it out".to_owned(),
            AllBut(literals) => format!("only {} is accepted", literals.join(" or ")),
            Words(words) => format!("\"{}\" cannot be chosen yet", words.join("\" or \"")),
        };
        Fault::NotAvailable {
            what: self.what,
            instead,
        }
    }
}
