//! Texts that many sessions have in common, each kept once: the names of browsers, clients,
//! methods and tenants, of which there are few however many sessions there are.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::Session;

use crate::sync::Mutex;

/// Apart, so that readers at opening do not wait for each other.
const SHARDS: usize = 16;
/// How many texts a shard holds before it first looks for some that nobody has any more.
const FEW: usize = 256;

/// The texts that are in use, and some that were.
#[derive(Debug)]
pub(crate) struct Texts {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    texts: HashSet<Arc<str>>,
    /// How many it may hold before it looks through them again.
    enough: usize,
}

impl Texts {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: Default::default(),
        }
    }

    /// Has the sessions of a roster that was just read share their texts.
    pub(crate) fn share_in(&self, roster: &mut Roster) {
        let mut share = |text: &mut Arc<str>| self.share(text);
        roster.tenant.share_text(&mut share);
        if let Some(last) = roster.last_sign_in.as_mut().and_then(Arc::get_mut) {
            last.origin.share_texts(&mut share);
        }
        for device in &mut roster.devices {
            let label = Arc::get_mut(device).and_then(|device| device.label.as_mut());
            if let Some(label) = label {
                label.share_text(&mut share);
            }
        }
        let ended = roster.ended.iter_mut().map(|ended| &mut ended.session);
        for session in roster.sessions.iter_mut().chain(ended) {
            // One that was there before shares its texts already.
            if let Some(session) = Arc::get_mut(session) {
                session.share_texts(&mut share);
            }
        }
    }

    /// As [`share_in`](Self::share_in), of a roster that will be packed: that keeps one text apart.
    pub(crate) fn share_in_packed(&self, roster: &mut Roster) {
        roster.tenant.share_text(&mut |text| self.share(text));
    }

    /// Has what is to be born share its texts with those that are there.
    pub(crate) fn share_in_changes(&self, changes: &mut [Change]) {
        let mut share = |text: &mut Arc<str>| self.share(text);
        for change in changes {
            match change {
                Change::Birth(session) => Arc::<Session>::make_mut(session).share_texts(&mut share),
                Change::SignIn(last) => Arc::make_mut(last).origin.share_texts(&mut share),
                _ => {}
            }
        }
    }

    /// Puts the text that is kept in the place of one that says the same.
    fn share(&self, text: &mut Arc<str>) {
        let place = self.hasher.hash_one(&**text);
        let place = usize::try_from(place % SHARDS as u64).expect("there are few shards");
        let mut shard = self.shards[place].lock();
        if let Some(kept) = shard.texts.get(&**text) {
            *text = Arc::clone(kept);
            return;
        }
        if shard.texts.len() >= shard.enough.max(FEW) {
            shard.texts.retain(|text| Arc::strong_count(text) > 1);
            shard.enough = shard.texts.len() * 2;
        }
        shard.texts.insert(Arc::clone(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(texts: &Texts) -> usize {
        texts
            .shards
            .iter()
            .map(|shard| shard.lock().texts.len())
            .sum()
    }

    #[test]
    fn given_one_text_twice_when_shared_then_it_is_kept_once() {
        let texts = Texts::new();
        let (mut one, mut other): (Arc<str>, Arc<str>) = ("a browser".into(), "a browser".into());

        texts.share(&mut one);
        texts.share(&mut other);

        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(kept(&texts), 1);
    }

    #[test]
    fn given_texts_that_nobody_has_any_more_when_others_come_then_they_go() {
        let texts = Texts::new();
        let mut held: Arc<str> = "held".into();
        texts.share(&mut held);

        for number in 0..100_000 {
            texts.share(&mut format!("hostile text {number}").into());
        }

        assert!(kept(&texts) <= SHARDS * FEW, "{} kept", kept(&texts));
        let mut again: Arc<str> = "held".into();
        texts.share(&mut again);
        assert!(Arc::ptr_eq(&held, &again));
    }
}
