//! Settings from the environment: `INNKEEPER_<SECTION>__<KEY>`.

use std::ffi::OsString;

use crate::args::URL_VARIABLE;

use super::known::{Form, Known};
use super::problem::{Fault, Origin, Problems};
use super::raw::{Found, Raw};
use super::walk::Entries;
use innkeeper_http::nearest::nearest;

const PREFIX: &str = "INNKEEPER_";

/// One variable that is meant for us.
#[derive(Debug)]
pub(super) struct Variable {
    name: String,
    /// `None` if it is not UTF-8.
    value: Option<String>,
}

/// Picks the variables that are meant for us.
pub(super) fn ours(all: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<Variable> {
    let mut ours: Vec<Variable> = all
        .into_iter()
        .filter(|(name, _)| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()))
        .map(|(name, value)| Variable {
            name: name.to_string_lossy().into_owned(),
            value: value.into_string().ok(),
        })
        .filter(|variable| variable.name != URL_VARIABLE && !is_service_link(&variable.name))
        .collect();
    ours.sort_by(|a, b| a.name.cmp(&b.name));
    ours
}

/// Sorts variables into `entries`, after what the file said, so that they hold.
pub(super) fn sort_into<'a>(
    entries: &mut Entries<'a>,
    variables: &'a [Variable],
    known: &Known,
    problems: &mut Problems,
) {
    for variable in variables {
        let origin = Origin::Environment(variable.name.clone());
        let key = key_of(&variable.name);
        if let Some(list) = key.as_deref().and_then(|key| known.list_around(key)) {
            problems.note(&origin, key, || Fault::OnlyInFile {
                list: list.to_owned(),
            });
            continue;
        }
        let Some(key) = key.filter(|key| known.form(key) == Some(Form::Value)) else {
            problems.note(&origin, None, || unknown(&variable.name, known));
            continue;
        };
        let Some(value) = &variable.value else {
            problems.note(&origin, key, || Fault::NotUtf8("the value is not UTF-8"));
            continue;
        };
        entries.note_section(&key, &origin, known);
        let raw = Raw::Word(value);
        entries.add(&key, Found { raw, origin }, problems);
    }
}

/// The key that a variable names, known or not; `None` if it is not written as ours are.
fn key_of(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    let well_written = rest
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    (well_written && rest.contains("__")).then(|| rest.replace("__", ".").to_ascii_lowercase())
}

fn name_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

fn unknown(name: &str, known: &Known) -> Fault {
    let names: Vec<String> = known.for_variables().map(name_of).collect();
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!(
            "ours are named {PREFIX}<SECTION>__<KEY>, such as {}",
            name_of("policy.idle")
        ),
    };
    Fault::Unknown {
        what: "variable",
        hint,
    }
}

/// Whether an orchestrator made this variable to say where a service named `innkeeper` is.
///
/// Kubernetes sets these in every container beside such a service, unasked. Refusing them would
/// refuse to start for a reason nobody wrote.
fn is_service_link(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    !rest.contains("__")
        && (rest == "PORT"
            || rest.starts_with("PORT_")
            || rest.ends_with("SERVICE_HOST")
            || rest.contains("SERVICE_PORT"))
}

#[cfg(test)]
mod tests {
    use super::{key_of, name_of, ours};

    #[test]
    fn given_a_key_when_named_as_a_variable_then_the_variable_names_the_key() {
        for key in ["policy.max_sessions", "notify.smtp.password_file"] {
            assert_eq!(key_of(&name_of(key)).as_deref(), Some(key));
        }
        assert_eq!(name_of("store.kind"), "INNKEEPER_STORE__KIND");
    }

    #[test]
    fn given_variables_of_others_when_picked_then_only_ours_are() {
        let all = [
            "INNKEEPER_POLICY__IDLE",
            "PATH",
            "INNKEEPERS_HOME",
            "INNKEEPER_SERVICE_HOST",
            "INNKEEPER_SERVICE_PORT_HTTP",
            "INNKEEPER_PORT",
            "INNKEEPER_PORT_7070_TCP_ADDR",
            "INNKEEPER_URL",
        ];

        let picked = ours(all.map(|name| (name.into(), "x".into())));

        let names: Vec<_> = picked.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["INNKEEPER_POLICY__IDLE"]);
    }
}
