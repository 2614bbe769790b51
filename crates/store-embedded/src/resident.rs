//! Every roster, in memory, in shards that lock apart.
//!
//! What is here is durable. A quick look holds a shard's lock for reading; a reading for a
//! decision and a publication hold it alone, so that no session is heard from while somebody
//! finds it silent, nor between the last look at the old roster and the first at the new.
//!
//! The committing thread holds it alone as well from its look at the clock until the roster is
//! marked as changing. A reading for a decision that comes later waits until the change is to be
//! seen, so nobody takes a session for dead whose deadline has been moved in time (S2).
//!
//! A roster that rests is packed. Whoever decides about it has it opened, and it stays open until
//! it has rested again. It changes its form only while its shard is held alone, and takes along
//! what moved in the other form until then: no visit is lost, and none moves backwards.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem;
use std::sync::Arc;

use innkeeper_domain::roster::{Roster, StoreGeneration};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::Kept;
use innkeeper_store::record::{Packed, RecordError};

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::texts::Texts;

/// One for each value of [`RosterTag::shard`].
const SHARDS: usize = 64;

pub(crate) type Shard = HashMap<RosterTag, Place, BuildHasherDefault<TagHasher>>;

#[derive(Debug)]
pub(crate) struct Resident {
    shards: Box<[RwLock<Shard>]>,
    /// Rosters of which a session was heard from since they were last written.
    heard: Mutex<Vec<RosterTag>>,
    /// Rosters that were opened since somebody last asked. Locked after a shard, never before one.
    opened: Mutex<Vec<RosterTag>>,
    /// What open rosters say in the same words.
    pub(crate) texts: Texts,
}

/// Where one roster lies.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) kept: Kept,
    /// Whether the round under way changes it. After a round whose fate is unknown it stays so.
    /// It is open then, and stays open.
    pub(crate) changing: bool,
    /// Whether it is among those heard from already.
    heard: AtomicBool,
}

impl Place {
    const fn of(kept: Kept) -> Self {
        Self {
            kept,
            changing: false,
            heard: AtomicBool::new(false),
        }
    }

    /// The roster, whose shard was taken [alone](Resident::alone).
    pub(crate) fn opened(&self) -> &Arc<Roster> {
        match &self.kept {
            Kept::Open(roster) => roster,
            Kept::Packed(_) => unreachable!("it was opened when its shard was taken"),
        }
    }

    /// Puts the same roster in its place in another form.
    fn change_form(&mut self, kept: Kept) {
        kept.catch_up(&self.kept);
        self.kept = kept;
    }
}

impl Resident {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            heard: Mutex::default(),
            opened: Mutex::default(),
            texts: Texts::new(),
        }
    }

    /// The shard of `tag`, for a quick look.
    pub(crate) fn look(&self, tag: RosterTag) -> RwLockReadGuard<'_, Shard> {
        self.shards[usize::from(tag.shard())].read()
    }

    /// The shard of `tag`, alone, and in it the roster of `tag` open, if it is there.
    pub(crate) fn alone(&self, tag: RosterTag) -> Result<RwLockWriteGuard<'_, Shard>, RecordError> {
        loop {
            let shard = self.hold(tag);
            let packed = match shard.get(&tag).map(|place| &place.kept) {
                Some(Kept::Packed(packed)) => packed.clone(),
                Some(Kept::Open(_)) | None => return Ok(shard),
            };
            // Others need not wait for that.
            drop(shard);
            let mut roster = packed.open()?;
            self.texts.share_in(&mut roster);
            let mut shard = self.hold(tag);
            match shard.get_mut(&tag) {
                Some(place) if matches!(&place.kept, Kept::Packed(p) if p.is(&packed)) => {
                    place.change_form(Kept::Open(Arc::new(roster)));
                    self.opened.lock().push(tag);
                    return Ok(shard);
                }
                // Somebody else was here meanwhile.
                _ => {}
            }
        }
    }

    /// The shard of `tag`, alone, whatever form its rosters have.
    pub(crate) fn hold(&self, tag: RosterTag) -> RwLockWriteGuard<'_, Shard> {
        self.shards[usize::from(tag.shard())].write()
    }

    /// Takes note of those that were opened since the last time.
    pub(crate) fn take_opened(&self) -> Vec<RosterTag> {
        mem::take(&mut *self.opened.lock())
    }

    /// Packs the roster of `tag`, if it `rests`. Only the committing thread does so, which alone
    /// changes rosters.
    pub(crate) fn pack(&self, tag: RosterTag, rests: impl Fn(&Roster) -> bool) -> Form {
        let roster = match self.look(tag).get(&tag) {
            Some(Place {
                kept: Kept::Open(roster),
                changing,
                ..
            }) => {
                if *changing || !rests(roster) {
                    return Form::Open;
                }
                Arc::clone(roster)
            }
            Some(_) | None => return Form::Packed,
        };
        // Others need not wait for that.
        let packed = Packed::of(&roster);
        if let Some(place) = self.hold(tag).get_mut(&tag) {
            place.change_form(Kept::Packed(packed));
        }
        Form::Packed
    }

    /// Puts a roster that was read back in its place, packed.
    pub(crate) fn put(&self, tag: RosterTag, mut roster: Roster) {
        self.texts.share_in_packed(&mut roster);
        let kept = Kept::Packed(Packed::of(&roster));
        let mut shard = self.hold(tag);
        if let Some(before) = shard.get(&tag) {
            kept.failures().grow_to(before.kept.failures().get());
            for (serial, at) in before.kept.seen() {
                kept.hear(&serial, at);
            }
        }
        shard.insert(tag, Place::of(kept));
    }

    /// The roster of `tag`, as it lies there.
    pub(crate) fn find(&self, tag: RosterTag) -> Option<Kept> {
        self.look(tag).get(&tag).map(|place| place.kept.clone())
    }

    /// Has every roster come under the generation of the store: one that was written under
    /// another came back with older data (S20). Shows `note` those that do.
    pub(crate) fn come_under(
        &self,
        store: StoreGeneration,
        mut note: impl FnMut(&Roster),
    ) -> Result<(), RecordError> {
        for (tag, kept) in self.all() {
            let generation = match &kept {
                Kept::Open(roster) => roster.store_generation,
                Kept::Packed(packed) => packed.store_generation(),
            };
            if generation == store {
                continue;
            }
            let mut shard = self.alone(tag)?;
            if let Some(place) = shard.get_mut(&tag) {
                let roster = place.opened().under(store);
                note(&roster);
                place.kept = Kept::Open(roster);
            }
        }
        Ok(())
    }

    /// Notes that a session at `place` was heard from. Says whether it is the first of all.
    pub(crate) fn hear(&self, tag: RosterTag, place: &Place) -> bool {
        if place.heard.load(Ordering::Relaxed) || place.heard.swap(true, Ordering::AcqRel) {
            return false;
        }
        let mut heard = self.heard.lock();
        heard.push(tag);
        heard.len() == 1
    }

    /// Whether any roster was heard from since the last time they were taken.
    pub(crate) fn has_heard(&self) -> bool {
        !self.heard.lock().is_empty()
    }

    /// Takes the rosters that were heard from since the last time.
    pub(crate) fn take_heard(&self) -> Vec<(RosterTag, Kept)> {
        let tags = mem::take(&mut *self.heard.lock());
        tags.into_iter()
            .filter_map(|tag| {
                // Alone, so that no visit falls between taking the note and reading the time.
                let mut shard = self.hold(tag);
                let place = shard.get_mut(&tag)?;
                *place.heard.get_mut() = false;
                Some((tag, place.kept.clone()))
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

    pub(crate) fn all(&self) -> impl Iterator<Item = (RosterTag, Kept)> {
        self.shards.iter().flat_map(|shard| {
            let shard = shard.read();
            let kept = shard.iter().map(|(tag, place)| (*tag, place.kept.clone()));
            kept.collect::<Vec<_>>()
        })
    }

    /// Puts a roster in the place of the one before it, or takes it away, in its shard, which was
    /// taken [alone](Self::alone).
    pub(crate) fn replace(&self, shard: &mut Shard, tag: RosterTag, roster: Option<Arc<Roster>>) {
        match (shard.get_mut(&tag), roster) {
            (Some(place), Some(roster)) => {
                carry_over(place.opened(), &roster);
                place.kept = Kept::Open(roster);
                place.changing = false;
            }
            (None, Some(roster)) => {
                shard.insert(tag, Place::of(Kept::Open(roster)));
                self.opened.lock().push(tag);
            }
            (_, None) => {
                shard.remove(&tag);
            }
        }
    }
}

/// In which form a roster lies after all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Open,
    /// Or it is not there any more.
    Packed,
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
    use innkeeper_domain::name::{SubjectId, TenantId};
    use innkeeper_domain::roster::Floor;
    use innkeeper_domain::session::Timestamp;
    use innkeeper_store::conformance::fixture::{session, tag};

    use super::*;

    #[test]
    fn given_a_place_when_measured_then_a_roster_costs_two_words_beside_its_tag_and_pointer() {
        assert_eq!(size_of::<(RosterTag, Place)>(), 40);
    }

    /// Fail closed: whoever asks is told that the roster cannot be read, not that there is none.
    #[test]
    fn given_a_packed_roster_that_memory_has_damaged_when_asked_for_then_it_is_an_error() {
        let now = Timestamp::from_millis(1);
        let subject = SubjectId::parse("zoe").expect("it is a name");
        let floor = Floor::default();
        let store = StoreGeneration::default();
        let mut roster = Roster::absent(tag(1), TenantId::default(), subject, floor, store);
        roster.sessions = vec![Arc::new(session(tag(1), 1, now))];
        let resident = Resident::new();
        resident.put(tag(1), roster);
        let whole = resident.find(tag(1));
        let Some(Kept::Packed(packed)) = whole else {
            panic!("it was put there packed");
        };
        let place = Place::of(Kept::Packed(packed.damaged()));
        resident.hold(tag(1)).insert(tag(1), place);

        assert!(resident.alone(tag(1)).is_err());
        assert!(resident.come_under(StoreGeneration(9), |_| ()).is_err());
        assert!(resident.look(tag(1)).contains_key(&tag(1)), "it is there");
    }

    /// A visit may come while the roster is being opened or packed beside the shard: it was lost,
    /// had the other form been put in place as it was made.
    #[test]
    fn given_visits_while_a_roster_changes_its_form_when_looked_at_then_none_is_lost() {
        let subject = SubjectId::parse("zoe").expect("it is a name");
        let (floor, store) = (Floor::default(), StoreGeneration::default());
        let mut roster = Roster::absent(tag(1), TenantId::default(), subject, floor, store);
        roster.sessions = vec![Arc::new(session(tag(1), 1, Timestamp::ZERO))];
        let resident = Resident::new();
        resident.put(tag(1), roster);
        let done = AtomicBool::new(false);

        let (forms, visits) = std::thread::scope(|scope| {
            let visitor = scope.spawn(|| {
                let mut visits = 0;
                while !done.load(Ordering::Acquire) || visits < 1000 {
                    let shard = resident.look(tag(1));
                    let kept = &shard[&tag(1)].kept;
                    assert_eq!(
                        kept.seen()[0].1.as_millis(),
                        visits,
                        "the last one is there"
                    );
                    visits += 1;
                    kept.hear(&[1; 12], Timestamp::from_millis(visits));
                }
                visits
            });
            let mut forms = 0;
            for _ in 0..2000 {
                drop(resident.alone(tag(1)).expect("it is whole"));
                forms += u64::from(resident.pack(tag(1), |_| true) == Form::Packed);
            }
            done.store(true, Ordering::Release);
            (forms, visitor.join().expect("no visit is lost"))
        });

        assert_eq!(forms, 2000);
        let seen = resident.find(tag(1)).expect("it is there").seen();
        assert_eq!(seen[0].1.as_millis(), visits);
    }
}
