//! Ending a session by its id: does anybody ask whose it is?

use std::cell::RefCell;
use std::collections::HashMap;

use super::asking::Owner;
use super::{Flow, Tracer};
use crate::fact::{Fact, Kind, Subject};
use crate::model::Id;
use crate::primitive::{Does, Primitive};
use crate::syntax::Language;
use crate::syntax::words::words;
use crate::vocabulary as v;

/// What was asked of a file, so that it is asked once however many ways in it has.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// For a file, by its first function: two ways in to sessions that ask for an owner.
    asking: RefCell<HashMap<Id, Vec<Id>>>,
}

impl Tracer<'_, '_> {
    /// A way in that ends a session whose id the caller names and asks for no owner is held against
    /// a way in beside it that does: then the check was forgotten, and not made elsewhere for both.
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
        if subject != Subject::User || !by_id || v::is_api_token(near) {
            return;
        }
        let (kind, seen) = match self.owner(id) {
            Owner::Asked => return,
            Owner::Named => (
                Kind::OwnerUnsure,
                "names a user in no condition that was understood: unsure whether the owner is asked",
            ),
            Owner::Unasked => (Kind::RevokesUnowned, "asks for no owner"),
        };
        let Some(beside) = self.asking_beside(id) else {
            return;
        };
        let note = format!(
            "{} ends a session by its id and {seen}; {} asks for it",
            self.model.scope(id),
            self.model.scope(beside)
        );
        out.facts.push(Fact {
            note,
            ..self.fact(kind, ending, Some(id), Subject::User)
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

    /// A way in to sessions, in the same file, that asks for an owner.
    fn asking_beside(&self, id: Id) -> Option<Id> {
        let beside = self.model.ids_beside(id);
        let mut known = self.asked.asking.borrow_mut();
        let asking = known.entry(beside.start).or_insert_with(|| {
            let asks = |other: &Id| {
                !self.model.routes(*other).is_empty()
                    && (v::names_sessions(&self.model.near(*other)) || self.is_of_sessions(*other))
                    && self.owner_is_asked(*other)
            };
            self.model.in_time(beside).filter(asks).take(2).collect()
        });
        asking.iter().copied().find(|other| *other != id)
    }
}
