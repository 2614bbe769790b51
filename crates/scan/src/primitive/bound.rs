//! Bounds on how many sessions a user has: their number is compared, or all but the newest end.

mod compare;
mod cut;

use std::cell::RefCell;
use std::collections::HashMap;

use super::Does;
use crate::model::{Id, Model, Parsed};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call};
use crate::vocabulary as v;

use compare::is_bound;
use cut::{
    Cut, What, asked, constants, cut_of, ends, inserts_below, is_query_of_sessions, is_script,
    is_sparing, keeps_end, keeps_newest, of_index, one_line, pages, spares,
};

/// How many calls of a file that fill a variable are asked about each comparison.
const SCANS_MAX: usize = 500;

/// A line that bounds, and what is to be seen there.
pub(super) struct Bound {
    pub(super) does: Does,
    pub(super) line: u32,
    pub(super) function: Option<Id>,
    pub(super) note: String,
}

/// Everything in a file that bounds the sessions of a user.
pub(super) fn of_file(model: &Model<'_>, number: usize, file: &Parsed) -> Vec<Bound> {
    let outline = &file.outline;
    let mut by_target: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, assign) in outline.assigns.iter().enumerate() {
        by_target.entry(&assign.target).or_default().push(index);
    }
    let ending = outline.calls.iter().filter(|call| ends(call));
    let mut endings: Vec<u32> = ending.map(|call| call.line).collect();
    let sparing = outline.calls.iter().filter(|call| spares(call));
    let excepted = outline.pairs.iter().filter(|pair| is_sparing(&pair.target));
    let mut sparings: Vec<u32> = sparing
        .map(|call| call.line)
        .chain(excepted.map(|pair| pair.line))
        .collect();
    endings.sort_unstable();
    sparings.sort_unstable();
    let calls = outline.calls.iter().enumerate();
    let scans =
        calls.filter(|(_, c)| matches!(c.method(), "Scan" | "Get" | "Count" | "GetContext"));
    let seen = Seen {
        model,
        number,
        file,
        constants: constants(file),
        by_target,
        endings,
        sparings,
        scans: scans.map(|(index, _)| index).take(SCANS_MAX).collect(),
        users: RefCell::default(),
    };
    let mut out: Vec<Bound> = Vec::new();
    for compare in model.in_time(&file.outline.compares) {
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
    let calls = model.in_time(&file.outline.calls);
    out.extend(calls.filter_map(|c| seen.call(c)));
    let pairs = model.in_time(&file.outline.pairs);
    out.extend(pairs.filter_map(|p| seen.pair(p)));
    out
}
/// A file whose calls are asked what they keep and what they end.
struct Seen<'m, 'a> {
    model: &'m Model<'a>,
    number: usize,
    file: &'m Parsed,
    constants: Vec<(&'m str, String)>,
    /// What is assigned, by its name: a file of many cuts asks often.
    by_target: HashMap<&'m str, Vec<usize>>,
    /// Lines on which something ends, and lines that except something, in order.
    endings: Vec<u32>,
    sparings: Vec<u32>,
    /// Calls by which Go hands over where a number goes.
    scans: Vec<usize>,
    /// Whether a function names a user, where that was asked.
    users: RefCell<HashMap<Id, bool>>,
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
                What::Surplus => self.ends_after(call, false),
                What::Newest => self.ends_after(call, true),
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
                    && self.ends_after(call, false)
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
        let named = self.by_target.get(name).map_or(&[][..], Vec::as_slice);
        let assigns = &self.file.outline.assigns;
        named
            .iter()
            .map(|index| &assigns[*index])
            .filter(move |a| within(a.line))
            .map(|a| a.written.as_str())
    }

    /// Does the way name whose sessions these are? A bound for all users together is none for one,
    /// unless its name says so.
    fn is_of_user(&self, function: Option<usize>, said: &str) -> bool {
        let Some(id) = self.model.id(self.number, function) else {
            return false;
        };
        let near = self.model.near(id);
        let said = words(said);
        let names_user = || {
            let known = self.users.borrow().get(&id).copied();
            known.unwrap_or_else(|| {
                let around = self.model.function(self.model.named_around(id));
                let own = self.model.function(id);
                let names_user =
                    v::names_user(&words(&around.names)) || v::names_user(&words(&own.names));
                self.users.borrow_mut().insert(id, names_user);
                names_user
            })
        };
        !v::is_logout(&near)
            && (v::names_user(&said)
                || any(&said, "max limit") && v::names_session_loosely(&said)
                || v::is_login_strictly(&near)
                || names_user())
    }

    /// Does something end after the call, in the same function? Where the call has those in hand
    /// that stay, they have to be excepted there.
    fn ends_after(&self, call: &Call, sparing: bool) -> bool {
        /// Endings that one cut is held against.
        const ENDINGS_MAX: usize = 64;
        let Some(id) = self.model.id(self.number, call.function) else {
            return false;
        };
        let last = self.model.function(self.model.named_around(id)).end_line;
        let from = self.endings.partition_point(|line| *line < call.line);
        let spared = |line: u32| {
            let near = self.sparings.partition_point(|at| at + 2 < line);
            self.sparings.get(near).is_some_and(|at| *at <= line + 2)
        };
        self.endings[from..]
            .iter()
            .take(ENDINGS_MAX)
            .take_while(|line| **line <= last)
            .any(|line| !sparing || spared(*line))
    }
}
