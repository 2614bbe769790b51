//! State that callers share: identity in a variable of the module, sessions in one process.

use crate::fact::{Fact, Kind};
use crate::model::Model;
use crate::syntax::Language;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// Facts about state that outlives a request.
pub(crate) fn facts(model: &Model<'_>) -> Vec<Fact> {
    let mut out = Vec::new();
    for file in &model.files {
        let outline = &file.outline;
        let lower = file.path.to_ascii_lowercase();
        if file.language == Language::Tsx
            || [
                "frontend/",
                "client/",
                "components/",
                "stores/",
                "static/",
                "public/",
            ]
            .iter()
            .any(|p| lower.contains(p))
        {
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
        identity(model, file, &fact, &mut out);
    }
    out
}

/// A variable of the module that a function fills with who is asking.
fn identity(
    model: &Model<'_>,
    file: &crate::model::Parsed,
    fact: &dyn Fn(Kind, u32, &str, String) -> Fact,
    out: &mut Vec<Fact>,
) {
    let outline = &file.outline;
    let _ = model;
    let module_level: Vec<&str> = outline
        .assigns
        .iter()
        .filter(|a| a.function.is_none() && !a.target.contains('.') && is_identity(&a.target))
        .map(|a| a.target.as_str())
        .collect();
    for assign in outline.assigns.iter().filter(|a| a.function.is_some()) {
        let bare = assign
            .target
            .trim_start_matches("global.")
            .trim_start_matches("globalThis.");
        let is_global = assign.target != bare;
        if !(module_level.contains(&bare) || is_global && is_identity(bare))
            || assign.written.is_empty()
        {
            continue;
        }
        // A `let` of the same name inside the function is the function's own.
        let own = outline.assigns.iter().any(|a| {
            a.function == assign.function && a.target == assign.target && a.line < assign.line
        });
        let from_request = any(
            &words(&assign.names),
            "req request ctx context user session token body find claims principal login",
        );
        let read_elsewhere = outline.functions.iter().enumerate().any(|(index, f)| {
            Some(index) != assign.function && f.names.split(' ').any(|n| n == bare)
        });
        if !own && from_request && read_elsewhere && file.language != Language::Python {
            out.push(fact(
                Kind::SharedState,
                assign.line,
                bare,
                format!("{bare} belongs to the module, so every caller shares it"),
            ));
        }
    }
}

fn is_identity(name: &str) -> bool {
    let list = words(name);
    any(&list, "current active logged authenticated auth")
        && any(&list, "user account session principal identity tenant")
        && !any(
            &list,
            "count service store model schema router controller client config options sessions users",
        )
}
