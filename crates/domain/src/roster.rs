//! The roster: all sessions of one subject, and everything that is counted or validated.
//!
//! What is counted and what validates are the same data (S12). A roster changes only by
//! [`apply`](Roster::apply), and what it does not hold as live is dead.

mod contact;
mod failure_count;
mod fence;
mod last_sign_in;
mod numbers;

use std::sync::Arc;
use std::time::Duration;

use crate::change::Change;
use crate::device::{Device, DeviceDigest, DeviceId};
use crate::name::{GroupName, SubjectId, TenantId};
use crate::policy::{Facts, PolicyVersion, SessionLimit};
use crate::session::{
    EndReason, EndedSession, Ending, Initiator, Session, SessionClass, SessionId, Timestamp,
};
use crate::token::RosterTag;

pub use contact::Contact;
pub use failure_count::FailureCount;
pub use fence::Fence;
pub use last_sign_in::LastSignIn;
pub use numbers::{Floor, Generation, RosterVersion, StoreGeneration};

/// The digest of a journal entry; the roster holds that of its last one (D7).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EntryHash(pub [u8; 32]);

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
    /// The tenant of its subject.
    pub tenant: TenantId,
    /// Whose sessions these are.
    pub subject: SubjectId,
    /// Whether the subject may hold no session at all.
    pub disabled: bool,
    /// Where it is kept.
    pub tag: RosterTag,
    /// The number of its last commit.
    pub version: RosterVersion,
    /// The generation of the store it was written under.
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

    /// This roster as a store of the generation `store` hands it out.
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

    /// What decides of this roster whether its sessions are live.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence {
            disabled: self.disabled,
            generation: self.generation,
            time_high: self.time_high,
        }
    }

    /// Whether `session`, which this roster records, is live at `now`.
    #[must_use]
    pub fn is_live(&self, session: &Session, now: Timestamp) -> bool {
        self.fence().is_live(&session.vitals(), now)
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

    /// When a device was last heard from in person: at a sign-in, or by such a session on it.
    #[must_use]
    pub fn device_seen(&self, device: &Device) -> Timestamp {
        let on_it = |s: &&Arc<Session>| {
            s.class == SessionClass::Interactive && s.device_id() == Some(device.id)
        };
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

    /// The session that was born so many-th, live or lately ended.
    #[must_use]
    pub fn find_born(&self, birth: u64) -> Option<&Session> {
        let ended = self.ended.iter().map(|e| &e.session);
        let all = self.sessions.iter().chain(ended);
        all.map(AsRef::as_ref).find(|s| s.birth == birth)
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
                asker: None,
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
        let before = self.stands_until(now);
        if changes.iter().any(Change::moves_time) {
            let mut after = self.clone();
            after.apply(changes, now);
            return before.min(after.stands_until(now));
        }
        // No moment of theirs comes nearer: there are only those of the newborn besides.
        let now = now.max(self.time_high);
        let born = changes.iter().filter_map(Change::newborn);
        let nearest = born.map(|s| s.expires_at()).filter(|at| now < *at).min();
        nearest.map_or(before, |at| before.min(at))
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
mod tests;
