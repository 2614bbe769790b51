//! The number of a user's sessions, compared with how many there may be.

use super::super::scope::sql_on_sessions;
use super::Seen;
use super::cut::{asked, one_line};
use crate::model::{Id, Model, Parsed};
use crate::syntax::Compare;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// A comparison of how many sessions there are with how many there may be.
pub(super) fn is_bound(
    model: &Model<'_>,
    file: &Parsed,
    compare: &Compare,
    function: Option<Id>,
) -> bool {
    let (left, right) = (words(&compare.left), words(&compare.right));
    let names_max = |list: &[String]| {
        any(
            list,
            "max maximum limit allowed concurrent maxsession maxsessions quota",
        ) && v::names_session_loosely(list)
            && !any(
                list,
                "age time timeout size bytes length len idle duration ttl lifetime second minute hour expiry expires attempt retries",
            )
    };
    let counts = |text: &str, list: &[String]| {
        (v::names_sessions(list)
            || any(list, "sessioncount sessionscount")
            || any(list, "count") && v::names_session(list))
            && is_count(text)
    };
    let by_name = is_ordered(compare)
        && (names_max(&left) || names_max(&right))
        && !is_nothing(&compare.left)
        && !is_nothing(&compare.right);
    let by_count = is_ordered(compare)
        && (counts(&compare.left, &left) && !is_nothing(&compare.right)
            || counts(&compare.right, &right) && !is_nothing(&compare.left));
    if !by_name && !by_count {
        return false;
    }
    // The parts of a header are counted here, and no sessions.
    let counted = compare.left.split('.').next().unwrap_or("");
    let is_split = file.outline.assigns.iter().any(|a| {
        a.function == compare.function && a.target == counted && a.written.contains("split(")
    });
    if is_split {
        return false;
    }
    // Counting the cookies of one browser bounds accounts, not the sessions of a user.
    function.is_none_or(|id| {
        let own = &model.function(id).names;
        let all = words(own);
        !any(&all, "cookie")
            || own
                .split(' ')
                .any(|n| matches!(n, "userId" | "user_id" | "userID" | "uid"))
    })
}

fn is_ordered(compare: &Compare) -> bool {
    matches!(compare.operator.as_str(), ">" | ">=" | "<" | "<=")
}

/// A number that asks whether there are any, and bounds nothing.
fn is_nothing(text: &str) -> bool {
    matches!(text, "0" | "1" | "-1" | "null" | "undefined")
}

/// Does the expression say how many there are: `sessions.length`, `len(rows)`, `ids.count()`?
fn is_count(text: &str) -> bool {
    text.contains(".length")
        || text.contains(".size")
        || text.contains("count")
        || text.contains("Count")
        || text.starts_with("len(")
}
impl Seen<'_, '_> {
    /// A number of sessions that went through a variable: `n >= 5` after `SELECT count(*)`.
    pub(super) fn compares_count(&self, compare: &Compare) -> bool {
        let is_of_sessions = |text: &str, list: &[String]| {
            v::names_session(list)
                && (text.contains("count") || is_count(text) || v::is_listing(list))
        };
        let counted = |side: &str, other: &str| {
            let is_plain = side.chars().all(|c| c.is_alphanumeric() || c == '_');
            if is_nothing(other) || !is_plain && !is_count(side) {
                return false;
            }
            let inside = side
                .strip_prefix("len(")
                .or_else(|| side.strip_prefix("count("))
                .map_or(side, |rest| rest.trim_end_matches(')'));
            let name = inside
                .trim_start_matches('$')
                .split('.')
                .next()
                .unwrap_or("");
            let by_value = self.filled(compare.function, name).any(|value| {
                let value = value.to_ascii_lowercase();
                let mut list = asked(&value);
                // `this.repository.find(…)` in a service of sessions.
                if any(&list, "repository repo model dao collection") {
                    let id = self.model.id(self.number, compare.function);
                    list.extend(
                        id.map(|id| words(&self.model.function(id).class))
                            .unwrap_or_default(),
                    );
                }
                is_of_sessions(&value, &list)
                    && (!is_plain || value.contains("count"))
                    && !any(&list, "attempt failure limiter")
            });
            // Go hands over where the number goes: `QueryRow("SELECT count(*) …").Scan(&n)`.
            let by_scan = is_plain
                && self.scans.iter().any(|index| {
                    let c = &self.file.outline.calls[*index];
                    c.function == compare.function && c.names.split(' ').any(|n| n == name) && {
                        let said = one_line(c.texts.iter());
                        said.contains("count(") && sql_on_sessions(&said, "from")
                            || c.method() == "Count" && v::names_session(&words(&said))
                    }
                });
            by_value || by_scan
        };
        is_ordered(compare)
            && (counted(&compare.left, &compare.right) || counted(&compare.right, &compare.left))
            && self.is_of_user(compare.function, "")
    }
}
