//! Identity that one caller writes where the next one reads it.
//!
//! A value that comes from a request is followed through the variables of a function and of those it
//! stands in, through closures, and one step back to its callers, into a place that every caller
//! shares. Whoever reads that place while another request is under way acts as somebody else.

use std::collections::BTreeSet;

use super::slot::{Owner, Slot, Slots};
use crate::fact::{Fact, Kind};
use crate::model::{Id, Model, runs_in_browser};
use crate::syntax::words::{any, words};
use crate::syntax::{Assign, Call, Language, Outline};

/// Names of what a request brings.
const REQUEST: &str = "req request ctx context httpcontext exchange payload claims session body headers cookies token principal authentication userdetails oidcuser";
/// Names of parameters in which a framework hands over what a request brought.
const FORM: &str = "dto form credentials input command email password username login details";
/// Names of who is asking.
const IDENTITY: &str = "user account principal identity tenant session token claims auth role roles subject member customer actor viewer uid userid username caller request req permissions";
/// Names of things beside identity that share a word with it.
const BESIDE: &str = "count service store model schema router controller client config options option repository repo manager factory cache map list table registry secret key keys provider handler logger callback url expiry ttl timeout max limit default agent interface interval time timer validation enabled scheduler date status type name size version mode strategy format path prefix domain attribute header parameter param field property suffix encoder serializer converter resolver listener filter";
/// Names of code that decides.
const DECIDES: &str = "authorize authorise authorization permission permissions permitted can check require required ensure guard role roles admin access policy policies allowed allow owner forbid deny";
/// Names of what somebody may, as a field says it.
const RIGHTS: &str =
    "admin administrator superuser staff moderator permission permissions can allowed authorized";

/// Names of calls that fill a variable from a request.
const FILLS: &str = "bind decode unmarshal parser";
/// Over how many lines one call may follow another in a chain.
const CHAIN: u32 = 6;

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
        for assign in model.in_time(&file.outline.assigns) {
            let (Some(own), Some(id)) = (assign.function, model.id(number, assign.function)) else {
                continue;
            };
            let named = speaks_of_identity(assign);
            let last = assign.target.rsplit('.').next().unwrap_or("");
            if assign.names.is_empty()
                || !(named || slots.may_hold_user(last))
                || is_nothing(assign)
                || begins(model, id)
            {
                continue;
            }
            let Some(slot) = slots.written(number, own, assign) else {
                continue;
            };
            if !(named || slots.holds_user(&slot)) || !comes_from_request(model, id, assign) {
                continue;
            }
            let readers = readers(model, &slots, &slot, id);
            let Some(first) = readers.first() else {
                continue;
            };
            if !seen.insert(slot.clone()) {
                continue;
            }
            let deciding = readers
                .iter()
                .find(|id| decides(model, **id, &slot) || decides_by_asking(model, **id));
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

fn speaks_of_identity(assign: &Assign) -> bool {
    let last = words(assign.target.rsplit('.').next().unwrap_or(""));
    let named = words(&assign.target);
    any(&named, IDENTITY) && !any(&last, BESIDE)
}

/// Is the place emptied, rather than filled?
fn is_nothing(assign: &Assign) -> bool {
    matches!(
        assign.written.trim_end_matches(';'),
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
    if takes(model, id, assign, &from) {
        return true;
    }
    // A setter: what do its callers hand over?
    let function = model.function(id);
    let names = || assign.names.split(' ');
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

/// Is one of these names in the value, or in a closure that the value is chosen by:
/// `users.find(u => u.email === req.body.email)`?
fn takes(model: &Model<'_>, id: Id, assign: &Assign, from: &BTreeSet<&str>) -> bool {
    let among = |names: &str| names.split(' ').any(|name| from.contains(name));
    if among(&assign.names) {
        return true;
    }
    // Only what is called with something of its own may be handed a closure.
    if !assign.written.contains(['(', '{']) {
        return false;
    }
    let outline = &model.file_of(id).outline;
    let end = outline
        .calls
        .iter()
        .filter(|c| c.function == assign.function && c.into == assign.target)
        .filter(|c| c.line >= assign.line)
        .map(|c| c.end_line)
        .min()
        .unwrap_or(assign.line);
    outline
        .functions
        .iter()
        .filter(|f| f.parent == assign.function && (assign.line..=end).contains(&f.line))
        .any(|f| among(&f.names))
}

/// The names in a function that hold what a request brings, directly or by way of others. A closure
/// sees those of the functions it stands in, and what a call hands it that was given one of them.
fn tainted<'a>(model: &Model<'a>, id: Id) -> BTreeSet<&'a str> {
    let around = model.enclosing(id);
    let mut out: BTreeSet<&'a str> = BTreeSet::new();
    for each in &around {
        let function = model.function(*each);
        let parameters = || function.parameters.split(' ');
        let brings = |name: &&str| any(&words(name), REQUEST) || is_whole(name);
        out.extend(parameters().filter(|name| any(&words(name), FORM)));
        out.extend(parameters().chain(function.names.split(' ')).filter(brings));
        // Single letters that handlers use by habit, where the type beside them says what they are.
        if parameters().any(|name| {
            any(&words(name), "request context principal authentication") || is_whole(name)
        }) {
            out.extend(parameters().filter(|p| p.len() == 1));
        }
    }
    let outline = &model.file_of(id).outline;
    let function = model.function(id);
    let own: Vec<usize> = around.iter().map(|each| model.own(*each)).collect();
    let is_seen = |place: Option<usize>, line: u32| {
        place.is_some_and(|place| own.contains(&place))
            || (function.line..=function.end_line).contains(&line)
    };
    let assigns: Vec<&'a Assign> = outline
        .assigns
        .iter()
        .filter(|a| is_seen(a.function, a.line))
        .collect();
    let handing: Vec<&'a Call> = outline
        .calls
        .iter()
        .filter(|c| c.closures.iter().any(|closure| own.contains(closure)))
        .collect();
    // `c.ShouldBindJSON(&in)` and `json.NewDecoder(r.Body).Decode(&in)` fill what they are given.
    let filling: Vec<&'a Call> = outline
        .calls
        .iter()
        .filter(|c| is_seen(c.function, c.line) && any(&words(c.method()), FILLS))
        .collect();
    for _ in 0..4 {
        let before = out.len();
        for call in &handing {
            let given = names_before(outline, call)
                .any(|names| names.split(' ').any(|name| out.contains(name)));
            for closure in call.closures.iter().filter(|c| given && own.contains(c)) {
                let parameters = outline.functions[*closure].parameters.split(' ');
                out.extend(parameters.filter(|p| !p.is_empty()));
            }
        }
        for call in &filling {
            let mut from = call.path.split(['.', '(', ')']);
            let given = from.any(|name| out.contains(name))
                || names_before(outline, call)
                    .any(|names| names.split(' ').any(|name| out.contains(name)));
            out.extend(call.names.split(' ').filter(|n| given && !n.is_empty()));
        }
        for assign in &assigns {
            if takes(model, id, assign, &out) {
                out.insert(&assign.target);
            }
        }
        if out.len() == before {
            break;
        }
    }
    out
}

/// The names that a call is handed, and those before it in its chain:
/// `User.findOne({ email }).then(user => …)`.
fn names_before<'o>(outline: &'o Outline, call: &'o Call) -> impl Iterator<Item = &'o str> {
    let before = outline.calls.iter().filter(|c| {
        let rest = call.path.strip_prefix(c.path.as_str());
        c.function == call.function
            && c.line <= call.end_line
            && call.line <= c.end_line + CHAIN
            && rest.is_some_and(|rest| rest.starts_with("()"))
    });
    std::iter::once(call.names.as_str()).chain(before.map(|c| c.names.as_str()))
}

/// Types whose name is one word to their framework: `UserDetails`, `OidcUser`.
fn is_whole(name: &str) -> bool {
    matches!(
        words(name).concat().as_str(),
        "userdetails" | "oidcuser" | "oauth2user"
    )
}

/// Other functions that read the place.
fn readers(model: &Model<'_>, slots: &Slots<'_, '_>, slot: &Slot, writer: Id) -> Vec<Id> {
    let writer = model.named_around(writer);
    let holds = |id: Id, name: &str| model.function(id).names.split(' ').any(|n| n == name);
    model
        .ids()
        .filter(|id| model.named_around(*id) != writer && reads(model, *id, &slot.name))
        .filter(|id| {
            let file = model.file_of(*id);
            match &slot.owner {
                Owner::Program => holds(*id, "global") || holds(*id, "globalThis"),
                Owner::Class(class) => {
                    let own = &model.function(*id).class;
                    own == class || holds(*id, class) || slots.is_handed(own, class)
                }
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

/// Does somebody decide by what this reader hands out: `if (!Context.get().isAdmin())`?
fn decides_by_asking(model: &Model<'_>, reader: Id) -> bool {
    let name = &model.function(reader).name;
    let asked = format!("{name}()");
    let is_asked = |path: &str| path.split('.').any(|part| part == asked);
    !name.is_empty()
        && model.callers(reader).iter().any(|caller| {
            let function = model.function(*caller);
            let within = |line: u32| (function.line..=function.end_line).contains(&line);
            let mut compares = model.file_of(*caller).outline.compares.iter();
            model
                .calls_in(*caller)
                .any(|call| is_asked(&call.path) && any(&words(&call.path), DECIDES))
                || compares.any(|c| within(c.line) && (is_asked(&c.left) || is_asked(&c.right)))
        })
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
    // `if !currentUser.Admin`: what is asked of it is a yes or a no.
    let all: Vec<&str> = function.names.split(' ').collect();
    let asks_of_it = all
        .windows(2)
        .any(|two| two[0] == slot.name && any(&words(two[1]), RIGHTS));
    compares || asks || asks_of_it || any(&model.near(id), DECIDES)
}
