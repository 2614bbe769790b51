//! Ending one session after another and sparing the present one is ending the others.

use std::collections::{HashMap, HashSet};

use super::{Does, Primitive};
use crate::model::{Id, Model};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Compare};

/// Gives each ending in a function that spares the present session its name.
pub(crate) fn widen(model: &Model<'_>, primitives: &mut [Primitive]) {
    let ends_some = |p: &&mut Primitive| matches!(p.does, Does::EndOne | Does::EndAll);
    let mut sparing: HashMap<usize, HashSet<Id>> = HashMap::new();
    for primitive in primitives.iter_mut().filter(ends_some) {
        let number = primitive.file;
        let spare = sparing
            .entry(number)
            .or_insert_with(|| spares(model, number));
        let function = primitive.function.map(|id| model.named_around(id));
        if function.is_some_and(|id| spare.contains(&id)) {
            primitive.does = Does::EndOthers;
        }
    }
}

/// The functions of a file in which a session's id is compared with that of the present one, as a
/// value or in a query.
fn spares(model: &Model<'_>, number: usize) -> HashSet<Id> {
    let outline = &model.files[number].outline;
    let by_value = outline.compares.iter().filter(|c| excepts(c));
    let by_query = outline
        .pairs
        .iter()
        .filter(|pair| is_exception(&pair.target) && is_present_id(&written(pair)));
    let by_call = outline.calls.iter().filter(|call| {
        let by_method = is_exception(call.method());
        let by_sign = call.texts.iter().any(|t| matches!(t.as_str(), "!=" | "<>"));
        // `where.not(id: Current.session.id)`: the last argument is the value.
        let value = call.arguments.last().map_or("", String::as_str);
        (by_method || by_sign) && is_present_id(&value.replace(' ', "."))
    });
    by_value
        .map(|c| c.function)
        .chain(by_query.map(|pair| pair.function))
        .chain(by_call.map(|call| call.function))
        .filter_map(|own| Some(model.named_around(model.id(number, own)?)))
        .collect()
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
