//! Secrets of sessions where somebody else may read them: in a log, in an address, in a table.

mod kept;

use std::collections::BTreeSet;

use crate::fact::{Fact, Kind};
use crate::flow::Path;
use crate::model::{Id, Model, Parsed};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call};
use crate::vocabulary as v;

/// Words that say a secret was made harmless first.
const HARMLESS: &str = "hash hashed hmac sha sha256 sha512 digest bcrypt argon2 mask masked redact redacted censor truncate slice substring substr length len fingerprint encrypt encrypted cipher seal sealed";

/// Facts about secrets that get out.
pub(crate) fn facts(model: &Model<'_>, paths: &[Path]) -> Vec<Fact> {
    let makes: BTreeSet<(&str, u32)> = paths
        .iter()
        .map(|p| (p.fact.file.as_str(), p.fact.line))
        .collect();
    let mut out = Vec::new();
    for (number, file) in model.files.iter().enumerate() {
        if model.is_client(number) {
            continue;
        }
        for call in model.in_time(&file.outline.calls) {
            let creates = makes.contains(&(file.path.as_str(), call.line));
            if !(creates || is_log(call) || is_redirect(call)) {
                continue;
            }
            let function = model.id(number, call.function);
            let near = function.map(|id| model.near(id)).unwrap_or_default();
            let errand = v::is_errand(&near) || v::is_api_token(&near);
            let of_sign_in = function.is_some_and(|id| is_of_sign_in(model, id));
            let is_real = |name: &&str| {
                !comes_from_errand(file, call, name)
                    && !is_request(model, file, call, function, name)
            };
            let note = if errand {
                None
            } else if is_log(call)
                && logged_secret(call, of_sign_in)
                    .as_ref()
                    .is_some_and(is_real)
            {
                Some(format!(
                    "{} writes a session's secret to the log",
                    call.path
                ))
            } else if is_redirect(call) && sent_secret(call).as_ref().is_some_and(is_real) {
                Some(format!(
                    "{} puts a session's secret into an address",
                    call.path
                ))
            } else if creates && function.is_some_and(|id| keeps_secret(model, id, number, call)) {
                Some(format!("{} keeps a session's secret as it is", call.path))
            } else {
                None
            };
            if let Some(note) = note {
                out.push(Fact {
                    scope: function.map(|id| model.scope(id)).unwrap_or_default(),
                    ..Fact::likely(Kind::Leaks, &file.path, call.line, note)
                });
            }
        }
    }
    out.extend(kept::facts(model));
    out
}

fn is_of_sign_in(model: &Model<'_>, id: Id) -> bool {
    let far = model.far(id);
    v::is_login_strictly(&far) || any(&far, "auth session")
}

fn is_log(call: &Call) -> bool {
    let receiver = words(call.receiver());
    let method = call.method().to_ascii_lowercase();
    let levels = "log info debug warn warning error trace fatal print println printf infof debugf warnf errorf printf println msg";
    receiver.last().is_some_and(|last| {
        any(
            std::slice::from_ref(last),
            "console logger log logging slog zap logrus tracing out",
        )
    }) && any(std::slice::from_ref(&method), levels)
        || matches!(
            call.path.as_str(),
            "print" | "println" | "puts" | "fmt.Println" | "fmt.Printf" | "error_log" | "var_dump"
        )
        || matches!(
            call.path.as_str(),
            "info" | "debug" | "warn" | "trace" | "error" | "dbg"
        ) && call.names.contains(' ')
        || call.path.ends_with("Console.WriteLine")
        || receiver.last().is_some_and(|l| l == "logger") && method.starts_with("log")
}

/// The argument that is the secret itself, and not something about it.
fn logged_secret(call: &Call, of_sign_in: bool) -> Option<&str> {
    if any(&words(&call.names), HARMLESS) || any(&words(call.method()), HARMLESS) {
        return None;
    }
    call.arguments
        .iter()
        .filter_map(|argument| argument.split(' ').next_back())
        .find(|name| is_secret(name, of_sign_in))
}

/// Was the variable filled with a token made for one errand: `token = user.transferToken()`?
fn comes_from_errand(file: &Parsed, call: &Call, name: &str) -> bool {
    file.outline.assigns.iter().any(|a| {
        a.function == call.function && a.target == name && v::is_errand(&words(&a.written))
    })
}

/// Is it what Java's frameworks call a token when somebody asks to be let in: an object with a name
/// and a password, of which `toString` shows neither secret nor session?
fn is_request(
    model: &Model<'_>,
    file: &Parsed,
    call: &Call,
    function: Option<Id>,
    name: &str,
) -> bool {
    let asks = |class: &str| {
        let list = words(class);
        list.last().is_some_and(|last| last == "token")
            && any(&list, "authentication username password")
    };
    let parameters = function.map_or("", |id| model.function(id).parameters.as_str());
    let names: Vec<&str> = parameters.split(' ').collect();
    let is_declared = names
        .windows(2)
        .any(|two| two[1] == name && asks(two[0]) || two[0] == name && asks(two[1]));
    let built = |a: &Assign| {
        let class = a.written.strip_prefix("new ").unwrap_or("");
        asks(class.split(['(', '<']).next().unwrap_or(""))
    };
    is_declared
        || file
            .outline
            .assigns
            .iter()
            .any(|a| a.function == call.function && a.target == name && built(a))
}

/// A name that ends in what is presented: `accessToken`, `session_token`, `jwt`.
fn is_secret(name: &str, of_sign_in: bool) -> bool {
    let parts = words(name);
    let Some(last) = parts.last() else {
        return false;
    };
    let about_others = v::is_errand(&parts)
        || v::is_api_token(&parts)
        || any(
            &parts,
            "type count name error is has no missing invalid header cancel cancellation continuation page next",
        );
    match last.as_str() {
        _ if about_others => false,
        "token" => parts.len() > 1 && v::names_session(&parts) || parts.len() == 1 && of_sign_in,
        "jwt" | "sessiontoken" | "accesstoken" | "refreshtoken" | "authtoken" => true,
        _ => false,
    }
}

fn is_redirect(call: &Call) -> bool {
    matches!(
        call.method(),
        "redirect"
            | "sendRedirect"
            | "Redirect"
            | "redirect_to"
            | "RedirectResponse"
            | "HttpResponseRedirect"
            | "LocalRedirect"
    )
}

/// The secret that is filled in behind `?token=`.
fn sent_secret(call: &Call) -> Option<&str> {
    let keys = ["token=", "jwt=", "access_token=", "session=", "sid="];
    let in_query = call.texts.iter().any(|text| {
        let lower = text.to_ascii_lowercase();
        keys.iter().filter_map(|key| lower.find(key)).any(|at| {
            let before = &lower[..at];
            before.contains(['?', '&']) && !before.contains('#')
        })
    });
    call.names
        .split(' ')
        .find(|name| is_secret(name, true))
        .filter(|_| in_query)
}

/// A row made with `token` beside it and no word of a digest on the way: a stolen copy of the
/// table signs anybody in.
fn keeps_secret(model: &Model<'_>, id: Id, file: usize, call: &Call) -> bool {
    let around = model.named_around(id);
    let clear = model.files[file].outline.pairs.iter().any(|pair| {
        (call.line..=call.end_line).contains(&pair.line)
            && words(&pair.target)
                .last()
                .is_some_and(|last| last == "token")
            && !v::is_errand(&words(&pair.target))
            && !any(&words(&pair.names), HARMLESS)
            && pair
                .names
                .split(' ')
                .next_back()
                .is_some_and(|name| is_secret(name, true))
    });
    let digests = model
        .reach(around, 1)
        .iter()
        .any(|f| any(&words(&model.function(*f).names), HARMLESS));
    clear && !digests && stores(call)
}

/// Does the call put something away, as opposed to answering with it or signing it?
fn stores(call: &Call) -> bool {
    let method = words(call.method());
    let puts = "create insert add put push set save store write append persist upsert update issue start open make new build establish begin register exec execute query run";
    any(&method, puts)
        && !any(&method, "sign encode cookie header json")
        && !any(
            &words(call.receiver()),
            "res response reply ctx cookie cookies headers",
        )
        && !call.path.ends_with("Response.new")
}
