//! Cuts through the list of a user's sessions: what is beyond the newest so many, and where it ends.

use super::super::scope::sql_on_sessions;
use crate::model::Parsed;
use crate::syntax::Call;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// Statements that are written as constants and handed over by name, in lower case.
pub(super) fn constants(file: &Parsed) -> Vec<(&str, String)> {
    let assigns = file.outline.assigns.iter();
    assigns
        .filter(|a| a.function.is_none())
        .filter_map(|a| {
            let text = if a.texts.is_empty() {
                one_line(std::iter::once(&a.written))
            } else {
                one_line(a.texts.iter())
            };
            let name = a.target.rsplit('.').next().unwrap_or("");
            let speaks = ["delete from", "update ", "insert into", "redis.call"];
            speaks
                .iter()
                .any(|word| text.contains(word))
                .then_some((name, text))
        })
        .collect()
}

/// Strings as one, in lower case and with one blank between words.
pub(super) fn one_line<'t>(texts: impl Iterator<Item = &'t String>) -> String {
    let mut out = String::new();
    for word in texts.flat_map(|text| text.split_whitespace()) {
        out.push_str(&word.to_ascii_lowercase());
        out.push(' ');
    }
    out
}
/// What a cut leaves in hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum What {
    /// Those beyond the newest so many.
    Surplus,
    /// The newest so many.
    Newest,
    /// Nothing: the surplus is gone with it.
    Trims,
}

/// Several rows of sessions, as they are asked for: `UserSession.objects.filter().order_by()`.
pub(super) fn is_query_of_sessions(list: &[String]) -> bool {
    v::names_session(list)
        && any(
            list,
            "filter where find all order sort list select query stream objects pluck findall findmany",
        )
}

/// A cut through a list in its order.
pub(super) struct Cut {
    pub(super) what: What,
    /// Where it is cut, as far as a name or number says it.
    pub(super) by: String,
    /// Strings and tokens are sliced too, so that the name has to say several.
    pub(super) needs_plural: bool,
}

fn cut(what: What, by: &str, needs_plural: bool) -> Option<Cut> {
    (!by.is_empty() && by != "0" && !pages(by)).then(|| Cut {
        what,
        by: by
            .trim_start_matches('-')
            .split(' ')
            .find(|name| !matches!(*name, "self" | "this" | "static" | "min" | "max" | "Math"))
            .unwrap_or("")
            .to_owned(),
        needs_plural,
    })
}

/// The words of a query without its handle on a database, which says nothing of what is in it.
pub(super) fn asked(text: &str) -> Vec<String> {
    let handle = |w: &String| matches!(w.as_str(), "db" | "database" | "tx" | "trx");
    words(text).into_iter().filter(|w| !handle(w)).collect()
}

/// Words of turning pages.
pub(super) fn pages(by: &str) -> bool {
    any(&words(by), "page pages cursor offset pagination per")
}

/// `.offset(4)`, `.skip(MAX)`, `.slice(MAX)`, `.limit(5)`.
pub(super) fn cut_of(call: &Call) -> Option<Cut> {
    let argument = |at: usize| call.arguments.get(at).map_or("", String::as_str);
    if call.receiver().is_empty() {
        return None;
    }
    match call.method() {
        "offset" | "Offset" | "skip" | "Skip" => cut(What::Surplus, argument(0), false),
        "limit" | "Limit" | "take" | "Take" => cut(What::Newest, argument(0), false),
        "slice" | "splice" | "subList" if argument(0) == "0" => {
            let to = argument(1);
            let from_end = to.starts_with('-') || any(&words(to), "length len size count");
            let what = if from_end {
                What::Surplus
            } else {
                What::Newest
            };
            cut(what, to.trim_start_matches('-'), true)
        }
        "slice" | "splice" | "subList" | "drop" | "dropLast" => {
            cut(What::Surplus, argument(0), true)
        }
        _ => None,
    }
}

/// An index of session ids that is kept in the order of sign-ins: a sorted set or a list of Redis.
pub(super) fn of_index(call: &Call) -> Option<Cut> {
    // Go hands over a context first.
    let has_context = call
        .arguments
        .first()
        .is_some_and(|first| any(&words(first), "ctx context"));
    let argument = |at: usize| {
        let at = at + usize::from(has_context);
        call.arguments.get(at).map_or("", String::as_str)
    };
    let written = [argument(1), argument(2)];
    match call.method().to_ascii_lowercase().as_str() {
        "zremrangebyrank" | "ltrim" => cut(What::Trims, written[1], false),
        "zpopmin" => cut(What::Trims, written[0], false),
        "zrange" | "zrevrange" | "lrange" if written != ["0", "-1"] => {
            let by = if written[0] == "0" {
                written[1]
            } else {
                written[0]
            };
            cut(What::Surplus, by, false)
        }
        _ => None,
    }
}

/// `user.sessions = [...user.sessions, one].slice(-5)`: the list keeps its end.
pub(super) fn keeps_end(call: &Call) -> bool {
    let list = words(call.into.rsplit('.').next().unwrap_or(""));
    let from_end = call.arguments.first().is_some_and(|a| a.starts_with('-'));
    matches!(call.method(), "slice" | "last" | "takeLast")
        && from_end
        && call.into.contains('.')
        && (v::names_sessions(&list) || list == ["refreshtokens"])
}

/// Does the call end something, or have each of a list end itself: `each(&:destroy)`?
pub(super) fn ends(call: &Call) -> bool {
    let method = words(call.method());
    let hands_on = matches!(
        call.method(),
        "each" | "map" | "forEach" | "find_each" | "ForEach"
    ) && call
        .texts
        .iter()
        .any(|t| t.len() < 20 && v::is_ending(&words(t)));
    let marks = any(&method, "update updateall updatemany set")
        && any(
            &words(&call.names),
            "revoked revokedat ended endedat invalidated expired",
        );
    let of_browser = any(&words(call.receiver()), "cookie cookies header headers");
    (v::is_ending(&method) || hands_on || marks) && !of_browser
}

/// Is something excepted by this name: `whereNotIn('id', keep)`, `exclude(pk__in=keep)`?
pub(super) fn is_sparing(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().replace('_', "").as_str(),
        "not" | "notin" | "nin" | "exclude" | "wherenotin" | "wherenot" | "except" | "notinarray"
    )
}

/// Does the call except something, itself or in what it is chained to?
pub(super) fn spares(call: &Call) -> bool {
    let path = call.path.split('.').map(|part| part.trim_end_matches("()"));
    path.chain(call.names.split(' ')).any(is_sparing)
}

/// One statement that ends all sessions of a user but the newest: by an offset, by a list of those
/// that stay, or by their rank.
pub(super) fn keeps_newest(sql: &str) -> bool {
    let ends = sql_on_sessions(sql, "delete from") || sql_on_sessions(sql, "update ");
    let chooses = sql.contains("(select") || sql.contains("( select");
    let by_offset = sql
        .split(" offset ")
        .nth(1)
        .is_some_and(|rest| !rest.starts_with("0 ") && !rest.starts_with("0)"));
    let by_list = sql.contains("not in (") && sql.contains(" limit ");
    let by_rank = sql.contains("row_number(") || sql.contains("rank(");
    ends && chooses && (by_offset || by_list || by_rank) && v::names_user(&words(sql))
}

/// A script for Redis that takes away what is beyond so many, in one step.
pub(super) fn is_script(text: &str) -> bool {
    text.contains("redis.call")
        && ["zpopmin", "zremrangebyrank", "ltrim", "zpopmax"]
            .iter()
            .any(|word| text.contains(word))
}

/// One statement that adds a session only while there are fewer than so many.
pub(super) fn inserts_below(sql: &str) -> bool {
    sql_on_sessions(sql, "insert into")
        && sql.contains("count(")
        && sql.contains('<')
        && v::names_user(&words(sql))
}
