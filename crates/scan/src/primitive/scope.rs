//! Which sessions a query or a call is about: one, the others, all of a user, those of a device.

use super::Does;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

pub(super) fn sql_on_sessions(text: &str, verb: &str) -> bool {
    text.match_indices(verb).any(|(at, _)| {
        let rest = &text[at + verb.len()..];
        let table: String = rest
            .trim_start_matches([' ', '\n', '\t', '"', '`', '['])
            .chars()
            .take_while(|c| c.is_alphanumeric() || "_.\"".contains(*c))
            .collect();
        !table.is_empty() && v::names_session(&words(&table))
    })
}

pub(super) fn sql_scope(text: &str) -> Does {
    let of_user = text.contains("user_id")
        || text.contains("userid")
        || text.contains("account_id")
        || text.contains("uid");
    let by_id = [
        " id=",
        " id =",
        "token",
        "session_id",
        "sid",
        "key",
        "\"id\"",
    ]
    .iter()
    .any(|k| text.split("where").nth(1).is_some_and(|w| w.contains(k)));
    let but = text.contains("<>") || text.contains("!=") || text.contains(" not ");
    match (of_user, by_id, but) {
        (true, _, true) => Does::EndOthers,
        (true, false, false) => Does::EndAll,
        _ => Does::EndOne,
    }
}

pub(super) fn end_scope(list: &[String], near: &[String]) -> Does {
    let both = [list, near].concat();
    if v::means_others(&both) {
        Does::EndOthers
    } else if v::names_device(list) && !any(list, "all") {
        Does::EndOfDevice
    } else if v::means_all(list)
        || (v::names_user(list) && !any(list, "id token key sid jwt hash session"))
    {
        Does::EndAll
    } else {
        Does::EndOne
    }
}
