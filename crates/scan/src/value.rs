//! What a name comes to: a number in the code, in a setting, or one that is not to be seen.
//!
//! A bound is seldom written where it is used. It is a constant, a field that a framework fills from
//! a setting, or something read at start-up; only the last leaves the question open.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::config::Setting;
use crate::model::{Model, Parsed};
use crate::syntax::words::words;
use crate::syntax::{Annotation, Assign};

/// A number, and where it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Value {
    pub(crate) number: i64,
    /// `application.yml:3`.
    pub(crate) at: String,
}

/// Where values of a unit are looked up, each by the name it has.
#[derive(Debug)]
pub(crate) struct Values<'u> {
    pub(crate) model: &'u Model<'u>,
    /// For each file, what an annotation fills.
    injected: Vec<OnceCell<HashMap<&'u str, &'u Annotation>>>,
    /// Everything that is given a number, with the file it stands in, in the order of both.
    numbered: HashMap<&'u str, Vec<(usize, &'u Assign)>>,
    /// Settings by the words of their whole key, run together.
    by_key: HashMap<String, Vec<&'u Setting>>,
    /// Settings by the words of the last part of it.
    by_end: HashMap<String, Vec<&'u Setting>>,
}

impl<'u> Values<'u> {
    pub(crate) fn new(model: &'u Model<'u>, settings: &[&'u Setting]) -> Self {
        let mut out = Self {
            model,
            injected: model.files.iter().map(|_| OnceCell::new()).collect(),
            numbered: HashMap::new(),
            by_key: HashMap::new(),
            by_end: HashMap::new(),
        };
        for (number, file) in model.files.iter().enumerate() {
            for assign in file.outline.assigns.iter().filter(|a| literal(a).is_some()) {
                let name = assign.target.rsplit('.').next().unwrap_or("");
                out.numbered.entry(name).or_default().push((number, assign));
            }
        }
        for setting in settings {
            let end = setting.key.rsplit('.').next().unwrap_or("");
            let key = words(&setting.key).concat();
            out.by_key.entry(key).or_default().push(setting);
            let end = words(end).concat();
            out.by_end.entry(end).or_default().push(setting);
        }
        out
    }

    /// What the names of an argument on this line come to: `max`, `Limits MAX_SESSIONS`,
    /// `properties getMaxSessions`, `SessionLimit of`.
    pub(crate) fn number(&self, file: usize, line: u32, names: &str) -> Option<Value> {
        let mut beside = self.model.calls_on(file, line, line);
        let inner = beside.find(|call| !names.is_empty() && call.path == names.replace(' ', "."));
        if let Some(argument) = inner.and_then(|call| call.arguments.first()) {
            return match whole(argument) {
                Some(number) => Some(at(number, &self.model.files[file].path, line)),
                None => self.named(file, argument),
            };
        }
        self.named(file, names)
    }

    fn named(&self, file: usize, names: &str) -> Option<Value> {
        let name = names.split(' ').next_back().filter(|n| !n.is_empty())?;
        if name == "MAX_VALUE" {
            return Some(Value {
                number: i64::from(i32::MAX),
                at: names.replace(' ', "."),
            });
        }
        let parsed: &'u Parsed = self.model.files[file];
        let filled = self.injected[file].get_or_init(|| self.filled(parsed));
        match filled.get(name) {
            Some(annotation) => self.injected(parsed, annotation),
            None => self.constant(file, name).or_else(|| self.by_name(name)),
        }
    }

    /// What a setting puts there: `@Value("${app.max-sessions:-1}")`.
    fn injected(&self, file: &Parsed, annotation: &Annotation) -> Option<Value> {
        let text = annotation.texts.first()?.replace('\\', "");
        let (key, otherwise) = placeholder(&text)?;
        let named = self.by_key.get(&words(key).concat());
        let written: Vec<Value> = named
            .into_iter()
            .flatten()
            .filter_map(|s| Some(at(setting(&s.value)?, &s.file, s.line)))
            .collect();
        // One place may be for development: a bound that ships anywhere counts.
        let on = written.iter().find(|value| value.number > 0).cloned();
        on.or_else(|| written.first().cloned()).or_else(|| {
            let number = whole(otherwise?)?;
            Some(at(number, &file.path, annotation.line))
        })
    }

    /// The fields and parameters of a file that an annotation fills, each by its name.
    fn filled(&self, file: &'u Parsed) -> HashMap<&'u str, &'u Annotation> {
        let outline = &file.outline;
        let mut fields: HashMap<&str, BTreeMap<u32, &str>> = HashMap::new();
        for field in outline.assigns.iter().filter(|a| a.function.is_none()) {
            let of_class = fields.entry(&field.class).or_default();
            of_class.entry(field.line).or_insert(&field.target);
        }
        // The names behind each `@Value` among the parameters of a function, in their order.
        let mut parameters: HashMap<usize, VecDeque<&str>> = HashMap::new();
        let mut out = HashMap::new();
        let filling = outline.annotations.iter().filter(|a| a.path == "Value");
        for annotation in self.model.in_time(filling) {
            let name = match annotation.function {
                None => {
                    let of_class = fields.get(annotation.class.as_str());
                    let after = of_class.and_then(|all| all.range(annotation.line..).next());
                    after.map(|(_, name)| *name)
                }
                Some(own) => {
                    let marked = parameters.entry(own).or_insert_with(|| {
                        let function = outline.functions.get(own);
                        marked(function.map_or("", |f| &f.parameters))
                    });
                    marked.pop_front()
                }
            };
            if let Some(name) = name {
                out.entry(name).or_insert(annotation);
            }
        }
        out
    }

    /// A constant or a variable of this file, or a constant of another.
    fn constant(&self, file: usize, name: &str) -> Option<Value> {
        let all = self.numbered.get(name)?;
        let here = all.iter().find(|(number, _)| *number == file);
        let constant = || all.iter().find(|(_, a)| a.function.is_none());
        let (number, assign) = here.or_else(constant)?;
        let path = &self.model.files[*number].path;
        Some(at(literal(assign)?, path, assign.line))
    }

    /// A setting of this name, as a class of properties hands it out: `getMaxSessions`.
    fn by_name(&self, name: &str) -> Option<Value> {
        let list = words(name);
        let bare = match list.as_slice() {
            [first, rest @ ..] if first == "get" => rest.concat(),
            all => all.concat(),
        };
        let named = self.by_end.get(&bare).filter(|_| bare.len() > 4)?;
        let mut values = named.iter();
        values.find_map(|s| Some(at(setting(&s.value)?, &s.file, s.line)))
    }
}

/// The number that an assignment writes out.
fn literal(assign: &Assign) -> Option<i64> {
    whole(assign.written.trim_end_matches(['L', 'l', ';']))
}

fn at(number: i64, file: &str, line: u32) -> Value {
    Value {
        number,
        at: format!("{file}:{line}"),
    }
}

/// The parameter behind each `Value`: the next name that begins as a variable does.
fn marked(parameters: &str) -> VecDeque<&str> {
    let mut out = VecDeque::new();
    let mut next = "";
    for name in parameters.split(' ').rev() {
        if name == "Value" {
            out.push_front(next);
        } else if name.starts_with(char::is_lowercase) {
            next = name;
        }
    }
    out
}

/// `${key:otherwise}` taken apart.
fn placeholder(text: &str) -> Option<(&str, Option<&str>)> {
    // A string of an outline has lost the sign it began with.
    let bare = text.trim().trim_start_matches('$');
    let inner = bare.strip_prefix('{')?.strip_suffix('}')?;
    Some(match inner.split_once(':') {
        Some((key, otherwise)) => (key.trim(), Some(otherwise.trim())),
        None => (inner.trim(), None),
    })
}

/// The number a setting has, or that it has where the environment says nothing.
fn setting(value: &str) -> Option<i64> {
    let value = value.trim_matches(['"', '\'']);
    match placeholder(value) {
        Some((_, otherwise)) => whole(otherwise?),
        None => whole(value),
    }
}

fn whole(text: &str) -> Option<i64> {
    text.trim().replace('_', "").parse().ok()
}
