//! Every roster, in memory, in shards that lock apart.
//!
//! What is here is durable. A quick look holds a shard's lock for reading; a reading for a
//! decision and a publication hold it alone, so that no session is heard from while somebody
//! finds it silent, nor between the last look at the old roster and the first at the new.
//!
//! The committing thread holds it alone as well from its look at the clock until the roster is
//! marked as changing. A reading for a decision that comes later waits until the change is to be
//! seen, so nobody takes a session for dead whose deadline has been moved in time (S2).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use innkeeper_domain::roster::{Roster, StoreGeneration};
use innkeeper_domain::token::RosterTag;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One for each value of [`RosterTag::shard`].
const SHARDS: usize = 64;

pub(crate) type Shard = HashMap<RosterTag, Place, BuildHasherDefault<TagHasher>>;

#[derive(Debug)]
pub(crate) struct Resident {
    shards: Box<[RwLock<Shard>]>,
    /// Rosters of which a session was heard from since they were last written.
    heard: Mutex<Vec<RosterTag>>,
}

/// Where one roster lies.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) roster: Arc<Roster>,
    /// Whether the round under way changes it. After a round whose fate is unknown it stays so.
    pub(crate) changing: bool,
    /// Whether it is among those heard from already.
    heard: AtomicBool,
}

impl Resident {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            heard: Mutex::default(),
        }
    }

    /// The shard of `tag`, for a quick look.
    pub(crate) fn look(&self, tag: RosterTag) -> RwLockReadGuard<'_, Shard> {
        self.shards[usize::from(tag.shard())].read()
    }

    /// The shard of `tag`, alone.
    pub(crate) fn alone(&self, tag: RosterTag) -> RwLockWriteGuard<'_, Shard> {
        self.shards[usize::from(tag.shard())].write()
    }

    /// The roster of `tag`.
    pub(crate) fn find(&self, tag: RosterTag) -> Option<Arc<Roster>> {
        self.look(tag).get(&tag).map(|p| Arc::clone(&p.roster))
    }

    /// Has every roster come under the generation of the store: one that was written under
    /// another came back with older data (S20).
    pub(crate) fn come_under(&self, store: StoreGeneration) {
        for shard in &self.shards {
            for place in shard.write().values_mut() {
                place.roster = place.roster.under(store);
            }
        }
    }

    /// Notes that a session at `place` was heard from. Says whether it is the first of all.
    pub(crate) fn hear(&self, place: &Place) -> bool {
        if place.heard.load(Ordering::Relaxed) || place.heard.swap(true, Ordering::AcqRel) {
            return false;
        }
        let mut heard = self.heard.lock();
        heard.push(place.roster.tag);
        heard.len() == 1
    }

    /// Whether any roster was heard from since the last time they were taken.
    pub(crate) fn has_heard(&self) -> bool {
        !self.heard.lock().is_empty()
    }

    /// Takes the rosters that were heard from since the last time.
    pub(crate) fn take_heard(&self) -> Vec<Arc<Roster>> {
        let tags = std::mem::take(&mut *self.heard.lock());
        tags.into_iter()
            .filter_map(|tag| {
                // Alone, so that no visit falls between taking the note and reading the time.
                let mut shard = self.alone(tag);
                let place = shard.get_mut(&tag)?;
                *place.heard.get_mut() = false;
                Some(Arc::clone(&place.roster))
            })
            .collect()
    }

    /// Waits until nobody is at any roster who was there before.
    pub(crate) fn wait_for_lookers(&self) {
        for shard in &self.shards {
            drop(shard.write());
        }
    }

    /// The first `limit` tags after `after`, in order.
    pub(crate) fn walk(&self, after: Option<RosterTag>, limit: usize) -> Vec<RosterTag> {
        let mut page = Vec::new();
        // A shard is a range of tags, since its number is how they begin.
        let first = after.map_or(0, |tag| usize::from(tag.shard()));
        for shard in &self.shards[first..] {
            let beyond = |tag: &&RosterTag| after.is_none_or(|after| **tag > after);
            let mut tags: Vec<_> = shard.read().keys().filter(beyond).copied().collect();
            let wanted = limit - page.len();
            if wanted < tags.len() {
                // The first of them, without putting all in order.
                tags.select_nth_unstable(wanted);
                tags.truncate(wanted);
            }
            tags.sort_unstable();
            page.extend(tags);
            if page.len() == limit {
                break;
            }
        }
        page
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Roster>> {
        self.shards.iter().flat_map(|shard| {
            let shard = shard.read();
            let rosters: Vec<_> = shard.values().map(|p| Arc::clone(&p.roster)).collect();
            rosters
        })
    }
}

/// Puts a roster in the place of the one before it, or takes it away.
pub(crate) fn replace(shard: &mut Shard, tag: RosterTag, roster: Option<Arc<Roster>>) {
    match (shard.get_mut(&tag), roster) {
        (Some(place), Some(roster)) => {
            carry_over(&place.roster, &roster);
            place.roster = roster;
            place.changing = false;
        }
        (None, Some(roster)) => {
            let place = Place {
                roster,
                changing: false,
                heard: AtomicBool::new(false),
            };
            shard.insert(tag, place);
        }
        (_, None) => {
            shard.remove(&tag);
        }
    }
}

/// Takes along what moved in the old roster while the new one was being written.
///
/// The new one has the sessions of the old in their order, less those that ended, then the
/// newborn. Those that no change touched are the same in both.
pub(crate) fn carry_over(old: &Roster, new: &Roster) {
    new.failures.grow_to(old.failures.get());
    let mut old = old.sessions.iter();
    for session in &new.sessions {
        let Some(before) = old.find(|o| o.id == session.id) else {
            break;
        };
        if Arc::ptr_eq(before, session) {
            continue;
        }
        session.last_seen.advance(before.last_seen.get());
        if let (Some(was), Some(is)) = (&before.previous, &session.previous)
            && was.digest == is.digest
        {
            is.accepted_until.bring_nearer(was.accepted_until.get());
        }
    }
}

/// Takes a tag for the hash that it is: nobody chooses the tag of a roster that is kept.
#[derive(Debug, Default)]
pub(crate) struct TagHasher(u64);

impl Hasher for TagHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    /// The length in front of the bytes says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_place_when_measured_then_a_roster_costs_one_word_beside_its_tag_and_pointer() {
        assert_eq!(size_of::<(RosterTag, Place)>(), 32);
    }
}
