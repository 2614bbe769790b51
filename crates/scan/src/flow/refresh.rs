//! Getting a new access token for an old refresh token: is the old one replaced, and would
//! anybody notice it coming back?

use super::{Flow, Tracer};
use crate::fact::{Fact, Kind};
use crate::model::Id;
use crate::primitive::{Does, Primitive};
use crate::syntax::Call;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// Words with which code speaks of a token that came back after it was replaced.
const NOTICES: &str = "reuse reused replay replayed family families theft stolen compromised breach used consumed replaced revokedat revoked superseded";

impl Tracer<'_, '_> {
    pub(super) fn refresh(
        &self,
        id: Id,
        near: &[String],
        reached: &[&Primitive],
        makes: bool,
        out: &mut Flow,
    ) {
        // `/refresh` below a router of its own, and `/token`, say the rest by what they take.
        let route_asks = self.model.routes(id).iter().any(|route| {
            let last = words(route.path.rsplit('/').next().unwrap_or(""));
            route.method == "POST"
                && matches!(last.concat().as_str(), "refresh" | "renew" | "token")
        });
        let named = any(near, "refresh renew") && any(near, "token access auth session jwt login")
            || route_asks;
        if !named || !makes || v::is_logout(near) || !self.takes_refresh_token(id) {
            return;
        }
        let ends = |p: &&&Primitive| {
            matches!(
                p.does,
                Does::EndOne
                    | Does::EndAll
                    | Does::EndOthers
                    | Does::EndOfDevice
                    | Does::SingleSlot
                    | Does::Regenerate
            )
        };
        let replaces = reached.iter().any(|p| ends(&p));
        let ends_family = reached
            .iter()
            .any(|p| matches!(p.does, Does::EndAll | Does::EndOthers | Does::EndOfDevice));
        let around = self.model.reach(id, super::DEPTH);
        let makes_another = around.iter().any(|f| {
            self.model.calls_in(*f).any(|call| {
                let method = words(call.method());
                let subject = [words(&call.path), words(&call.into)].concat();
                if replaces_secret(call) {
                    return true;
                }
                let issues =
                    v::is_making(&method) || any(&method, "rotate update replace generate");
                issues
                    && (any(&subject, "refresh rotate")
                        || any(&method, "pair")
                        || method.contains(&"tokens".to_owned()))
            })
        });
        let notices = ends_family
            || around.iter().any(|f| {
                let function = self.model.function(*f);
                any(&words(&function.names), NOTICES)
                    || self
                        .model
                        .calls_in(*f)
                        .any(|call| call.texts.iter().any(|text| any(&words(text), NOTICES)))
            });
        let kind = match (replaces || makes_another, notices) {
            (false, _) => Kind::RefreshKept,
            (true, false) => Kind::ReuseUnseen,
            (true, true) => return,
        };
        let note = if kind == Kind::RefreshKept {
            "a new access token is made, and the refresh token that was shown stays good"
        } else {
            "the refresh token is replaced, and an old one that comes back ends nothing"
        };
        out.facts.push(Fact {
            kind,
            note: note.into(),
            ..self.place(id, None)
        });
    }

    /// Does the handler read a refresh token, beyond being called after one?
    fn takes_refresh_token(&self, id: Id) -> bool {
        let function = self.model.function(id);
        let own = function.name.as_str();
        function
            .names
            .split(' ')
            .chain(function.parameters.split(' '))
            .filter(|name| *name != own)
            .any(|name| any(&words(name), "refresh"))
            || self.model.calls_in(id).any(|call| {
                call.texts.iter().any(|text| {
                    text.len() < 60 && any(&words(text), "refresh") && any(&words(text), "token")
                })
            })
    }
}

/// Does the call give a session's row another secret: `sessions.update(id, { hash })`? The token
/// that carries the one before is over by that.
fn replaces_secret(call: &Call) -> bool {
    const SECRETS: &str = "hash secret jti nonce";
    let holder = words(call.receiver().rsplit('.').next().unwrap_or(""));
    // What is found by a secret comes first, and what is written last.
    let written = call.arguments.last().is_some_and(|last| {
        let mut names = last.split(' ').map(words);
        call.arguments.len() > 1 && names.any(|name| any(&name, SECRETS))
    });
    any(&words(call.method()), "update set replace rotate")
        && v::names_session_loosely(&holder)
        && written
}
