//! A secret that is drawn and put into a cookie on a way that checks a password.
//!
//! Where nothing else is known of the application, that is signing in, whatever it keeps the
//! secret under.

use std::collections::BTreeSet;

use innkeeper_report::Confidence;

use super::{Does, Primitive};
use crate::model::{Id, Model, Parsed};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call, Language};
use crate::vocabulary as v;

/// How far from the way in the password may be checked and the secret drawn.
const NEAR: usize = 2;
/// Words of what is drawn and cannot be guessed.
const DRAWN: &str = "random randombytes randomuuid rand uuid uuid4 uuidv4 nanoid secrets guid newguid securerandom urandom entropy cuid ulid";
/// Words of what drawn bytes are written as.
const WRITTEN: &str =
    "hex hexlify base64 base64url b64encode encode encodetostring tostring digest";

/// Sign-ins that nothing but their cookie gives away, for ways on which `found` makes no session.
pub(crate) fn sign_ins(model: &Model<'_>, found: &[Primitive]) -> Vec<Primitive> {
    let makers: BTreeSet<Id> = found
        .iter()
        .filter(|p| matches!(p.does, Does::Create | Does::SignToken))
        .filter_map(|p| p.function)
        .map(|id| model.named_around(id))
        .collect();
    let mut out = Vec::new();
    for (number, file) in model.files.iter().enumerate() {
        if model.is_client(number) {
            continue;
        }
        let calls = file.outline.calls.iter().filter(|c| sets_cookie(c));
        let places = calls
            .map(|c| (c.line, c.function, &c.path, &c.names))
            .chain(
                file.outline
                    .assigns
                    .iter()
                    .filter(|a| fills_cookie(a))
                    .map(|a| (a.line, a.function, &a.target, &a.names)),
            );
        for (line, function, what, names) in model.in_time(places) {
            let Some(id) = model.id(number, function) else {
                let is_made = found
                    .iter()
                    .any(|p| p.file == number && p.function.is_none() && p.does == Does::Create);
                if !is_made && signs_in_by_script(file, names) {
                    out.push(sign_in(number, line, None, what));
                }
                continue;
            };
            let around = model.named_around(id);
            let ways = std::iter::once(&around).chain(model.callers(around));
            let signs_in = ways.into_iter().any(|way| {
                let reached = model.reach(model.named_around(*way), NEAR);
                !reached
                    .iter()
                    .any(|f| makers.contains(&model.named_around(*f)))
                    && reached.iter().any(|f| checks_password(model, *f))
            });
            if signs_in && is_drawn(model, around, names) {
                out.push(sign_in(number, line, Some(id), what));
            }
        }
    }
    out
}

fn sign_in(file: usize, line: u32, function: Option<Id>, what: &str) -> Primitive {
    Primitive {
        does: Does::Create,
        file,
        line,
        function,
        confidence: Confidence::Likely,
        keeps_id: false,
        mechanism: "home-grown".into(),
        note: format!("{what}: a drawn secret in a cookie, after a password was checked"),
    }
}

/// A script of PHP is a way in by itself, and stands in no function.
fn signs_in_by_script(file: &Parsed, names: &str) -> bool {
    let outline = &file.outline;
    let has = |name: &str| names.split([' ', '$']).any(|n| n == name);
    let checks = || {
        let mut calls = outline.calls.iter().filter(|c| c.function.is_none());
        calls.any(compares_password)
    };
    let drawn = || {
        let mut assigns = outline.assigns.iter().filter(|a| a.function.is_none());
        any(&words(names), DRAWN) || assigns.any(|a| has(&a.target) && any(&words(&a.names), DRAWN))
    };
    file.language == Language::Php && checks() && drawn()
}

/// `res.cookie("sid", …)`, `http.SetCookie(w, …)`, `response.set_cookie(…)`, `new Cookie("sid", …)`.
fn sets_cookie(call: &Call) -> bool {
    let speaks = |text: &str| text.len() < 200 && text.to_ascii_lowercase().contains("cookie");
    if !speaks(&call.path) && !call.texts.first().is_some_and(|text| speaks(text)) {
        return false;
    }
    let method = words(call.method());
    let holder = words(call.receiver().rsplit('.').next().unwrap_or(""));
    let named = call.texts.iter().take(2).any(|text| is_other(text));
    let by_method = any(&method, "cookie")
        && (method.len() == 1 || any(&method, "set add append create put write"))
        || any(&holder, "cookies") && any(&method, "set add append put store")
        || any(&holder, "cookie") && call.method() == "new"
        || matches!(call.path.as_str(), "setcookie" | "setrawcookie")
        || matches!(call.method(), "setHeader" | "set" | "header" | "Header")
            && call
                .texts
                .first()
                .is_some_and(|t| t.eq_ignore_ascii_case("set-cookie"));
    by_method && !named && call.arguments.len() >= 2
        // The cookie of Go is built within the call that sets it.
        || call.method() == "SetCookie" && !named
}

/// `cookies[:session_token] = …` and `cookies.signed[:sid] = { value: … }`.
fn fills_cookie(assign: &Assign) -> bool {
    let Some((holder, key)) = assign.target.rsplit_once('.') else {
        return false;
    };
    let jar = holder
        .split('.')
        .any(|part| matches!(part, "cookies" | "cookie_jar"));
    jar && !is_other(key) && !assign.names.is_empty()
}

/// A cookie for something else than signing in.
fn is_other(name: &str) -> bool {
    let list = words(name);
    name.len() < 60
        && (v::is_errand(&list)
            || any(
                &list,
                "lang language locale theme consent tracking analytics visitor cart flash notice basket",
            ))
}

/// Is a password compared with what is kept of it, in this function?
pub(crate) fn checks_password(model: &Model<'_>, id: Id) -> bool {
    let own = model.own(id);
    let calls = &model.file_of(id).outline.calls;
    let mut calls = calls.iter().filter(|c| c.function == Some(own));
    calls.any(compares_password)
}

/// Compares a password with what is kept of it.
pub(crate) fn compares_password(call: &Call) -> bool {
    let path = words(&call.path);
    let about = any(
        &path,
        "password passwd pwd hash hasher bcrypt argon2 scrypt pbkdf2 encoder crypt checkpw",
    ) || any(&words(&call.names), "password passwd pwd");
    let compares = any(
        &path,
        "compare comparesync verify verifysync check checkpw matches valid validate correct authenticate authenticated equal",
    );
    about && compares
}

/// Does one of these names hold something drawn, directly or by way of a variable or a function?
fn is_drawn(model: &Model<'_>, id: Id, names: &str) -> bool {
    if any(&words(names), DRAWN) {
        return true;
    }
    let function = model.function(id);
    let file = model.file_of(id);
    let within = |line: u32| (function.line..=function.end_line).contains(&line);
    let draws = |id: &Id| any(&words(&model.function(*id).names), DRAWN);
    let has = |name: &str| names.split(' ').any(|n| n == name);
    let drawn_here = draws(&id);
    let assigns = file.outline.assigns.iter();
    let by_variable = assigns
        .filter(|a| within(a.line) && has(&a.target))
        .any(|a| {
            let from = words(&a.names);
            any(&from, DRAWN) || drawn_here && any(&from, WRITTEN)
        });
    let number = model.files.iter().position(|f| std::ptr::eq(*f, file));
    let by_function = file.outline.calls.iter().any(|call| {
        within(call.line)
            && (has(&call.into) || has(call.method()))
            && number.is_some_and(|number| model.resolve(number, call).iter().any(draws))
    });
    by_variable || by_function
}
