//! Who asks for the owner of what is ended, and who only says their name.
//!
//! Nearly every way in names the signed-in user: in a log, in the answer, in a parameter nobody
//! reads. The owner is asked where they stand in a condition on the session: in what ends it, in
//! what reads it before, in a comparison, or in front of both (`user.sessions.find(id)`).

use super::Tracer;
use crate::model::Id;
use crate::primitive::Does;
use crate::syntax::words::{any, words};
use crate::syntax::{Call, Compare, Language};
use crate::vocabulary as v;

/// How far a check of the owner may be from the way in.
const NEAR: usize = 3;
/// Names of whose a session is.
const OWNERS: &str = "user userid uid account accountid member customer principal subject sub identity username admin person email me player student employee patient operator";
/// Names of the check itself.
const CHECKS: &str =
    "owner owns owned ownership permission permitted policy can ability forbidden authorize";
/// Calls that say something to somebody and ask nothing.
const ANSWERS: &str = "redirect route view render flash message messages reverse notice with log logger logging audit track console print json status notify publish emit info warn debug error";
/// Methods of a class, or of its parent's, that choose what its views may touch.
const CHOOSING: [&str; 6] = [
    "get_queryset",
    "get_object",
    "test_func",
    "has_permission",
    "has_object_permission",
    "queryset",
];

/// What a way in does about the owner of the session that it ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Owner {
    /// A condition names them.
    Asked,
    /// They are named, and in no condition that was understood.
    Named,
    /// They are named in what is said or handed on for nothing, or not at all.
    Unasked,
}

impl Tracer<'_, '_> {
    /// Is the owner asked where this ends a session by an id the caller names?
    pub(super) fn owner(&self, id: Id) -> Owner {
        let way = self.on_the_way(id);
        if self.guards_ask(id) || way.iter().any(|f| self.asks(*f, &way)) {
            Owner::Asked
        } else if way.iter().any(|f| self.names_owner(*f, &way)) || self.is_asked_beyond(id, &way) {
            Owner::Named
        } else {
            Owner::Unasked
        }
    }

    /// Does anything that this leads to ask for an owner?
    pub(super) fn owner_is_asked(&self, id: Id) -> bool {
        self.is_asked_beyond(id, &self.on_the_way(id))
    }

    /// The same, with those who only find out who is calling.
    fn is_asked_beyond(&self, id: Id, way: &[Id]) -> bool {
        let reached = self.model.reach(id, NEAR);
        reached.iter().any(|f| self.asks(*f, way))
    }

    /// The function, what its class chooses by, and what it calls to end the session or to ask
    /// about it. Who only finds out who is calling is left out: that names a user and asks nothing.
    fn on_the_way(&self, id: Id) -> Vec<Id> {
        let mut way = vec![id];
        way.extend(self.choosing(id));
        let ends = |f: &Id| {
            let found = self.by_function.get(f);
            found.is_some_and(|all| {
                all.iter()
                    .any(|p| matches!(p.does, Does::EndOne | Does::EndAll | Does::EndOfDevice))
            })
        };
        let mut at = 0;
        let mut end = way.len();
        for _ in 0..NEAR {
            while at < end {
                let from = way[at];
                at += 1;
                for callee in self.model.reach(from, 1) {
                    let name = &self.model.function(callee).name;
                    let is_told = || {
                        let mut calls = self.model.calls_in(from);
                        calls.any(|c| {
                            c.method() == name
                                && (self.names_id(c, id) || c.names.split(' ').any(is_owner))
                                || c.receiver().ends_with(&format!("{name}()"))
                        })
                    };
                    let is_bare = self.model.file_of(callee).language == Language::Ruby
                        && v::names_session_loosely(&words(name));
                    let leads = || self.model.reach(callee, NEAR).iter().any(ends);
                    if !way.contains(&callee)
                        && (name.is_empty() || is_bare || is_told() || leads())
                    {
                        way.push(callee);
                    }
                }
            }
            end = way.len();
        }
        way
    }

    /// What a class of views chooses by: `get_queryset`, and what runs before an action.
    fn choosing(&self, id: Id) -> Vec<Id> {
        let function = self.model.function(id);
        let file = self.model.file_of(id);
        let runs_before = |name: &str| {
            file.language == Language::Ruby
                && file.outline.calls.iter().any(|call| {
                    call.path == "before_action" && call.texts.iter().any(|text| text == name)
                })
        };
        self.model
            .ids_beside(id)
            .filter(|other| {
                let beside = self.model.function(*other);
                *other != id
                    && !function.class.is_empty()
                    && beside.class == function.class
                    && (CHOOSING.contains(&beside.name.as_str()) || runs_before(&beside.name))
            })
            .collect()
    }

    /// Does what stands before the way in ask: `can:delete,session`, `requireOwner`?
    fn guards_ask(&self, id: Id) -> bool {
        const ASKING: &str = "owner owns own owned ownership policy can ability";
        let annotations = &self.model.function(id).annotations;
        let guards = self.model.routes(id).iter().map(|r| &r.guards);
        guards.chain(annotations).any(|g| any(&words(g), ASKING))
    }

    /// Does a condition of this function name the owner? Calls of what is on the `way` ask there.
    fn asks(&self, id: Id, way: &[Id]) -> bool {
        let function = self.model.function(id);
        let file = self.model.file_of(id);
        let chooses = CHOOSING.contains(&function.name.as_str());
        let within = |line: u32| (function.line..=function.end_line).contains(&line);
        let checks = |name: &str| any(&words(name), CHECKS);
        function.names.split(' ').any(checks)
            || file
                .outline
                .compares
                .iter()
                .any(|c| within(c.line) && compares_owner(c))
            || self.model.calls_in(id).any(|call| {
                !answers(call)
                    && (is_of_owner(call)
                        || !self.is_on(call, way)
                            && (chooses || self.is_about(call, id))
                            && self.has_owner(call, id))
            })
    }

    /// Is the owner named where it might be a question?
    fn names_owner(&self, id: Id, way: &[Id]) -> bool {
        let function = self.model.function(id);
        let calls: Vec<&Call> = self.model.calls_in(id).collect();
        let is_said = |name: &str| {
            let held = |names: &str| names.split(' ').any(|n| n == name);
            let (said, rest): (Vec<&Call>, Vec<&Call>) = calls
                .iter()
                .filter(|c| held(&c.names))
                .partition(|c| answers(c) || self.is_on(c, way));
            !said.is_empty() && rest.is_empty() || held(&function.parameters)
        };
        function
            .names
            .split(' ')
            .any(|name| is_owner(name) && !is_said(name))
    }

    /// Is this a call of a function that is looked into by itself?
    fn is_on(&self, call: &Call, way: &[Id]) -> bool {
        way.iter().any(|f| {
            let function = self.model.function(*f);
            function.name == call.method() && self.model.calls_in(*f).next().is_some()
        })
    }

    /// Is the call about the session that is ended?
    fn is_about(&self, call: &Call, id: Id) -> bool {
        let names = [call.path.as_str(), &call.names].into_iter();
        let texts = call.texts.iter().map(String::as_str);
        names
            .chain(texts)
            .any(|n| v::names_session_loosely(&words(n)))
            || self.names_id(call, id)
    }

    /// Is the call given an id that is nobody's own?
    fn names_id(&self, call: &Call, id: Id) -> bool {
        let routes = self.model.routes(id);
        call.names.split(' ').any(|name| {
            let list = words(name);
            let is_id = list
                .last()
                .is_some_and(|last| matches!(last.as_str(), "id" | "pk" | "params"));
            let is_named = || {
                routes.iter().any(|r| {
                    let mut parts = r.path.split(['/', ':', '{', '}', '<', '>', '[', ']']);
                    parts.any(|part| part == name)
                })
            };
            !is_owner(name) && (is_id || is_named())
        })
    }

    /// Does a condition that the call hands over name the owner?
    fn has_owner(&self, call: &Call, id: Id) -> bool {
        let file = self.model.file_of(id);
        // `include: { user: true }` reads the owner along, and asks nothing.
        let read_along = |name: &str| {
            file.outline.pairs.iter().any(|pair| {
                (call.line..=call.end_line).contains(&pair.line)
                    && pair.target.rsplit('.').next() == Some(name)
                    && ["true", "{ select", "{ include"]
                        .iter()
                        .any(|start| pair.written.starts_with(start))
            })
        };
        let brings_along = any(
            &words(call.method()),
            "populate include joinedload selectinload preload",
        );
        !brings_along
            && (is_owner(call.method())
                || call.names.split(' ').any(|n| is_owner(n) && !read_along(n))
                || call.texts.iter().any(|text| {
                    is_condition(text)
                        && condition(text)
                            .split([' ', '=', ',', '(', ')', '.'])
                            .any(is_owner)
                }))
    }
}

/// Does the name say whose something is? `userSession` says what it is.
fn is_owner(name: &str) -> bool {
    let list = words(name);
    !v::names_session_loosely(&list) && any(&list, OWNERS)
}

/// Does the call only say something?
fn answers(call: &Call) -> bool {
    let holder = words(call.receiver().rsplit('.').next().unwrap_or(""));
    any(&words(call.method()), ANSWERS)
        || any(&holder, ANSWERS) && !v::is_ending(&words(call.method()))
}

/// Does it stand on what belongs to somebody: `user.sessions.find(id)`, `me().devices()`?
fn is_of_owner(call: &Call) -> bool {
    let parts: Vec<Vec<String>> = call.path.split('.').map(words).collect();
    let is_one = |list: &Vec<String>| {
        list.last()
            .is_some_and(|last| OWNERS.split(' ').any(|owner| owner == last))
            && !v::names_session_loosely(list)
    };
    let owner = parts.iter().position(is_one);
    owner.is_some_and(|at| {
        parts[at + 1..]
            .iter()
            .any(|part| v::names_session_loosely(part) || any(part, "login device token"))
    })
}

/// Is the owner, or what they may do, compared with something that has a name?
fn compares_owner(compare: &Compare) -> bool {
    let is_nothing = |side: &str| {
        matches!(side, "nil" | "null" | "None" | "undefined" | "0" | "")
            || side.starts_with(['"', '\'', '`'])
    };
    let sides = [compare.left.as_str(), &compare.right];
    let named = |side: &str| {
        side.split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(is_owner)
    };
    let is_role = |side: &str| any(&words(side), "role rank admin staff");
    sides.iter().any(|side| is_role(side))
        || sides.iter().any(|side| named(side)) && !sides.iter().any(|side| is_nothing(side))
}

/// May the string be a column or a condition of a query, and no sentence, view or path?
fn is_condition(text: &str) -> bool {
    let has = |signs: &[char]| text.contains(signs);
    is_query(text) || has(&['=', '?', '$']) || !has(&[' ', '/', '.'])
}

fn is_query(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["select ", "update ", "delete ", "insert ", "where "]
        .iter()
        .any(|verb| lower.contains(verb))
}

/// The part of a query that chooses rows; the whole of what is no query.
fn condition(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    if !is_query(text) {
        return text.to_owned();
    }
    let chosen = lower.split_once("where ").map_or("", |(_, after)| after);
    chosen.split("returning ").next().unwrap_or("").to_owned()
}
