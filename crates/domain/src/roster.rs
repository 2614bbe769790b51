//! The roster: all sessions of one subject, and everything that is counted or validated.
//!
//! What is counted and what validates are the same data (S12). A roster changes only by
//! [`apply`](Roster::apply), and what it does not hold as live is dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::change::Change;
use crate::device::{Device, DeviceDigest, DeviceId};
use crate::name::{GroupName, SubjectId, TenantId};
use crate::policy::{Facts, PolicyVersion, SessionLimit};
use crate::session::{
    EndReason, EndedSession, Ending, Initiator, Origin, Session, SessionId, Timestamp,
};
use crate::token::RosterTag;

/// The number of a roster's last commit (`seq`); 0 or the store's floor before the first.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RosterVersion(pub u64);

impl RosterVersion {
    /// The version after one more commit.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The fence of a subject: evidence from an older generation opens no session (S8).
///
/// It rises with revoke-all, disable and credential change, and never falls.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after one more rise.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The incarnation of a store's data: raised by a restore, so that nothing older is valid (S20).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StoreGeneration(pub u64);

impl StoreGeneration {
    /// The highest that there is, so that all numbers made from it are exact in JSON.
    pub const MAX: Self = Self(1 << 29);

    /// The incarnation that begins when data of this one is brought back at `now`.
    ///
    /// It lies above that of the data, and moves with the clock, by the minute: a second restore
    /// of the same copy is another incarnation than the first.
    #[must_use]
    pub fn restored(self, now: Timestamp) -> Self {
        let minutes = Self(now.as_millis() / 60_000).min(Self::MAX);
        Self(self.0 + 1).max(minutes)
    }

    /// After which place the journal goes on under it: beyond all that another incarnation can
    /// have reached, so that whoever stopped reading there is told that this is another journal.
    #[must_use]
    pub const fn journal_start(self) -> u64 {
        self.0 << 34
    }

    /// Where the generations of rosters begin under it: above all that another incarnation can
    /// have handed out, also after the copy was made from which this one came (S8).
    #[must_use]
    pub const fn first_generation(self) -> Generation {
        Generation(self.0 << 24)
    }
}

/// Where the rosters that a store does not hold begin.
///
/// An absent roster reads as empty, with these numbers. They lie above those of every roster
/// that was swept, so neither old evidence nor an old event id means anything again (D1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Floor {
    /// How often the floor has risen.
    pub epoch: u64,
    /// The generation of an absent roster.
    pub generation: Generation,
    /// The one before the last rise, which an absent roster still accepts.
    pub generation_before: Generation,
    /// The version of an absent roster.
    pub version: RosterVersion,
}

impl Floor {
    /// The floor of a store in which nothing has happened yet.
    pub const FIRST: Self = Self {
        epoch: 0,
        generation: Generation(1),
        generation_before: Generation(1),
        version: RosterVersion(0),
    };
    /// How often it may rise.
    pub const RISES_EVERY: Duration = Duration::from_hours(24);

    /// The floor after this one, above all that rosters have reached.
    #[must_use]
    pub fn raised(self, generations: Generation, versions: RosterVersion) -> Self {
        Self {
            epoch: self.epoch + 1,
            generation: self.generation.max(generations).next(),
            generation_before: self.generation,
            version: self.version.max(versions),
        }
    }

    /// Lifts evidence for a subject whose roster is absent: what was read just before the floor
    /// rose is as good as what is read now.
    #[must_use]
    pub fn lift(&self, evidence: Generation) -> Generation {
        if evidence == self.generation_before {
            self.generation
        } else {
            evidence
        }
    }
}

/// The digest of a journal entry; the roster holds that of its last one (D7).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EntryHash(pub [u8; 32]);

/// How to reach a subject.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Contact {
    /// An e-mail address.
    pub email: Option<Box<str>>,
    /// A BCP 47 language tag.
    pub locale: Option<Box<str>>,
    /// An IANA time zone.
    pub time_zone: Option<Box<str>>,
}

/// The last successful sign-in of the subject in person, told to it at the next one (AC-9).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LastSignIn {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub origin: Origin,
    /// How many failed sign-ins the roster had counted by then.
    pub failures_before: u32,
}

/// How many sign-ins of a subject have failed, ever: a number that only grows, and stays where
/// it cannot grow any more. Like a session's last-seen it moves outside of commits.
#[derive(Debug, Default)]
pub struct FailureCount(AtomicU32);

impl FailureCount {
    /// Starts at `count`.
    #[must_use]
    pub const fn new(count: u32) -> Self {
        Self(AtomicU32::new(count))
    }

    /// The number so far.
    #[must_use]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Counts one more.
    pub fn add(&self) {
        let more = |count: u32| count.checked_add(1);
        // At its end it stays: that many tell as much as one more.
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
    }

    /// Grows to `count`, or stays where it is if that is more.
    pub fn grow_to(&self, count: u32) {
        self.0.fetch_max(count, Ordering::AcqRel);
    }
}

impl Clone for FailureCount {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}

/// All sessions of one subject.
///
/// What a check reads stands first and in this order, as in [`Session`].
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Roster {
    /// Sessions recorded as live, in order of birth.
    pub sessions: Vec<Arc<Session>>,
    /// Its fence.
    pub generation: Generation,
    /// The largest store time it has seen (`hi`); never falls.
    pub time_high: Timestamp,
    /// The policy it last obeyed.
    pub policy: PolicyVersion,
    /// The realm of its subject.
    pub tenant: TenantId,
    /// Whose sessions these are.
    pub subject: SubjectId,
    /// Whether the subject may hold no session at all.
    pub disabled: bool,
    /// Where it is kept.
    pub tag: RosterTag,
    /// The number of its last commit.
    pub version: RosterVersion,
    /// The incarnation of the store it was written under.
    pub store_generation: StoreGeneration,
    /// The floor's epoch at its last commit.
    pub floor_epoch: u64,
    /// The groups of the subject, as rules name them.
    pub groups: Box<[GroupName]>,
    /// The subject's own limit, in place of the policy's.
    pub own_limit: Option<SessionLimit>,
    /// How to reach the subject.
    pub contact: Contact,
    /// How many sessions were ever born here.
    pub births: u64,
    /// The devices it recognises, at most [`Device::MAX`], in the order of their first sign-ins.
    pub devices: Vec<Arc<Device>>,
    /// Sessions that ended of late, the latest last.
    pub ended: Vec<EndedSession>,
    /// The last successful sign-in of class
    /// [`Interactive`](crate::session::SessionClass::Interactive).
    pub last_sign_in: Option<Arc<LastSignIn>>,
    /// The sign-ins that failed.
    pub failures: FailureCount,
    /// The last entry of its journal chain.
    pub journal_head: EntryHash,
}

impl Roster {
    /// The most ended sessions it remembers.
    pub const ENDED_MAX: usize = 32;
    /// For how long it remembers them.
    pub const ENDED_FOR: Duration = Duration::from_hours(24);

    /// The empty roster that an absent one reads as.
    #[must_use]
    pub fn absent(
        tag: RosterTag,
        tenant: TenantId,
        subject: SubjectId,
        floor: Floor,
        store_generation: StoreGeneration,
    ) -> Self {
        Self {
            tag,
            tenant,
            subject,
            version: floor.version,
            generation: floor.generation,
            store_generation,
            floor_epoch: floor.epoch,
            time_high: Timestamp::ZERO,
            disabled: false,
            groups: Box::default(),
            own_limit: None,
            contact: Contact::default(),
            policy: PolicyVersion::default(),
            births: 0,
            devices: Vec::new(),
            sessions: Vec::new(),
            ended: Vec::new(),
            last_sign_in: None,
            failures: FailureCount::default(),
            journal_head: EntryHash::default(),
        }
    }

    /// This roster as a store of the incarnation `store` hands it out.
    ///
    /// One that was written under another came back with older data. Its fence rises above all
    /// that was ever handed out, so that none of its sessions is live and no evidence from before
    /// opens a new one (S20). Every store reads through this, and so does every commit.
    #[must_use]
    pub fn under(self: &Arc<Self>, store: StoreGeneration) -> Arc<Self> {
        let mut roster = Arc::clone(self);
        if roster.store_generation != store {
            Self::come_under(Arc::make_mut(&mut roster), store);
        }
        roster
    }

    /// As [`under`](Self::under), in place.
    pub fn come_under(&mut self, store: StoreGeneration) {
        if self.store_generation != store {
            self.generation = self.generation.next().max(store.first_generation());
            self.store_generation = store;
        }
    }

    /// Whether `session`, which this roster records, is live at `now`.
    #[must_use]
    pub fn is_live(&self, session: &Session, now: Timestamp) -> bool {
        !self.disabled
            && session.generation == self.generation
            && session.is_unexpired(now.max(self.time_high))
    }

    /// The sessions that are live at `now`, in order of birth.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Arc<Session>> {
        self.sessions.iter().filter(move |s| self.is_live(s, now))
    }

    /// The recorded session of that name, live or expired.
    #[must_use]
    pub fn find(&self, id: SessionId) -> Option<&Arc<Session>> {
        self.sessions.iter().find(|s| s.id == id)
    }

    /// The device of that name.
    #[must_use]
    pub fn find_device(&self, id: DeviceId) -> Option<&Arc<Device>> {
        self.devices.iter().find(|d| d.id == id)
    }

    /// The device that holds the token of this digest.
    #[must_use]
    pub fn recognise(&self, token: DeviceDigest) -> Option<&Arc<Device>> {
        self.devices.iter().find(|d| d.token == token)
    }

    /// The device that a session was opened on, if it is still known.
    #[must_use]
    pub fn device_of(&self, session: &Session) -> Option<&Arc<Device>> {
        self.find_device(session.device_id()?)
    }

    /// When a device was last heard from: at a sign-in, or by any session on it.
    #[must_use]
    pub fn device_seen(&self, device: &Device) -> Timestamp {
        let on_it = |s: &&Arc<Session>| s.device_id() == Some(device.id);
        let heard = self.sessions.iter().filter(on_it);
        heard
            .map(|s| s.last_seen.get())
            .fold(device.last_seen, Timestamp::max)
    }

    /// The ended session of that name, if it is still remembered at `now`.
    #[must_use]
    pub fn find_ended(&self, id: SessionId, now: Timestamp) -> Option<&EndedSession> {
        self.remembered(now).find(|e| e.session.id == id)
    }

    /// The ended sessions that are still remembered at `now`, the latest last.
    #[must_use]
    pub fn remembered(&self, now: Timestamp) -> impl DoubleEndedIterator<Item = &EndedSession> {
        let now = now.max(self.time_high);
        self.ended
            .iter()
            .filter(move |e| now < e.ending.at.plus(Self::ENDED_FOR))
    }

    /// How many sign-ins have failed since the last one of the subject in person that did not; all
    /// of them if there was none.
    #[must_use]
    pub fn failures_since(&self) -> u32 {
        let before = self.last_sign_in.as_ref().map_or(0, |l| l.failures_before);
        self.failures.get().saturating_sub(before)
    }

    /// What rules may know of a session of this roster.
    #[must_use]
    pub fn facts<'a>(&'a self, session: &'a Session) -> Facts<'a> {
        Facts {
            groups: &self.groups,
            client: session.client.as_ref(),
            class: session.class,
            remember: session.remember,
            device_class: session.device_class,
        }
    }

    /// How `session`, which this roster records, has ended by `now` without any commit: its time
    /// ran out, or a restore left it behind the fence.
    #[must_use]
    pub fn unrecorded_end(&self, session: &Session, now: Timestamp) -> Option<Ending> {
        let now = now.max(self.time_high);
        session.expiry(now).or_else(|| {
            (session.generation != self.generation).then_some(Ending {
                at: now,
                reason: EndReason::RevokedByAdmin,
                initiator: Initiator::Admin,
            })
        })
    }

    /// The ends that have come by `now` and that no commit has recorded yet.
    ///
    /// Every commit begins with them, so that each expiry is journalled once, at its deadline,
    /// and in the order in which the clock brought them.
    #[must_use]
    pub fn expiries(&self, now: Timestamp) -> Vec<Change> {
        let now = now.max(self.time_high);
        let mut expired: Vec<_> = self
            .sessions
            .iter()
            .filter_map(|s| Some((s.id, self.unrecorded_end(s, now)?)))
            .collect();
        expired.sort_by_key(|(_, ending)| ending.at);
        expired
            .into_iter()
            .map(|(id, ending)| Change::End { id, ending })
            .collect()
    }

    /// The next moment at which a recorded session expires unless it is heard from, or a token
    /// that was rotated away means something else.
    ///
    /// Until then, time alone changes no decision about this roster.
    #[must_use]
    pub fn stands_until(&self, now: Timestamp) -> Timestamp {
        let now = now.max(self.time_high);
        let graces = self.sessions.iter().filter_map(|s| s.previous.as_deref());
        let graces = graces.flat_map(|p| [p.accepted_until.get(), p.repeatable_until]);
        self.sessions
            .iter()
            .map(|s| s.expires_at())
            .chain(graces)
            .filter(|moment| now < *moment)
            .min()
            .unwrap_or(Timestamp::MAX)
    }

    /// The moment until which `changes`, decided at `now`, stand.
    ///
    /// As [`stands_until`](Self::stands_until), but nearer where they shorten the time of a
    /// session: once that has run out it holds no seat, and fewer others would have to go (S11).
    #[must_use]
    pub fn changes_stand_until(&self, changes: &[Change], now: Timestamp) -> Timestamp {
        let mut after = self.clone();
        after.apply(changes, now);
        self.stands_until(now).min(after.stands_until(now))
    }

    /// Whether these are the groups of the subject. Neither order nor repetition says anything:
    /// a login service that lists them in another order has changed no role.
    #[must_use]
    pub fn has_groups(&self, groups: &[GroupName]) -> bool {
        groups.iter().all(|g| self.groups.contains(g))
            && self.groups.iter().all(|g| groups.contains(g))
    }

    /// Whether nothing in it would be missed: see [`Floor`] for when it may then go.
    #[must_use]
    pub fn is_forgettable(&self, floor: Floor, now: Timestamp) -> bool {
        self.sessions.is_empty()
            && self.remembered(now).next().is_none()
            && !self.disabled
            && self.groups.is_empty()
            && self.own_limit.is_none()
            && self.contact == Contact::default()
            && self
                .last_sign_in
                .as_ref()
                .is_none_or(|last| now >= last.at.plus(Duration::from_hours(24 * 400)))
            && self.devices.iter().all(|d| {
                now >= d
                    .last_seen
                    .plus(Duration::from_hours(Device::KEPT_FOR_HOURS))
            })
            && self.floor_epoch.saturating_add(2) <= floor.epoch
            && self.generation < floor.generation_before
            && self.version <= floor.version
    }

    /// Carries out the changes of one commit that was taken at `at`.
    ///
    /// The caller has compared the version the changes were made for. A change to a session that
    /// is not live at `at`, or is not recorded, does nothing: no change revives (S2). The sealed
    /// successor of a rotation goes with the commit that finds its repeat no longer allowed (D3).
    pub fn apply(&mut self, changes: &[Change], at: Timestamp) {
        self.time_high = self.time_high.max(at);
        self.version = self.version.next();
        for change in changes {
            change.carry_out(self);
        }
        let now = self.time_high;
        for session in &mut self.sessions {
            if session
                .previous
                .as_ref()
                .is_some_and(|p| !p.is_repeatable(now))
            {
                Arc::make_mut(session).previous = None;
            }
        }
        self.ended
            .retain(|e| now < e.ending.at.plus(Self::ENDED_FOR));
        let surplus = self.ended.len().saturating_sub(Self::ENDED_MAX);
        self.ended.drain(..surplus);
    }

    /// Moves a session from the live to the ended; nothing if it is not recorded as live.
    pub(crate) fn end(&mut self, id: SessionId, ending: Ending) {
        if let Some(place) = self.sessions.iter().position(|s| s.id == id) {
            let session = self.sessions.remove(place);
            // What only the session knew of its device goes on with the device.
            let device = session.device_id();
            if let Some(device) = self.devices.iter_mut().find(|d| Some(d.id) == device) {
                let seen = session.last_seen.get();
                if device.last_seen < seen {
                    Arc::make_mut(device).last_seen = seen;
                }
            }
            self.ended.push(EndedSession { session, ending });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, empty_roster, ends, groups, id, live_ids, roster, session};

    fn end_of(number: u8, seconds: u64) -> Change {
        Change::End {
            id: id(number),
            ending: Ending {
                at: at(seconds),
                reason: EndReason::Logout,
                initiator: Initiator::User,
            },
        }
    }

    fn remembered(roster: &Roster, seconds: u64) -> Vec<SessionId> {
        roster
            .remembered(at(seconds))
            .map(|e| e.session.id)
            .collect()
    }

    #[test]
    fn given_a_session_at_its_deadline_when_asked_then_it_is_not_live() {
        let roster = roster([session(1).deadline(10), session(2).idle_after(20)]);

        assert_eq!(roster.live(at(9)).count(), 2);
        assert_eq!(roster.live(at(10)).count(), 1);
        assert_eq!(roster.live(at(20)).count(), 0);
    }

    #[test]
    fn given_a_clock_that_fell_back_when_asked_then_what_was_dead_stays_dead() {
        let mut roster = roster([session(1).deadline(10)]);
        roster.apply(&[], at(10));

        assert_eq!(roster.live(at(9)).count(), 0);
        assert_eq!(roster.expiries(at(9)).len(), 1);
        roster.apply(&[], at(3));
        assert_eq!(roster.time_high, at(10));
    }

    #[test]
    fn given_forty_ends_when_asked_for_the_ended_then_the_latest_thirty_two_are_remembered() {
        let mut roster = roster((1..=40).map(session));
        let ends: Vec<_> = (1..=40).map(|n| end_of(n, 5)).collect();

        roster.apply(&ends, at(5));

        let expected: Vec<_> = (9..=40).map(id).collect();
        assert_eq!(remembered(&roster, 5), expected);
    }

    #[test]
    fn given_an_end_when_a_day_has_passed_then_it_is_forgotten_at_that_moment() {
        let mut roster = roster([session(1), session(2)]);
        let day = 24 * 3600;
        roster.apply(&[end_of(1, 5)], at(5));
        roster.apply(&[end_of(2, 9)], at(9));

        assert_eq!(remembered(&roster, day + 4), [id(1), id(2)]);
        assert_eq!(remembered(&roster, day + 5), [id(2)]);
        assert!(roster.find_ended(id(1), at(day + 5)).is_none());
        roster.apply(&[], at(day + 5));
        assert_eq!(roster.ended.len(), 1);
        roster.time_high = at(day + 9);
        assert!(remembered(&roster, 9).is_empty(), "time does not fall");
    }

    #[test]
    fn given_a_roster_of_another_incarnation_when_read_then_nothing_in_it_is_live() {
        let written = Arc::new(roster([session(1), session(2).idle_after(10)]));
        let store = StoreGeneration(7);

        let read = written.under(store);

        assert_eq!(written.live(at(5)).count(), 2);
        assert!(live_ids(&read, 5).is_empty());
        assert!(read.generation >= store.first_generation());
        assert_eq!(read.version, written.version, "it is no commit");
        let expected = [(id(2), EndReason::Idle), (id(1), EndReason::RevokedByAdmin)];
        assert_eq!(ends(&read.expiries(at(20))), expected);
        assert!(Arc::ptr_eq(&read.under(store), &read));
    }

    #[test]
    fn given_a_roster_that_was_brought_back_when_its_next_commit_is_done_then_the_ends_are_on_file()
    {
        let mut read = Roster::clone(&Arc::new(roster([session(1)])).under(StoreGeneration(7)));

        read.apply(&read.expiries(at(5)), at(5));

        assert!(read.sessions.is_empty());
        assert_eq!(remembered(&read, 5), [id(1)]);
        assert_eq!(read.ended[0].ending.at, at(5));
    }

    #[test]
    fn given_one_copy_restored_twice_when_numbered_then_the_second_lies_above_the_first() {
        let copy = StoreGeneration(0);
        let minute = 60_000;
        let first = copy.restored(Timestamp::from_millis(29_000_000 * minute));
        let second = copy.restored(Timestamp::from_millis(29_000_001 * minute));

        assert!(copy < first && first < second);
        assert!(
            first.restored(Timestamp::ZERO) > first,
            "whatever the clock says"
        );
        assert!(copy.restored(Timestamp::MAX) <= StoreGeneration::MAX);
        let last = StoreGeneration::MAX.first_generation();
        assert!(last.0 <= 1 << 53, "JSON keeps it exact");
        assert!(first.first_generation() < second.first_generation());
    }

    #[test]
    fn given_several_expiries_when_recorded_then_they_come_in_the_order_of_the_clock() {
        // Otherwise the tail would forget the latest and keep the earliest.
        let roster = roster([
            session(1).idle_after(30),
            session(2).idle_after(10),
            session(3).deadline(20),
        ]);

        let expected = [
            (id(2), EndReason::Idle),
            (id(3), EndReason::Absolute),
            (id(1), EndReason::Idle),
        ];
        assert_eq!(ends(&roster.expiries(at(99))), expected);
        assert!(roster.expiries(at(9)).is_empty());
    }

    #[test]
    fn given_live_and_expired_sessions_when_asked_how_long_a_decision_stands_then_until_the_next_expiry()
     {
        let roster = roster([
            session(1).idle_after(10),
            session(2).idle_after(30),
            session(3).deadline(40),
        ]);

        assert_eq!(roster.stands_until(at(5)), at(10));
        assert_eq!(roster.stands_until(at(10)), at(30));
        assert_eq!(roster.stands_until(at(30)), at(40));
        assert_eq!(roster.stands_until(at(40)), Timestamp::MAX);
    }

    #[test]
    fn given_a_grace_when_asked_how_long_a_decision_stands_then_no_longer_than_that() {
        use crate::session::{GraceEnd, PreviousToken, Sealed};
        let mut roster = roster([session(1)]);
        roster.apply(
            &[Change::Rotation {
                id: id(1),
                token: crate::testing::later_token(1, 50).secret().digest(),
                at: at(5),
                previous: Box::new(PreviousToken {
                    digest: crate::testing::token(1).secret().digest(),
                    accepted_until: GraceEnd::new(at(20)),
                    repeatable_until: at(30),
                    sealed_successor: Sealed(Box::default()),
                    proof: None,
                }),
            }],
            at(5),
        );

        assert_eq!(roster.stands_until(at(5)), at(20));
        assert_eq!(roster.stands_until(at(20)), at(30));
        assert_eq!(roster.stands_until(at(30)), at(3605));
    }

    #[test]
    fn given_a_session_that_is_shortened_when_asked_how_long_that_stands_then_until_its_new_deadline()
     {
        let roster = roster([session(1), session(2).idle_after(50)]);
        let shortening = Change::Shortening {
            id: id(1),
            idle: Duration::from_secs(15),
            absolute_deadline: at(99),
        };

        assert_eq!(roster.changes_stand_until(&[shortening], at(5)), at(15));
        assert_eq!(roster.changes_stand_until(&[end_of(2, 5)], at(5)), at(50));
    }

    #[test]
    fn given_groups_in_any_order_when_compared_then_only_the_set_counts() {
        let mut roster = empty_roster();
        roster.groups = groups(&["a", "b"]);

        assert!(roster.has_groups(&groups(&["b", "a", "b"])));
        assert!(!roster.has_groups(&groups(&["a"])));
        assert!(!roster.has_groups(&groups(&["a", "b", "c"])));
    }

    #[test]
    fn given_evidence_from_just_before_the_floor_rose_when_settled_then_it_is_as_good_as_fresh() {
        let floor = Floor {
            generation: Generation(9),
            generation_before: Generation(7),
            ..Floor::default()
        };

        assert_eq!(floor.lift(Generation(7)), Generation(9));
        assert_eq!(floor.lift(Generation(8)), Generation(8));
        assert_eq!(floor.lift(Generation(6)), Generation(6));
    }

    #[test]
    fn given_a_roster_with_nothing_left_when_the_floor_has_risen_above_it_twice_then_it_may_go() {
        let floor = |epoch, before| Floor {
            epoch,
            generation: Generation(before + 1),
            generation_before: Generation(before),
            version: RosterVersion(5),
        };
        let left = empty_roster();

        assert!(left.is_forgettable(floor(2, 2), at(5)));
        assert!(!left.is_forgettable(floor(1, 2), at(5)), "only once");
        // An absent roster would accept evidence from before this one's last fence.
        assert!(!left.is_forgettable(floor(2, 1), at(5)));
        let ahead = Roster {
            version: RosterVersion(6),
            ..left
        };
        assert!(
            !ahead.is_forgettable(floor(2, 2), at(5)),
            "event ids would come twice"
        );
    }

    #[test]
    fn given_anything_that_would_be_missed_when_asked_then_the_roster_stays() {
        let floor = Floor {
            epoch: 9,
            generation: Generation(9),
            generation_before: Generation(8),
            version: RosterVersion(99),
        };
        let spoil: [fn(&mut Roster); 6] = [
            |r| *r = roster([session(1)]),
            |r| {
                *r = roster([session(1)]);
                r.apply(&[end_of(1, 4)], at(4));
            },
            |r| r.disabled = true,
            |r| r.groups = groups(&["staff"]),
            |r| r.own_limit = SessionLimit::new(1),
            |r| r.contact.locale = Some("de".into()),
        ];

        assert!(empty_roster().is_forgettable(floor, at(5)));
        for (place, spoil) in spoil.into_iter().enumerate() {
            let mut left = empty_roster();
            spoil(&mut left);
            assert!(!left.is_forgettable(floor, at(5)), "{place}");
        }
    }

    #[test]
    fn given_a_last_sign_in_when_it_is_long_past_then_it_is_no_longer_missed() {
        let floor = Floor {
            epoch: 9,
            generation: Generation(9),
            generation_before: Generation(8),
            version: RosterVersion(99),
        };
        let mut left = empty_roster();
        left.last_sign_in = Some(Arc::new(LastSignIn {
            at: at(0),
            origin: Origin::default(),
            failures_before: 0,
        }));

        assert!(!left.is_forgettable(floor, at(5)));
        assert!(left.is_forgettable(floor, at(400 * 24 * 3600)));
    }

    #[test]
    fn given_a_commit_when_applied_then_the_version_is_the_next() {
        let mut roster = empty_roster();
        let before = roster.version;

        roster.apply(&[], at(5));

        assert_eq!(roster.version, before.next());
    }
}
