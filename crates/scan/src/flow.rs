//! From lines to facts: what a line means depends on the way in that leads to it.

mod asking;
mod creation;
mod disabling;
mod ending;
mod entry;
mod expiry;
mod owner;
mod refresh;

use std::collections::BTreeMap;

use crate::config::Setting;
use crate::fact::{Fact, Kind, Subject, Via};
use crate::model::{Id, Model};
use crate::pattern::Known;
use crate::primitive::{Primitive, compares_password};

/// How far a way in is followed.
const DEPTH: usize = 4;

/// A way a session comes into being, with what the way does besides.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers one question about the way"
)]
pub(crate) struct Path {
    pub(crate) fact: Fact,
    pub(crate) regenerates: bool,
    /// The number of sessions is bounded on this way.
    pub(crate) limited: bool,
    /// The session's id was there before and identity is written into it.
    pub(crate) keeps_id: bool,
    pub(crate) is_token: bool,
    /// Signing in, as opposed to registering or coming back from elsewhere.
    pub(crate) is_main: bool,
    /// Where the session is made, not merely asked for.
    pub(crate) is_entry: bool,
}

/// What the flow of a unit says.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub(crate) facts: Vec<Fact>,
    pub(crate) paths: Vec<Path>,
}

pub(crate) fn flow(
    model: &Model<'_>,
    primitives: &[Primitive],
    settings: &[&Setting],
    known: &Known,
) -> Flow {
    let mut by_function: BTreeMap<Id, Vec<&Primitive>> = BTreeMap::new();
    for primitive in primitives {
        if let Some(function) = primitive.function {
            by_function.entry(function).or_default().push(primitive);
        }
    }
    let flow = Tracer {
        model,
        primitives,
        by_function,
        settings,
        hooks: &known.hooks,
        asked: owner::Asked::default(),
    };
    let mut out = Flow::default();
    flow.creations(&mut out);
    let begins = |f: &&Fact| matches!(f.kind, Kind::Creates | Kind::Delegated);
    for fact in known.facts.iter().filter(begins) {
        out.paths.push(Path {
            fact: fact.clone(),
            regenerates: true,
            limited: false,
            keeps_id: false,
            is_token: false,
            is_main: true,
            is_entry: true,
        });
    }
    flow.entries(&mut out);
    flow.bounds(&mut out);
    flow.never_ending(&mut out);
    flow.expiries(&mut out);
    out.facts.extend(crate::shared::facts(model));
    out.facts.extend(crate::cookie::facts(model, settings));
    flow.disablings(&mut out);
    out.facts.extend(crate::rewrite::facts(model));
    out.facts.extend(crate::leak::facts(model, &out.paths));
    if out.paths.is_empty() {
        out.facts.extend(password_checks(model));
    }
    out
}

/// Where a password is checked, told where no sign-in was seen.
fn password_checks(model: &Model<'_>) -> Vec<Fact> {
    let mut out = Vec::new();
    let servers = model.files.iter().enumerate();
    for (_, file) in servers.filter(|(number, _)| !model.is_client(*number)) {
        let calls = file.outline.calls.iter();
        for call in calls.filter(|call| compares_password(call)) {
            let note = format!(
                "{} checks a password, and what it signs in to was not understood",
                call.path
            );
            out.push(Fact::likely(
                Kind::ChecksPassword,
                &file.path,
                call.line,
                note,
            ));
        }
    }
    out
}

struct Tracer<'m, 'a> {
    model: &'m Model<'a>,
    primitives: &'m [Primitive],
    by_function: BTreeMap<Id, Vec<&'m Primitive>>,
    settings: &'m [&'m Setting],
    hooks: &'m [String],
    asked: owner::Asked,
}

impl<'m> Tracer<'m, '_> {
    fn fact(&self, kind: Kind, primitive: &Primitive, scope: Option<Id>, subject: Subject) -> Fact {
        Fact {
            kind,
            file: self.model.files[primitive.file].path.clone(),
            line: primitive.line,
            scope: scope
                .or(primitive.function)
                .map(|id| self.model.scope(id))
                .unwrap_or_default(),
            subject,
            confidence: primitive.confidence,
            via: if primitive.note.contains(' ') {
                Via::Schema
            } else {
                Via::Call
            },
            mechanism: primitive.mechanism.clone(),
            note: primitive.note.clone(),
            number: None,
        }
    }

    /// Does this function hear of every sign-in: a signal's receiver, a listener, a hook?
    fn hears_of_sign_ins(&self, id: Id) -> bool {
        let function = self.model.function(id);
        let named = |text: &str, hook: &str| text.split(|c: char| !is_name(c)).any(|n| n == hook);
        let connected = |hook: &str| {
            let mut calls = self.model.file_of(id).outline.calls.iter();
            !function.name.is_empty()
                && calls.any(|c| {
                    named(c.receiver(), hook)
                        && c.method() == "connect"
                        && named(&c.names, &function.name)
                })
        };
        let own = self.model.own(id);
        let handed = |hook: &str| {
            let mut calls = self.model.file_of(id).outline.calls.iter();
            function.name.is_empty()
                && calls.any(|c| c.closures.contains(&own) && c.method() == hook)
        };
        self.hooks.iter().any(|hook| {
            handed(hook)
                || function.annotations.iter().any(|a| named(a, hook))
                || named(&function.parameters, hook)
                || function.name == *hook
                || connected(hook)
        })
    }

    fn reached(&self, id: Id) -> Vec<&'m Primitive> {
        self.model
            .reach(id, DEPTH)
            .iter()
            .flat_map(|id| self.by_function.get(id).into_iter().flatten().copied())
            .collect()
    }
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
