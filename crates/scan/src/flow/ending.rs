//! Ending sessions other than the present one: on request, at the limit, by a new sign-in.

use innkeeper_report::Confidence;

use super::{Flow, Tracer};
use crate::fact::{Fact, Kind, Subject, Via};
use crate::model::Id;
use crate::primitive::{Does, Primitive};
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

impl Tracer<'_, '_> {
    #[expect(clippy::too_many_arguments, reason = "all of it describes one way in")]
    pub(super) fn revokes(
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
        // Deleting an account or purging content ends sessions too, and is no way to end one.
        let about = v::names_session_loosely(near)
            || v::names_session(&class)
            || any(near, "device logout signout kick kickout revoke")
            || v::is_ending(near) && any(near, "auth");
        // Whoever reads a session and finds it expired may take it away: no way of ending one.
        let routes = self.model.routes(id);
        let only_reads = !routes.is_empty()
            && routes.iter().all(|r| r.method == "GET")
            && !v::is_ending(near)
            && !any(near, "device logout signout kick kickout revoke");
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
                || only_reads
                || v::is_api_token(near)
                || v::is_of_another_kind(near)
            {
                continue;
            }
            let signs_in = v::is_login_strictly(near) || self.is_sign_in_of_rails(id);
            if makes && signs_in && !v::is_ending(near) {
                self.takes_over(id, primitive, false, out);
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
    ///
    /// Whoever `hears` of sign-ins has no session of its own to end, so each it ends is another.
    pub(super) fn takes_over(&self, id: Id, primitive: &Primitive, hears: bool, out: &mut Flow) {
        let ends = matches!(primitive.does, Does::EndAll | Does::EndOthers)
            || hears && primitive.does == Does::EndOne;
        if !ends {
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
        let off = self
            .settings
            .iter()
            .find_map(|s| allows_many(&s.key, &s.value).then(|| format!("{}:{}", s.file, s.line)));
        // A default in code counts where the code around this line asks for it.
        let off = off.or_else(|| {
            let asked = &self.model.function(self.model.named_around(id)).names;
            self.model.files.iter().find_map(|file| {
                let outline = &file.outline;
                let mut options = outline.pairs.iter().chain(&outline.assigns);
                let found = options.find(|a| {
                    let name = a.target.rsplit('.').next().unwrap_or("");
                    allows_many(name, &a.written) && asked.split(' ').any(|n| n == name)
                });
                found.map(|a| format!("{}:{}", file.path, a.line))
            })
        });
        let kind = if off.is_some() {
            Kind::LimitsOff
        } else {
            Kind::Limits
        };
        let mut fact = self.fact(kind, primitive, Some(id), Subject::User);
        if let Some(off) = off {
            fact.note = format!("{}; switched off at {off}", fact.note);
        }
        out.facts.push(fact);
    }

    pub(super) fn scope_of(&self, id: Id, near: &[String], does: Does) -> Kind {
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

    /// Is the number of a user's sessions bounded on the way that leads to this line?
    pub(super) fn bounds_on_the_way(&self, id: Id) -> bool {
        let around = self.model.named_around(id);
        let from = if self.is_alone(around) { around } else { id };
        let signs_in = v::is_login_strictly(&self.model.near(around));
        self.reached(from).iter().any(|p| match p.does {
            Does::Bound | Does::Trim => true,
            Does::EndAll | Does::EndOthers => signs_in,
            _ => false,
        })
    }

    /// How many a comparison allows: written in it, in a constant it names, or in a setting of
    /// that name.
    fn number_of(&self, comparison: &str) -> Option<u64> {
        let (left, right) = comparison.split_once(' ')?;
        let right = right.rsplit(' ').next()?;
        [right, left].into_iter().find_map(|operand| {
            let name = operand.rsplit('.').next().unwrap_or("");
            let constant = || {
                let assigns = self.model.files.iter().flat_map(|f| &f.outline.assigns);
                assigns
                    .filter(|a| a.target.rsplit('.').next() == Some(name))
                    .find_map(|a| number(&a.written))
            };
            let setting = || {
                let wanted = words(name).concat();
                self.settings
                    .iter()
                    .filter(|s| wanted.len() > 3 && words(&s.key).concat().ends_with(&wanted))
                    .find_map(|s| number(&s.value))
            };
            number(operand).or_else(constant).or_else(setting)
        })
    }

    /// Is a session made only after the surplus was ended, where this stands or where it is asked
    /// for?
    fn makes_room_first(&self, trim: &Primitive, out: &Flow) -> bool {
        let made_after = |id: Id, line: u32| {
            let function = self.model.function(id);
            let file = &self.model.file_of(id).path;
            let within = |at: u32| (function.line..=function.end_line).contains(&at);
            let mut made = out
                .paths
                .iter()
                .filter(|p| &p.fact.file == file && within(p.fact.line))
                .peekable();
            made.peek().is_some() && made.all(|p| p.fact.line > line)
        };
        let Some(id) = trim.function.map(|id| self.model.named_around(id)) else {
            return false;
        };
        let name = self.model.function(id).name.as_str();
        made_after(id, trim.line)
            || self.model.callers(id).iter().any(|caller| {
                let caller = self.model.named_around(*caller);
                let mut calls = self.model.calls_in(caller);
                calls.any(|call| call.method() == name && made_after(caller, call.line))
            })
    }

    /// Bounds on how many there may be, and whether they are on where this ships.
    pub(super) fn bounds(&self, out: &mut Flow) {
        let mut bounds = self.settings.iter().filter(|s| {
            let list = words(&s.key);
            let own = words(s.key.rsplit('.').next().unwrap_or(""));
            any(&own, "max maximum limit concurrent")
                && v::names_session_loosely(&list)
                && any(&own, "session sessions login logins user")
        });
        let on = bounds
            .clone()
            .find(|s| number(&s.value).is_some() && !s.is_off());
        let off = bounds.find(|s| s.is_off());
        let bounding = |p: &&Primitive| matches!(p.does, Does::Bound | Does::Trim);
        for primitive in self.model.in_time(self.primitives.iter().filter(bounding)) {
            let near = primitive
                .function
                .map(|id| self.model.near(id))
                .unwrap_or_default();
            let trims = primitive.does == Does::Trim;
            // `purgeOld` may well be the name of what trims.
            let cleans_up = v::is_cleanup(&near) && !trims;
            if cleans_up || self.model.is_client(primitive.file) {
                continue;
            }
            let number = self.number_of(&primitive.note);
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
            fact.number = number;
            if let Some(on) = on.filter(|_| off.is_none()) {
                fact.via = Via::Config;
                fact.note = format!("{}; on at {}:{}", fact.note, on.file, on.line);
            }
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
                            "lock mutex transaction atomic isolation advisory setnx redlock synchronized tx semaphore",
                        )
                    })
            });
            // Whoever trims after adding leaves no more than the bound, however many add at once.
            let in_two_steps = !trims || self.makes_room_first(primitive, out);
            if in_two_steps && !held {
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
                number: None,
            });
        }
        for id in self.model.in_time(self.model.ids()) {
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
                    number: None,
                });
            }
        }
    }
}

/// Is this a switch that leaves a user any number of sessions: `single_login = false`,
/// `allow-multi-login: true`?
fn allows_many(key: &str, value: &str) -> bool {
    let own = words(key.rsplit('.').next().unwrap_or(""));
    if !any(&own, "login session") {
        return false;
    }
    let value = value.trim_end_matches([',', ';']).to_ascii_lowercase();
    let is_off = matches!(value.as_str(), "false" | "off" | "no" | "0");
    let is_on = matches!(value.as_str(), "true" | "on" | "yes" | "1");
    if any(&own, "allow multi multiple") {
        is_on && any(&own, "concurrent multi multiple")
    } else {
        is_off && any(&own, "single concurrent solo unique exclusive")
    }
}

/// A number as languages write it: `1_000`, `20;`, `5L`.
fn number(text: &str) -> Option<u64> {
    let bare: String = text
        .trim_end_matches(|c: char| !c.is_ascii_digit())
        .chars()
        .filter(|c| *c != '_')
        .collect();
    bare.parse().ok()
}
