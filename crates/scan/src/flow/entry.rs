//! Each way in, and what it does to sessions: shows, announces, signs out, changes a password.

use innkeeper_report::Confidence;

use super::{Flow, Tracer};
use crate::fact::{Fact, Kind, Subject, Via};
use crate::model::Id;
use crate::primitive::{Does, Primitive};
use crate::syntax::Language;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

impl Tracer<'_, '_> {
    /// Each way in, and what it does to sessions.
    pub(super) fn entries(&self, out: &mut Flow) {
        for id in self.model.in_time(self.model.ids()) {
            let hears = self.hears_of_sign_ins(id);
            if !self.model.is_entry(id) && !hears {
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
            let makes = hears
                || reached
                    .iter()
                    .any(|p| matches!(p.does, Does::Create | Does::SignToken));
            if hears {
                for primitive in &reached {
                    self.takes_over(id, primitive, true, out);
                }
            }

            self.messages(id, &reached, makes, hears, out);
            if v::is_logout(&near) || self.is_sign_out_of_rails(id, &reached) {
                self.logout(id, &reached, out);
                continue;
            }
            self.password(id, &near, subject, &reached, out);
            self.refresh(id, &near, &reached, makes, out);
            if v::is_cleanup(&near) && self.model.routes(id).is_empty() {
                continue;
            }
            // What a sign-in reads of sessions is shown to nobody.
            let signs_in = makes && (v::is_login_strictly(&near) || self.is_sign_in_of_rails(id));
            if !signs_in {
                self.lists(id, &near, faces, subject, &reached, out);
            }
            self.revokes(id, &near, faces, makes, subject, &reached, out);
            self.unowned(id, &near, subject, &reached, out);
        }
        // `path("logout/", LogoutView.as_view())` stands in no function.
        let outside = self.primitives.iter().filter(|p| {
            p.does == Does::EndCurrent && p.function.is_none() && p.mechanism != "home-grown"
        });
        for primitive in outside {
            out.facts
                .push(self.fact(Kind::Logout, primitive, None, Subject::User));
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

    /// Rails names signing in by what it does to a resource too: `SessionsController#create`.
    pub(super) fn is_sign_in_of_rails(&self, id: Id) -> bool {
        let function = self.model.function(id);
        self.model.file_of(id).language == Language::Ruby
            && function.name == "create"
            && any(&words(&function.class), "session sessions")
    }

    /// Rails names signing out by what it does to a resource: `SessionsController#destroy`, which its
    /// own generator writes too.
    fn is_sign_out_of_rails(&self, id: Id, reached: &[&Primitive]) -> bool {
        let function = self.model.function(id);
        self.model.file_of(id).language == Language::Ruby
            && function.name == "destroy"
            && matches!(words(&function.class).as_slice(), [.., what, kind]
                if matches!(what.as_str(), "session" | "sessions") && kind == "controller")
            && reached.iter().any(|p| p.does == Does::EndCurrent)
    }

    /// Does the handler refuse whoever is not staff: `require_admin`, `validate_admin_session`?
    pub(super) fn asks_for_staff(&self, id: Id) -> bool {
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
    pub(super) fn declared(&self, id: Id, out: &mut Flow) {
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
    pub(super) fn options(&self, out: &mut Flow) {
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
                        number: None,
                    });
                }
            }
        }
    }

    /// Does the route name somebody's account by its id, as staff do?
    pub(super) fn names_anyone(&self, id: Id) -> bool {
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

    /// Messages about signing in. Whatever is sent by whoever `hears` of a sign-in is about that.
    pub(super) fn messages(
        &self,
        id: Id,
        reached: &[&Primitive],
        makes: bool,
        hears: bool,
        out: &mut Flow,
    ) {
        let far = self.model.far(id);
        if !makes && !v::is_login_strictly(&far) {
            return;
        }
        let tells = |p: &&&Primitive| p.does == Does::Tell || hears && p.does == Does::Write;
        for primitive in reached.iter().filter(tells) {
            out.facts
                .push(self.fact(Kind::Notifies, primitive, Some(id), Subject::User));
        }
    }

    pub(super) fn logout(&self, id: Id, reached: &[&Primitive], out: &mut Flow) {
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

    pub(super) fn password(
        &self,
        id: Id,
        near: &[String],
        subject: Subject,
        reached: &[&Primitive],
        out: &mut Flow,
    ) {
        let registers = any(near, "register signup setup install seed import create");
        // `POST /account/password`: what is done to it is in the method.
        let is_its_route = self.model.routes(id).iter().any(|r| {
            let last = words(r.path.rsplit('/').next().unwrap_or(""));
            matches!(r.method.as_str(), "POST" | "PUT" | "PATCH")
                && matches!(last.concat().as_str(), "password" | "passwd" | "pwd")
        });
        let set = reached.iter().find(|p| {
            p.does == Does::SetPassword
                && (v::is_password_change(near)
                    || is_its_route
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
            .push(self.fact(Kind::PasswordChange, set, Some(id), subject));
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

    pub(super) fn lists(
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
    pub(super) fn speaks_of_users(&self, id: Id) -> bool {
        let function = self.model.function(id);
        let within = |line: u32| (function.line..=function.end_line).contains(&line);
        v::names_user(&words(&function.names))
            || self.model.file_of(id).outline.calls.iter().any(|call| {
                within(call.line) && call.texts.iter().any(|text| v::names_user(&words(text)))
            })
    }

    /// The way in itself, rather than the line far below that does the work.
    pub(super) fn place(&self, id: Id, primitive: Option<&Primitive>) -> Fact {
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
            number: None,
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
