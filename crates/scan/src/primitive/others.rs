//! Ending one session after another and sparing the present one is ending the others.

use super::{Does, Primitive};
use crate::model::{Id, Model};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Compare};

/// Gives each ending in a function that spares the present session its name.
pub(crate) fn widen(model: &Model<'_>, primitives: &mut [Primitive]) {
    let ends_some = |p: &&mut Primitive| matches!(p.does, Does::EndOne | Does::EndAll);
    for primitive in primitives.iter_mut().filter(ends_some) {
        let function = primitive.function.map(|id| model.named_around(id));
        if function.is_some_and(|id| spares_the_present(model, id)) {
            primitive.does = Does::EndOthers;
        }
    }
}

/// Is a session's id compared with that of the present one here, as a value or in a query?
fn spares_the_present(model: &Model<'_>, id: Id) -> bool {
    let function = model.function(id);
    let outline = &model.file_of(id).outline;
    let within = |line: u32| (function.line..=function.end_line).contains(&line);
    let by_value = outline
        .compares
        .iter()
        .any(|c| within(c.line) && excepts(c));
    let by_query = || {
        outline.pairs.iter().any(|pair| {
            within(pair.line) && is_exception(&pair.target) && is_present_id(&written(pair))
        })
    };
    let by_call = || {
        model.calls_in(id).any(|call| {
            let by_method = is_exception(call.method());
            let by_sign = call.texts.iter().any(|t| matches!(t.as_str(), "!=" | "<>"));
            // `where.not(id: Current.session.id)`: the last argument is the value.
            let value = call.arguments.last().map_or("", String::as_str);
            (by_method || by_sign) && is_present_id(&value.replace(' ', "."))
        })
    };
    by_value || by_query() || by_call()
}

/// The value of a pair, without what closes around it.
fn written(pair: &Assign) -> String {
    let end = |c: char| matches!(c, '}' | ')' | ',' | ';') || c.is_whitespace();
    pair.written.trim_end_matches(end).to_owned()
}

/// Words by which queries leave something out.
fn is_exception(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().replace('_', "").as_str(),
        "not" | "ne" | "neq" | "wherenot" | "exclude" | "notequals" | "isnot" | "noteq" | "reject"
    )
}

/// Do both sides stand for a session by its id, and one of them for the present one?
fn excepts(compare: &Compare) -> bool {
    let equals = matches!(compare.operator.as_str(), "==" | "===" | "!=" | "!==");
    let (left, right) = (&compare.left, &compare.right);
    equals
        && is_id(&words(left))
        && is_id(&words(right))
        && (is_present_id(left) || is_present_id(right))
}

fn is_id(list: &[String]) -> bool {
    let of_others = "user account owner email member customer subject body param params query csrf";
    let plain = list.len() == 1 && any(list, "current present");
    (plain
        || any(
            list,
            "id sid key token hash pk uuid sessionid sessionkey jti handle digest",
        ))
        && !any(list, of_others)
}

/// `req.sessionID`, `session.getId()`, `current`, `request.session.session_key`, `keepId`.
fn is_present_id(text: &str) -> bool {
    let list = words(text);
    let head = text.split('.').next().unwrap_or("");
    let head_is_session = text.contains('.')
        && matches!(
            head.to_ascii_lowercase().as_str(),
            "session" | "sess" | "httpsession"
        );
    let of_request = any(&list, "req request ctx context") && any(&list, "session sid sessionid");
    is_id(&list)
        && (head_is_session || of_request || any(&list, "current present own keep kept this"))
}
