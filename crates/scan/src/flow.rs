//! From lines to facts: what a line means depends on the way in that leads to it.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_report::Confidence;

use crate::config::Setting;
use crate::fact::{Fact, Kind, Subject, Via};
use crate::model::{Id, Model};
use crate::primitive::{Does, Primitive};
use crate::syntax::Language;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// How far a way in is followed.
const DEPTH: usize = 4;
/// How many times a function that makes sessions hands that on to its callers.
const HANDED_ON: usize = 3;

/// A way a session comes into being, with what the way does besides.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each answers one question about the way"
)]
pub(crate) struct Path {
    pub(crate) fact: Fact,
    pub(crate) regenerates: bool,
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
    known: &[Fact],
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
    };
    let mut out = Flow::default();
    flow.creations(&mut out);
    for fact in known.iter().filter(|f| f.kind == Kind::Creates) {
        out.paths.push(Path {
            fact: fact.clone(),
            regenerates: true,
            keeps_id: false,
            is_token: false,
            is_main: true,
            is_entry: true,
        });
    }
    flow.entries(&mut out);
    flow.bounds(&mut out);
    flow.expiries(&mut out);
    out.facts.extend(crate::shared::facts(model));
    out.facts.extend(crate::cookie::facts(model));
    out
}

struct Tracer<'m, 'a> {
    model: &'m Model<'a>,
    primitives: &'m [Primitive],
    by_function: BTreeMap<Id, Vec<&'m Primitive>>,
    settings: &'m [&'m Setting],
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
        }
    }

    fn reached(&self, id: Id) -> Vec<&'m Primitive> {
        self.model
            .reach(id, DEPTH)
            .iter()
            .flat_map(|id| self.by_function.get(id).into_iter().flatten().copied())
            .collect()
    }

    /// Is this code that runs in the browser?
    fn is_client(&self, file: usize) -> bool {
        let file = self.model.files[file];
        let place = format!("/{}", file.path.to_ascii_lowercase());
        file.language == Language::Tsx
            || [
                "/frontend/",
                "/client/",
                "/components/",
                "/hooks/",
                "/stores/",
                "/composables/",
                "/web-client/",
                "/webapp/static/",
                "/static/",
                "/public/",
                "/assets/",
                "/cypress/",
                "/mobile/",
                "/android/",
                "/ios/",
                "/scripts/",
            ]
            .iter()
            .any(|part| place.contains(part))
                && !place.contains("livewire")
    }

    /// Where sessions are made, and every place that asks for one.
    #[expect(clippy::too_many_lines, reason = "two passes over the same list")]
    fn creations(&self, out: &mut Flow) {
        let mut makers: BTreeMap<Id, (bool, bool)> = BTreeMap::new();
        let mut seen: BTreeSet<(usize, u32)> = BTreeSet::new();
        for primitive in self.primitives {
            let is_token = primitive.does == Does::SignToken;
            if !(primitive.does == Does::Create || is_token) || self.is_client(primitive.file) {
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
            // A signature makes a session where somebody signs in; elsewhere its callers decide.
            let counts = !is_token
                || primitive.confidence == Confidence::Sure
                || primitive.function.is_none_or(|id| {
                    v::is_login_strictly(&self.model.near(id))
                        || v::names_session(&self.model.near(id))
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
                if self.is_client(number) {
                    continue;
                }
                for call in &file.outline.calls {
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
    fn makers(&self, makers: &BTreeMap<Id, (bool, bool)>, out: &mut Flow) {
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
                });
            }
        }
    }

    fn path(
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
            keeps_id,
            is_token,
            is_main,
            is_entry,
        });
    }

    /// A function that is one handler, not a constructor with many handlers in it.
    fn is_alone(&self, id: Id) -> bool {
        let function = self.model.function(id);
        function.end_line.saturating_sub(function.line) < 150
    }

    /// Is the line inside a callback of a call that makes a new id? `regenerate(() => { here })`
    fn same_chain(&self, id: Id, line: u32) -> bool {
        let file = self.model.file_of(id);
        file.outline.calls.iter().any(|call| {
            call.line <= line
                && line <= call.end_line
                && call.closures.len() == 1
                && any(&words(call.method()), "regenerate")
        })
    }

    /// Each way in, and what it does to sessions.
    fn entries(&self, out: &mut Flow) {
        for id in self.model.ids() {
            if !self.model.is_entry(id) {
                continue;
            }
            let reached = self.reached(id);
            self.declared(id, out);
            if reached.is_empty() {
                continue;
            }
            let near = self.model.near(id);
            let far = self.model.far(id);
            let guards: Vec<String> = self
                .model
                .routes(id)
                .iter()
                .flat_map(|r| words(&r.guards))
                .chain(
                    self.model
                        .function(id)
                        .annotations
                        .iter()
                        .flat_map(|a| words(a)),
                )
                .collect();
            let subject = if v::is_admin(&far)
                || v::is_admin(&guards)
                || self.names_anyone(id)
                || self.asks_for_staff(id)
            {
                Subject::Admin
            } else {
                Subject::User
            };
            let faces = !self.model.routes(id).is_empty() || faces_people(&far);
            let makes = reached
                .iter()
                .any(|p| matches!(p.does, Does::Create | Does::SignToken));

            self.messages(id, &reached, makes, out);
            if v::is_logout(&near) {
                self.logout(id, &reached, out);
                continue;
            }
            self.password(id, &near, &reached, out);
            if v::is_cleanup(&near) && self.model.routes(id).is_empty() {
                continue;
            }
            self.lists(id, &near, faces, subject, &reached, out);
            self.revokes(id, &near, faces, makes, subject, &reached, out);
        }
        for primitive in self
            .primitives
            .iter()
            .filter(|p| p.does == Does::Regenerate)
        {
            out.facts
                .push(self.fact(Kind::Regenerates, primitive, None, Subject::User));
        }
        self.options(out);
        for primitive in self
            .primitives
            .iter()
            .filter(|p| p.does == Does::SingleSlot)
        {
            out.facts
                .push(self.fact(Kind::SingleSlot, primitive, None, Subject::User));
        }
    }

    /// Does the handler refuse whoever is not staff: `require_admin`, `validate_admin_session`?
    fn asks_for_staff(&self, id: Id) -> bool {
        self.model.function(id).names.split(' ').any(|name| {
            let list = words(name);
            any(&list, "admin superuser staff")
                && any(
                    &list,
                    "validate require ensure assert only check must verify",
                )
        })
    }

    /// What a route says by itself, however its handler is written: `DELETE /sessions/:id`.
    fn declared(&self, id: Id, out: &mut Flow) {
        for route in self.model.routes(id) {
            let path = route.path.trim_end_matches('/');
            let Some((before, last)) = path.rsplit_once('/') else {
                continue;
            };
            let is_parameter = last.starts_with([':', '{', '[', '<', '$']);
            let kind = match (route.method.as_str(), is_parameter) {
                ("DELETE", true) if v::is_sessions_of_account(before) => Kind::RevokesOne,
                ("GET", false) if v::is_sessions_of_account(path) => Kind::Lists,
                _ => continue,
            };
            let guards = words(&route.guards);
            let is_admin = v::is_admin(&self.model.far(id))
                || v::is_admin(&guards)
                || self.names_anyone(id)
                || self.asks_for_staff(id);
            let subject = if is_admin {
                Subject::Admin
            } else {
                Subject::User
            };
            let place = self.place(id, None);
            out.facts.push(Fact {
                kind,
                subject,
                line: route.line,
                confidence: Confidence::Likely,
                note: format!("{} {}", route.method, route.path),
                ..place
            });
        }
    }

    /// Options whose name says that a password change may end sessions.
    fn options(&self, out: &mut Flow) {
        for file in &self.model.files {
            for option in file.outline.pairs.iter().chain(&file.outline.assigns) {
                let list = words(option.target.rsplit('.').next().unwrap_or(""));
                let is_option = any(&list, "revoke invalidate terminate logout clear")
                    && any(&list, "session token")
                    && any(&list, "password");
                if is_option {
                    out.facts.push(Fact {
                        kind: Kind::RevokesOnPasswordOptIn,
                        file: file.path.clone(),
                        line: option.line,
                        scope: option.target.clone(),
                        subject: Subject::User,
                        confidence: Confidence::Likely,
                        via: Via::Config,
                        mechanism: "home-grown".into(),
                        note: format!("{} is an option", option.target),
                    });
                }
            }
        }
    }

    /// Does the route name somebody's account by its id, as staff do?
    fn names_anyone(&self, id: Id) -> bool {
        self.model.routes(id).iter().any(|route| {
            let lower = route.path.to_ascii_lowercase().replace(['_', '-'], "");
            [
                "{userid}",
                ":userid",
                "<userid>",
                "[userid]",
                "users/:id",
                "users/{id}",
                "users/[id]",
            ]
            .iter()
            .any(|p| lower.contains(p))
        })
    }

    fn messages(&self, id: Id, reached: &[&Primitive], makes: bool, out: &mut Flow) {
        let far = self.model.far(id);
        if !makes && !v::is_login_strictly(&far) {
            return;
        }
        for primitive in reached.iter().filter(|p| p.does == Does::Tell) {
            out.facts
                .push(self.fact(Kind::Notifies, primitive, Some(id), Subject::User));
        }
    }

    fn logout(&self, id: Id, reached: &[&Primitive], out: &mut Flow) {
        let ends = |does: Does| {
            matches!(
                does,
                Does::EndCurrent
                    | Does::EndOne
                    | Does::EndAll
                    | Does::EndOthers
                    | Does::EndOfDevice
            )
        };
        let mut found = false;
        for primitive in reached.iter().filter(|p| ends(p.does)) {
            let kind = if crate::keys::deletes_another_key(self.model, primitive, self.primitives) {
                Kind::LogoutClientOnly
            } else {
                Kind::Logout
            };
            found = true;
            out.facts
                .push(self.fact(kind, primitive, Some(id), Subject::User));
            if primitive.does == Does::EndAll {
                out.facts
                    .push(self.fact(Kind::RevokesAll, primitive, Some(id), Subject::User));
            }
        }
        if !found {
            for primitive in reached.iter().filter(|p| p.does == Does::ClearCookie) {
                out.facts.push(self.fact(
                    Kind::LogoutClientOnly,
                    primitive,
                    Some(id),
                    Subject::User,
                ));
            }
        }
    }

    fn password(&self, id: Id, near: &[String], reached: &[&Primitive], out: &mut Flow) {
        let registers = any(near, "register signup setup install seed import create");
        let set = reached.iter().find(|p| {
            p.does == Does::SetPassword
                && (v::is_password_change(near)
                    || p.function
                        .is_some_and(|f| v::is_password_change(&self.model.near(f)))
                    || any(near, "update settings edit")
                        && any(near, "user me account profile settings"))
        });
        let Some(set) = set else { return };
        if registers && !v::is_password_change(near) {
            return;
        }
        out.facts
            .push(self.fact(Kind::PasswordChange, set, Some(id), Subject::User));
        let end = reached.iter().find(|p| matches!(p.does, Does::EndAll | Does::EndOthers | Does::EndOne | Does::EndCurrent if !(p.does == Does::EndCurrent)));
        if let Some(end) = end {
            let asks = self.model.reach(id, 1).iter().any(|f| {
                self.model.function(*f).names.split(' ').any(|n| {
                    let list = words(n);
                    any(&list, "revoke invalidate logout terminate")
                        && (list.len() >= 4 && any(&list, "password")
                            || v::means_others(&list)
                                && any(&list, "session device")
                                && !end.note.ends_with(n))
                })
            });
            let kind = if asks {
                Kind::RevokesOnPasswordOptIn
            } else {
                Kind::RevokesOnPassword
            };
            out.facts
                .push(self.fact(kind, end, Some(id), Subject::User));
        }
    }

    fn lists(
        &self,
        id: Id,
        near: &[String],
        faces: bool,
        subject: Subject,
        reached: &[&Primitive],
        out: &mut Flow,
    ) {
        let class = words(&self.model.function(id).class);
        let named = v::names_sessions(near)
            || v::names_sessions(&[class.clone(), near.to_vec()].concat()) && v::is_listing(near)
            || any(&class, "online sessions") && v::is_listing(near) && v::names_session(&class);
        let ends = v::is_ending(near);
        if !faces || !named || ends || v::is_api_token(near) {
            return;
        }
        let reads = reached.iter().find(|p| p.does == Does::List);
        let own_name = v::is_listing(&words(
            &self.model.function(self.model.named_around(id)).name,
        ));
        let answers = self.model.routes(id).is_empty()
            || self
                .model
                .routes(id)
                .iter()
                .any(|r| matches!(r.method.as_str(), "GET" | "ANY" | "POST"));
        let tied = self
            .model
            .reach(id, 2)
            .iter()
            .any(|f| self.speaks_of_users(*f));
        let plain = self.model.routes(id).iter().any(|r| {
            matches!(r.method.as_str(), "GET" | "ANY") && v::is_sessions_of_account(&r.path)
        });
        if plain || (reads.is_some() || own_name && answers && !reached.is_empty()) && tied {
            let at = self.place(id, reads.copied());
            out.facts.push(Fact {
                kind: Kind::Lists,
                subject,
                ..at
            });
        }
    }

    /// Does a function name a user, in its own names or in the strings it hands to calls?
    fn speaks_of_users(&self, id: Id) -> bool {
        let function = self.model.function(id);
        let within = |line: u32| (function.line..=function.end_line).contains(&line);
        v::names_user(&words(&function.names))
            || self.model.file_of(id).outline.calls.iter().any(|call| {
                within(call.line) && call.texts.iter().any(|text| v::names_user(&words(text)))
            })
    }

    /// The way in itself, rather than the line far below that does the work.
    fn place(&self, id: Id, primitive: Option<&Primitive>) -> Fact {
        let file = self.model.file_of(id);
        let route = self.model.routes(id).first().copied();
        let declared = route.and_then(|r| {
            self.model
                .files
                .iter()
                .find(|f| f.outline.routes.iter().any(|own| std::ptr::eq(own, r)))
                .map(|f| (f.path.clone(), r.line))
        });
        let (path, line) =
            declared.unwrap_or_else(|| (file.path.clone(), self.model.function(id).line));
        Fact {
            kind: Kind::Lists,
            file: path,
            line,
            scope: self.model.scope(id),
            subject: Subject::User,
            confidence: primitive.map_or(Confidence::Hint, |p| p.confidence),
            via: Via::Call,
            mechanism: primitive.map_or_else(|| "home-grown".into(), |p| p.mechanism.clone()),
            note: primitive.map_or_else(|| self.model.scope(id), |p| p.note.clone()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of it describes one way in")]
    fn revokes(
        &self,
        id: Id,
        near: &[String],
        faces: bool,
        makes: bool,
        subject: Subject,
        reached: &[&Primitive],
        out: &mut Flow,
    ) {
        let disables = v::is_disable(near);
        let changes_password = v::is_password_change(near);
        let class = words(&self.model.function(id).class);
        let about = v::names_session_loosely(near)
            || v::names_session(&class)
            || v::is_ending(near)
            || any(near, "device devices logout kick");
        for primitive in reached {
            if primitive.does == Does::EndOfDevice && !disables && !v::is_logout(near) {
                out.facts.push(self.fact(
                    Kind::LimitsPerDevice,
                    primitive,
                    Some(id),
                    Subject::User,
                ));
            }
            if disables
                || changes_password
                || !faces
                || !about
                || v::is_api_token(near)
                || v::is_of_another_kind(near)
            {
                continue;
            }
            if makes && v::is_login_strictly(near) && !v::is_ending(near) {
                self.takes_over(id, primitive, out);
                continue;
            }
            let kind = match primitive.does {
                Does::EndOne | Does::EndAll | Does::EndOthers | Does::EndOfDevice => {
                    self.scope_of(id, near, primitive.does)
                }
                _ => continue,
            };
            let mut fact = Fact {
                kind,
                subject,
                ..self.place(id, Some(primitive))
            };
            fact.kind = kind;
            out.facts.push(fact);
            out.facts
                .push(self.fact(kind, primitive, Some(id), subject));
        }
    }

    /// A way of signing in that ends the user's other sessions allows one at a time, unless a
    /// setting that ships says otherwise.
    fn takes_over(&self, id: Id, primitive: &Primitive, out: &mut Flow) {
        if !matches!(primitive.does, Does::EndAll | Does::EndOthers) {
            return;
        }
        let inner = primitive
            .function
            .map(|f| self.model.near(f))
            .unwrap_or_default();
        if v::is_password_change(&inner)
            || v::is_logout(&inner)
            || v::is_cleanup(&inner)
            || v::is_disable(&inner)
        {
            return;
        }
        let off = self.settings.iter().find(|s| {
            let own = words(s.key.rsplit('.').next().unwrap_or(""));
            any(&own, "single concurrent multiple multi")
                && any(&own, "login session")
                && s.is_off()
        });
        let kind = if off.is_some() {
            Kind::LimitsOff
        } else {
            Kind::Limits
        };
        let mut fact = self.fact(kind, primitive, Some(id), Subject::User);
        if let Some(off) = off {
            fact.note = format!("{}; switched off at {}:{}", fact.note, off.file, off.line);
        }
        out.facts.push(fact);
    }

    fn scope_of(&self, id: Id, near: &[String], does: Does) -> Kind {
        let by_id = self
            .model
            .routes(id)
            .iter()
            .any(|r| r.path.contains([':', '{', '[', '<', '*']));
        if v::means_others(near) {
            Kind::RevokesOthers
        } else if v::means_all(near) {
            Kind::RevokesAll
        } else if by_id {
            Kind::RevokesOne
        } else {
            match does {
                Does::EndOthers => Kind::RevokesOthers,
                Does::EndAll => {
                    if near.iter().any(|w| w == "session") {
                        Kind::RevokesOne
                    } else {
                        Kind::RevokesAll
                    }
                }
                _ => Kind::RevokesOne,
            }
        }
    }

    /// Bounds on how many there may be, and whether they are on where this ships.
    fn bounds(&self, out: &mut Flow) {
        let off = self.settings.iter().find(|s| {
            let list = words(&s.key);
            let own = words(s.key.rsplit('.').next().unwrap_or(""));
            any(&own, "max maximum limit concurrent")
                && v::names_session_loosely(&list)
                && any(&own, "session sessions login logins user")
                && s.is_off()
        });
        for primitive in self.primitives.iter().filter(|p| p.does == Does::Bound) {
            let near = primitive
                .function
                .map(|id| self.model.near(id))
                .unwrap_or_default();
            if v::is_cleanup(&near) || self.is_client(primitive.file) {
                continue;
            }
            let mut fact = self.fact(
                if off.is_some() {
                    Kind::LimitsOff
                } else {
                    Kind::Limits
                },
                primitive,
                None,
                Subject::User,
            );
            if let Some(off) = off {
                fact.note = format!(
                    "{}; switched off at {}:{} ({} = {})",
                    fact.note, off.file, off.line, off.key, off.value
                );
            }
            out.facts.push(fact);
            let held = primitive.function.is_some_and(|id| {
                self.model
                    .reach(self.model.named_around(id), 0)
                    .iter()
                    .any(|f| {
                        any(
                            &words(&self.model.function(*f).names),
                            "lock mutex transaction atomic serializable advisory setnx redlock synchronized tx semaphore",
                        )
                    })
            });
            if !held {
                out.facts
                    .push(self.fact(Kind::CountsThenCreates, primitive, None, Subject::User));
            }
        }
        if let Some(off) = off {
            out.facts.push(Fact {
                kind: Kind::LimitsOff,
                file: off.file.clone(),
                line: off.line,
                scope: off.key.clone(),
                subject: Subject::User,
                confidence: Confidence::Likely,
                via: Via::Config,
                mechanism: "home-grown".into(),
                note: format!("{} = {}", off.key, off.value),
            });
        }
        for id in self.model.ids() {
            let function = self.model.function(id);
            let names: Vec<&str> = function.names.split(' ').collect();
            let binds = names.iter().any(|n| {
                let list = words(n);
                any(&list, "session") && any(&list, "hash") && !any(&list, "token id")
            }) && names.iter().any(|n| any(&words(n), "password"))
                && !v::is_login_strictly(&self.model.near(id));
            if binds {
                let file = self.model.file_of(id);
                out.facts.push(Fact {
                    kind: Kind::BindsPassword,
                    file: file.path.clone(),
                    line: function.line,
                    scope: self.model.scope(id),
                    subject: Subject::User,
                    confidence: Confidence::Likely,
                    via: Via::Call,
                    mechanism: "home-grown".into(),
                    note: "the session carries a hash of the password".into(),
                });
            }
        }
    }

    /// Tokens that are signed on a way on which nobody names an expiry.
    fn expiries(&self, out: &mut Flow) {
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
            let texts = file
                .outline
                .calls
                .iter()
                .filter(|c| c.line >= function.line && c.end_line <= function.end_line)
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
        for primitive in self.primitives.iter().filter(|p| p.does == Does::SignToken) {
            let Some(start) = primitive.function else {
                continue;
            };
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
}

/// Does code of this place answer people, directly or one step away?
fn faces_people(list: &[String]) -> bool {
    any(
        list,
        "controller handler resolver route router routes api view page endpoint action livewire servlet resource web ui rpc graphql gql mutation",
    )
}
