//! Secrets that are kept as they are: on a list of a user's row, in a column, in a query.
//!
//! Tokens of another service are kept to ask it things, and sign nobody in here. So only what was
//! made on the spot counts: signed, drawn, or handed out by something that makes it.

use super::{HARMLESS, is_of_sign_in, is_secret};
use crate::fact::{Fact, Kind};
use crate::model::{Id, Model, Parsed};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call};
use crate::vocabulary as v;

/// Where what was made comes from, as the value says it.
const MADE: &str = "sign signasync random randombytes randomuuid uuid uuid4 uuidv4 nanoid secrets hex urandom generate create make issue mint encode";
/// Where what somebody sent comes from.
const SENT: &str = "req request body params query headers cookies cookie input";

/// Facts about secrets that a stolen copy of the store would hold.
pub(super) fn facts(model: &Model<'_>) -> Vec<Fact> {
    let mut out = Vec::new();
    for (number, file) in model.files.iter().enumerate() {
        if model.is_client(number) {
            continue;
        }
        let calls = file.outline.calls.iter().filter_map(|call| {
            let id = model.id(number, call.function)?;
            // Where it stands is asked last: that takes longest.
            stored_by_call(file, call, true)?;
            let name = stored_by_call(file, call, is_of_sign_in(model, id))?;
            Some((id, call.line, &call.path, name))
        });
        let assigns = file.outline.assigns.iter().filter_map(|assign| {
            let id = model.id(number, assign.function)?;
            stored_by_assign(assign, true)?;
            let name = stored_by_assign(assign, is_of_sign_in(model, id))?;
            Some((id, assign.line, &assign.target, name))
        });
        for (id, line, what, name) in model.in_time(calls.chain(assigns)) {
            let near = model.near(id);
            if v::is_errand(&near) || v::is_api_token(&near) || !is_made_here(model, id, name) {
                continue;
            }
            let note = format!("{what} keeps a session's secret as it is");
            out.push(Fact {
                scope: model.scope(id),
                ..Fact::likely(Kind::Leaks, &file.path, line, note)
            });
        }
    }
    out
}

/// `user.refreshTokens.push(token)`, `User.updateOne(…, { $push: { refreshTokens: token } })`,
/// `db.query("INSERT INTO refresh_tokens …", [token])`.
fn stored_by_call<'f>(file: &'f Parsed, call: &'f Call, of_sign_in: bool) -> Option<&'f str> {
    let secret = |names: &'f str| {
        let last = names.split(' ').next_back()?;
        (!any(&words(names), HARMLESS) && is_secret(last, of_sign_in)).then_some(last)
    };
    let holder = words(call.receiver());
    let grows = matches!(
        call.method(),
        "push" | "append" | "add" | "Add" | "addToSet" | "unshift" | "concat"
    );
    if let Some((record, list)) = call.receiver().rsplit_once('.')
        && grows
        && is_slot(list, of_sign_in)
        && is_record(record)
    {
        return call.arguments.first().and_then(|names| secret(names));
    }
    let long = |text: &&String| text.len() > 20 && text.contains(' ');
    let on_table = call.texts.iter().filter(long).any(|text| {
        let lower = text.to_ascii_lowercase();
        let writes = lower.contains("insert into") || lower.contains("update ");
        writes
            && lower.contains("token")
            && !any(&words(&lower), HARMLESS)
            && v::names_session(&words(&lower))
    });
    if on_table {
        let mut names = call.arguments.iter().skip(1).flat_map(|a| a.split(' '));
        let plain = !any(&words(&call.names), HARMLESS);
        return names.find(|name| plain && is_secret(name, of_sign_in));
    }
    let writes = any(
        &words(call.method()),
        "create insert update save upsert add set",
    ) && !any(
        &holder,
        "res response reply ctx cookie cookies header headers",
    ) && (v::names_user(&holder) || v::names_session_loosely(&holder));
    let pairs = file.outline.pairs.iter();
    pairs
        .filter(|pair| writes && (call.line..=call.end_line).contains(&pair.line))
        .filter(|pair| is_slot(&pair.target, of_sign_in))
        .find_map(|pair| secret(&pair.names))
}

/// `user.refreshToken = token`, `user.tokens = user.tokens.concat({ token })`.
fn stored_by_assign(assign: &Assign, of_sign_in: bool) -> Option<&str> {
    let (record, key) = assign.target.rsplit_once('.')?;
    let last = assign.names.split(' ').next_back()?;
    let is_plain = !any(&words(&assign.names), HARMLESS);
    (is_record(record) && is_slot(key, of_sign_in) && is_plain && is_secret(last, of_sign_in))
        .then_some(last)
}

/// A user's row or document.
fn is_record(holder: &str) -> bool {
    let last = words(holder.rsplit('.').next().unwrap_or(""));
    any(&last, "user account member customer person this self doc")
}

/// The name of a column or list for what is presented.
fn is_slot(key: &str, of_sign_in: bool) -> bool {
    let list = words(key);
    let ends = list
        .last()
        .is_some_and(|last| matches!(last.as_str(), "token" | "tokens"));
    ends && !v::is_errand(&list)
        && !v::is_api_token(&list)
        && (v::names_session_loosely(&list) || of_sign_in && list.len() == 1)
}

/// Was the variable filled with something that was made, on this way, and not sent? Where its
/// digest is kept beside it, the secret itself is shown once and not stored.
fn is_made_here(model: &Model<'_>, id: Id, name: &str) -> bool {
    let around: Vec<usize> = model
        .enclosing(id)
        .into_iter()
        .map(|id| model.own(id))
        .collect();
    let assigns = || model.file_of(id).outline.assigns.iter();
    let is_digested = assigns().any(|a| {
        a.function.is_some_and(|own| around.contains(&own))
            && a.target.contains('.')
            && any(&words(&a.written), HARMLESS)
            && a.names.split(' ').any(|own| own == name)
    });
    !is_digested
        && assigns().any(|a| {
            let from = words(&a.written);
            a.target == name
                && a.function.is_some_and(|own| around.contains(&own))
                && any(&from, MADE)
                && !any(&from, SENT)
        })
}
