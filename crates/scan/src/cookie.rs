//! The flags a session cookie ends up with.

use innkeeper_report::Confidence;

use crate::fact::{Fact, Kind};
use crate::model::{Model, Parsed};
use crate::syntax::Call;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// Session cookies that are set without a flag they need.
///
/// Only options that stand in the code are judged. Where they come from elsewhere, nothing is said:
/// the flags may be there.
pub(crate) fn facts(model: &Model<'_>) -> Vec<Fact> {
    let mut out = Vec::new();
    for (number, file) in model.files.iter().enumerate() {
        for (index, call) in file.outline.calls.iter().enumerate() {
            let missing = missing_in_middleware(file, index, call)
                .or_else(|| missing_in_set(file, index, call));
            let Some(missing) = missing.filter(|missing| !missing.is_empty()) else {
                continue;
            };
            let note = format!("{} leaves out {}", call.path, missing.join(", "));
            out.push(Fact {
                scope: model
                    .id(number, call.function)
                    .map(|id| model.scope(id))
                    .unwrap_or_default(),
                confidence: Confidence::Sure,
                mechanism: "cookie".into(),
                ..Fact::likely(Kind::CookieConfig, &file.path, call.line, note)
            });
        }
    }
    out
}

/// The session middleware of Express sets `HttpOnly` by itself, and `Secure` only when told to.
fn missing_in_middleware(file: &Parsed, index: usize, call: &Call) -> Option<Vec<&'static str>> {
    let imported = file
        .outline
        .imports
        .iter()
        .any(|i| i == "express-session" || i == "cookie-session");
    let is_middleware = matches!(
        call.path.as_str(),
        "session" | "expressSession" | "cookieSession"
    );
    if !imported || !is_middleware || !has(file, index, "secret keys") {
        return None;
    }
    Some(if is_on(file, call, "secure") {
        Vec::new()
    } else {
        vec!["Secure"]
    })
}

/// A cookie set by hand, with its options written out or left out altogether.
fn missing_in_set(file: &Parsed, index: usize, call: &Call) -> Option<Vec<&'static str>> {
    let method = words(call.method());
    let holder = words(call.receiver());
    let sets = any(&method, "cookie")
        && (any(&method, "set") || method.len() == 1)
        && any(&holder, "res response reply ctx")
        || any(&method, "set") && any(&holder, "cookies");
    let name = call.texts.first().map(|t| words(t)).unwrap_or_default();
    if !sets || !v::names_session(&name) && !any(&name, "token jwt sid") || v::is_errand(&name) {
        return None;
    }
    let written_out = file.outline.pairs.iter().any(|p| p.holder == Some(index));
    let left_out = call.arguments.len() == 2;
    if !(written_out || left_out) {
        return None;
    }
    // Options spread in from elsewhere may hold the flags.
    if call.arguments.len() > 2 && any(&words(&call.names), "option cookieoptions opts") {
        return None;
    }
    let mut missing = Vec::new();
    if !is_on(file, call, "httponly") {
        missing.push("HttpOnly");
    }
    if !is_on(file, call, "secure") {
        missing.push("Secure");
    }
    Some(missing)
}

fn has(file: &Parsed, index: usize, keys: &str) -> bool {
    file.outline
        .pairs
        .iter()
        .any(|p| p.holder == Some(index) && any(&words(&p.target), keys))
}

fn is_on(file: &Parsed, call: &Call, flag: &str) -> bool {
    file.outline.pairs.iter().any(|p| {
        (call.line..=call.end_line).contains(&p.line)
            && p.target.to_ascii_lowercase().replace('_', "") == flag
            && p.written != "false"
            && p.written != "False"
    })
}
