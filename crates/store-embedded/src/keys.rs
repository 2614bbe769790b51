//! Remembered answers, resident: by key, and counted by roster.

use std::collections::{BTreeSet, HashMap};

use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{KeyDigest, Remembered};

#[derive(Debug, Default)]
pub(crate) struct Keys {
    answers: HashMap<KeyDigest, Remembered>,
    /// When those of one roster end.
    of_roster: HashMap<RosterTag, Vec<Timestamp>>,
    /// All of them, in the order in which they end.
    in_order: BTreeSet<(Timestamp, KeyDigest)>,
}

impl Keys {
    /// What is remembered under `key` at `now`.
    pub(crate) fn find(&self, key: KeyDigest, now: Timestamp) -> Option<&Remembered> {
        self.answers.get(&key).filter(|r| now < r.until)
    }

    /// All of them, ended or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Remembered> {
        self.answers.values()
    }

    /// How many a roster has at `now`. Their number is bounded by who writes them.
    pub(crate) fn held(&self, tag: RosterTag, now: Timestamp) -> usize {
        self.of_roster
            .get(&tag)
            .map_or(0, |ends| ends.iter().filter(|end| now < **end).count())
    }

    pub(crate) fn insert(&mut self, remembered: Remembered) {
        self.remove(remembered.key);
        self.of_roster
            .entry(remembered.session.tag())
            .or_default()
            .push(remembered.until);
        self.in_order.insert((remembered.until, remembered.key));
        self.answers.insert(remembered.key, remembered);
    }

    pub(crate) fn remove(&mut self, key: KeyDigest) -> Option<Remembered> {
        let removed = self.answers.remove(&key)?;
        self.in_order.remove(&(removed.until, key));
        let tag = removed.session.tag();
        if let Some(ends) = self.of_roster.get_mut(&tag) {
            if let Some(place) = ends.iter().position(|end| *end == removed.until) {
                ends.swap_remove(place);
            }
            if ends.is_empty() {
                self.of_roster.remove(&tag);
            }
        }
        Some(removed)
    }

    /// The first `limit` of those that have ended by `now`.
    pub(crate) fn ended(&self, now: Timestamp, limit: usize) -> Vec<Remembered> {
        self.in_order
            .iter()
            .take_while(|(end, _)| *end <= now)
            .take(limit)
            .map(|(_, key)| self.answers[key].clone())
            .collect()
    }
}
