//! Framework knowledge laid against the code of a unit.

use std::cell::OnceCell;

use innkeeper_report::Confidence;

use crate::config::Setting;
use crate::fact::{Fact, Kind, Via};
use crate::knowledge::{Framework, Needle, Pattern, at_least};
use crate::model::{Model, Parsed};
use crate::primitive::{Does, Primitive};
use crate::syntax::Call;
use crate::syntax::words::{any, glob, words};
use crate::unit::Unit;
use crate::value::Values;

/// What the frameworks of a unit say of it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) frameworks: Vec<String>,
    pub(crate) primitives: Vec<Primitive>,
    pub(crate) facts: Vec<Fact>,
    /// Lines on which nothing is about sessions, whatever a name there says: file and line.
    pub(crate) unrelated: std::collections::BTreeSet<(usize, u32)>,
    /// Names by which functions of this unit hear of every sign-in.
    pub(crate) hooks: Vec<String>,
    /// Paths into sessions that are sealed into a cookie: they have no id that could be kept.
    pub(crate) sealed: Vec<String>,
}

impl Known {
    /// Puts down what a framework says of the unit besides its facts.
    fn note(&mut self, model: &Model<'_>, unit: &Unit, framework: &Framework) {
        self.hooks.extend(framework.sign_in_hooks.iter().cloned());
        let stored = unit
            .packages
            .keys()
            .any(|have| framework.stored_by_package.iter().any(|p| glob(p, have)))
            || calls(model, &framework.stored_by);
        if framework.sealed && !stored {
            self.sealed.extend(framework.own.iter().cloned());
        }
        if framework.unrelated.is_empty() {
            return;
        }
        for (number, file) in model.files.iter().enumerate() {
            let calls = file.outline.calls.iter();
            let lines = calls
                .filter(|call| framework.unrelated.iter().any(|p| glob(p, &call.path)))
                .map(|call| (number, call.line));
            self.unrelated.extend(lines);
        }
    }
}

/// Names the framework a home-grown reading belongs to: `req.session.userId` is a name of our own
/// in a session of express-session.
pub(crate) fn attribute(facts: &mut [Fact], used: &[&Framework]) {
    for fact in facts.iter_mut().filter(|f| f.mechanism == "home-grown") {
        let what = fact.note.split([' ', ':']).next().unwrap_or("");
        let owner = used
            .iter()
            .find(|f| f.own.iter().any(|path| glob(path, what)));
        if let Some(owner) = owner {
            fact.mechanism.clone_from(&owner.name);
        }
    }
}

/// Finds the frameworks in use and everything their files know.
pub(crate) fn known(
    model: &Model<'_>,
    unit: &Unit,
    settings: &[&Setting],
    all: &[Framework],
) -> Known {
    let mut out = Known::default();
    let values = Values::new(model, settings);
    for framework in all {
        let by_package = framework
            .packages
            .iter()
            .any(|wanted| unit.packages.keys().any(|have| glob(wanted, have)));
        let by_text = says(model, framework);
        // What the rest of the unit lets a pattern say is the same for every file.
        let speaking = OnceCell::new();
        let mut in_use = by_text;
        for (number, file) in model.files.iter().enumerate() {
            if !framework
                .languages
                .iter()
                .any(|l| l == file.language.word())
            {
                continue;
            }
            let by_import = imports(file, framework);
            if !(by_package || by_import || by_text) {
                continue;
            }
            in_use |= by_import || by_package && framework.imports.is_empty();
            let speaking: &Vec<&Pattern> = speaking
                .get_or_init(|| framework.fact.iter().filter(|p| holds(model, p)).collect());
            for pattern in speaking {
                matches(
                    &values,
                    number,
                    framework,
                    pattern,
                    by_import || by_text,
                    &mut out,
                );
            }
        }
        if !(in_use || by_package) {
            continue;
        }
        for pattern in &framework.fact {
            for setting in settings
                .iter()
                .filter(|s| pattern.setting.iter().any(|key| s.is(key)))
            {
                let is_off = setting.is_off() || pattern.off.contains(&setting.value);
                out.facts.push(Fact {
                    kind: if is_off {
                        opposite(pattern.kind)
                    } else {
                        pattern.kind
                    },
                    file: setting.file.clone(),
                    line: setting.line,
                    scope: setting.key.clone(),
                    subject: pattern.subject,
                    confidence: pattern.confidence,
                    via: Via::Config,
                    mechanism: framework.name.clone(),
                    note: format!("{} = {}", setting.key, setting.value),
                    number: setting.value.parse().ok(),
                });
            }
        }
        out.note(model, unit, framework);
        defaults(model, unit, framework, by_package, &mut out);
        out.frameworks.push(framework.name.clone());
    }
    out
}

/// Does the rest of the unit let this pattern speak?
fn holds(model: &Model<'_>, pattern: &Pattern) -> bool {
    (pattern.given_call.is_empty() || calls(model, &pattern.given_call))
        && !calls(model, &pattern.unless_call)
}

/// Does the unit make one of these calls, or give a value to one of these places?
fn calls(model: &Model<'_>, needles: &[Needle]) -> bool {
    called(model, needles).is_some()
}

/// Where the unit does so first: file and line.
fn called(model: &Model<'_>, needles: &[Needle]) -> Option<(String, u32)> {
    let said = |needle: &Needle, names: &str| {
        needle.name.is_empty() || names.split(' ').any(|name| name == needle.name)
    };
    model.files.iter().find_map(|file| {
        let outline = &file.outline;
        needles.iter().find_map(|needle| {
            let fits = |path: &str| glob(&needle.path, path);
            let in_closure = |call: &Call| {
                let mut closures = call.closures.iter();
                closures.any(|own| said(needle, &outline.functions[*own].names))
            };
            let by_call = outline.calls.iter().find(|call| {
                fits(&call.path)
                    && (said(needle, &call.names)
                        || call.texts.contains(&needle.name)
                        || in_closure(call))
            });
            let by_place = || {
                let mut places = outline.assigns.iter().chain(&outline.pairs);
                places.find(|a| fits(&a.target) && said(needle, &a.names))
            };
            let line = by_call.map(|call| call.line);
            let line = line.or_else(|| by_place().map(|a| a.line));
            line.map(|line| (file.path.clone(), line))
        })
    })
}

/// Do the lists of these names hold nothing but what is allowed in them?
fn holds_only(model: &Model<'_>, allowed: &[Needle]) -> bool {
    let assigns = model.files.iter().flat_map(|file| &file.outline.assigns);
    assigns
        .filter(|a| allowed.iter().any(|needle| glob(&needle.path, &a.target)))
        .flat_map(|a| a.texts.iter().map(move |text| (a, text)))
        .all(|(a, text)| {
            let mut fits = allowed.iter().filter(|n| glob(&n.path, &a.target));
            fits.any(|needle| glob(&needle.name, text))
        })
}

fn imports(file: &Parsed, framework: &Framework) -> bool {
    file.outline.imports.iter().any(|have| {
        framework.imports.iter().any(|wanted| {
            glob(wanted, have) || glob(&format!("*{wanted}*"), have) && wanted.len() > 3
        })
    })
}

/// Do calls of the unit hand over every string that gives the framework away?
fn says(model: &Model<'_>, framework: &Framework) -> bool {
    let handed_over = |wanted: &String| {
        model.files.iter().any(|file| {
            let texts = file.outline.calls.iter().flat_map(|call| &call.texts);
            let in_call = |text: &String| text.len() < 200 && glob(wanted, text);
            let in_pair = |text: &str| glob(wanted, text.trim_matches(['"', '\'', '`', 'f', '$']));
            texts.into_iter().any(in_call)
                || file.outline.pairs.iter().any(|pair| in_pair(&pair.written))
        })
    };
    !framework.texts.is_empty() && framework.texts.iter().all(handed_over)
}

fn opposite(kind: Kind) -> Kind {
    if kind == Kind::Limits {
        Kind::LimitsOff
    } else {
        kind
    }
}

/// Defaults hold for the unit as a whole; they are placed at the first line that shows the rest.
fn defaults(
    model: &Model<'_>,
    unit: &Unit,
    framework: &Framework,
    by_package: bool,
    out: &mut Known,
) {
    for default in &framework.default {
        let version = unit
            .packages
            .iter()
            .find(|(have, _)| glob(&default.package, have))
            .map(|(_, v)| v);
        let holds = match version {
            Some(version) => {
                let is_stated = version.contains(|c: char| c.is_ascii_digit());
                at_least(version, &default.from) || default.unstated && !is_stated
            }
            // Without a manifest, an import shows that the framework's own package is there, and no
            // other package of its family.
            None if default.package.is_empty() => default.from.is_empty(),
            None => {
                default.from.is_empty()
                    && !by_package
                    && framework.packages.first() == Some(&default.package)
            }
        };
        if !holds || calls(model, &default.unless_call) || !holds_only(model, &default.within) {
            continue;
        }
        let shown = called(model, &default.given_call);
        if shown.is_none() && !default.given_call.is_empty() {
            continue;
        }
        let given = default.given.map(|kind| {
            out.facts
                .iter()
                .filter(|f| f.kind == kind && f.mechanism == framework.name)
                .map(|f| (f.file.clone(), f.line))
                .chain(
                    out.primitives
                        .iter()
                        .filter(|p| of_kind(kind) == Some(p.does) && p.mechanism == framework.name)
                        .map(|p| (model.files[p.file].path.clone(), p.line)),
                )
                .next()
        });
        let (file, line) = match given {
            Some(None) => continue,
            Some(Some(place)) => place,
            None => shown.unwrap_or_else(|| (unit.manifest.clone(), 1)),
        };
        out.facts.push(Fact {
            kind: default.kind,
            file,
            line,
            scope: String::new(),
            subject: crate::fact::Subject::User,
            confidence: default.confidence,
            via: Via::FrameworkDefault,
            mechanism: framework.name.clone(),
            note: default.note.clone(),
            number: None,
        });
    }
}

/// A place where a pattern fits.
struct Hit {
    line: u32,
    function: Option<usize>,
    path: String,
    bound: Bound,
}

/// Whether what stands there is on, for patterns that can be switched off.
enum Bound {
    /// On, with the number where there is one.
    On(Option<u64>),
    /// Off, and where, if elsewhere.
    Off(String),
    /// A value decides that is not to be seen.
    Unseen,
}

impl Bound {
    fn written(pattern: &Pattern, written: &str) -> Self {
        if pattern.off.iter().any(|off| off == written) {
            Self::Off(String::new())
        } else {
            Self::On(written.parse().ok())
        }
    }

    /// Of a value as it is written, or of the names in it.
    fn of(values: &Values<'_>, pattern: &Pattern, file: usize, line: u32, given: &str) -> Self {
        let is_written = matches!(given, "" | "true" | "false") || given.parse::<i64>().is_ok();
        let is_known = pattern.off.iter().any(|off| off == given);
        if pattern.kind != Kind::Limits || pattern.off.is_empty() || is_written || is_known {
            return Self::written(pattern, given);
        }
        match values.number(file, line, given) {
            Some(value) if pattern.off.contains(&value.number.to_string()) => Self::Off(value.at),
            Some(value) => Self::On(u64::try_from(value.number).ok()),
            None => Self::Unseen,
        }
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one loop for each shape a pattern may name"
)]
fn matches(
    values: &Values<'_>,
    number: usize,
    framework: &Framework,
    pattern: &Pattern,
    by_import: bool,
    out: &mut Known,
) {
    let model = values.model;
    let file = model.files[number];
    let outline = &file.outline;
    let fits = |path: &str, patterns: &[String]| patterns.iter().any(|p| glob(p, path));
    let allowed = |path: &str, names: &str, texts: &[String], function: Option<usize>| {
        let mut all = words(names);
        all.extend(texts.iter().filter(|t| t.len() < 60).flat_map(|t| words(t)));
        let asked = pattern.mentions.is_empty()
            || pattern
                .mentions
                .iter()
                .any(|m| words(m).iter().all(|w| any(&all, w)));
        all.extend(words(path));
        if let Some(id) = model.id(number, function) {
            all.extend(model.near(id));
        }
        asked && !pattern.unless.iter().any(|u| any(&all, u))
    };
    let mut hits: Vec<Hit> = Vec::new();
    for call in model.in_time(&outline.calls) {
        let names_receiver = pattern
            .call
            .iter()
            .any(|p| !p.starts_with('*') && p.contains('.') && glob(p, &call.path));
        if (by_import || names_receiver || model.resolve(number, call).is_empty())
            && fits(&call.path, &pattern.call)
            && (pattern.text.is_empty() || call.texts.iter().any(|t| fits(t, &pattern.text)))
            && allowed(&call.path, &call.names, &call.texts, call.function)
        {
            let says_off = call.texts.iter().any(|t| pattern.off.contains(t));
            let given = call.arguments.first().map_or("", String::as_str);
            let bound = Bound::of(values, pattern, number, call.line, given);
            hits.push(Hit {
                line: call.line,
                function: call.function,
                path: call.path.clone(),
                bound: if says_off {
                    Bound::Off(String::new())
                } else {
                    bound
                },
            });
        }
    }
    for assign in model.in_time(&outline.assigns) {
        if fits(&assign.target, &pattern.target)
            && (pattern.text.is_empty() || assign.texts.iter().any(|t| fits(t, &pattern.text)))
            && allowed(&assign.target, &assign.names, &[], assign.function)
        {
            hits.push(Hit {
                line: assign.line,
                function: assign.function,
                path: assign.target.clone(),
                bound: match assign.names.as_str() {
                    "" => Bound::written(pattern, &assign.written),
                    names => Bound::of(values, pattern, number, assign.line, names),
                },
            });
        }
    }
    for pair in &outline.pairs {
        let handed_to = || pair.holder.and_then(|call| outline.calls.get(call));
        if fits(&pair.target, &pattern.pair)
            && (pattern.within.is_empty()
                || handed_to().is_some_and(|call| fits(&call.path, &pattern.within)))
            && allowed(&pair.target, &pair.names, &[], pair.function)
        {
            hits.push(Hit {
                line: pair.line,
                function: pair.function,
                path: pair.target.clone(),
                bound: Bound::written(pattern, &pair.written),
            });
        }
    }
    let extends = |class: &str| {
        let bases = outline.classes.iter().filter(|(name, _)| name == class);
        bases
            .flat_map(|(_, bases)| bases.split(' '))
            .any(|base| fits(base, &pattern.extends))
    };
    let functions = outline.functions.iter().enumerate();
    let classes = functions.filter(|_| !pattern.extends.is_empty());
    for (own, function) in model.in_time(classes) {
        if extends(&function.class) && allowed(&function.class, &function.names, &[], Some(own)) {
            hits.push(Hit {
                line: function.line,
                function: Some(own),
                path: function.class.clone(),
                bound: Bound::On(None),
            });
        }
    }
    for annotation in &outline.annotations {
        if fits(&annotation.path, &pattern.annotation)
            && allowed(
                &annotation.path,
                &annotation.written,
                &annotation.texts,
                annotation.function,
            )
        {
            hits.push(Hit {
                line: annotation.line,
                function: annotation.function,
                path: annotation.path.clone(),
                bound: Bound::On(None),
            });
        }
    }
    for hit in hits {
        let Hit {
            line,
            function,
            path,
            bound,
        } = hit;
        let function = model.id(number, function);
        let said = match &bound {
            Bound::Off(at) if !at.is_empty() => format!("switched off at {at}"),
            Bound::Unseen => "how many it allows is not to be seen here".to_owned(),
            Bound::Off(_) | Bound::On(_) => pattern.note.clone(),
        };
        let note = if said.is_empty() {
            path
        } else {
            format!("{path}: {said}")
        };
        let confidence = match bound {
            Bound::Unseen => Confidence::Hint,
            Bound::On(_) | Bound::Off(_) => pattern.confidence,
        };
        match of_kind(pattern.kind) {
            Some(does) => out.primitives.push(Primitive {
                does,
                file: number,
                line,
                function,
                confidence: pattern.confidence,
                keeps_id: pattern.keeps_id,
                mechanism: framework.name.clone(),
                note,
            }),
            None => out.facts.push(Fact {
                kind: match bound {
                    Bound::Off(_) => opposite(pattern.kind),
                    Bound::On(_) | Bound::Unseen => pattern.kind,
                },
                file: file.path.clone(),
                line,
                scope: function.map(|id| model.scope(id)).unwrap_or_default(),
                subject: pattern.subject,
                confidence,
                via: Via::Call,
                mechanism: framework.name.clone(),
                note,
                number: match bound {
                    Bound::On(number) => number,
                    Bound::Off(_) | Bound::Unseen => None,
                },
            }),
        }
    }
}

/// Kinds whose meaning depends on who calls: they go through the flow with everything else.
fn of_kind(kind: Kind) -> Option<Does> {
    Some(match kind {
        Kind::Creates => Does::Create,
        Kind::SignsToken => Does::SignToken,
        Kind::Regenerates => Does::Regenerate,
        Kind::Logout => Does::EndCurrent,
        Kind::RevokesOne => Does::EndOne,
        Kind::RevokesOthers => Does::EndOthers,
        Kind::RevokesAll => Does::EndAll,
        Kind::Notifies => Does::Tell,
        Kind::PasswordChange => Does::SetPassword,
        Kind::LogoutClientOnly => Does::ClearCookie,
        Kind::SingleSlot => Does::SingleSlot,
        _ => return None,
    })
}
