//! Where sessions are made, by which way in, and for how long their tokens last.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_report::Confidence;

use super::{Flow, Path, Tracer};
use crate::fact::{Fact, Kind, Subject, Via};
use crate::model::Id;
use crate::primitive::{Does, checks_password};
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// How many times a function that makes sessions hands that on to its callers.
pub(super) const HANDED_ON: usize = 3;

/// How far from a signature the password may be checked.
const CHECKED: usize = 2;

impl Tracer<'_, '_> {
    /// Where sessions are made, and every place that asks for one.
    #[expect(clippy::too_many_lines, reason = "two passes over the same list")]
    pub(super) fn creations(&self, out: &mut Flow) {
        let mut makers: BTreeMap<Id, (bool, bool)> = BTreeMap::new();
        let mut seen: BTreeSet<(usize, u32)> = BTreeSet::new();
        for primitive in self.model.in_time(self.primitives) {
            let is_token = primitive.does == Does::SignToken;
            if !(primitive.does == Does::Create || is_token) || self.model.is_client(primitive.file)
            {
                continue;
            }
            let keeps_id = !is_token && primitive.keeps_id;
            let near = primitive
                .function
                .map(|id| self.model.near(id))
                .unwrap_or_default();
            let logs_out =
                v::is_logout(&near) || v::is_cleanup(&near) && !v::is_login_strictly(&near);
            if logs_out {
                continue;
            }
            if let Some(id) = primitive.function {
                makers.insert(self.model.named_around(id), (keeps_id, is_token));
            }
            // A signature makes a session where somebody signs in, by its name or by a password
            // that is checked; elsewhere its callers decide.
            let checks = |id: Id| {
                let way = self.model.reach(self.model.named_around(id), CHECKED);
                !v::is_errand(&near) && way.iter().any(|f| checks_password(self.model, *f))
            };
            let counts = !is_token
                || primitive.confidence == Confidence::Sure
                || primitive.function.is_none_or(|id| {
                    v::is_login_strictly(&self.model.near(id))
                        || v::names_session(&self.model.near(id))
                        || checks(id)
                });
            if is_token {
                out.facts
                    .push(self.fact(Kind::SignsToken, primitive, None, Subject::User));
            }
            if counts && seen.insert((primitive.file, primitive.line)) {
                self.path(
                    out,
                    self.fact(Kind::Creates, primitive, None, Subject::User),
                    primitive.function,
                    keeps_id,
                    is_token,
                );
            }
        }
        for _ in 0..HANDED_ON {
            let mut next: BTreeMap<Id, (bool, bool)> = BTreeMap::new();
            for (number, file) in self.model.files.iter().enumerate() {
                if self.model.is_client(number) {
                    continue;
                }
                for call in self.model.in_time(&file.outline.calls) {
                    let Some(maker) = self
                        .model
                        .resolve(number, call)
                        .into_iter()
                        .find(|id| makers.contains_key(id))
                    else {
                        continue;
                    };
                    let (keeps_id, is_token) = makers[&maker];
                    let named = self.model.function(maker);
                    let name = [words(&named.name), words(&named.class)].concat();
                    let says_so = v::is_login_strictly(&name)
                        || v::names_session_loosely(&name)
                        || any(
                            &name,
                            "auth authorize token tokens claims cookie cookies sign jwt establish",
                        );
                    let caller = self.model.id(number, call.function);
                    let near = caller.map(|id| self.model.near(id)).unwrap_or_default();
                    let context = [near.clone(), words(&call.into)].concat();
                    let errand = v::is_errand(&[context.clone(), name.clone()].concat())
                        && !v::is_login_strictly(&near);
                    let far = caller.map(|id| self.model.far(id)).unwrap_or_default();
                    let hands_on = v::is_making(&near)
                        && (v::names_session_loosely(&near) || any(&near, "token auth"));
                    let tied = v::is_login(&far) || v::names_user(&words(&call.names)) || hands_on;
                    if !self.model.routes(maker).is_empty()
                        || !says_so
                        || errand
                        || !tied
                        || caller == Some(maker)
                        || v::is_logout(&near)
                    {
                        continue;
                    }
                    if let Some(id) = caller {
                        next.insert(self.model.named_around(id), (keeps_id, is_token));
                    }
                    if seen.insert((number, call.line)) {
                        let fact = Fact {
                            kind: Kind::Creates,
                            file: file.path.clone(),
                            line: call.line,
                            scope: caller.map(|id| self.model.scope(id)).unwrap_or_default(),
                            subject: Subject::User,
                            confidence: Confidence::Likely,
                            via: Via::Call,
                            mechanism: "home-grown".into(),
                            note: format!(
                                "{} (through {})",
                                call.path,
                                self.model.function(maker).name
                            ),
                            number: None,
                        };
                        self.path(out, fact, caller, keeps_id, is_token);
                    }
                }
            }
            next.retain(|id, _| !makers.contains_key(id));
            if next.is_empty() {
                break;
            }
            makers.extend(next);
        }
        self.makers(&makers, out);
    }

    /// The functions that exist to make sessions are facts of their own.
    pub(super) fn makers(&self, makers: &BTreeMap<Id, (bool, bool)>, out: &mut Flow) {
        for (id, (_, is_token)) in makers {
            let function = self.model.function(*id);
            let name = words(&function.name);
            let is_maker =
                v::is_making(&name) && (v::names_session(&name) || any(&name, "token tokens"));
            if is_maker && self.model.routes(*id).is_empty() {
                let file = self.model.file_of(*id);
                out.facts.push(Fact {
                    kind: if *is_token && !v::names_session(&name) {
                        Kind::SignsToken
                    } else {
                        Kind::Creates
                    },
                    file: file.path.clone(),
                    line: function.line,
                    scope: function.name.clone(),
                    subject: Subject::User,
                    confidence: Confidence::Likely,
                    via: Via::Call,
                    mechanism: "home-grown".into(),
                    note: format!("{} makes sessions for its callers", function.name),
                    number: None,
                });
            }
        }
    }

    pub(super) fn path(
        &self,
        out: &mut Flow,
        fact: Fact,
        function: Option<Id>,
        keeps_id: bool,
        is_token: bool,
    ) {
        let regenerates = function.is_some_and(|id| {
            let around = self.model.named_around(id);
            let own = self
                .reached(around)
                .iter()
                .any(|p| p.does == Does::Regenerate);
            let inside = self.reached(id).iter().any(|p| p.does == Does::Regenerate);
            own && self.is_alone(around) || inside || self.same_chain(id, fact.line)
        });
        let limited = function.is_some_and(|id| self.bounds_on_the_way(id));
        let near = function.map(|id| self.model.near(id)).unwrap_or_default();
        let is_main = !any(
            &near,
            "register registration signup oauth oauth2 sso saml callback confirm reset invite setup install redirect",
        ) && !near.windows(2).any(|t| t[0] == "sign" && t[1] == "up");
        let is_entry = function.is_none_or(|id| {
            let around = self.model.named_around(id);
            !self.model.routes(around).is_empty() || self.model.callers(around).is_empty()
        });
        out.facts.push(fact.clone());
        out.paths.push(Path {
            fact,
            regenerates,
            limited,
            keeps_id,
            is_token,
            is_main,
            is_entry,
        });
    }

    /// A function that is one handler, not a constructor with many handlers in it.
    pub(super) fn is_alone(&self, id: Id) -> bool {
        let function = self.model.function(id);
        function.end_line.saturating_sub(function.line) < 150
    }

    /// Is the line inside a callback of a call that makes a new id? `regenerate(() => { here })`
    pub(super) fn same_chain(&self, id: Id, line: u32) -> bool {
        let file = self.model.file_of(id);
        file.outline.calls.iter().any(|call| {
            call.line <= line
                && line <= call.end_line
                && call.closures.len() == 1
                && any(&words(call.method()), "regenerate")
        })
    }
}
