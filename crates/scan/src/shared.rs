//! State that callers share: identity in a variable of the module, sessions in one process.

mod identity;
mod slot;

use crate::fact::{Fact, Kind};
use crate::model::Model;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// Facts about state that outlives a request.
pub(crate) fn facts(model: &Model<'_>) -> Vec<Fact> {
    let mut out = Vec::new();
    for (number, file) in model.files.iter().enumerate() {
        let outline = &file.outline;
        if model.is_client(number) {
            continue;
        }
        let fact = |kind, line, scope: &str, note: String| Fact {
            scope: scope.to_owned(),
            ..Fact::likely(kind, &file.path, line, note)
        };
        for assign in outline
            .assigns
            .iter()
            .chain(&outline.pairs)
            .filter(|a| a.function.is_none())
        {
            let list = words(&assign.target);
            let holds = v::names_session_loosely(&list)
                && (v::names_sessions(&list)
                    || any(&list, "map cache store table registry by list"))
                || any(&list, "token tokens blacklist denylist revoked")
                    && any(
                        &list,
                        "map cache tokens blacklist denylist blacklisted revoked",
                    );
            let bare = assign.written.trim();
            let is_map = bare == "{}"
                || bare == "[]"
                || bare == "dict()"
                || bare == "set()"
                || bare.starts_with("new Map")
                || bare.starts_with("new Set")
                || bare.starts_with("make(map[")
                || bare.starts_with("new ConcurrentHashMap")
                || bare.starts_with("new HashMap")
                || bare.starts_with("map[string]") && bare.ends_with("{}")
                || bare.starts_with("new ConcurrentDictionary");
            if holds && is_map {
                out.push(fact(
                    Kind::StoreLocal,
                    assign.line,
                    &assign.target,
                    format!("{} is kept in the memory of one process", assign.target),
                ));
            }
        }
    }
    out.extend(identity::facts(model));
    out
}
