//! A commit: typed changes, with the version and the moment they were decided for.

use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::Seats;
use innkeeper_domain::roster::{EntryHash, Generation, Roster, RosterVersion};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;

use crate::journal::JournalEntry;
use crate::{Ground, Remembered};

/// What a decision asks a store to do, in one step.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The roster.
    pub tag: RosterTag,
    /// The tenant of its subject, should the roster be absent.
    pub tenant: TenantId,
    /// Its subject, should it be absent.
    pub subject: SubjectId,
    /// The version the decision was made for.
    pub version: RosterVersion,
    /// The generation it was made under. Between two commits only that of an absent roster moves,
    /// with the floor: a birth decided just before would be of a generation that is gone.
    pub generation: Generation,
    /// The first moment at which the decision could be another.
    pub stands_until: Timestamp,
    /// What to do.
    pub changes: Vec<Change>,
    /// The one journal entry that lists it.
    pub entry: JournalEntry,
    /// What to remember of the answer, under each of its keys.
    pub remember: Vec<Remembered>,
    /// How many sessions of the tenant may be live, should this add one to those there are.
    pub seats: Option<Seats>,
}

/// What became of a commit.
#[derive(Clone, Debug)]
#[must_use]
pub enum Outcome {
    /// It is done and durable. This is the roster now.
    Done(Arc<Roster>),
    /// The roster or the clock has moved on: decide again.
    Stale,
    /// It would add a session, and the tenant has no seat left for it.
    Full,
}

impl Commit {
    /// Puts a decision about `roster`, made at `now`, into the form a store takes.
    ///
    /// `salt` is random: it hides the personal part of the journal entry in its digest.
    #[must_use]
    pub fn new(
        roster: &Roster,
        changes: Vec<Change>,
        now: Timestamp,
        stands_until: Timestamp,
        salt: [u8; 16],
    ) -> Self {
        Self {
            tag: roster.tag,
            tenant: roster.tenant.clone(),
            subject: roster.subject.clone(),
            version: roster.version,
            generation: roster.generation,
            stands_until,
            entry: JournalEntry::of(roster, &changes, now, salt),
            changes,
            remember: Vec::new(),
            seats: None,
        }
    }

    /// Whether it adds a session that the tenant has no seat for, if in its other rosters `others`
    /// sessions are live. With [`carry_out`](Self::carry_out), all the comparing there is.
    #[must_use]
    pub fn is_beyond_seats(
        &self,
        before: Option<&Roster>,
        after: &Roster,
        others: usize,
        now: Timestamp,
    ) -> bool {
        self.room_beside(before, after, now)
            .is_some_and(|room| i64::try_from(others).unwrap_or(i64::MAX) > room)
    }

    /// How many sessions may be live in the other rosters of the tenant, at most, if this is to be
    /// carried out; `None` for any number. Below zero it is beyond the seats on its own.
    #[must_use]
    pub fn room_beside(
        &self,
        before: Option<&Roster>,
        after: &Roster,
        now: Timestamp,
    ) -> Option<i64> {
        let live = |roster: &Roster| roster.live(now).count();
        let (before, after) = (before.map_or(0, live), live(after));
        let seats = self.seats.filter(|_| after > before)?;
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        Some(count(seats.get()) - count(after))
    }

    /// The roster after this commit, or `None` if it has become stale.
    ///
    /// This is all the comparing that a store has to do, with the roster it holds and its own
    /// clock read in the same step. `hash` gives that of its entry, and is asked only if it stands.
    #[must_use]
    pub fn carry_out(
        &self,
        current: Option<&Roster>,
        ground: Ground,
        now: Timestamp,
        hash: impl FnOnce() -> EntryHash,
    ) -> Option<Roster> {
        let mut roster = current.cloned().unwrap_or_else(|| {
            Roster::absent(
                self.tag,
                self.tenant.clone(),
                self.subject.clone(),
                ground.floor,
                ground.store_generation,
            )
        });
        roster.come_under(ground.store_generation);
        let stands = roster.version == self.version
            && roster.generation == self.generation
            && roster.journal_head == self.entry.previous
            && now < self.stands_until;
        if !stands {
            return None;
        }
        roster.apply(&self.changes, now);
        roster.journal_head = hash();
        roster.floor_epoch = ground.floor.epoch;
        Some(roster)
    }
}
