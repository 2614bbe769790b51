//! Whether signing out deletes the key that signing in wrote.

use crate::model::Model;
use crate::primitive::{Does, Primitive};
use crate::syntax::words::{any, words};
use crate::syntax::{Call, Outline};

/// Does this ending delete from a key-value store under a key unlike any that was written?
///
/// A key that is built with a fixed beginning, `auth:` and something random, cannot equal the bare
/// token a client sent. Only that clear case counts; where either key is not to be read from the
/// code, the answer is no.
pub(crate) fn deletes_another_key(
    model: &Model<'_>,
    ending: &Primitive,
    all: &[Primitive],
) -> bool {
    let file = model.files[ending.file];
    let Some(call) = file
        .outline
        .calls
        .iter()
        .find(|c| c.line == ending.line && is_store(c) && is_delete(c))
    else {
        return false;
    };
    if !start_of_key(&file.outline, call).is_empty() {
        return false;
    }
    let mut written: Vec<String> = Vec::new();
    for (number, file) in model.files.iter().enumerate() {
        for call in file
            .outline
            .calls
            .iter()
            .filter(|c| is_store(c) && is_write(c))
        {
            let makes = model.id(number, call.function).is_some_and(|id| {
                let around = model.named_around(id);
                all.iter().any(|p| {
                    matches!(p.does, Does::Create | Does::SignToken)
                        && p.function
                            .is_some_and(|f| model.reach(around, 3).contains(&f))
                })
            });
            if makes {
                written.push(start_of_key(&file.outline, call));
            }
        }
    }
    !written.is_empty() && written.iter().all(|start| !start.is_empty())
}

fn is_store(call: &Call) -> bool {
    any(
        &words(call.receiver()),
        "redis cache client kv memcached store",
    )
}

fn is_delete(call: &Call) -> bool {
    matches!(call.method(), "del" | "delete" | "unlink" | "remove")
}

fn is_write(call: &Call) -> bool {
    matches!(call.method(), "set" | "setex" | "setEx" | "put" | "hset")
}

/// The fixed beginning of the first argument, looked up where it is a variable.
fn start_of_key(outline: &Outline, call: &Call) -> String {
    let name = call
        .arguments
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    let assigned = outline
        .assigns
        .iter()
        .filter(|a| a.target == name && a.function == call.function)
        .map(|a| a.written.as_str())
        .next_back();
    let written = match (assigned, call.texts.first()) {
        (Some(written), _) => written,
        (None, Some(text)) => text,
        (None, None) => return String::new(),
    };
    let bare = written.trim_start_matches(['f', '"', '\'', '`']);
    if assigned.is_some() && bare.len() == written.len() {
        return String::new();
    }
    bare.chars()
        .take_while(|c| c.is_alphanumeric() || ":_-.".contains(*c))
        .collect()
}
