//! Ending a session by its id: does anybody ask whose it is?

use super::{Flow, Tracer};
use crate::fact::{Fact, Kind, Subject};
use crate::model::Id;
use crate::primitive::{Does, Primitive};
use crate::syntax::Language;
use crate::syntax::words::{any, words};
use crate::vocabulary as v;

/// How far a check of the owner may be from the way in.
const NEAR: usize = 3;
/// Names of whose a session is.
const OWNERS: &str = "user userid uid account accountid member customer principal subject sub identity username admin person email me player student employee patient operator";
/// Calls that say something to the caller and ask nothing.
const ANSWERS: &str =
    "redirect route view render flash message messages reverse notice with log logger";

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
            }) || self.is_of_sessions(id) && self.takes_id(id);
        let Some(ending) = ends else { return };
        if subject != Subject::User || !by_id || v::is_api_token(near) || self.asks_for_owner(id) {
            return;
        }
        let beside = self.model.ids().find(|other| {
            *other != id
                && std::ptr::eq(self.model.file_of(*other), self.model.file_of(id))
                && !self.model.routes(*other).is_empty()
                && (v::names_sessions(&self.model.near(*other)) || self.is_of_sessions(*other))
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

    /// Is this a controller of sessions, whose actions are ways in by their name: `SessionsController`?
    fn is_of_sessions(&self, id: Id) -> bool {
        let class = words(&self.model.function(id).class);
        matches!(
            self.model.file_of(id).language,
            Language::Php | Language::Ruby
        ) && !self.model.routes(id).is_empty()
            && class.last().is_some_and(|last| last == "controller")
            && v::names_session(&class)
    }

    /// Does the action take an id that the caller names?
    fn takes_id(&self, id: Id) -> bool {
        let function = self.model.function(id);
        let is_id = |name: &str| {
            let list = words(name);
            list.last().is_some_and(|last| last == "id")
        };
        function.parameters.split(' ').any(is_id)
            || self
                .model
                .calls_in(id)
                .any(|call| call.names.contains("params") && call.texts.iter().any(|t| is_id(t)))
    }

    /// Is a user, an owner or a permission named on the way?
    fn asks_for_owner(&self, id: Id) -> bool {
        let asks = |name: &str| {
            let list = words(name);
            let of_session = v::names_session_loosely(&list);
            !of_session && any(&list, OWNERS)
                || any(
                    &list,
                    "owner owns owned ownership permission permitted policy can ability forbidden authorize",
                )
        };
        self.model.reach(id, NEAR).iter().any(|f| {
            let function = self.model.function(*f);
            function.names.split(' ').any(asks)
                || self.model.calls_in(*f).any(|call| {
                    let answers = any(&words(&call.path), ANSWERS);
                    call.texts
                        .iter()
                        .filter(|text| !answers && is_condition(text))
                        .flat_map(|text| text.split([' ', '=', ',', '(', ')']))
                        .any(asks)
                })
        })
    }
}

/// May the string be a column or a condition of a query, and no sentence, view or path?
fn is_condition(text: &str) -> bool {
    let has = |signs: &[char]| text.contains(signs);
    let lower = text.to_ascii_lowercase();
    let is_query = ["select ", "update ", "delete ", "insert ", "where "]
        .iter()
        .any(|verb| lower.contains(verb));
    is_query || has(&['=', '?', '$']) || !has(&[' ', '/', '.'])
}
