//! The id that identity is kept under: born here, or brought by the caller?

use super::shape::keeps_id;
use crate::model::{Id, Model, Parsed};
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// How often a variable is followed to the one it was filled from.
const STEPS: usize = 3;

/// How many assignments of a file are looked through.
const ASSIGNS_MAX: usize = 4_000;

/// Is identity written into a session whose id was there before?
///
/// A map of all sessions has an entry for each id, so there it depends on the key.
pub(super) fn is_kept(
    model: &Model<'_>,
    file: &Parsed,
    function: Option<Id>,
    path: &str,
    key: &str,
) -> bool {
    let holder = path.rsplit_once('.').map_or("", |(holder, _)| holder);
    let holder = holder.rsplit('.').next().unwrap_or("");
    let is_map = v::names_sessions(&words(holder));
    keeps_id(path) && (!is_map || comes_from_caller(model, file, function, key, STEPS))
}

/// Is a variable among these names filled from a cookie, a header or the session at hand?
fn comes_from_caller(
    model: &Model<'_>,
    file: &Parsed,
    function: Option<Id>,
    names: &str,
    steps: usize,
) -> bool {
    let list = words(names);
    // A file of more assignments than anybody writes is believed by its names alone.
    let steps = if file.outline.assigns.len() > ASSIGNS_MAX {
        0
    } else {
        steps
    };
    let is_brought = any(&list, "cookie cookies header headers")
        || any(&list, "req request ctx context") && any(&list, "session sessionid sid");
    if is_brought || steps == 0 {
        return is_brought;
    }
    let around = function.map(|id| model.function(model.named_around(id)));
    let within = |line: u32| around.is_none_or(|f| (f.line..=f.end_line).contains(&line));
    file.outline
        .assigns
        .iter()
        .filter(|a| within(a.line) && names.split(' ').any(|name| name == a.target))
        .any(|a| {
            comes_from_caller(
                model,
                file,
                function,
                &a.written.replace(['(', '.', '['], " "),
                steps - 1,
            )
        })
}
