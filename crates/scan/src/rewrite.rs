//! Lists of sessions that are read, changed and written back whole.
//!
//! Between the reading and the writing another sign-in can do the same. Whoever writes last wins:
//! a new session is lost, or one that was ended is alive again.

use crate::fact::{Fact, Kind};
use crate::model::{Id, Model};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call};
use crate::vocabulary as v;

/// Words that say something holds reading and writing together.
const HELD: &str = "lock locked mutex transaction atomic isolation advisory setnx redlock synchronized tx semaphore watch multi cas version versionkey optimistic etag eval update_for select_for_update for_update";

/// Facts about lists of sessions that are written back whole.
pub(crate) fn facts(model: &Model<'_>) -> Vec<Fact> {
    let mut out: Vec<Fact> = Vec::new();
    for (number, file) in model.files.iter().enumerate() {
        if model.is_client(number) {
            continue;
        }
        for call in model.in_time(&file.outline.calls) {
            let Some(id) = model.id(number, call.function) else {
                continue;
            };
            let id = model.named_around(id);
            // Tokens of another provider, kept to ask it things, sign nobody in here.
            let of_provider = any(
                &words(&call.names),
                "provider kind oauth scope facebook google github twitter",
            );
            let seen = match holder_of_list(call) {
                Some(_) if of_provider => false,
                Some(holder) => written_back(model, id, &holder),
                None => is_key_write(call) && read_before(model, id, call),
            };
            if seen && !is_held(model, id) {
                out.push(fact(model, id, call.line, &call.path));
            }
        }
        for assign in model.in_time(&file.outline.assigns) {
            let Some(id) = model.id(number, assign.function) else {
                continue;
            };
            let id = model.named_around(id);
            let seen =
                holder_of_rewrite(assign).is_some_and(|holder| written_back(model, id, &holder));
            if seen && !is_held(model, id) {
                out.push(fact(model, id, assign.line, &assign.target));
            }
        }
    }
    out.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    out.dedup_by(|a, b| (&a.file, &a.scope) == (&b.file, &b.scope));
    out
}

fn fact(model: &Model<'_>, id: Id, line: u32, what: &str) -> Fact {
    let file = &model.file_of(id).path;
    let note =
        format!("{what} is read, changed and written back, and nothing holds the steps together");
    Fact {
        scope: model.scope(id),
        ..Fact::likely(Kind::RewritesSessions, file, line, note)
    }
}

/// `user.sessions.push(…)`: what holds the list that is changed in memory.
fn holder_of_list(call: &Call) -> Option<String> {
    let changes = matches!(
        call.method(),
        "push"
            | "append"
            | "splice"
            | "unshift"
            | "pop"
            | "shift"
            | "remove"
            | "add"
            | "Add"
            | "Remove"
            | "removeIf"
    );
    let (holder, list) = call.receiver().rsplit_once('.')?;
    (changes && is_list(list) && is_record(holder)).then(|| holder.to_owned())
}

/// `user.sessions = user.sessions.filter(…)`: what holds the list that is replaced.
fn holder_of_rewrite(assign: &Assign) -> Option<String> {
    let (holder, list) = assign.target.rsplit_once('.')?;
    let from_itself = assign.names.split(' ').any(|name| name == list);
    (from_itself && is_list(list) && is_record(holder)).then(|| holder.to_owned())
}

fn is_list(name: &str) -> bool {
    let list = words(name);
    v::names_sessions(&list)
        || matches!(
            list.concat().as_str(),
            "tokens" | "refreshtokens" | "devices" | "activesessions"
        )
}

/// A row or document of a user, and not a handle, a module or the object itself.
fn is_record(holder: &str) -> bool {
    let last = holder.rsplit('.').next().unwrap_or("");
    v::names_user(&words(last)) && !last.ends_with("()") || any(&words(last), "doc record row data")
}

/// Is the holder of the list stored after it was changed: `user.save()`, `repository.save(user)`?
fn written_back(model: &Model<'_>, id: Id, holder: &str) -> bool {
    let last = holder.rsplit('.').next().unwrap_or("");
    model.calls_in(id).any(|call| {
        let method = words(call.method());
        let stores = any(
            &method,
            "save update commit put set write flush persist replace replaceone",
        );
        stores
            && (call.receiver() == holder
                || call
                    .arguments
                    .iter()
                    .any(|a| a.split(' ').any(|name| name == last)))
    })
}

/// `redis.set(key, JSON.stringify(sessions))`: a list of sessions goes under one key.
fn is_key_write(call: &Call) -> bool {
    let stores = matches!(
        call.method(),
        "set" | "setex" | "setEx" | "put" | "Set" | "SetString"
    );
    stores
        && any(
            &words(call.receiver()),
            "redis cache kv memcached rdb store client",
        )
        && call.arguments.len() >= 2
        && call.arguments.iter().skip(1).any(|a| {
            a.split(' ').any(is_list)
                && any(
                    &words(a),
                    "json stringify dumps marshal pickle serialize encode",
                )
        })
}

fn read_before(model: &Model<'_>, id: Id, write: &Call) -> bool {
    model.calls_in(id).any(|call| {
        matches!(call.method(), "get" | "Get" | "GetString" | "fetch")
            && call.line <= write.line
            && call.receiver() == write.receiver()
            && call.arguments.first() == write.arguments.first()
    })
}

fn is_held(model: &Model<'_>, id: Id) -> bool {
    let names = &model.function(id).names;
    any(&words(names), HELD)
        || names
            .split(' ')
            .any(|name| any(&[name.to_ascii_lowercase()], HELD))
        || model.calls_in(id).any(|call| {
            any(&words(&call.path), HELD)
                || call
                    .texts
                    .iter()
                    .any(|text| text.to_ascii_lowercase().contains("for update"))
        })
}
