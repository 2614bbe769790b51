//! The code of one unit as functions that call each other.
//!
//! Calls are resolved by name, and only where the name says enough: a method called `delete`
//! resolves when its receiver names the class, never by itself.

mod client;
mod holder;

use std::collections::{HashMap, HashSet, VecDeque};

use crate::budget::Budget;
use crate::syntax::words::{any, words};
use crate::syntax::{Call, Function, Language, Outline, Route};
use client::is_client;
pub(crate) use client::runs_in_browser;

/// A file with its outline.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) path: String,
    pub(crate) language: Language,
    pub(crate) outline: Outline,
}

/// A function of the unit, by number.
pub(crate) type Id = usize;

/// How many functions of one name a call may mean.
const MEANINGS_MAX: usize = 3;

/// Names that say how a function is called and nothing else.
const GENERIC: &str = "on get post put delete patch async handle handler invoke execute run call process do perform action main index create store destroy update";

/// Methods by which a class answers a route, as Django has them.
const VIEW_METHODS: [&str; 14] = [
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "list",
    "retrieve",
    "create",
    "destroy",
    "get_queryset",
    "get_object",
    "form_valid",
    "perform_destroy",
    "dispatch",
];

/// Words that say what kind of class it is, and not which.
const KINDS: &str = "repository repo service manager model store client dao provider db database";

const COMMON: [&str; 34] = [
    "get", "set", "create", "delete", "update", "find", "save", "remove", "new", "run", "main",
    "handle", "init", "call", "execute", "add", "list", "start", "stop", "end", "clear", "close",
    "open", "read", "write", "load", "send", "index", "show", "destroy", "build", "insert",
    "query", "end",
];

#[derive(Debug)]
pub(crate) struct Model<'a> {
    pub(crate) files: Vec<&'a Parsed>,
    /// For each function: its file and its number there.
    functions: Vec<(usize, usize)>,
    /// Number of the first function of each file.
    first: Vec<usize>,
    by_name: HashMap<&'a str, Vec<Id>>,
    callees: Vec<Vec<Id>>,
    callers: Vec<Vec<Id>>,
    /// For each file: does it run in a browser?
    clients: Vec<bool>,
    routes: HashMap<Id, Vec<&'a Route>>,
    /// What constructors are handed: for a file and a field, the class of what is in it.
    given: HashMap<(usize, &'a str), &'a str>,
    by_path: HashMap<&'a str, usize>,
    /// For each file: its calls by number, in the order of their lines.
    by_line: Vec<Vec<usize>>,
    budget: Budget,
}

impl<'a> Model<'a> {
    pub(crate) fn new(files: Vec<&'a Parsed>, budget: Budget) -> Self {
        let mut model = Self {
            files,
            functions: Vec::new(),
            first: Vec::new(),
            by_name: HashMap::new(),
            callees: Vec::new(),
            callers: Vec::new(),
            clients: Vec::new(),
            routes: HashMap::new(),
            given: HashMap::new(),
            by_path: HashMap::new(),
            by_line: Vec::new(),
            budget,
        };
        for (number, file) in model.files.iter().enumerate() {
            let file: &'a Parsed = file;
            model.by_path.insert(&file.path, number);
        }
        model.by_line = model.files.iter().map(|file| by_line(file)).collect();
        model.clients = model.files.iter().map(|file| is_client(file)).collect();
        for (number, file) in model.files.iter().enumerate() {
            model.first.push(model.functions.len());
            for (own, function) in file.outline.functions.iter().enumerate() {
                let id = model.functions.len();
                model.functions.push((number, own));
                if function.name == "constructor" {
                    // `private readonly service: AuthService`, in the order they are written.
                    let names: Vec<&str> = function.parameters.split(' ').collect();
                    for two in names.windows(2) {
                        if two[1].starts_with(char::is_uppercase) {
                            model.given.insert((number, two[0]), two[1]);
                        }
                    }
                }
                if !function.name.is_empty() {
                    model.by_name.entry(&function.name).or_default().push(id);
                }
            }
        }
        model.callees = vec![Vec::new(); model.functions.len()];
        model.callers = vec![Vec::new(); model.functions.len()];
        model.place_routes();
        model.place_calls();
        model
    }

    fn place_routes(&mut self) {
        let mut views: HashMap<&str, Vec<Id>> = HashMap::new();
        for id in self.ids() {
            let function = self.function(id);
            if VIEW_METHODS.contains(&function.name.as_str()) && !function.class.is_empty() {
                views.entry(&function.class).or_default().push(id);
            }
        }
        for number in 0..self.files.len() {
            let file: &'a Parsed = self.files[number];
            for route in self.in_time(&file.outline.routes).collect::<Vec<_>>() {
                if let Some(own) = route.function {
                    self.routes
                        .entry(self.first[number] + own)
                        .or_default()
                        .push(route);
                }
                let mut handlers = self.named(&route.handler);
                if handlers.is_empty() && file.language == Language::Python {
                    handlers = views
                        .get(route.handler.as_str())
                        .cloned()
                        .unwrap_or_default();
                }
                let here: Vec<Id> = handlers
                    .iter()
                    .copied()
                    .filter(|id| self.functions[*id].0 == number)
                    .collect();
                // `[SessionController::class, 'destroy']`: many controllers have one of that name.
                let is_named = |id: &Id| {
                    let class = &self.function(*id).class;
                    !class.is_empty() && route.guards.split(' ').any(|name| name == class)
                };
                let of_class: Vec<Id> = handlers.iter().copied().filter(is_named).collect();
                let chosen = match (of_class.is_empty(), here.is_empty()) {
                    (false, _) => of_class,
                    (true, false) => here,
                    (true, true) => handlers,
                };
                let is_class = chosen
                    .iter()
                    .all(|id| self.function(*id).class == route.handler);
                if route.function.is_none() && (chosen.len() <= MEANINGS_MAX || is_class) {
                    for id in chosen {
                        self.routes.entry(id).or_default().push(route);
                    }
                }
            }
        }
    }

    fn place_calls(&mut self) {
        let mut edges: Vec<(Id, Id)> = Vec::new();
        for (number, file) in self.files.iter().enumerate() {
            for call in self.in_time(&file.outline.calls) {
                let Some(own) = call.function else { continue };
                let from = self.first[number] + own;
                edges.extend(self.resolve(number, call).into_iter().map(|to| (from, to)));
            }
            for (own, function) in file.outline.functions.iter().enumerate() {
                let id = self.first[number] + own;
                // A callback runs where it stands; a handler runs when it is asked for.
                if let Some(parent) = function.parent
                    && function.name.is_empty()
                    && !self.routes.contains_key(&id)
                {
                    edges.push((self.first[number] + parent, id));
                }
                if file.language == Language::Ruby {
                    let asked = function.names.split(' ');
                    let meant = asked.flat_map(|name| self.bare(number, name));
                    edges.extend(meant.map(|to| (id, to)));
                }
            }
        }
        let mut seen = HashSet::new();
        for (from, to) in edges {
            if from != to && seen.insert((from, to)) {
                self.callees[from].push(to);
                self.callers[to].push(from);
            }
        }
    }

    pub(crate) fn ids(&self) -> std::ops::Range<Id> {
        0..self.functions.len()
    }

    /// What is left of the time to judge.
    pub(crate) const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// These one by one, for as long as there is time to judge.
    pub(crate) fn in_time<T>(&self, all: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        all.into_iter().take_while(|_| self.budget.goes_on())
    }

    /// The functions of the file that one stands in.
    pub(crate) fn ids_beside(&self, id: Id) -> std::ops::Range<Id> {
        let number = self.functions[id].0;
        let end = self.first.get(number + 1).copied();
        self.first[number]..end.unwrap_or(self.functions.len())
    }

    pub(crate) fn function(&self, id: Id) -> &'a Function {
        let (file, own) = self.functions[id];
        &self.files[file].outline.functions[own]
    }

    /// The number of a function within its file.
    pub(crate) fn own(&self, id: Id) -> usize {
        self.functions[id].1
    }

    pub(crate) fn file_of(&self, id: Id) -> &'a Parsed {
        self.files[self.functions[id].0]
    }

    pub(crate) fn id(&self, file: usize, own: Option<usize>) -> Option<Id> {
        own.map(|own| self.first[file] + own)
    }

    fn named(&self, name: &str) -> Vec<Id> {
        self.by_name.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn routes(&self, id: Id) -> &[&'a Route] {
        self.routes.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn callers(&self, id: Id) -> &[Id] {
        &self.callers[id]
    }

    /// The class of what the constructor in a file is handed for a field.
    pub(crate) fn given(&self, file: usize, field: &str) -> Option<&'a str> {
        self.given.get(&(file, field)).copied()
    }

    /// Is the constructor of one class handed an object of another?
    pub(crate) fn hands(&self, own: &str, class: &str) -> bool {
        self.given.iter().any(|((file, _), given)| {
            let mut functions = self.files[*file].outline.functions.iter();
            *given == class && functions.any(|f| f.class == own)
        })
    }

    /// Does the file import this very name?
    fn brings(&self, file: usize, name: &str) -> bool {
        !name.is_empty()
            && !name.contains('.')
            && self.files[file]
                .outline
                .brought
                .iter()
                .any(|(names, _)| names.split(' ').any(|n| n == name))
    }

    /// What a bare name means in Ruby, where `end_session` alone is a call: a function of this file,
    /// or one of so many words that it is hardly a variable's name too.
    fn bare(&self, file: usize, name: &str) -> Vec<Id> {
        let Some(meant) = self.by_name.get(name) else {
            return Vec::new();
        };
        let is_ruby = |id: &Id| self.file_of(*id).language == Language::Ruby;
        let meant: Vec<Id> = meant.iter().copied().filter(is_ruby).collect();
        let here = |id: &Id| self.functions[*id].0 == file;
        let local: Vec<Id> = meant.iter().copied().filter(here).collect();
        if !local.is_empty() && name.len() > 3 && !COMMON.contains(&name) {
            local
        } else if name.contains('_') && meant.len() == 1 {
            meant
        } else {
            Vec::new()
        }
    }

    /// The functions a call may mean.
    pub(crate) fn resolve(&self, file: usize, call: &Call) -> Vec<Id> {
        let method = call.method();
        let mut candidates = self.named(method);
        if candidates.is_empty() {
            return candidates;
        }
        let receiver = call.receiver();
        let of_holder = self.of_holder(file, receiver, &candidates);
        if !of_holder.is_empty() {
            return of_holder;
        }
        // `auth.logout` with `auth` from elsewhere is not the `logout` of a file called `views`.
        if self.files[file].language == Language::Python && self.brings(file, receiver) {
            candidates.retain(|id| {
                let place = &self.file_of(*id).path;
                let stem = place.strip_suffix(".py").unwrap_or(place);
                stem.split('/').any(|part| part == receiver) || self.function(*id).class == receiver
            });
        }
        let holder = receiver
            .rsplit('.')
            .find(|part| !part.ends_with("()"))
            .unwrap_or("");
        // `auth().login` is the method of what `auth()` gives back, and not of this class.
        let of_result = holder.is_empty() && !receiver.is_empty();
        let bare =
            !of_result && matches!(holder, "" | "this" | "self" | "Self" | "static" | "parent");
        let here = |id: &Id| self.functions[*id].0 == file;
        if bare {
            let local: Vec<Id> = candidates.iter().copied().filter(here).collect();
            if !local.is_empty() {
                return local;
            }
        } else if !of_result {
            let holder = words(holder);
            // `this.repository.create`: every repository is called so.
            let says_which = holder.len() > 1 || !any(&holder, KINDS);
            let by_class: Vec<Id> = candidates
                .iter()
                .copied()
                .filter(|id| {
                    let class = words(&self.function(*id).class);
                    says_which
                        && !class.is_empty()
                        && (class.ends_with(&holder) || holder.ends_with(&class))
                })
                .collect();
            if !by_class.is_empty() && by_class.len() <= MEANINGS_MAX {
                return by_class;
            }
        }
        let says_enough =
            !COMMON.contains(&method.to_ascii_lowercase().as_str()) && method.len() > 3;
        if says_enough && candidates.len() <= MEANINGS_MAX {
            candidates
        } else {
            Vec::new()
        }
    }

    /// The function itself and everything it may call, nearest first.
    pub(crate) fn reach(&self, from: Id, depth: usize) -> Vec<Id> {
        let mut seen = HashSet::from([from]);
        let mut order = vec![from];
        let mut queue = VecDeque::from([(from, 0)]);
        while let Some((id, far)) = queue.pop_front() {
            if far == depth || order.len() > 200 {
                continue;
            }
            for next in self.in_time(&self.callees[id]) {
                if seen.insert(*next) {
                    order.push(*next);
                    queue.push_back((*next, far + 1));
                }
            }
        }
        order
    }

    /// The nearest function with a name, from a closure outwards.
    pub(crate) fn named_around(&self, id: Id) -> Id {
        let (file, mut own) = self.functions[id];
        for _ in 0..8 {
            let function = &self.files[file].outline.functions[own];
            match function.parent {
                Some(parent)
                    if function.name.is_empty()
                        && self.routes(self.first[file] + own).is_empty() =>
                {
                    own = parent;
                }
                _ => break,
            }
        }
        self.first[file] + own
    }

    /// The function and those it stands in, from the inside out.
    pub(crate) fn enclosing(&self, id: Id) -> Vec<Id> {
        let (file, own) = self.functions[id];
        let parent = |own: &usize| self.files[file].outline.functions[*own].parent;
        std::iter::successors(Some(own), parent)
            .take(8)
            .map(|own| self.first[file] + own)
            .collect()
    }

    /// What the function is called and which routes lead to it.
    pub(crate) fn near(&self, id: Id) -> Vec<String> {
        let id = self.named_around(id);
        let mut out = words(&self.function(id).name);
        // `LogoutModel.OnPost`: where the name says only how it is called, the class says what it does.
        if out.iter().all(|w| any(std::slice::from_ref(w), GENERIC)) {
            out.extend(words(&self.function(id).class));
        }
        for route in self.routes(id) {
            out.extend(words(&route.path));
        }
        out
    }

    /// The same, and its class and file besides.
    pub(crate) fn far(&self, id: Id) -> Vec<String> {
        let mut out = self.near(id);
        out.extend(words(&self.function(id).class));
        let path = &self.file_of(id).path;
        let tail: Vec<&str> = path.rsplit('/').take(3).collect();
        for part in tail {
            out.extend(words(part.split('.').next().unwrap_or("")));
        }
        out
    }

    /// How a reader would say where this is.
    pub(crate) fn scope(&self, id: Id) -> String {
        let id = self.named_around(id);
        match self.routes(id).first() {
            Some(route) => format!("{} {}", route.method, route.path),
            None => self.function(id).name.clone(),
        }
    }

    /// A way in: something answers a route here, or nothing in the unit calls it.
    pub(crate) fn is_entry(&self, id: Id) -> bool {
        !self.routes(id).is_empty()
            || self.callers(id).is_empty() && !self.function(id).name.is_empty()
    }

    /// Is this code that runs in the browser?
    pub(crate) fn is_client(&self, file: usize) -> bool {
        self.clients[file]
    }

    /// How many files run in a browser, and so are not held to what a server owes.
    pub(crate) fn clients(&self) -> usize {
        self.clients.iter().filter(|is_client| **is_client).count()
    }

    /// The calls that stand in a function, its closures included.
    pub(crate) fn calls_in(&self, id: Id) -> impl Iterator<Item = &'a Call> {
        let function = self.function(id);
        self.calls_on(self.functions[id].0, function.line, function.end_line)
    }

    /// The calls on one line of the file that a function stands in.
    pub(crate) fn calls_beside(&self, id: Id, line: u32) -> impl Iterator<Item = &'a Call> {
        self.calls_on(self.functions[id].0, line, line)
    }

    /// The calls on these lines of a file, as they are written.
    pub(crate) fn calls_on(
        &self,
        file: usize,
        from: u32,
        to: u32,
    ) -> impl Iterator<Item = &'a Call> {
        let calls: &'a [Call] = &self.files[file].outline.calls;
        let all = &self.by_line[file];
        let start = all.partition_point(|own| calls[*own].line < from);
        let on_lines = all[start..].iter().copied();
        let mut own: Vec<usize> = on_lines.take_while(|own| calls[*own].line <= to).collect();
        own.sort_unstable();
        self.in_time(own).map(|own| &calls[own])
    }
}

fn by_line(file: &Parsed) -> Vec<usize> {
    let calls = &file.outline.calls;
    let mut numbers: Vec<usize> = (0..calls.len()).collect();
    numbers.sort_by_key(|own| calls[*own].line);
    numbers
}
