//! Identity that one caller writes where the next one reads it.
//!
//! A value that comes from a request is followed through the variables of a function, and one step
//! back to its callers, into a place that every caller shares. Whoever reads that place while
//! another request is under way acts as somebody else.

use std::collections::BTreeSet;

use super::slot::{Owner, Slot, Slots};
use crate::fact::{Fact, Kind};
use crate::model::{Id, Model};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Language};

/// Names of what a request brings.
const REQUEST: &str = "req request ctx context httpcontext exchange payload claims session body headers cookies token";
/// Names of who is asking.
const IDENTITY: &str = "user account principal identity tenant session token claims auth role roles subject member customer actor viewer uid userid caller request req permissions";
/// Names of things beside identity that share a word with it.
const BESIDE: &str = "count service store model schema router controller client config options option repository repo manager factory cache map list table registry secret key keys provider handler logger callback url expiry ttl timeout max limit default agent interface interval time timer validation enabled scheduler date status type name size version mode strategy format path prefix domain attribute header parameter param field property suffix encoder serializer converter resolver listener filter";
/// Names of code that decides.
const DECIDES: &str = "authorize authorise authorization permission permissions permitted can check require required ensure guard role roles admin access policy policies allowed allow owner forbid deny";

/// Facts about identity in shared places.
pub(super) fn facts(model: &Model<'_>) -> Vec<Fact> {
    let slots = Slots::new(model);
    let mut out = Vec::new();
    let mut seen: BTreeSet<Slot> = BTreeSet::new();
    for (number, file) in model.files.iter().enumerate() {
        if model.is_client(number)
            || !is_followed(file.language)
            || runs_in_browser(&file.outline.imports)
        {
            continue;
        }
        for assign in &file.outline.assigns {
            let (Some(own), Some(id)) = (assign.function, model.id(number, assign.function)) else {
                continue;
            };
            if assign.names.is_empty() || !speaks_of_identity(assign) || begins(model, id) {
                continue;
            }
            let Some(slot) = slots.written(number, own, assign) else {
                continue;
            };
            if !comes_from_request(model, id, assign) {
                continue;
            }
            let readers = readers(model, &slot, id);
            let Some(first) = readers.first() else {
                continue;
            };
            if !seen.insert(slot.clone()) {
                continue;
            }
            let deciding = readers.iter().find(|id| decides(model, **id, &slot));
            let reader = deciding.unwrap_or(first);
            let read = format!(
                "{} in {}",
                model.scope(*reader),
                model.file_of(*reader).path
            );
            let (kind, note) = match deciding {
                Some(_) => (
                    Kind::SharedStateDecides,
                    format!(
                        "{} is one place for all callers, is set from a request here, and decides in {read}",
                        assign.target
                    ),
                ),
                None => (
                    Kind::SharedState,
                    format!(
                        "{} is one place for all callers, is set from a request here, and is read by {read}",
                        assign.target
                    ),
                ),
            };
            out.push(Fact {
                scope: model.scope(id),
                ..Fact::likely(kind, &file.path, assign.line, note)
            });
        }
    }
    out
}

const fn is_followed(language: Language) -> bool {
    matches!(
        language,
        Language::JavaScript
            | Language::TypeScript
            | Language::Python
            | Language::Java
            | Language::Go
            | Language::CSharp
    )
}

/// In a browser there is one user, and a variable is theirs.
fn runs_in_browser(imports: &[String]) -> bool {
    imports.iter().any(|import| {
        [
            "@angular/",
            "react",
            "vue",
            "svelte",
            "pinia",
            "mobx",
            "electron",
        ]
        .iter()
        .any(|part| import.starts_with(part))
    })
}

fn speaks_of_identity(assign: &Assign) -> bool {
    let last = words(assign.target.rsplit('.').next().unwrap_or(""));
    let named = words(&assign.target);
    any(&named, IDENTITY)
        && !any(&last, BESIDE)
        && !matches!(
            assign.written.as_str(),
            "null" | "None" | "nil" | "undefined"
        )
}

/// Constructors and start-up run once, before anybody asks.
fn begins(model: &Model<'_>, id: Id) -> bool {
    let function = model.function(model.named_around(id));
    let name = words(&function.name);
    !function.name.is_empty() && function.name == function.class
        || any(
            &name,
            "constructor init setup connect bootstrap configure main start register build",
        ) && model.routes(id).is_empty()
}

/// Is the value made from what a request brings?
fn comes_from_request(model: &Model<'_>, id: Id, assign: &Assign) -> bool {
    let from = tainted(model, id);
    let names = || assign.names.split(' ');
    if names().any(|name| from.contains(name)) {
        return true;
    }
    // A setter: what do its callers hand over?
    let function = model.function(id);
    let is_parameter = names().any(|name| function.parameters.split(' ').any(|p| p == name));
    is_parameter
        && model.callers(id).iter().any(|caller| {
            let theirs = tainted(model, *caller);
            let hands_over = |names: &str| names.split(' ').any(|name| theirs.contains(name));
            model
                .calls_in(*caller)
                .any(|call| call.method() == function.name && hands_over(&call.names))
        })
}

/// The names in a function that hold what a request brings, directly or by way of others.
fn tainted<'a>(model: &Model<'a>, id: Id) -> BTreeSet<&'a str> {
    let function = model.function(id);
    let brings = |name: &str| any(&words(name), REQUEST);
    let mut out: BTreeSet<&'a str> = function
        .parameters
        .split(' ')
        .chain(function.names.split(' '))
        .filter(|name| brings(name))
        .collect();
    // Single letters that handlers use by habit, where the type beside them says what they are.
    if any(&words(&function.parameters), "request context") {
        out.extend(function.parameters.split(' ').filter(|p| p.len() == 1));
    }
    let outline = &model.file_of(id).outline;
    let within = |a: &&Assign| (function.line..=function.end_line).contains(&a.line);
    let assigns: Vec<&'a Assign> = outline.assigns.iter().filter(within).collect();
    for _ in 0..4 {
        let before = out.len();
        for assign in &assigns {
            if assign.names.split(' ').any(|name| out.contains(name)) {
                out.insert(&assign.target);
            }
        }
        if out.len() == before {
            break;
        }
    }
    out
}

/// Other functions that read the place.
fn readers(model: &Model<'_>, slot: &Slot, writer: Id) -> Vec<Id> {
    let writer = model.named_around(writer);
    let holds = |id: Id, name: &str| model.function(id).names.split(' ').any(|n| n == name);
    model
        .ids()
        .filter(|id| model.named_around(*id) != writer && reads(model, *id, &slot.name))
        .filter(|id| {
            let file = model.file_of(*id);
            match &slot.owner {
                Owner::Program => holds(*id, "global") || holds(*id, "globalThis"),
                Owner::Class(class) => model.function(*id).class == *class || holds(*id, class),
                Owner::Module(number, holder) => {
                    let home = model.files[*number];
                    let is_home = std::ptr::eq(home, file);
                    let stem = home.path.rsplit('/').next().unwrap_or("");
                    let stem = stem.split('.').next().unwrap_or("");
                    let folder = home.path.rsplit('/').nth(1).unwrap_or("");
                    let brings = file.outline.brought.iter().any(|(names, module)| {
                        let tail = module
                            .rsplit('/')
                            .next()
                            .unwrap_or("")
                            .split('.')
                            .next()
                            .unwrap_or("");
                        tail == stem
                            || tail == folder && !folder.is_empty()
                            || module.is_empty() && names.split(' ').any(|n| n == stem)
                    });
                    let same_package = file.language == Language::Go
                        && file.path.rsplit_once('/').map(|p| p.0)
                            == home.path.rsplit_once('/').map(|p| p.0);
                    (is_home || same_package || brings) && (holder.is_empty() || holds(*id, holder))
                }
            }
        })
        .collect()
}

/// Does a function name the place more often than it writes it?
fn reads(model: &Model<'_>, id: Id, name: &str) -> bool {
    let function = model.function(id);
    let named = function.names.split(' ').filter(|n| *n == name).count();
    let outline = &model.file_of(id).outline;
    let own = model.own(id);
    let written = outline
        .assigns
        .iter()
        .filter(|a| a.function == Some(own) && a.target.split('.').any(|part| part == name))
        .count();
    let declared = function.globals.split(' ').filter(|n| *n == name).count();
    named > written + declared
        && !(outline
            .assigns
            .iter()
            .any(|a| a.function == Some(own) && a.declares && a.target == name)
            || function.parameters.split(' ').any(|p| p == name))
}

/// Does the reader decide by it: in a comparison, by its own name, or in a call that asks?
fn decides(model: &Model<'_>, id: Id, slot: &Slot) -> bool {
    let function = model.function(id);
    let within = |line: u32| (function.line..=function.end_line).contains(&line);
    let named = |text: &str| {
        text.split(['.', ' ', '(', ')'])
            .any(|part| part == slot.name)
    };
    let compares = model
        .file_of(id)
        .outline
        .compares
        .iter()
        .filter(|c| within(c.line))
        .any(|c| named(&c.left) || named(&c.right));
    let asks = model
        .calls_in(id)
        .any(|call| any(&words(&call.path), DECIDES) && (named(&call.names) || named(&call.path)));
    compares || asks || any(&model.near(id), DECIDES)
}
