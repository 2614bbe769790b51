//! What a commit may do to a roster: typed changes, none of which revives.

use std::sync::Arc;
use std::time::Duration;

use crate::device::{Device, DeviceClass, DeviceId, DeviceLabel, DeviceTrust};
use crate::name::{GroupName, SubjectId};
use crate::policy::{PolicyVersion, SessionLimit};
use crate::roster::{Contact, Generation, LastSignIn, Roster};
use crate::session::{
    AuthenticationEvent, Binding, EndReason, Ending, Initiator, Origin, PreviousToken, Session,
    SessionId, Timestamp, TokenDigest,
};

/// One change to one roster.
#[derive(Clone, Debug)]
pub enum Change {
    /// A session is born. Decided only by admission.
    Birth(Arc<Session>),
    /// A session gets its next token.
    Rotation {
        /// The session.
        id: SessionId,
        /// The digest of the new token.
        token: TokenDigest,
        /// When it was made.
        at: Timestamp,
        /// The token it replaces.
        previous: Box<PreviousToken>,
    },
    /// Identity was proved again within a session.
    Reauthentication {
        /// The session.
        id: SessionId,
        /// The new act of proof.
        event: AuthenticationEvent,
        /// The absolute deadline from now on: a new one only if the proof was strong enough.
        absolute_deadline: Timestamp,
    },
    /// A session ends.
    End {
        /// The session.
        id: SessionId,
        /// How.
        ending: Ending,
    },
    /// A stricter policy shortens the time of a session; never lengthens it.
    Shortening {
        /// The session.
        id: SessionId,
        /// The idle timeout from now on.
        idle: Duration,
        /// The absolute deadline from now on.
        absolute_deadline: Timestamp,
    },
    /// The token of a bound session came without its device.
    Mismatch {
        /// The session.
        id: SessionId,
    },
    /// A device is signed in from for the first time.
    DeviceBirth(Arc<Device>),
    /// A device that is known is signed in from again.
    DeviceVisit {
        /// The device.
        id: DeviceId,
        /// When.
        at: Timestamp,
    },
    /// A device is called something else.
    DeviceName {
        /// The device.
        id: DeviceId,
        /// What.
        label: DeviceLabel,
    },
    /// The subject relies on a device, or no longer.
    DeviceTrust {
        /// The device.
        id: DeviceId,
        /// Since when and by whom, if it does.
        trust: Option<DeviceTrust>,
    },
    /// A device is no longer recognised. What becomes of its sessions is said by changes beside.
    DeviceEnd {
        /// The device.
        id: DeviceId,
    },
    /// The fence rises, and the sessions to keep step over it.
    Generation {
        /// The new generation.
        to: Generation,
        /// Who lives on under it.
        keep: Keep,
    },
    /// The subject may hold no session, or may again.
    Disabled(bool),
    /// The groups of the subject.
    Groups(Box<[GroupName]>),
    /// The subject's own limit, in place of the policy's.
    OwnLimit(Option<SessionLimit>),
    /// How to reach the subject.
    Contact(Contact),
    /// The policy that the roster obeys from now on.
    Policy(PolicyVersion),
    /// The sign-in to tell of at the next one.
    SignIn(Arc<LastSignIn>),
    /// All that is known of the subject's person goes; its fence, and that it is disabled, stay.
    Erasure,
    /// All that is known of another, who acted as the subject, goes.
    ActorErasure(SubjectId),
}

/// Which sessions live on when the generation rises.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// All that are live: a role change is no reason to sign anybody out.
    All,
    /// None.
    None,
    /// One.
    One(SessionId),
}

impl Keep {
    /// Whether the session of that name lives on.
    #[must_use]
    pub fn keeps(self, id: SessionId) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::One(kept) => kept == id,
        }
    }
}

impl Change {
    /// The end of a session that somebody decided.
    pub(crate) const fn end(
        id: SessionId,
        at: Timestamp,
        reason: EndReason,
        initiator: Initiator,
    ) -> Self {
        Self::End {
            id,
            ending: Ending {
                at,
                reason,
                initiator,
                asker: None,
            },
        }
    }

    /// The same, as what `asker` asked for or was let in for. What came by itself, or from
    /// elsewhere, stays so.
    #[must_use]
    pub fn asked_by(mut self, asker: &Session) -> Self {
        if let Self::End { ending, .. } = &mut self
            && ending.initiator != Initiator::Admin
            && !matches!(ending.reason, EndReason::Idle | EndReason::Absolute)
        {
            ending.asker = Some(asker.birth);
        }
        self
    }

    /// The session that is born by it.
    #[must_use]
    pub const fn newborn(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Birth(session) => Some(session),
            _ => None,
        }
    }

    /// Whether a session that is there may have another time left after it, or another token.
    pub(crate) const fn moves_time(&self) -> bool {
        match self {
            Self::Rotation { .. } | Self::Reauthentication { .. } | Self::Shortening { .. } => true,
            Self::Birth(_)
            | Self::End { .. }
            | Self::Mismatch { .. }
            | Self::DeviceBirth(_)
            | Self::DeviceVisit { .. }
            | Self::DeviceName { .. }
            | Self::DeviceTrust { .. }
            | Self::DeviceEnd { .. }
            | Self::Generation { .. }
            | Self::Disabled(_)
            | Self::Groups(_)
            | Self::OwnLimit(_)
            | Self::Contact(_)
            | Self::Policy(_)
            | Self::SignIn(_)
            | Self::Erasure
            | Self::ActorErasure(_) => false,
        }
    }

    /// Does this to `roster`; [`Roster::apply`] is its one caller.
    pub(crate) fn carry_out(&self, roster: &mut Roster) {
        match self {
            Self::Birth(session) => bear(roster, session),
            Self::Rotation {
                id,
                token,
                at,
                previous,
            } => amend(roster, *id, |session| {
                session.token = *token;
                session.token_made_at = *at;
                session.previous = Some(previous.clone());
                session.last_seen.advance(*at);
            }),
            Self::Reauthentication {
                id,
                event,
                absolute_deadline,
            } => amend(roster, *id, |session| {
                session.take_proof(event);
                session.absolute_deadline = *absolute_deadline;
                session.last_seen.advance(event.at);
            }),
            Self::End { id, ending } => roster.end(*id, *ending),
            Self::Shortening {
                id,
                idle,
                absolute_deadline,
            } => amend(roster, *id, |session| {
                session.idle = session.idle.min(*idle);
                session.absolute_deadline = session.absolute_deadline.min(*absolute_deadline);
            }),
            Self::Mismatch { id } => amend(roster, *id, |session| {
                if let Binding::DeviceCookie(bound) = &mut session.binding {
                    bound.mismatches = bound.mismatches.saturating_add(1);
                }
            }),
            Self::DeviceBirth(device) => recognise(roster, device),
            Self::DeviceVisit { id, at } => change_device(roster, *id, |device| {
                device.last_seen = device.last_seen.max(*at);
            }),
            Self::DeviceName { id, label } => change_device(roster, *id, |device| {
                device.label = Some(label.clone());
            }),
            Self::DeviceTrust { id, trust } => change_device(roster, *id, |device| {
                device.trust = *trust;
            }),
            Self::DeviceEnd { id } => roster.devices.retain(|device| device.id != *id),
            Self::Generation { to, keep } => {
                let from = roster.generation;
                roster.generation = roster.generation.max(*to);
                let to = roster.generation;
                for session in &mut roster.sessions {
                    // A session that had fallen behind already does not step over the next fence.
                    if session.generation == from && keep.keeps(session.id) {
                        Arc::make_mut(session).generation = to;
                    }
                }
            }
            Self::Disabled(disabled) => {
                // What is still recorded under a disabled subject is dead, and stays so (S2).
                if roster.disabled {
                    roster.sessions.clear();
                }
                roster.disabled = *disabled;
            }
            Self::Groups(groups) => roster.groups.clone_from(groups),
            Self::OwnLimit(limit) => roster.own_limit = *limit,
            Self::Contact(contact) => roster.contact = contact.clone(),
            Self::Policy(version) => roster.policy = roster.policy.max(*version),
            Self::SignIn(last) => roster.last_sign_in = Some(Arc::clone(last)),
            Self::Erasure => erase(roster),
            Self::ActorErasure(actor) => erase_actor(roster, actor),
        }
    }
}

/// Records a newborn, unless that would bring something back: an id is never used twice, and a
/// birth from another generation than the roster's is as stale as the evidence for it (S8).
fn bear(roster: &mut Roster, session: &Arc<Session>) {
    let is_known = roster.find(session.id).is_some()
        || roster.ended.iter().any(|e| e.session.id == session.id);
    if roster.disabled || session.generation != roster.generation || is_known {
        return;
    }
    roster.births = roster.births.max(session.birth);
    roster.sessions.push(Arc::clone(session));
}

/// Empties a roster of what is known of a person. Ended sessions stay to tell their holders why,
/// without where they came from, on what, what the application kept with them, and who acted. How
/// many sign-ins failed is nothing of a person, and is told of no more.
fn erase(roster: &mut Roster) {
    roster.groups = Box::default();
    roster.own_limit = None;
    roster.contact = Contact::default();
    roster.last_sign_in = None;
    roster.devices.clear();
    // What is still recorded as live when this comes was behind the fence.
    roster.sessions.clear();
    for ended in &mut roster.ended {
        erase_person(Arc::make_mut(&mut ended.session));
    }
}

/// Empties the sessions in which somebody else acted of who that was, from where and on what. One
/// that is still recorded as live when this comes was behind the fence.
fn erase_actor(roster: &mut Roster, actor: &SubjectId) {
    roster.sessions.retain(|s| !s.is_acted_by(actor));
    for ended in &mut roster.ended {
        if ended.session.is_acted_by(actor) {
            erase_person(Arc::make_mut(&mut ended.session));
        }
    }
}

fn erase_person(session: &mut Session) {
    session.actor = None;
    session.origin = Origin::default();
    session.device = None;
    session.device_class = DeviceClass::Other;
    session.binding = Binding::None;
    session.previous_sign_in = None;
    session.attributes = None;
    session.federation = None;
}

/// Records a new device, unless one of its name or its token is there already, or there is no
/// room: whoever decides makes some.
fn recognise(roster: &mut Roster, device: &Arc<Device>) {
    let is_known =
        roster.find_device(device.id).is_some() || roster.recognise(device.token).is_some();
    if !is_known && roster.devices.len() < Device::MAX {
        roster.devices.push(Arc::clone(device));
    }
}

fn change_device(roster: &mut Roster, id: DeviceId, how: impl FnOnce(&mut Device)) {
    if let Some(device) = roster.devices.iter_mut().find(|d| d.id == id) {
        how(Arc::make_mut(device));
    }
}

/// Changes a session if it is live at the moment of the commit. Otherwise a late rotation or
/// reauthentication would move the deadlines of a session that has passed one (S2).
fn amend(roster: &mut Roster, id: SessionId, how: impl FnOnce(&mut Session)) {
    let place = roster.sessions.iter().position(|s| s.id == id);
    if let Some(place) = place.filter(|p| roster.is_live(&roster.sessions[*p], roster.time_high)) {
        how(Arc::make_mut(&mut roster.sessions[place]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{GraceEnd, Replacement, Sealed};
    use crate::testing::{
        at, device, empty_roster, id, later_token, level, limit, live_ids, roster, roster_with,
        session, token,
    };

    fn birth(number: u8) -> Change {
        Change::Birth(Arc::new(session(number).build()))
    }

    fn end_of(number: u8, seconds: u64) -> Change {
        Change::end(id(number), at(seconds), EndReason::Logout, Initiator::User)
    }

    fn rotation_of(number: u8, seconds: u64) -> Change {
        Change::Rotation {
            id: id(number),
            token: later_token(number, 99).secret().digest(),
            at: at(seconds),
            previous: Box::new(PreviousToken {
                digest: token(number).secret().digest(),
                accepted_until: GraceEnd::new(at(seconds + 300)),
                repeatable_until: at(seconds),
                sealed_successor: Sealed(Box::default()),
                replaced_by: Replacement::Renewal,
            }),
        }
    }

    fn reauthentication_of(number: u8, seconds: u64) -> Change {
        Change::Reauthentication {
            id: id(number),
            event: AuthenticationEvent {
                at: at(seconds),
                methods: Box::default(),
                assurance: level(3),
            },
            absolute_deadline: at(seconds + 1000),
        }
    }

    fn fence(to: u64, keep: Keep) -> Change {
        Change::Generation {
            to: Generation(to),
            keep,
        }
    }

    #[test]
    fn given_an_ended_session_when_any_change_names_it_then_it_stays_ended() {
        let mut roster = roster([session(1)]);
        roster.apply(&[end_of(1, 5)], at(5));

        for change in [
            birth(1),
            rotation_of(1, 6),
            reauthentication_of(1, 6),
            fence(1, Keep::All),
        ] {
            roster.apply(&[change], at(6));
        }

        assert!(roster.sessions.is_empty());
        assert_eq!(roster.ended.len(), 1);
    }

    #[test]
    fn given_a_recorded_session_when_it_is_born_again_then_it_stays_one() {
        let mut roster = roster([session(1)]);

        roster.apply(&[birth(1)], at(5));

        assert_eq!(live_ids(&roster, 5), [id(1)]);
    }

    #[test]
    fn given_an_expired_session_when_a_late_rotation_comes_then_its_deadline_stays() {
        // It has not been recorded as expired: only the clock has ended it.
        let mut roster = roster([session(1).idle_after(10)]);

        roster.apply(&[rotation_of(1, 10)], at(10));

        assert!(live_ids(&roster, 10).is_empty());
        assert_eq!(roster.find(id(1)).unwrap().expires_at(), at(10));
    }

    #[test]
    fn given_an_expired_session_when_a_late_reauthentication_comes_then_its_deadline_stays() {
        let mut roster = roster([session(1).idle_after(100).deadline(10)]);

        roster.apply(&[reauthentication_of(1, 10)], at(10));

        assert!(live_ids(&roster, 10).is_empty());
    }

    #[test]
    fn given_a_live_session_when_it_is_reauthenticated_then_both_timeouts_start_anew() {
        let mut roster = roster([session(1).idle_after(20).deadline(30)]);

        roster.apply(&[reauthentication_of(1, 15)], at(15));

        let session = roster.find(id(1)).unwrap();
        assert_eq!(session.idle_deadline(), at(35));
        assert_eq!(session.absolute_deadline, at(1015));
        assert_eq!(session.authentication.assurance, level(3));
    }

    #[test]
    fn given_a_live_session_when_it_is_rotated_then_it_has_been_heard_from() {
        let mut roster = roster([session(1).idle_after(20)]);

        roster.apply(&[rotation_of(1, 15)], at(15));

        let session = roster.find(id(1)).unwrap();
        assert_eq!(session.idle_deadline(), at(35));
        assert_eq!(session.token, later_token(1, 99).secret().digest());
        assert_eq!(session.token_made_at, at(15));
    }

    #[test]
    fn given_an_actor_who_is_erased_when_applied_then_only_what_they_did_goes() {
        let staff = SubjectId::parse("staff").unwrap();
        let other = SubjectId::parse("other").unwrap();
        let mut roster = roster([
            session(1).acted_by(&staff),
            session(2).acted_by(&staff),
            session(3).acted_by(&other),
            session(4),
            session(5).acted_by(&other),
        ]);
        roster.apply(&[end_of(2, 5), end_of(5, 5)], at(5));

        roster.apply(&[Change::ActorErasure(staff)], at(6));

        assert_eq!(live_ids(&roster, 6), [id(3), id(4)]);
        let actors = roster
            .ended
            .iter()
            .map(|e| (e.session.id, e.session.actor.clone()));
        assert_eq!(
            actors.collect::<Vec<_>>(),
            [(id(2), None), (id(5), Some(other))]
        );
    }

    #[test]
    fn given_a_device_that_is_known_by_name_or_by_token_when_it_is_born_again_then_it_stays_one() {
        let mut roster = roster_with([device(1)], []);
        let of_its_name = Device {
            token: device(2).token,
            ..device(1)
        };
        let of_its_token = Device {
            token: device(1).token,
            ..device(2)
        };

        for known in [of_its_name, of_its_token, device(1)] {
            roster.apply(&[Change::DeviceBirth(Arc::new(known))], at(5));
            assert_eq!(roster.devices.len(), 1);
        }
        roster.apply(&[Change::DeviceBirth(Arc::new(device(2)))], at(5));

        assert_eq!(roster.devices.len(), 2);
    }

    #[test]
    fn given_a_birth_from_another_generation_when_applied_then_nobody_is_born() {
        let mut roster = empty_roster();
        let future = Change::Birth(Arc::new(session(1).generation(2).build()));

        roster.apply(&[future], at(5));
        roster.apply(&[fence(2, Keep::None)], at(5));
        roster.apply(&[birth(2)], at(5));

        assert!(roster.sessions.is_empty());
    }

    #[test]
    fn given_a_disabled_subject_when_a_birth_is_applied_then_nobody_is_born() {
        let mut roster = empty_roster();

        roster.apply(&[Change::Disabled(true), birth(1)], at(5));

        assert!(roster.sessions.is_empty());
    }

    #[test]
    fn given_a_subject_disabled_without_ends_when_it_is_enabled_then_nobody_comes_back() {
        let mut roster = roster([session(1)]);

        roster.apply(&[Change::Disabled(true)], at(5));
        let meanwhile = live_ids(&roster, 5);
        roster.apply(&[Change::Disabled(false)], at(6));

        assert!(meanwhile.is_empty());
        assert!(live_ids(&roster, 6).is_empty());
    }

    #[test]
    fn given_a_risen_fence_when_one_is_kept_then_only_that_one_lives() {
        let mut roster = roster([session(1), session(2)]);

        roster.apply(&[fence(2, Keep::One(id(2)))], at(5));

        assert_eq!(live_ids(&roster, 5), [id(2)]);
    }

    #[test]
    fn given_a_session_behind_the_fence_when_the_next_fence_keeps_all_then_it_stays_behind() {
        let mut roster = roster([session(1), session(2)]);

        roster.apply(&[fence(2, Keep::One(id(2)))], at(5));
        roster.apply(&[fence(3, Keep::All)], at(6));

        assert_eq!(live_ids(&roster, 6), [id(2)]);
    }

    #[test]
    fn given_lower_numbers_when_applied_then_neither_generation_nor_policy_falls() {
        let mut roster = roster([session(1)]);
        roster.apply(
            &[fence(5, Keep::All), Change::Policy(PolicyVersion(5))],
            at(5),
        );

        roster.apply(
            &[fence(3, Keep::None), Change::Policy(PolicyVersion(3))],
            at(6),
        );

        assert_eq!(roster.generation, Generation(5));
        assert_eq!(roster.policy, PolicyVersion(5));
    }

    #[test]
    fn given_longer_terms_when_applied_as_a_shortening_then_nothing_is_lengthened() {
        let mut roster = roster([session(1).idle_after(10).deadline(50)]);
        let shortening = |idle, deadline| Change::Shortening {
            id: id(1),
            idle: Duration::from_secs(idle),
            absolute_deadline: at(deadline),
        };

        roster.apply(&[shortening(8, 40)], at(1));
        roster.apply(&[shortening(99, 99)], at(1));

        let session = roster.find(id(1)).unwrap();
        assert_eq!(session.idle, Duration::from_secs(8));
        assert_eq!(session.absolute_deadline, at(40));
    }

    #[test]
    fn given_changes_of_the_subject_when_applied_then_the_roster_has_them() {
        let mut roster = empty_roster();
        let contact = Contact {
            email: Some("alice@example.org".into()),
            ..Contact::default()
        };

        let changes = [
            Change::Groups(crate::testing::groups(&["staff"])),
            Change::OwnLimit(Some(limit(3))),
            Change::Contact(contact.clone()),
        ];
        roster.apply(&changes, at(5));

        assert_eq!(&*roster.groups, &*crate::testing::groups(&["staff"]));
        assert_eq!(roster.own_limit, Some(limit(3)));
        assert_eq!(roster.contact, contact);
    }
}
