//! Primitives: single lines that do something to a session, before anyone asks why.
//!
//! The same `DELETE FROM sessions` is signing out, eviction or housekeeping, depending on who
//! calls it. Here it is only an ending; `flow` looks at the way in and says which.

mod bound;
mod call;
mod handed_out;
mod kept;
mod key;
mod others;
mod scope;
mod shape;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::model::{Id, Model, Parsed};
use crate::scan::workers;
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Language};
use crate::vocabulary as v;
use innkeeper_report::Confidence;

use call::of_call;
pub(crate) use handed_out::{checks_password, compares_password, sign_ins};
pub(crate) use others::widen;
use shape::is_stamp;

/// What a line does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Does {
    Create,
    SignToken,
    Regenerate,
    EndCurrent,
    EndOne,
    EndOthers,
    EndAll,
    EndOfDevice,
    List,
    Tell,
    /// Some message is sent.
    Write,
    SetPassword,
    ClearCookie,
    SingleSlot,
    /// The number of a user's sessions is compared with what is allowed.
    Bound,
    /// All but the newest so many of a user's sessions end.
    Trim,
}

/// One line that does something.
#[derive(Clone, Debug)]
pub(crate) struct Primitive {
    pub(crate) does: Does,
    pub(crate) file: usize,
    pub(crate) line: u32,
    pub(crate) function: Option<Id>,
    pub(crate) confidence: Confidence,
    /// For a creation: the session was there before, and its id stays.
    pub(crate) keeps_id: bool,
    pub(crate) mechanism: String,
    pub(crate) note: String,
}

/// Everything the lines of a unit do, as far as home-grown code shows it.
///
/// No file's lines depend on another's, so the files are shared out among the cores.
pub(crate) fn primitives(model: &Model<'_>) -> Vec<Primitive> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers() {
            scope.spawn(|| {
                let mut own = Vec::new();
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(file) = model.files.get(number)
                {
                    own.push((number, of_file(model, number, file)));
                }
                let mut found = found.lock().expect("no worker panics while it holds it");
                found.extend(own);
            });
        }
    });
    let mut found = found
        .into_inner()
        .expect("no worker panics while it holds it");
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().flat_map(|(_, own)| own).collect()
}

fn of_file(model: &Model<'_>, number: usize, file: &Parsed) -> Vec<Primitive> {
    let mut out = Vec::new();
    for assign in model.in_time(&file.outline.assigns) {
        let function = model.id(number, assign.function);
        if let Some((does, confidence)) = of_assign(model, file, assign, function) {
            let (line, note) = (assign.line, &assign.target);
            let made = primitive(does, number, line, function, confidence, note);
            let keeps_id =
                does == Does::Create && key::is_kept(model, file, function, note, &assign.key);
            out.push(Primitive { keeps_id, ..made });
        }
    }
    // The calls of one function stand together and have the same surroundings.
    let mut around = Around::none(file);
    for call in model.in_time(&file.outline.calls) {
        let function = model.id(number, call.function);
        if around.function != function {
            around = Around::of(model, file, function);
        }
        let resolved = model.resolve(number, call);
        for (does, confidence) in of_call(file, call, &around, !resolved.is_empty()) {
            let (line, note) = (call.line, &call.path);
            let made = primitive(does, number, line, function, confidence, note);
            let first = call.arguments.first().map_or("", String::as_str);
            let keeps_id = does == Does::Create && key::is_kept(model, file, function, note, first);
            out.push(Primitive { keeps_id, ..made });
        }
    }
    let bounds = bound::of_file(model, number, file);
    // What a trim ends is beyond the bound: nobody chose it.
    out.retain(|p| {
        !bounds
            .iter()
            .any(|b| b.does == Does::Trim && is_part_of(p, b))
    });
    out.extend(bounds.into_iter().map(|b| {
        let likely = Confidence::Likely;
        primitive(b.does, number, b.line, b.function, likely, &b.note)
    }));
    out
}

/// Is the ending a step of the trim, in the same statement or chained to its cut?
fn is_part_of(ending: &Primitive, trim: &bound::Bound) -> bool {
    let ends = matches!(
        ending.does,
        Does::EndOne | Does::EndOthers | Does::EndAll | Does::EndOfDevice | Does::EndCurrent
    );
    let lower = ending.note.to_ascii_lowercase();
    let chained = [".offset()", ".skip()", ".drop()", ".slice()"]
        .iter()
        .any(|cut| lower.contains(cut));
    ends && ending.function == trim.function
        && (ending.line == trim.line || chained && ending.line > trim.line)
}

/// Where a call stands, in words.
struct Around {
    function: Option<Id>,
    /// What the function is called and which routes lead to it.
    near: Vec<String>,
    /// The same, and its class and file besides.
    far: Vec<String>,
}

impl Around {
    /// Outside of every function.
    fn none(file: &Parsed) -> Self {
        Self {
            function: None,
            near: Vec::new(),
            far: words(&file.path),
        }
    }

    fn of(model: &Model<'_>, file: &Parsed, function: Option<Id>) -> Self {
        match function {
            None => Self::none(file),
            Some(id) => Self {
                function,
                near: model.near(id),
                far: model.far(id),
            },
        }
    }
}

fn primitive(
    does: Does,
    file: usize,
    line: u32,
    function: Option<Id>,
    confidence: Confidence,
    note: &str,
) -> Primitive {
    Primitive {
        does,
        file,
        line,
        function,
        confidence,
        keeps_id: false,
        mechanism: "home-grown".into(),
        note: note.chars().take(120).collect(),
    }
}

fn of_assign(
    model: &Model<'_>,
    file: &Parsed,
    assign: &Assign,
    function: Option<Id>,
) -> Option<(Does, Confidence)> {
    let (receiver, key) = assign.target.rsplit_once('.')?;
    let holder = receiver.rsplit('.').next().unwrap_or("");
    let is_session = v::names_session(&words(holder)) && any(&words(holder), "session sess")
        || matches!(holder, "_SESSION" | "Values" | "values")
            && v::names_session_loosely(&words(receiver));
    let empty = matches!(
        assign.written.trim_end_matches(';'),
        "null" | "undefined" | "None" | "nil" | "''" | "\"\"" | "false" | "False" | "{}" | "0"
    );
    // Somebody who still owes a second factor is not signed in.
    let is_halfway = any(
        &words(key),
        "mfa otp totp twofa 2fa tfa factor pending temp tmp challenge impersonator invite reset",
    );
    let is_of_user = is_of_user(&assign.written) && !is_halfway;
    // After a password was checked, the id of any row is who signed in, whatever it is called.
    let is_of_row = || {
        is_row_id(&assign.written)
            && !is_halfway
            && function.is_some_and(|id| checks_password(model, id))
    };
    if is_session && (v::is_identity_key(key) || is_of_user || is_of_row()) {
        if empty {
            return Some((Does::EndCurrent, Confidence::Likely));
        }
        let near = function.map(|id| model.near(id)).unwrap_or_default();
        let decorates = near.last().is_some_and(|w| w == "session")
            || any(
                &near,
                "setting profile preference avatar locale serialize deserialize update refresh",
            ) && !v::is_login_strictly(&near);
        // `session["id"]` is a session's own id unless what goes in comes from a user.
        let tied = key != "id" || v::names_user(&words(&assign.names));
        if !decorates && tied && file.language != Language::Rust {
            return Some((
                Does::Create,
                if receiver.contains('.') {
                    Confidence::Sure
                } else {
                    Confidence::Likely
                },
            ));
        }
    }
    let is_whole = assign.target.ends_with("req.session")
        || assign.target.ends_with("request.session")
        || assign.target.ends_with("ctx.session");
    if empty && is_whole {
        return Some((Does::EndCurrent, Confidence::Sure));
    }
    let of_whole = is_whole
        && assign
            .names
            .split(' ')
            .any(|name| name != "id" && v::is_identity_key(name));
    let around = || Around::of(model, file, function);
    if !empty && (of_whole || kept::is_entry(file, assign, around)) {
        let sure = function.is_some_and(|id| v::is_login_strictly(&model.near(id)));
        return Some((
            Does::Create,
            if sure {
                Confidence::Sure
            } else {
                Confidence::Likely
            },
        ));
    }
    let key_words = words(key);
    let is_user_row = any(&words(holder), "user account member customer profile");
    if is_user_row && !empty {
        if matches!(
            key_words.concat().as_str(),
            "password" | "passwordhash" | "hashedpassword" | "passwd" | "encryptedpassword" | "pwd"
        ) {
            return Some((Does::SetPassword, Confidence::Likely));
        }
        if matches!(
            key_words.concat().as_str(),
            "refreshtoken"
                | "currentsession"
                | "currentsessionid"
                | "activesession"
                | "activesessionid"
                | "sessiontoken"
                | "loginsession"
                | "activetoken"
        ) {
            return Some((Does::SingleSlot, Confidence::Likely));
        }
    }
    is_stamp(&key_words).then_some((Does::EndAll, Confidence::Likely))
}

/// Is the value the id of something that was read: `p.pk`, `row.id`?
fn is_row_id(written: &str) -> bool {
    let bare = written.trim_end_matches(';').trim_start_matches(['@', '$']);
    let parts = bare.rsplit_once("->").or_else(|| bare.rsplit_once('.'));
    parts.is_some_and(|(holder, what)| {
        let is_plain = holder.chars().all(|c| c.is_alphanumeric() || c == '_');
        is_plain && matches!(what, "id" | "_id" | "pk" | "uuid" | "Id" | "ID")
    })
}

/// Is the value what a user is known by, whatever it is kept under: `user.session_token`, `u.id`?
fn is_of_user(written: &str) -> bool {
    let bare = written.trim_end_matches(';').trim_start_matches(['@', '$']);
    let Some((holder, what)) = bare.rsplit_once("->").or_else(|| bare.rsplit_once('.')) else {
        return false;
    };
    let is_plain = holder.chars().all(|c| c.is_alphanumeric() || c == '_');
    let holder = words(holder);
    is_plain
        && any(&holder, "user account member customer")
        && matches!(
            words(what).concat().as_str(),
            "id" | "pk" | "uuid" | "guid" | "sessiontoken" | "authtoken" | "getid" | "key"
        )
}
