//! Reading the command line, and refusing it without repeating hostile text or secrets.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser as _};

use super::values::may_hold_a_secret;
use super::{Arguments, Command, DATA_VARIABLE, URL_VARIABLE};
use crate::escape::{Shown, acts_on_a_reader};

/// Reads the command line. The error holds help and version as well; its own exit code is 2
/// for wrong usage and 0 for what was asked for.
pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let read = Arguments::try_parse_from(&words).and_then(whole);
    read.map_err(|mut error| {
        leave_out_variables(&mut error, &words);
        name_variable(&mut error, &words);
        let needs_care = words
            .iter()
            .map(|w| w.to_string_lossy())
            .any(|word| may_hold_a_secret(&word) || word.contains(acts_on_a_reader));
        if needs_care { made_safe(error) } else { error }
    })
}

/// Leaves out of the usage what a variable has said, and nobody need say again.
fn leave_out_variables(error: &mut clap::Error, words: &[OsString]) {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else {
        return;
    };
    let mut text = usage.to_string();
    for (option, value, _) in BY_VARIABLE {
        if !is_said(option, words) {
            text = text.replace(&format!("{option} {value} "), "");
        }
    }
    error.insert(ContextKind::Usage, ContextValue::StyledStr(text.into()));
}

/// Names the variable whose value is refused, and not the option that nobody wrote.
fn name_variable(error: &mut clap::Error, words: &[OsString]) {
    let Some(ContextValue::String(refused)) = error.get(ContextKind::InvalidArg) else {
        return;
    };
    let mut unsaid = BY_VARIABLE
        .into_iter()
        .filter(|(option, ..)| !is_said(option, words));
    let variable = unsaid.find(|(option, value, _)| *refused == format!("{option} {value}"));
    if let Some((_, _, variable)) = variable {
        let named = ContextValue::String(variable.to_owned());
        error.insert(ContextKind::InvalidArg, named);
    }
}

/// Options that a variable may stand for, each with its value and the variable.
const BY_VARIABLE: [(&str, &str, &str); 2] = [
    ("--server", "<URL>", URL_VARIABLE),
    ("--data", "<DIR>", DATA_VARIABLE),
];

fn is_said(option: &str, words: &[OsString]) -> bool {
    words.iter().any(|word| {
        let word = word.to_string_lossy();
        word.strip_prefix(option)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })
}

/// Refuses what lacks something that no single argument can ask for.
fn whole(arguments: Arguments) -> Result<Arguments, clap::Error> {
    let Command::Sessions(sessions) = &arguments.command else {
        return Ok(arguments);
    };
    match sessions.command.nothing_named() {
        None => Ok(arguments),
        Some(what) => {
            let mut all = Arguments::command();
            all.build();
            let of_sessions = all.find_subcommand_mut("sessions");
            let named = of_sessions.and_then(|s| s.find_subcommand_mut(sessions.command.name()));
            let command = named.expect("it was parsed by one of these");
            Err(command.error(ErrorKind::MissingRequiredArgument, what))
        }
    }
}

/// Escapes what the messages would repeat of the words that were given.
///
/// An argument can come from a script that was handed somebody else's text: shown raw, it could
/// drive the terminal. And a token given where an id is meant would end up in a log.
fn made_safe(mut error: clap::Error) -> clap::Error {
    let safe: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| Some((kind, safe_value(value)?)))
        .collect();
    for (kind, value) in safe {
        error.insert(kind, value);
    }
    // Tips are whole sentences around a word, styled already; they are no loss here.
    error.remove(ContextKind::Suggested);
    error
}

fn safe_value(value: &ContextValue) -> Option<ContextValue> {
    match value {
        ContextValue::String(text) => Some(ContextValue::String(safe_text(text))),
        ContextValue::Strings(texts) => Some(ContextValue::Strings(
            texts.iter().map(|text| safe_text(text)).collect(),
        )),
        // The others are made by the parser from its own words.
        _ => None,
    }
}

fn safe_text(text: &str) -> String {
    if may_hold_a_secret(text) {
        return "(hidden: a secret)".to_owned();
    }
    Shown(text).to_string()
}
