//! The flags a session cookie ends up with.

use innkeeper_report::Confidence;

use crate::config::Setting;
use crate::fact::{Fact, Kind, Via};
use crate::model::{Model, Parsed};
use crate::syntax::words::{any, words};
use crate::syntax::{Call, Language};
use crate::vocabulary as v;

/// Session cookies that are set without a flag they need.
///
/// Only options that stand in the code are judged. Where they come from elsewhere, nothing is said:
/// the flags may be there.
pub(crate) fn facts(model: &Model<'_>, settings: &[&Setting]) -> Vec<Fact> {
    let mut out = Vec::new();
    switched_off(model, settings, &mut out);
    for (number, file) in model.files.iter().enumerate() {
        for (index, call) in model.in_time(file.outline.calls.iter().enumerate()) {
            let missing = missing_in_middleware(file, index, call)
                .or_else(|| missing_in_starlette(file, call))
                .or_else(|| missing_in_struct(model, file, index, call))
                .or_else(|| missing_in_place(model, file, call))
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
                // Most browsers read an absent SameSite as Lax, so that alone may be harmless.
                confidence: if missing == ["SameSite"] {
                    Confidence::Hint
                } else {
                    Confidence::Sure
                },
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
    Some(missing(&[
        ("Secure", is_on(file, call, "secure")),
        ("SameSite", is_on(file, call, "samesite")),
    ]))
}

/// Starlette's session middleware sets `HttpOnly` and `SameSite=Lax` by itself.
fn missing_in_starlette(file: &Parsed, call: &Call) -> Option<Vec<&'static str>> {
    let is_middleware = call.method() == "add_middleware"
        && call.names.contains("SessionMiddleware")
        || call.path == "Middleware" && call.names.contains("SessionMiddleware");
    is_middleware.then(|| missing(&[("Secure", is_on(file, call, "httpsonly"))]))
}

/// A cookie of Go's `net/http`, of fiber or of fasthttp, which sets no flag by itself.
fn missing_in_struct(
    model: &Model<'_>,
    file: &Parsed,
    index: usize,
    call: &Call,
) -> Option<Vec<&'static str>> {
    // `cookie := new(http.Cookie)`, whose fields follow line by line.
    let is_new = call.path == "new" && call.names.ends_with("Cookie");
    if file.language != Language::Go || !(is_new || call.path.ends_with(".Cookie.new")) {
        return None;
    }
    let later = |key: &str| {
        let mut assigns = file.outline.assigns.iter();
        let found = assigns.find(|a| {
            let field = a.target.rsplit_once('.');
            a.function == call.function
                && !call.into.is_empty()
                && field.is_some_and(|(of, own)| of == call.into && own.eq_ignore_ascii_case(key))
        });
        found.map(|a| a.written.as_str())
    };
    let given = |key: &str| {
        let mut pairs = file.outline.pairs.iter();
        let pair = pairs.find(|p| p.holder == Some(index) && p.target == key);
        pair.map(|p| p.written.as_str()).or_else(|| later(key))
    };
    if !is_session_cookie(model, given("Name")?) {
        return None;
    }
    // What a client sends along with a request carries no flags.
    let is_sent = file.outline.calls.iter().any(|c| {
        let holds = (c.line..=c.end_line).contains(&call.line);
        c.method() == "AddCookie" && (holds || !call.into.is_empty() && c.names == call.into)
    });
    if is_sent {
        return None;
    }
    if clears(given("MaxAge"), given("Value")) {
        return None;
    }
    let on =
        |flag: &str| is_on(file, call, flag) || later(flag).is_some_and(|written| !is_off(written));
    Some(missing(&[
        ("HttpOnly", on("httponly")),
        ("Secure", on("secure")),
        // fiber sets Lax where nothing is said.
        (
            "SameSite",
            on("samesite") || call.path.starts_with("fiber."),
        ),
    ]))
}

/// gin's `c.SetCookie(name, value, maxAge, path, domain, secure, httpOnly)`, whose `SameSite` is a
/// call of its own.
fn missing_in_place(model: &Model<'_>, file: &Parsed, call: &Call) -> Option<Vec<&'static str>> {
    let [name, value, age, _, _, secure, http_only] = call.arguments.as_slice() else {
        return None;
    };
    if file.language != Language::Go || call.method() != "SetCookie" {
        return None;
    }
    let name = match call.texts.first() {
        Some(text) if name.is_empty() => text,
        _ => name,
    };
    let is_empty = value.is_empty() && call.texts.iter().any(String::is_empty);
    if !is_session_cookie(model, name) || age.starts_with('-') || is_empty {
        return None;
    }
    let mut beside = file.outline.calls.iter();
    let same_site = beside.any(|c| {
        c.function == call.function && c.method() == "SetSameSite" && !c.names.contains("None")
    });
    Some(missing(&[
        ("HttpOnly", http_only != "false"),
        ("Secure", secure != "false"),
        ("SameSite", same_site),
    ]))
}

/// Does a cookie of this name carry a session? A constant is looked up.
fn is_session_cookie(model: &Model<'_>, written: &str) -> bool {
    let is_session = |text: &str| {
        let list = words(text);
        (v::names_session(&list) || any(&list, "token jwt sid auth")) && !v::is_errand(&list)
    };
    if written.starts_with(['"', '`']) || is_session(written) {
        return is_session(written);
    }
    let name = written.rsplit('.').next().unwrap_or("");
    let mut assigns = model.files.iter().flat_map(|f| &f.outline.assigns);
    assigns.any(|a| a.function.is_none() && a.target == name && is_session(&a.written))
}

/// Clearing a cookie needs no flags.
fn clears(age: Option<&str>, value: Option<&str>) -> bool {
    age.is_some_and(|age| age.starts_with('-')) || value.is_some_and(|v| matches!(v, "\"\"" | "``"))
}

fn missing(flags: &[(&'static str, bool)]) -> Vec<&'static str> {
    flags
        .iter()
        .filter(|(_, on)| !on)
        .map(|(flag, _)| *flag)
        .collect()
}

/// Flags that the code or the configuration of a framework turns off by name.
fn switched_off(model: &Model<'_>, settings: &[&Setting], out: &mut Vec<Fact>) {
    for setting in settings {
        if is_switched_off(&setting.file, &setting.key, &setting.value) {
            let note = format!("{} = {}", setting.key, setting.value);
            out.push(Fact {
                via: Via::Config,
                mechanism: "cookie".into(),
                ..Fact::likely(Kind::CookieConfig, &setting.file, setting.line, note)
            });
        }
    }
    for file in &model.files {
        for assign in file.outline.assigns.iter().chain(&file.outline.pairs) {
            if is_switched_off(&file.path, &assign.target, &assign.written) {
                let note = format!("{} = {}", assign.target, assign.written);
                out.push(Fact {
                    mechanism: "cookie".into(),
                    ..Fact::likely(Kind::CookieConfig, &file.path, assign.line, note)
                });
            }
        }
    }
}

/// `SESSION_COOKIE_SECURE = False`, `session.cookie.same-site=none`, `'same_site' => 'none'` in the
/// file that configures sessions.
fn is_switched_off(file: &str, key: &str, value: &str) -> bool {
    let value = value.trim_matches([';', '"', '\'', ' ']);
    let off = matches!(
        value.to_ascii_lowercase().as_str(),
        "false" | "none" | "samesitemode.none" | "off"
    );
    if !off {
        return false;
    }
    let joined = words(key).concat();
    let of_session = ["sessioncookie", "cookie"].iter().any(|holder| {
        ["secure", "httponly", "samesite"]
            .iter()
            .any(|flag| joined.ends_with(&format!("{holder}{flag}")))
    }) && joined.contains("session");
    let in_session_file = file.ends_with("config/session.php")
        && matches!(joined.as_str(), "secure" | "httponly" | "samesite");
    of_session || in_session_file
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
    Some(missing(&[
        ("HttpOnly", is_on(file, call, "httponly")),
        ("Secure", is_on(file, call, "secure")),
        ("SameSite", is_on(file, call, "samesite")),
    ]))
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
            && !is_off(&p.written)
    })
}

/// Is the flag written so that it is not set?
fn is_off(written: &str) -> bool {
    matches!(
        written
            .trim_matches(['"', '\'', ';'])
            .to_ascii_lowercase()
            .as_str(),
        "false" | "none" | "http.samesitenonemode" | "http.samesitedefaultmode"
    )
}
