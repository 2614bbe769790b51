//! Places that outlive a request: variables of a module, static fields, fields of a singleton.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Model, Parsed};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Function, Language};

/// Annotations of classes of which one object serves all requests.
const SINGLETONS: &str = "Injectable Service Component RestController Controller Singleton ApplicationScoped Named ManagedBean Bean";

/// A place that every caller shares.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Slot {
    /// The class that holds it, or the file where it belongs to a module.
    pub(super) owner: Owner,
    /// Its name within that: `currentUser`.
    pub(super) name: String,
}

/// What a shared place belongs to.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Owner {
    /// The whole program: `globalThis`.
    Program,
    /// A module, by the number of its file, and the object in it that holds the place, or empty.
    Module(usize, String),
    /// A class, by its name.
    Class(String),
}

/// Everything needed to say what an assignment writes to.
pub(super) struct Slots<'m, 'a> {
    model: &'m Model<'a>,
    /// Classes of which there is one object, or whose fields are named by the class.
    singletons: BTreeSet<&'a str>,
    /// Fields of classes, and whether they are static.
    fields: BTreeMap<(&'a str, &'a str), bool>,
    /// Names of the types that fields are declared with.
    declared: BTreeMap<(&'a str, &'a str), &'a str>,
    /// Names of places that are declared to hold a user: `var current *User`.
    of_users: BTreeSet<&'a str>,
    classes: BTreeSet<&'a str>,
}

impl<'m, 'a> Slots<'m, 'a> {
    pub(super) fn new(model: &'m Model<'a>) -> Self {
        let mut slots = Self {
            model,
            singletons: BTreeSet::new(),
            fields: BTreeMap::new(),
            declared: BTreeMap::new(),
            of_users: BTreeSet::new(),
            classes: BTreeSet::new(),
        };
        for file in &model.files {
            let outline = &file.outline;
            slots
                .classes
                .extend(outline.functions.iter().map(|f| f.class.as_str()));
            let declared = outline.assigns.iter().filter(|a| a.function.is_none());
            let of_users = declared.filter(|a| a.declared.split(' ').any(is_user_type));
            slots.of_users.extend(of_users.map(|a| a.target.as_str()));
            let fields = outline.fields.iter().filter(|(_, of)| is_user_type(of));
            slots.of_users.extend(fields.map(|(name, _)| name.as_str()));
            for field in outline.assigns.iter().filter(|a| is_field(a)) {
                slots.classes.insert(&field.class);
                let place = (field.class.as_str(), field.target.as_str());
                slots.fields.insert(place, field.is_static);
                slots.declared.insert(place, &field.declared);
            }
            for annotation in outline.annotations.iter().filter(|a| a.function.is_none()) {
                let name = annotation.path.rsplit('.').next().unwrap_or("");
                if SINGLETONS.split(' ').any(|one| one == name)
                    && !annotation.written.contains("REQUEST")
                {
                    slots.singletons.insert(&annotation.class);
                }
            }
        }
        for file in &model.files {
            for annotation in &file.outline.annotations {
                let scope = words(&annotation.path);
                if any(&scope, "scope scoped") && !any(&scope, "application singleton") {
                    slots.singletons.remove(annotation.class.as_str());
                }
            }
        }
        slots.made_once();
        slots.classes.remove("");
        slots
    }

    /// Classes of which a module makes one object, or that are registered as singletons.
    fn made_once(&mut self) {
        let mut once: BTreeSet<&'a str> = BTreeSet::new();
        let mut made: BTreeMap<&'a str, usize> = BTreeMap::new();
        let calls = self.model.files.iter().flat_map(|f| &f.outline.calls);
        for class in calls.filter_map(|call| call.path.strip_suffix(".new")) {
            *made.entry(class).or_default() += 1;
        }
        for file in &self.model.files {
            for call in self.model.in_time(&file.outline.calls) {
                let class = call.path.strip_suffix(".new").unwrap_or(&call.path);
                let in_python = file.language == Language::Python && call.path == class;
                // Rows of a table are made at start-up too, one after another.
                let is_one = call.function.is_none()
                    && (call.path != class || in_python)
                    && made.get(class).is_none_or(|times| *times < 2);
                let named = |wanted: &str| self.classes.get(wanted).copied();
                once.extend(named(class).filter(|_| is_one));
                if call.method() == "AddSingleton" {
                    once.extend(call.names.split(' ').filter_map(named));
                }
            }
        }
        self.singletons.extend(once);
    }

    /// The shared place an assignment in a function writes to, if it is one.
    pub(super) fn written(&self, number: usize, own: usize, assign: &Assign) -> Option<Slot> {
        let file = self.model.files[number];
        let function = &file.outline.functions[own];
        if assign.declares || assign.target.contains("[]") || assign.target.contains('?') {
            return None;
        }
        let mut parts = assign.target.split('.');
        let (first, second) = (parts.next()?, parts.next());
        match second {
            None => self.bare(number, file, function, own, first),
            Some(name) if matches!(first, "this" | "self") => {
                let class = function.class.as_str();
                let further = parts
                    .next()
                    .and_then(|third| self.handed_in(number, function, name, third));
                if further.is_some() {
                    return further;
                }
                let shared = self.singletons.contains(class)
                    || self.fields.get(&(class, name)).copied().unwrap_or(false);
                shared.then(|| Slot::of_class(class, name))
            }
            Some(name) => self.dotted(number, file, own, first, name),
        }
    }

    /// Is a place of this name declared to hold a user?
    pub(super) fn may_hold_user(&self, name: &str) -> bool {
        self.of_users.contains(name)
    }

    /// Is this very place declared to hold one?
    pub(super) fn holds_user(&self, slot: &Slot) -> bool {
        let declared = match &slot.owner {
            // Fields of Go are known by their name alone.
            Owner::Class(class) => match self.declared.get(&(class.as_str(), slot.name.as_str())) {
                Some(declared) => Some(*declared),
                None => return self.may_hold_user(&slot.name),
            },
            Owner::Module(number, _) => {
                of_module(self.model.files[*number], &slot.name).map(|a| a.declared.as_str())
            }
            Owner::Program => None,
        };
        declared.is_some_and(|declared| declared.split(' ').any(is_user_type))
    }

    fn bare(
        &self,
        number: usize,
        file: &Parsed,
        function: &Function,
        own: usize,
        name: &str,
    ) -> Option<Slot> {
        if file.language == Language::Python {
            let global = function.globals.split(' ').any(|global| global == name);
            return global.then(|| Slot::of_module(number, "", name));
        }
        if is_local(file, own, name) {
            return None;
        }
        let class = function.class.as_str();
        if let Some(is_static) = self.fields.get(&(class, name)) {
            let shared = *is_static || self.singletons.contains(class);
            return shared.then(|| Slot::of_class(class, name));
        }
        if of_module(file, name).is_some_and(is_shared) {
            return Some(Slot::of_module(number, "", name));
        }
        // A package of Go is a folder.
        let folder = |path: &str| {
            path.rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_owned()
        };
        let beside = || {
            self.model.files.iter().position(|other| {
                other.language == Language::Go
                    && folder(&other.path) == folder(&file.path)
                    && of_module(other, name).is_some_and(is_shared)
            })
        };
        (file.language == Language::Go)
            .then(beside)
            .flatten()
            .map(|at| Slot::of_module(at, "", name))
    }

    fn dotted(
        &self,
        number: usize,
        file: &Parsed,
        own: usize,
        first: &str,
        name: &str,
    ) -> Option<Slot> {
        if matches!(first, "global" | "globalThis") {
            return Some(Slot {
                owner: Owner::Program,
                name: name.to_owned(),
            });
        }
        if matches!(first, "exports" | "module") {
            return Some(Slot::of_module(number, "", name)).filter(|_| name != "exports");
        }
        if let Some(slot) = self.handed_in(number, &file.outline.functions[own], first, name) {
            return Some(slot);
        }
        if is_local(file, own, first) {
            return None;
        }
        if self.classes.contains(first) && first.starts_with(char::is_uppercase) {
            return Some(Slot::of_class(first, name));
        }
        let holder = of_module(file, first).filter(|a| !a.written.contains("require("));
        if let Some(holder) = holder {
            return (is_shared(holder) && is_object(holder))
                .then(|| Slot::of_module(number, first, name));
        }
        if let Some(slot) = self.imported(file, first, name) {
            return Some(slot);
        }
        let function = &file.outline.functions[own];

        let answers = words(&function.parameters);
        let is_receiver = file.language == Language::Go
            && !function.class.is_empty()
            && any(&answers, "request context");
        is_receiver.then(|| Slot::of_class(&function.class, name))
    }

    /// `_me.User` where a field of this class, or a parameter, holds the one object of another.
    fn handed_in(
        &self,
        number: usize,
        function: &Function,
        first: &str,
        name: &str,
    ) -> Option<Slot> {
        let declared = self
            .declared
            .get(&(function.class.as_str(), first))
            .copied();
        // `ICurrentUser current`, and `current: CurrentUser`.
        let parameters: Vec<&str> = function.parameters.split(' ').collect();
        let beside = parameters.windows(2).filter_map(|two| match two {
            [class, name] if *name == first => Some(*class),
            [name, class] if *name == first => Some(*class),
            _ => None,
        });
        let class = declared
            .into_iter()
            .flat_map(|declared| declared.split(' '))
            .chain(self.model.given(number, first))
            .chain(beside)
            .find(|class| self.singletons.contains(class))?;
        let is_place = self.fields.contains_key(&(class, name));
        is_place.then(|| Slot::of_class(class, name))
    }

    /// Does a class hold the one object of another in a field?
    pub(super) fn is_handed(&self, own: &str, class: &str) -> bool {
        let mut fields = self.declared.iter().filter(|((of, _), _)| *of == own);
        fields.any(|(_, declared)| declared.split(' ').any(|name| name == class))
            || self.model.hands(own, class)
    }

    /// `state.user` where `state` is another module, or an object that another module hands out.
    fn imported(&self, file: &Parsed, first: &str, name: &str) -> Option<Slot> {
        let brought = file.outline.brought.iter().filter(|(names, module)| {
            names.split(' ').any(|n| n == first) || stem(module) == first
        });
        for (names, module) in brought {
            let found = self
                .model
                .files
                .iter()
                .enumerate()
                .find_map(|(number, other)| {
                    let own = stem(&other.path);
                    let folder = other.path.rsplit('/').nth(1).unwrap_or("");
                    let is_it = if module.is_empty() {
                        names.split(' ').any(|n| n == own)
                    } else {
                        stem(module) == own
                            || own == "index" && stem(module) == folder
                            || other.language == Language::Go && stem(module) == folder
                    };
                    if !is_it || std::ptr::eq(*other, file) {
                        return None;
                    }
                    match (of_module(other, first), of_module(other, name)) {
                        (Some(holder), _) if is_shared(holder) && is_object(holder) => {
                            Some(Slot::of_module(number, first, name))
                        }
                        (_, Some(variable)) if is_shared(variable) => {
                            Some(Slot::of_module(number, "", name))
                        }
                        _ => None,
                    }
                });
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// A type that stands for somebody: `User`, `ClaimsPrincipal`, `AccountEntity`.
fn is_user_type(name: &str) -> bool {
    const USERS: [&str; 7] = [
        "user",
        "account",
        "principal",
        "identity",
        "member",
        "customer",
        "claims",
    ];
    const BESIDE: &str = "entity model dto record document claims current app application auth authenticated session";
    let list = words(name);
    name.starts_with(char::is_uppercase)
        && list.iter().any(|w| USERS.contains(&w.as_str()))
        && list
            .iter()
            .all(|w| USERS.contains(&w.as_str()) || any(std::slice::from_ref(w), BESIDE))
}

impl Slot {
    fn of_class(class: &str, name: &str) -> Self {
        Self {
            owner: Owner::Class(class.to_owned()),
            name: name.to_owned(),
        }
    }

    fn of_module(file: usize, holder: &str, name: &str) -> Self {
        Self {
            owner: Owner::Module(file, holder.to_owned()),
            name: name.to_owned(),
        }
    }
}

fn is_field(assign: &Assign) -> bool {
    assign.function.is_none() && !assign.class.is_empty() && !assign.target.contains('.')
}

/// The variable of this name that belongs to the module itself.
fn of_module<'f>(file: &'f Parsed, name: &str) -> Option<&'f Assign> {
    file.outline
        .assigns
        .iter()
        .find(|a| a.function.is_none() && a.class.is_empty() && a.target == name)
}

/// Is it one value for all callers? What is local to a thread or a chain of calls is not.
fn is_shared(variable: &Assign) -> bool {
    let list = words(&variable.written);
    !(any(
        &list,
        "local threadlocal asynclocal contextvar als asynclocalstorage proxy",
    ) || variable.written.contains("require("))
}

/// May it hold fields of its own?
fn is_object(variable: &Assign) -> bool {
    let bare = variable.written.trim_start_matches(['&', '(']);
    bare.starts_with('{')
        || bare.starts_with("new ")
        || bare.contains('(')
        || bare.contains('{')
        || variable.written.is_empty()
}

/// Is the name a parameter or a variable of the function, or of one around it?
fn is_local(file: &Parsed, own: usize, name: &str) -> bool {
    let outline = &file.outline;
    let mut at = Some(own);
    for _ in 0..8 {
        let Some(index) = at else { break };
        let function = &outline.functions[index];
        let declared = || {
            outline
                .assigns
                .iter()
                .any(|a| a.function == Some(index) && a.target == name && a.declares)
        };
        if function.parameters.split(' ').any(|p| p == name) || declared() {
            return true;
        }
        at = function.parent;
    }
    // Without declarations, whatever a function of Python assigns is its own.
    file.language == Language::Python
        && outline
            .assigns
            .iter()
            .any(|a| a.function == Some(own) && a.target == name)
}

/// The last part of a module's name, without its ending.
fn stem(module: &str) -> &str {
    let last = module.rsplit('/').next().unwrap_or("");
    last.split('.').next().unwrap_or("")
}
