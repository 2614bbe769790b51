//! For how long sessions and their tokens last, as far as the code says.

use std::collections::BTreeSet;

use super::creation::HANDED_ON;
use super::{Flow, Tracer};
use crate::fact::{Fact, Kind, Subject, Via};
use crate::model::Id;
use crate::primitive::{Does, Primitive};
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// A file of more comparisons than this was not written by hand: it is asked by its own words alone.
const CROWDED: usize = 2_000;

/// Words that give something an end in time.
const ENDS: &str = "exp expire expires expired expiry expiration ttl lifetime validity maxage max_age timedelta timeout idle setex";

impl Tracer<'_, '_> {
    /// Where a stored session is given an end in time: in a setting, in the options of its cookie,
    /// on the way that makes it, or where it is checked.
    pub(super) fn never_ending(&self, out: &mut Flow) {
        let mut found: Option<Fact> = None;
        let ends = |text: &str| {
            let list = words(text);
            any(&list, ENDS) || any(&list, "max") && any(&list, "age") || any(&list, "valid")
        };
        for setting in self.settings {
            let list = words(&setting.key);
            if v::names_session_loosely(&list) && (ends(&setting.key) || any(&list, "age duration"))
            {
                let note = format!("{} = {}", setting.key, setting.value);
                let fact = Fact::likely(Kind::Expires, &setting.file, setting.line, note);
                found = Some(Fact {
                    via: Via::Config,
                    scope: setting.key.clone(),
                    ..fact
                });
            }
        }
        for (number, file) in self.model.files.iter().enumerate() {
            if self.model.is_client(number) || found.is_some() {
                continue;
            }
            let outline = &file.outline;
            for pair in outline.pairs.iter().chain(&outline.assigns) {
                let holder = pair.holder.and_then(|call| outline.calls.get(call));
                let about = |text: &str| {
                    v::names_session_loosely(&words(text)) || any(&words(text), "cookie")
                };
                let tied = holder.is_some_and(|call| about(&call.path)) || about(&pair.target);
                if tied && ends(&pair.target) {
                    let note = format!("{} = {}", pair.target, pair.written);
                    found = Some(Fact::likely(Kind::Expires, &file.path, pair.line, note));
                }
            }
        }
        found = found.or_else(|| self.asked_outside());
        for id in self.model.in_time(self.model.ids()) {
            if found.is_some() {
                break;
            }
            let function = self.model.function(id);
            let speaks = function.names.split(' ').any(ends)
                || self.model.calls_in(id).any(|call| {
                    let path = words(&call.path);
                    (any(&path, ENDS) || call.texts.iter().any(|text| ends(text)))
                        && (v::names_session_loosely(&path)
                            || any(&path, "query execute exec redis store cache"))
                });
            let list = words(&function.names);
            let said = || {
                self.model.calls_in(id).any(|call| {
                    let mut texts = call.texts.iter().filter(|t| t.contains(' '));
                    texts.any(|t| ends(t) && v::names_session_loosely(&words(t)))
                })
            };
            if speaks && (v::names_session_loosely(&list) || said()) {
                let file = &self.model.file_of(id).path;
                let note = format!("{} gives sessions an end", function.name);
                found = Some(Fact::likely(Kind::Expires, file, function.line, note));
            } else if let Some(line) = self.asks_the_time(id) {
                let file = &self.model.file_of(id).path;
                let note = format!("{} holds a session against the clock", function.name);
                found = Some(Fact::likely(Kind::Expires, file, line, note));
            }
        }
        out.facts.extend(found);
    }

    /// The same in a script that stands in no function: `time() - $_SESSION['last'] > 1800` of PHP.
    fn asked_outside(&self) -> Option<Fact> {
        self.model.files.iter().find_map(|file| {
            let asks = file.outline.compares.iter().find(|c| {
                let both = words(&format!("{} {}", c.left, c.right));
                c.function.is_none()
                    && is_order(&c.operator)
                    && v::names_session(&both)
                    && is_moment(&both)
                    && is_clock(&both)
            })?;
            let note = "a session is held against the clock before anything else".to_owned();
            Some(Fact::likely(Kind::Expires, &file.path, asks.line, note))
        })
    }

    /// The line on which a session's age, silence or end is held against the clock, where requests
    /// are let in or sessions end.
    fn asks_the_time(&self, id: Id) -> Option<u32> {
        let function = self.model.function(id);
        let file = self.model.file_of(id);
        let near = self.model.near(id);
        let own = self.model.own(id);
        let lets_in = any(
            &near,
            "auth authenticate authenticated authorize verify validate check require guard middleware protect ensure current load resume touch session principal caller",
        ) && !v::names_sessions(&near);
        // `app.use(async (req, res, next) => …)` is asked before every route.
        let comes_first = || {
            file.outline.calls.iter().any(|c| {
                c.closures.contains(&own)
                    && matches!(c.method(), "use" | "Use" | "addHook" | "preHandler")
            })
        };
        let ends = || {
            self.reached(id).iter().any(|p| {
                matches!(
                    p.does,
                    Does::EndCurrent
                        | Does::EndOne
                        | Does::EndAll
                        | Does::EndOfDevice
                        | Does::ClearCookie
                )
            })
        };
        let about = || {
            v::names_session_loosely(&words(&function.names))
                || v::names_session_loosely(&near)
                || self.model.calls_in(id).any(|call| {
                    call.texts
                        .iter()
                        .any(|t| v::names_session_loosely(&words(t)))
                })
        };
        let outline = &file.outline;
        let is_crowded = outline.compares.len() > CROWDED
            || outline.assigns.len() + outline.calls.len() > CROWDED * 10;
        // What a side of a comparison was filled with, and the arguments of calls on its line.
        let said = |side: &str, line: u32| {
            if is_crowded {
                return words(side);
            }
            let mut text = side.to_owned();
            let name = side.split(['.', ' ', '(']).next().unwrap_or("");
            let filled = file.outline.assigns.iter().filter(|a| {
                a.target == name && (function.line..=function.end_line).contains(&a.line)
            });
            let beside = self.model.calls_beside(id, line);
            for more in filled.map(|a| &a.written).chain(beside.map(|c| &c.names)) {
                text.push(' ');
                text.push_str(more);
            }
            words(&text)
        };
        let by_sign = file
            .outline
            .compares
            .iter()
            .filter(|c| is_order(&c.operator))
            .filter(|c| c.function == Some(own))
            .find(|c| {
                let both = [said(&c.left, c.line), said(&c.right, c.line)].concat();
                let of_account = any(
                    &words(&format!("{} {}", c.left, c.right)),
                    "user account member password trial subscription",
                );
                is_moment(&both) && is_clock(&both) && !of_account
            })
            .map(|c| c.line);
        let line = by_sign.or_else(|| {
            let calls = file.outline.calls.iter();
            let mut calls = calls.filter(|call| call.function == Some(own));
            let asks = calls.find(|call| {
                let method = call.method().to_ascii_lowercase();
                let both = [words(&call.path), words(&call.names)].concat();
                let list = said(call.receiver(), call.line);
                let both = [both, list].concat();
                let by_call = matches!(
                    method.as_str(),
                    "isbefore"
                        | "isafter"
                        | "before"
                        | "after"
                        | "compareto"
                        | "lt"
                        | "gt"
                        | "lessthan"
                        | "greaterthan"
                        | "haselapsed"
                        | "diffinminutes"
                        | "diffinseconds"
                ) && is_moment(&both)
                    && is_clock(&both);
                let by_query = call.texts.iter().any(|text| bounds_time(text));
                by_call || by_query
            });
            asks.map(|call| call.line)
        })?;
        (about() && (lets_in || comes_first() || ends())).then_some(line)
    }

    /// Tokens that are signed on a way on which nobody names an expiry.
    pub(super) fn expiries(&self, out: &mut Flow) {
        let entries: BTreeSet<(String, u32)> = out
            .paths
            .iter()
            .filter(|p| p.is_token)
            .map(|p| (p.fact.file.clone(), p.fact.line))
            .collect();
        if entries.is_empty() {
            return;
        }
        let says = |id: Id| {
            let function = self.model.function(id);
            let file = self.model.file_of(id);
            let texts = self
                .model
                .calls_in(id)
                .filter(|c| c.end_line <= function.end_line)
                .flat_map(|c| c.texts.iter());
            let mut list = words(&function.names);
            list.extend(words(&function.parameters));
            list.extend(texts.flat_map(|t| words(t)));
            for pair in &file.outline.pairs {
                if pair.line >= function.line && pair.line <= function.end_line {
                    list.extend(words(&pair.target));
                }
            }
            any(
                &list,
                "exp expire expires expiry expiration ttl lifetime validity maxage timedelta",
            )
        };
        let signing = self.primitives.iter();
        for primitive in self
            .model
            .in_time(signing.filter(|p| p.does == Does::SignToken))
        {
            let Some(start) = primitive.function else {
                continue;
            };
            if self.signed_by(primitive).into_iter().any(says) {
                continue;
            }
            let mut stack = vec![(self.model.named_around(start), 0)];
            let mut seen = BTreeSet::new();
            let mut bare = false;
            while let Some((id, depth)) = stack.pop() {
                if !seen.insert(id) || says(id) || depth > HANDED_ON + 1 {
                    continue;
                }
                let file = &self.model.file_of(id).path;
                let function = self.model.function(id);
                let is_path = entries
                    .iter()
                    .any(|(f, l)| f == file && (function.line..=function.end_line).contains(l));
                let is_way_in = self.model.is_entry(id) && is_path;
                bare |= is_way_in;
                stack.extend(
                    self.model
                        .callers(id)
                        .iter()
                        .map(|c| (self.model.named_around(*c), depth + 1)),
                );
            }
            if bare {
                out.facts
                    .push(self.fact(Kind::NeverExpires, primitive, None, Subject::User));
            }
        }
    }

    /// The functions of the application that the line hands the signing to, and what they call.
    fn signed_by(&self, primitive: &Primitive) -> Vec<Id> {
        let calls = &self.model.files[primitive.file].outline.calls;
        calls
            .iter()
            .filter(|c| c.line == primitive.line)
            .flat_map(|c| self.model.resolve(primitive.file, c))
            .flat_map(|id| self.model.reach(id, HANDED_ON))
            .collect()
    }
}

fn is_order(operator: &str) -> bool {
    matches!(operator, "<" | "<=" | ">" | ">=")
}

/// Is a moment in the life of a session named: `last_seen_at`, `createdAt`, `expires_at`?
fn is_moment(list: &[String]) -> bool {
    let pair = |first: &str, second: &str| {
        list.windows(2)
            .any(|two| any(&two[..1], first) && any(&two[1..], second))
    };
    pair(
        "last",
        "seen used use active activity access accessed request touched",
    ) || pair(
        "created issued started authenticated opened touched",
        "at on",
    ) || pair("auth login created expiry", "time")
        || any(
            list,
            "lastseen lastused lastactivity lastaccess createdat issuedat iat",
        )
        || any(list, ENDS)
}

fn is_clock(list: &[String]) -> bool {
    any(
        list,
        "now date time clock since ago today instant utcnow millis monotonic cutoff deadline",
    )
}

/// Does a query leave out what is too old: `… AND last_seen_at > now() - interval '30 minutes'`?
fn bounds_time(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let list = words(&text);
    text.contains(" where ")
        && text.contains(['<', '>'])
        && v::names_session_loosely(&list)
        && is_moment(&list)
        && (is_clock(&list)
            || any(&list, "interval datetime")
            || text.contains(['$', '?', '%', ':']))
}
