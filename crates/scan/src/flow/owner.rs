//! Ending a session by its id: does anybody ask whose it is?

use super::{Flow, Tracer};
use crate::fact::{Fact, Kind, Subject};
use crate::model::Id;
use crate::primitive::{Does, Primitive};
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// How far a check of the owner may be from the way in.
const NEAR: usize = 3;

impl Tracer<'_, '_> {
    /// A way in that ends a session whose id the caller names, with no word of a user anywhere on
    /// it, is held against a way in beside it that has one: then the check was forgotten, and not
    /// made elsewhere for both.
    pub(super) fn unowned(
        &self,
        id: Id,
        near: &[String],
        subject: Subject,
        reached: &[&Primitive],
        out: &mut Flow,
    ) {
        let ends = reached
            .iter()
            .find(|p| matches!(p.does, Does::EndOne | Does::EndAll | Does::EndOfDevice));
        let by_id =
            self.model.routes(id).iter().any(|r| {
                r.path.contains([':', '{', '[', '<']) && v::names_sessions(&words(&r.path))
            });
        let Some(ending) = ends else { return };
        if subject != Subject::User || !by_id || v::is_api_token(near) || self.asks_for_owner(id) {
            return;
        }
        let beside = self.model.ids().find(|other| {
            *other != id
                && std::ptr::eq(self.model.file_of(*other), self.model.file_of(id))
                && !self.model.routes(*other).is_empty()
                && v::names_sessions(&self.model.near(*other))
                && self.asks_for_owner(*other)
        });
        let Some(beside) = beside else { return };
        let note = format!(
            "{} ends a session by its id and asks for no owner, as {} does",
            self.model.scope(id),
            self.model.scope(beside)
        );
        out.facts.push(Fact {
            note,
            ..self.fact(Kind::RevokesUnowned, ending, Some(id), Subject::User)
        });
    }

    /// Is a user, an owner or a permission named on the way?
    fn asks_for_owner(&self, id: Id) -> bool {
        let asks = |name: &str| {
            let list = words(name);
            let of_session = v::names_session_loosely(&list);
            !of_session && v::names_user(&list)
                || any(
                    &list,
                    "owner owns owned ownership permission permitted policy can ability forbidden authorize",
                )
        };
        self.model.reach(id, NEAR).iter().any(|f| {
            let function = self.model.function(*f);
            function.names.split(' ').any(asks)
                || self.model.calls_in(*f).any(|call| {
                    call.texts
                        .iter()
                        .flat_map(|text| text.split([' ', '=', ',', '(', ')']))
                        .any(asks)
                })
        })
    }
}
