//! The roster: all sessions of one subject, and everything that is counted or validated.
//!
//! What is counted and what validates are the same data (S12). A roster changes only by
//! [`apply`](Roster::apply), and what it does not hold as live is dead.

use std::sync::Arc;
use std::time::Duration;

use crate::change::Change;
use crate::name::{GroupName, SubjectId, TenantId};
use crate::policy::{Facts, PolicyVersion, SessionLimit};
use crate::session::{EndedSession, Ending, Origin, Session, SessionId, Timestamp};
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
    /// Reads evidence for a subject whose roster is absent: what was read just before the floor
    /// rose is as good as what is read now.
    #[must_use]
    pub fn settle(&self, evidence: Generation) -> Generation {
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

/// The last successful sign-in, told to the subject at the next one (AC-9).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LastSignIn {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub origin: Origin,
}

/// All sessions of one subject.
#[derive(Clone, Debug)]
pub struct Roster {
    /// Where it is kept.
    pub tag: RosterTag,
    /// The realm of its subject.
    pub tenant: TenantId,
    /// Whose sessions these are.
    pub subject: SubjectId,
    /// The number of its last commit.
    pub version: RosterVersion,
    /// Its fence.
    pub generation: Generation,
    /// The incarnation of the store it was written under.
    pub store_generation: StoreGeneration,
    /// The floor's epoch at its last commit.
    pub floor_epoch: u64,
    /// The largest store time it has seen (`hi`); never falls.
    pub time_high: Timestamp,
    /// Whether the subject may hold no session at all.
    pub disabled: bool,
    /// The groups of the subject, as rules name them.
    pub groups: Box<[GroupName]>,
    /// The subject's own limit, in place of the policy's.
    pub own_limit: Option<SessionLimit>,
    /// How to reach the subject.
    pub contact: Contact,
    /// The policy it last obeyed.
    pub policy: PolicyVersion,
    /// How many sessions were ever born here.
    pub births: u64,
    /// Sessions recorded as live, in order of birth.
    pub sessions: Vec<Arc<Session>>,
    /// Sessions that ended of late, the latest last.
    pub ended: Vec<EndedSession>,
    /// The last successful sign-in.
    pub last_sign_in: Option<Box<LastSignIn>>,
    /// The last entry of its journal chain.
    pub journal_head: EntryHash,
}

impl Roster {
    /// The most live sessions any subject may hold; there is no unlimited.
    pub const LIVE_MAX: usize = 1000;
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
            sessions: Vec::new(),
            ended: Vec::new(),
            last_sign_in: None,
            journal_head: EntryHash::default(),
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

    /// What rules may know of a session of this roster.
    #[must_use]
    pub fn facts<'a>(&'a self, session: &'a Session) -> Facts<'a> {
        Facts {
            groups: &self.groups,
            client: session.client.as_ref(),
            class: session.class,
            remember: session.remember,
        }
    }

    /// The ends that the clock has brought by `now` and no commit has recorded yet.
    ///
    /// Every commit begins with them, so that each expiry is journalled once, at its deadline,
    /// and in the order in which the clock brought them.
    #[must_use]
    pub fn expiries(&self, now: Timestamp) -> Vec<Change> {
        let now = now.max(self.time_high);
        let mut expired: Vec<_> = self
            .sessions
            .iter()
            .filter_map(|s| Some((s.id, s.expiry(now)?)))
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
            self.ended.push(EndedSession { session, ending });
        }
    }
}
