//! Bounds on how many sessions a user has: their number is compared, or all but the newest end.

mod compare;
mod cut;

use super::Does;
use crate::model::{Id, Model, Parsed};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call};
use crate::vocabulary as v;

use compare::is_bound;
use cut::{
    Cut, What, asked, constants, cut_of, ends, inserts_below, is_query_of_sessions, is_script,
    keeps_end, keeps_newest, of_index, one_line, pages,
};

/// A line that bounds, and what is to be seen there.
pub(super) struct Bound {
    pub(super) does: Does,
    pub(super) line: u32,
    pub(super) function: Option<Id>,
    pub(super) note: String,
}

/// Everything in a file that bounds the sessions of a user.
pub(super) fn of_file(model: &Model<'_>, number: usize, file: &Parsed) -> Vec<Bound> {
    let seen = Seen {
        model,
        number,
        file,
        constants: constants(file),
    };
    let mut out: Vec<Bound> = Vec::new();
    for compare in &file.outline.compares {
        let function = model.id(number, compare.function);
        if is_bound(model, file, compare, function) || seen.compares_count(compare) {
            out.push(Bound {
                does: Does::Bound,
                line: compare.line,
                function,
                note: format!("{} {} {}", compare.left, compare.operator, compare.right),
            });
        }
    }
    out.extend(seen.file.outline.calls.iter().filter_map(|c| seen.call(c)));
    out.extend(seen.file.outline.pairs.iter().filter_map(|p| seen.pair(p)));
    out
}
/// A file whose calls are asked what they keep and what they end.
struct Seen<'m, 'a> {
    model: &'m Model<'a>,
    number: usize,
    file: &'m Parsed,
    constants: Vec<(&'m str, String)>,
}

impl Seen<'_, '_> {
    fn bound(&self, call: &Call, line: u32, note: String) -> Bound {
        Bound {
            does: Does::Trim,
            line,
            function: self.model.id(self.number, call.function),
            note,
        }
    }

    fn call(&self, call: &Call) -> Option<Bound> {
        let statement = self.statement(call);
        let by_script = is_script(&statement) && {
            let short = call.texts.iter().filter(|t| t.len() < 60);
            v::names_session(&short.flat_map(|t| words(t)).collect::<Vec<_>>())
        };
        if by_script || keeps_newest(&statement) || inserts_below(&statement) {
            return Some(self.bound(call, call.line, format!("{} keeps the newest", call.path)));
        }
        if keeps_end(call) {
            let by = call
                .arguments
                .first()
                .map_or("", |a| a.trim_start_matches('-'));
            return Some(self.bound(call, call.line, format!("{} {by}", call.into)));
        }
        let cut = cut_of(call).or_else(|| of_index(call))?;
        let about = self.is_about_sessions(call, &cut);
        let note = format!("{} {}", call.path, cut.by);
        let trims = about
            && match cut.what {
                What::Trims => true,
                // `user.sessions = user.sessions.slice(-5)`
                What::Surplus if call.into == call.receiver() => true,
                What::Surplus => self.ends_after(call, |_| true),
                What::Newest => self.ends_after(call, |end| self.spares(end)),
            };
        let said = format!("{statement} {} {}", call.names, call.texts.join(" "));
        (trims && self.is_of_user(call.function, &said)).then(|| self.bound(call, call.line, note))
    }

    /// `findMany({ …, skip: MAX })`, and `$push: { sessions: { $each: […], $slice: -5 } }`.
    fn pair(&self, pair: &Assign) -> Option<Bound> {
        let call = self.file.outline.calls.get(pair.holder?)?;
        let by = pair.written.trim_end_matches(',');
        if by == "0" || by.is_empty() {
            return None;
        }
        let note = format!("{} {}: {by}", call.path, pair.target);
        let trims = match pair.target.as_str() {
            "skip" | "offset" => {
                !pages(&pair.names)
                    && v::names_session(&asked(&call.path))
                    && self.is_of_user(call.function, &call.names)
                    && self.ends_after(call, |_| true)
            }
            "slice" => self.is_list_of_sessions(pair),
            _ => false,
        };
        trims.then(|| self.bound(call, pair.line, note))
    }

    /// Does the `$slice` stand in a list of sessions? What it stands in comes before it and has it
    /// in its own value.
    fn is_list_of_sessions(&self, slice: &Assign) -> bool {
        let pairs = &self.file.outline.pairs;
        let at = pairs.iter().position(|p| std::ptr::eq(p, slice));
        let around = pairs[..at.unwrap_or(0)]
            .iter()
            .rev()
            .take_while(|p| p.holder == slice.holder)
            .find(|p| p.written.contains("$slice"));
        around.is_some_and(|p| {
            let list = words(p.target.rsplit('.').next().unwrap_or(""));
            v::names_sessions(&list) || matches!(list.concat().as_str(), "tokens" | "refreshtokens")
        })
    }

    /// What the call says to a database, whether it stands there or in a constant.
    fn statement(&self, call: &Call) -> String {
        let mut out = one_line(call.texts.iter().filter(|t| t.contains(' ')));
        for (name, text) in &self.constants {
            if call.names.split(' ').any(|n| n == *name) {
                out.push_str(text);
            }
        }
        out
    }

    /// Are these several sessions, by their own name or by what the variable was filled with?
    fn is_about_sessions(&self, call: &Call, cut: &Cut) -> bool {
        let texts = call.texts.iter().filter(|t| t.len() < 60);
        let mut list = asked(call.receiver());
        if cut.needs_plural {
            let holder = call.receiver().rsplit('.').next().unwrap_or("");
            return v::names_sessions(&words(holder))
                || is_query_of_sessions(&list)
                || self.holds_sessions(call, call.receiver());
        }
        // `order(…).offset(…)` in the model of a session says no more than its class does.
        if call
            .receiver()
            .starts_with(|c: char| c.is_ascii_lowercase())
            && call.receiver().split('.').all(|part| part.ends_with("()"))
            && let Some(id) = self.model.id(self.number, call.function)
        {
            list.extend(words(&self.model.function(id).class));
        }
        list.extend(texts.flat_map(|t| words(t)));
        // The key of an index comes first, or behind a context.
        let keys = || call.arguments.iter().take(2);
        list.extend(keys().flat_map(|key| words(key)));
        v::names_session(&list)
            || self.holds_sessions(call, call.receiver())
            || keys().any(|name| self.holds_sessions(call, name))
    }

    /// Was the variable at the head of this path filled with sessions, or with the key of a list of
    /// them?
    fn holds_sessions(&self, call: &Call, path: &str) -> bool {
        self.filled(call.function, path).any(|value| {
            let list = asked(value);
            v::names_sessions(&list) || is_query_of_sessions(&list)
        })
    }

    /// What is assigned to a variable in the function at hand or around it.
    fn filled<'s>(
        &'s self,
        function: Option<usize>,
        path: &'s str,
    ) -> impl Iterator<Item = &'s str> {
        let name = path.split('.').next().unwrap_or("");
        let around = self
            .model
            .id(self.number, function)
            .map(|id| self.model.function(self.model.named_around(id)));
        let within = move |line: u32| around.is_some_and(|f| f.line <= line && line <= f.end_line);
        self.file
            .outline
            .assigns
            .iter()
            .filter(move |a| !name.is_empty() && a.target == name && within(a.line))
            .map(|a| a.written.as_str())
    }

    /// Does the way name whose sessions these are? A bound for all users together is none for one,
    /// unless its name says so.
    fn is_of_user(&self, function: Option<usize>, said: &str) -> bool {
        let Some(id) = self.model.id(self.number, function) else {
            return false;
        };
        let near = self.model.near(id);
        let around = self.model.function(self.model.named_around(id));
        let said = words(said);
        !v::is_logout(&near)
            && (v::names_user(&said)
                || any(&said, "max limit") && v::names_session_loosely(&said)
                || v::names_user(&words(&around.names))
                || v::names_user(&words(&self.model.function(id).names))
                || v::is_login_strictly(&near))
    }

    /// Does something end after the call, in the same function?
    fn ends_after(&self, call: &Call, is_meant: impl Fn(&Call) -> bool) -> bool {
        let Some(id) = self.model.id(self.number, call.function) else {
            return false;
        };
        let around = self.model.named_around(id);
        self.model
            .calls_in(around)
            .any(|c| c.line >= call.line && ends(c) && is_meant(c))
    }

    /// Is what is to stay excepted from the ending: `whereNotIn('id', keep)`, `exclude(pk__in=keep)`?
    fn spares(&self, end: &Call) -> bool {
        let spares = |name: &str| {
            matches!(
                name.to_ascii_lowercase().replace('_', "").as_str(),
                "not"
                    | "notin"
                    | "nin"
                    | "exclude"
                    | "wherenotin"
                    | "wherenot"
                    | "except"
                    | "notinarray"
            )
        };
        let by_pair = self
            .file
            .outline
            .pairs
            .iter()
            .any(|p| (end.line..=end.end_line).contains(&p.line) && spares(&p.target));
        let mut names = end.path.split(['.', '(']).chain(end.names.split(' '));
        // What is chained to it says so in its own arguments.
        let beside = self.file.outline.calls.iter().any(|c| {
            c.function == end.function
                && c.line.abs_diff(end.line) <= 2
                && c.path
                    .split('.')
                    .map(|part| part.trim_end_matches("()"))
                    .chain(c.names.split(' '))
                    .any(spares)
        });
        by_pair || names.any(spares) || beside
    }
}
