//! What a name comes to: a number in the code, in a setting, or one that is not to be seen.
//!
//! A bound is seldom written where it is used. It is a constant, a field that a framework fills from
//! a setting, or something read at start-up; only the last leaves the question open.

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

/// Where values of a unit are looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'u> {
    pub(crate) model: &'u Model<'u>,
    pub(crate) settings: &'u [&'u Setting],
}

impl Values<'_> {
    /// What the names of an argument on this line come to: `max`, `Limits MAX_SESSIONS`,
    /// `properties getMaxSessions`, `SessionLimit of`.
    pub(crate) fn number(&self, file: &Parsed, line: u32, names: &str) -> Option<Value> {
        let inner = file.outline.calls.iter().find(|call| {
            call.line == line && !names.is_empty() && call.path == names.replace(' ', ".")
        });
        if let Some(argument) = inner.and_then(|call| call.arguments.first()) {
            return match whole(argument) {
                Some(number) => Some(at(number, &file.path, line)),
                None => self.named(file, argument),
            };
        }
        self.named(file, names)
    }

    fn named(&self, file: &Parsed, names: &str) -> Option<Value> {
        let name = names.split(' ').next_back().filter(|n| !n.is_empty())?;
        if name == "MAX_VALUE" {
            return Some(Value {
                number: i64::from(i32::MAX),
                at: names.replace(' ', "."),
            });
        }
        match placeholder_of(file, name) {
            Some(annotation) => self.injected(file, annotation),
            None => self.constant(file, name).or_else(|| self.by_name(name)),
        }
    }

    /// What a setting puts there: `@Value("${app.max-sessions:-1}")`.
    fn injected(&self, file: &Parsed, annotation: &Annotation) -> Option<Value> {
        let text = annotation.texts.first()?.replace('\\', "");
        let (key, otherwise) = placeholder(&text)?;
        let wanted = words(key).concat();
        let written: Vec<Value> = self
            .settings
            .iter()
            .filter(|s| words(&s.key).concat() == wanted)
            .filter_map(|s| Some(at(setting(&s.value)?, &s.file, s.line)))
            .collect();
        // One place may be for development: a bound that ships anywhere counts.
        let on = written.iter().find(|value| value.number > 0).cloned();
        on.or_else(|| written.first().cloned()).or_else(|| {
            let number = whole(otherwise?)?;
            Some(at(number, &file.path, annotation.line))
        })
    }

    /// A constant or a variable of this file, or a constant of another.
    fn constant(&self, file: &Parsed, name: &str) -> Option<Value> {
        let is_it = |a: &&Assign| a.target.rsplit('.').next() == Some(name);
        let value = |file: &Parsed, a: &Assign| {
            let number = whole(a.written.trim_end_matches(['L', 'l', ';']))?;
            Some(at(number, &file.path, a.line))
        };
        let mut here = file.outline.assigns.iter().filter(is_it);
        here.find_map(|a| value(file, a)).or_else(|| {
            self.model.files.iter().find_map(|other| {
                let mut constants = other.outline.assigns.iter().filter(is_it);
                constants
                    .find(|a| a.function.is_none())
                    .and_then(|a| value(other, a))
            })
        })
    }

    /// A setting of this name, as a class of properties hands it out: `getMaxSessions`.
    fn by_name(&self, name: &str) -> Option<Value> {
        let list = words(name);
        let bare = match list.as_slice() {
            [first, rest @ ..] if first == "get" => rest.concat(),
            all => all.concat(),
        };
        let is_it = |s: &&&Setting| {
            let own = s.key.rsplit('.').next().unwrap_or("");
            bare.len() > 4 && words(own).concat() == bare
        };
        self.settings
            .iter()
            .filter(is_it)
            .find_map(|s| Some(at(setting(&s.value)?, &s.file, s.line)))
    }
}

fn at(number: i64, file: &str, line: u32) -> Value {
    Value {
        number,
        at: format!("{file}:{line}"),
    }
}

/// The annotation that fills a field or a parameter of this name.
fn placeholder_of<'f>(file: &'f Parsed, name: &str) -> Option<&'f Annotation> {
    let outline = &file.outline;
    let mut all = outline.annotations.iter().filter(|a| a.path == "Value");
    all.find(|annotation| match annotation.function {
        None => {
            let fields = outline.assigns.iter();
            fields
                .filter(|a| a.function.is_none() && a.class == annotation.class)
                .filter(|a| a.line >= annotation.line)
                .min_by_key(|a| a.line)
                .is_some_and(|field| field.target == name)
        }
        Some(own) => {
            let before = outline.annotations.iter();
            let number = before
                .filter(|a| a.path == "Value" && a.function == Some(own))
                .position(|a| std::ptr::eq(a, *annotation));
            let parameters = outline.functions.get(own).map(|f| &*f.parameters);
            let names: Vec<&str> = parameters.unwrap_or("").split(' ').collect();
            let mut marks = (0..names.len()).filter(|at| names[*at] == "Value");
            let mark = number.and_then(|number| marks.nth(number));
            mark.is_some_and(|mark| {
                let mut after = names[mark + 1..].iter();
                after.find(|n| n.starts_with(char::is_lowercase)) == Some(&name)
            })
        }
    })
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
