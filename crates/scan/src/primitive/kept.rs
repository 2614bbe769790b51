//! Sessions kept under a key: in a map of the process, in a cache, in a store of keys and values.
//!
//! A map called `sessions` holds a sign-in when what goes into it holds a user. Maps of the same
//! name that hold games, uploads or sockets hold players and peers too, so those are told apart by
//! what stands around them.

use super::Around;
use crate::model::{Parsed, runs_in_browser};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call};
use crate::vocabulary as v;

/// Methods through which a map is reached where several threads share it.
const LOCKS: &str = "lock unwrap write borrow get_mut as_mut await expect value instance cache";

/// Does the assignment put a user under a key of a map of sessions: `sessions[token] = u.ID`,
/// `sessions[sid] = { userId: user.id }`?
pub(super) fn is_entry(file: &Parsed, assign: &Assign, around: impl FnOnce() -> Around) -> bool {
    let Some(map) = assign.target.strip_suffix(".[]") else {
        return false;
    };
    if runs_in_browser(&file.outline.imports) {
        return false;
    }
    let list = words(holder(map));
    let Around { near, far, .. } = &around();
    (is_map(&list) || any(&list, "token tokens") && v::is_login_strictly(near))
        && holds_user(&assign.names, far)
        && !is_of_another_kind(near, far, &format!("{} {}", assign.key, assign.names))
}

/// Does the call do the same by a method of a map or a store: `sessions.set(sid, { userId })`,
/// `redis.setex("session:" + token, 3600, user.id)`?
pub(super) fn is_put(file: &Parsed, call: &Call, around: &Around) -> bool {
    let Around { near, far, .. } = around;
    let method = words(call.method());
    let puts = any(
        &method,
        "set put add insert store write setex hset hmset setnx psetex setstring stringset stringsetasync",
    ) && !any(&method, "cookie header attribute item timeout interval");
    if !puts || call.arguments.len() < 2 {
        return false;
    }
    let list = words(holder(call.receiver()));
    let in_store = any(
        &words(call.receiver()),
        "redis rdb cache kv memcached client store storage db",
    ) && call.texts.first().is_some_and(|key| is_key(key));
    if !(is_map(&list) || in_store)
        || is_of_another_kind(near, far, &call.names)
        || runs_in_browser(&file.outline.imports)
    {
        return false;
    }
    let held: String = call.arguments[1..].join(" ");
    holds_user(&held, far)
        || file.outline.pairs.iter().any(|pair| {
            (call.line..=call.end_line).contains(&pair.line) && v::is_identity_key(&pair.target)
        })
}

/// The map itself, behind what guards it: `sessions` of `state.sessions.lock().unwrap()`.
fn holder(path: &str) -> &str {
    path.rsplit('.')
        .map(|part| part.trim_end_matches("()"))
        .find(|part| !any(&words(part), LOCKS) || v::names_session_loosely(&words(part)))
        .unwrap_or("")
}

/// A map of sessions, and not the session of the request.
fn is_map(list: &[String]) -> bool {
    v::names_sessions(list)
        || v::names_session(list) && any(list, "map cache store table registry by storage dict")
}

/// `session:…`, `sess:…`, `auth_token_…`: the beginning of a key.
fn is_key(text: &str) -> bool {
    let list = words(text);
    text.len() < 80
        && !text.contains(' ')
        && v::names_session(&list)
        && !v::is_errand(&list)
        && !v::is_api_token(&list)
}

/// Do these names hold a user, by a word for one, or by an id where users sign in?
fn holds_user(names: &str, far: &[String]) -> bool {
    let each = || names.split(' ').filter(|name| !name.is_empty());
    let is_user = |name: &str| {
        let list = words(name);
        v::names_user(&list) && !any(&list, "agent login")
    };
    let is_id = |name: &str| matches!(words(name).concat().as_str(), "id" | "pk" | "getid");
    each().any(is_user) || v::is_login(far) && each().any(is_id)
}

/// Sessions of a game, an upload, a socket: by the place, or by what goes in beside the user.
fn is_of_another_kind(near: &[String], far: &[String], names: &str) -> bool {
    const BESIDE: &str = "socket ws websocket peer room player game board lobby chat upload editor terminal cart checkout quiz";
    v::is_of_another_kind(near) || any(far, BESIDE) || any(&words(names), BESIDE)
}
