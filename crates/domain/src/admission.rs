//! Admission: may one more session open for this subject, and at whose expense?
//!
//! This is the decision at the limit. [`admit`] decides and nothing else; the caller commits its
//! changes against the roster version and the moment they were made for, and decides again if
//! either has passed. Counting here and writing there, without that check, would let two
//! sign-ins share the last seat.

mod room;

use std::sync::Arc;

use crate::amendment;
use crate::change::Change;
use crate::device::{self, Device, DeviceClass, DeviceDigest, DeviceId, DeviceLabel, DeviceSerial};
use crate::federation::{self, FederatedSignIn};
use crate::name::{ClientId, GroupName, SubjectId};
use crate::policy::{BindTo, Facts, Policy, SameDevice, Seats, SessionLimit, Terms, UnseenDevice};
use crate::protection::Protection;
use crate::roster::{Contact, Generation, LastSignIn, Roster};
use crate::seats::{FullLimit, NoSeat, Scope, WayOut};
use crate::session::{
    AuthenticationEvent, Binding, BoundDevice, EndReason, FamilyDigest, Initiator, LastSeen,
    Origin, Session, SessionClass, SessionId, Timestamp, TokenDigest,
};
use room::Arrival;

/// A sign-in that asks for a session.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The application it is for.
    pub client: Option<ClientId>,
    /// What kind of access.
    pub class: SessionClass,
    /// Who acts as the subject: named with [`SessionClass::Impersonation`], and with no other.
    pub actor: Option<SubjectId>,
    /// Whether it asks to be remembered.
    pub remember: bool,
    /// How identity was proved.
    pub authentication: AuthenticationEvent,
    /// The generation read when the credential was checked; without it a sign-in that overlaps
    /// a credential change cannot be told from a fresh one (S8).
    pub evidence: Option<Generation>,
    /// The groups of the subject, if they are now known.
    pub groups: Option<Box<[GroupName]>>,
    /// How to reach the subject, if that is now known.
    pub contact: Option<Contact>,
    /// The family of the token the browser held before: its session ends in the same step, so
    /// that no token ever survives a sign-in (CWE-384).
    pub replaces: Option<FamilyDigest>,
    /// Where it comes from.
    pub origin: Origin,
    /// The digest of the device token that came with it, if it is one of this roster's.
    pub device: Option<DeviceDigest>,
    /// What kind of device it comes from, as far as that said.
    pub device_class: Option<DeviceClass>,
    /// What the application keeps with the session.
    pub attributes: Option<Box<str>>,
    /// The sign-in at a provider that it rests on.
    pub federation: Option<Box<FederatedSignIn>>,
    /// The sessions that the subject chose to end for it; empty unless it was asked.
    pub end: Box<[SessionId]>,
}

/// The random parts of a session to be born, drawn by the caller.
#[derive(Clone, Copy, Debug)]
pub struct Newborn {
    /// Its name.
    pub id: SessionId,
    /// The digest of its first token.
    pub token: TokenDigest,
    /// The digest of its family.
    pub family: FamilyDigest,
    /// The name of its device, should that be a new one.
    pub device: DeviceSerial,
    /// The digest of that one's token.
    pub device_token: DeviceDigest,
}

/// The answer to a sign-in.
#[derive(Clone, Debug)]
#[must_use]
pub enum Admission {
    /// There is a seat, once these changes are committed.
    Admit(Admitted),
    /// There is none, and nothing changes. A refusal is never a failed sign-in.
    Refuse(Refusal),
}

/// A sign-in that is let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// What to commit.
    pub changes: Vec<Change>,
    /// The session to be born.
    pub session: Arc<Session>,
    /// The device it is on.
    pub device: DeviceId,
    /// Whether that was known before.
    pub recognition: Recognition,
    /// Whether the subject is to be told of a new device.
    pub tell_of_device: bool,
    /// Whose seats it takes by the policy, in the policy's order.
    pub evicted: Vec<SessionId>,
    /// Whether others are live beside it.
    pub concurrent: bool,
    /// Whether a limit is exceeded that the policy only observes.
    pub over_limit: bool,
}

/// Whether a device was seen before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recognition {
    /// By a token that it held.
    Known,
    /// It held none of this roster's, and is given one.
    Unseen,
}

/// Why a sign-in is turned away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Every seat is taken, and the policy gives none up by itself, or only those that are
    /// protected from this newcomer are left to give up.
    SessionLimit(NoSeat),
    /// The device was not seen before, and the policy lets in none such.
    DeviceNotTrusted,
    /// The subject is disabled.
    Disabled,
    /// The evidence is older than the last revoke-all, disable or credential change.
    StaleGeneration,
}

/// Decides whether a subject may open one more session.
///
/// Only live sessions hold a seat; one that expired before `now` does not, even if nothing has
/// swept it away yet. Victims are the fewest that suffice, in the policy's order; equal rank is
/// broken by birth, then id, so two nodes looking at the same roster choose the same sessions
/// (S11).
///
/// Groups that the sign-in brings, and a policy newer than the one the roster obeys, come into
/// force for everybody in the same step: the newcomer is judged beside what they leave live.
///
/// Sessions that the subject chose to end go first, as far as this evidence may end them. Where
/// that leaves no seat and the policy gives none up, or where others were chosen than may be, the
/// refusal names what may be chosen, or how strong the proof has to be for that: nobody is locked
/// out by sessions that are not theirs (V4).
pub fn admit(
    roster: &Roster,
    sign_in: &SignIn,
    newborn: Newborn,
    policy: &Policy,
    now: Timestamp,
) -> Admission {
    decide(roster, sign_in, newborn, policy, now, Tenant::HasRoom)
}

/// Decides the same where all seats of the tenant are taken: what opens costs the subject a
/// session of its own, so that the total stays as it is.
///
/// By the subject's choice, or as the policy gives seats up; a subject that has none to give up
/// has to wait until somebody leaves.
pub fn admit_for_own_seat(
    roster: &Roster,
    sign_in: &SignIn,
    newborn: Newborn,
    policy: &Policy,
    seats: Seats,
    now: Timestamp,
) -> Admission {
    let at = now.max(roster.time_high);
    match decide(roster, sign_in, newborn, policy, now, Tenant::IsFull) {
        Admission::Admit(admitted) if adds_a_session(roster, &admitted.changes, at) => {
            let limit = FullLimit {
                scope: Scope::Tenant,
                max: seats.get(),
            };
            Admission::Refuse(Refusal::SessionLimit(NoSeat {
                limit,
                endable: Vec::new(),
                fewest: 1,
                way_out: WayOut::Wait,
            }))
        }
        Admission::Refuse(Refusal::SessionLimit(mut no_seat)) => {
            no_seat.limit = FullLimit {
                scope: Scope::Tenant,
                max: seats.get(),
            };
            Admission::Refuse(Refusal::SessionLimit(no_seat))
        }
        answer => answer,
    }
}

/// Whether there is a seat of the tenant left that is nobody's.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Tenant {
    HasRoom,
    IsFull,
}

/// Whether more of the subject's sessions are live after these changes than before.
fn adds_a_session(roster: &Roster, changes: &[Change], now: Timestamp) -> bool {
    let mut after = roster.clone();
    after.apply(changes, now);
    after.live(now).count() > roster.live(now).count()
}

fn decide(
    roster: &Roster,
    sign_in: &SignIn,
    newborn: Newborn,
    policy: &Policy,
    now: Timestamp,
    tenant: Tenant,
) -> Admission {
    let now = now.max(roster.time_high);
    if roster.disabled {
        return Admission::Refuse(Refusal::Disabled);
    }
    if sign_in.evidence.is_some_and(|e| e != roster.generation) {
        return Admission::Refuse(Refusal::StaleGeneration);
    }

    let mut news = Vec::new();
    if let Some(groups) = &sign_in.groups {
        news.extend(amendment::regroup(roster, groups));
    }
    if roster.policy < policy.version {
        news.push(Change::Policy(policy.version));
    }
    let (roster, mut changes) = amendment::put_in_force(roster, news, policy, now);

    let known = sign_in.device.and_then(|token| roster.recognise(token));
    let known = known.map(Arc::clone);
    let newcomer = Facts {
        groups: &roster.groups,
        client: sign_in.client.as_ref(),
        class: sign_in.class,
        remember: sign_in.remember,
        device_class: device_class(sign_in, known.as_deref()),
    };
    let terms = policy.terms(&newcomer);
    if known.is_none() && terms.unseen_device == UnseenDevice::Refuse {
        return Admission::Refuse(Refusal::DeviceNotTrusted);
    }
    let (superseded, present): (Vec<_>, Vec<_>) = roster
        .live(now)
        .partition(|s| is_superseded(s, sign_in, known.as_deref(), &terms));
    let mut ends: Vec<_> = superseded
        .iter()
        .map(|s| Change::end(s.id, now, EndReason::Superseded, Initiator::User))
        .collect();

    let protection =
        Protection::from_newcomer(&roster, known.as_deref(), terms.protect_trusted_for, now);
    let arrival = Arrival {
        roster: &roster,
        policy,
        newcomer,
        at_limit: terms.at_limit,
        proof: sign_in.authentication.assurance,
        chosen: &sign_in.end,
        protection,
        // Who is superseded leaves a seat behind.
        most: match tenant {
            Tenant::IsFull if superseded.is_empty() => {
                let of_class = present.iter().filter(|s| s.class == sign_in.class);
                SessionLimit::new(of_class.count() as u64)
            }
            Tenant::IsFull | Tenant::HasRoom => None,
        },
    };
    let room = match arrival.make_room(&present, now) {
        Ok(room) => room,
        Err(no_seat) => return Admission::Refuse(Refusal::SessionLimit(no_seat)),
    };
    ends.extend(room.changes);

    let (device, recognition, its_changes) = arrive(&roster, sign_in, newborn, known, now);
    let session = Arc::new(bear(&roster, sign_in, newborn, &device, &terms, now));
    changes.extend(ends.into_iter().map(|end| end.asked_by(&session)));
    changes.extend(its_changes);
    changes.push(Change::Birth(Arc::clone(&session)));
    if let Some(contact) = &sign_in.contact
        && *contact != roster.contact
    {
        changes.push(Change::Contact(contact.clone()));
    }
    if is_in_person(sign_in) {
        changes.push(Change::SignIn(Arc::new(LastSignIn {
            at: now,
            origin: Origin {
                ip: sign_in.origin.ip,
                label: device.label.clone(),
            },
            failures_before: roster.failures.get(),
        })));
    }

    Admission::Admit(Admitted {
        changes,
        session,
        device: device.id,
        recognition,
        tell_of_device: is_in_person(sign_in)
            && recognition == Recognition::Unseen
            && terms.unseen_device == UnseenDevice::Notify,
        evicted: room.evicted,
        concurrent: room.concurrent,
        over_limit: room.over_limit,
    })
}

/// Whether it is the subject itself that signs in: whom the sign-in before is told to (AC-9), and
/// who is told of this one at the next. What a program or somebody else were told, the owner
/// would never learn.
fn is_in_person(sign_in: &SignIn) -> bool {
    sign_in.class == SessionClass::Interactive
}

/// Whether a session ends because its browser or device signs in again.
fn is_superseded(
    session: &Session,
    sign_in: &SignIn,
    known: Option<&Device>,
    terms: &Terms,
) -> bool {
    let is_same_device = match terms.same_device {
        SameDevice::Count => false,
        SameDevice::Replace => known.is_some_and(|d| session.device_id() == Some(d.id)),
    };
    sign_in.replaces == Some(session.family)
        || is_same_device && session.client == sign_in.client && session.class == sign_in.class
}

/// The device of a sign-in that is let in, and what that does to those on file.
///
/// Only sign-ins in person change anything there: what a program or a helper signs in from is no
/// device of the subject's, is not recognised later, and pushes out none.
fn arrive(
    roster: &Roster,
    sign_in: &SignIn,
    newborn: Newborn,
    known: Option<Arc<Device>>,
    now: Timestamp,
) -> (Arc<Device>, Recognition, Vec<Change>) {
    let in_person = is_in_person(sign_in);
    if let Some(device) = known {
        let (id, at) = (device.id, now);
        let visit = in_person.then_some(Change::DeviceVisit { id, at });
        return (device, Recognition::Known, visit.into_iter().collect());
    }
    let device = Arc::new(first_seen(roster, sign_in, newborn, now));
    if !in_person {
        return (device, Recognition::Unseen, Vec::new());
    }
    let forgotten = device::find_forgettable(roster);
    let mut changes: Vec<_> = forgotten
        .map(|id| Change::DeviceEnd { id })
        .into_iter()
        .collect();
    changes.push(Change::DeviceBirth(Arc::clone(&device)));
    (device, Recognition::Unseen, changes)
}

/// The kind of device, by what it says now, else by what is known of it.
fn device_class(sign_in: &SignIn, device: Option<&Device>) -> DeviceClass {
    let said = sign_in.device_class;
    said.or_else(|| device.map(|d| d.class)).unwrap_or_default()
}

/// What the browser says it is, kept once where the device is called just so.
fn label(sign_in: &SignIn, device: &Device) -> Option<DeviceLabel> {
    let said = sign_in.origin.label.as_ref();
    match said.filter(|said| device.label.as_ref() != Some(said)) {
        Some(said) => Some(said.clone()),
        None => device.label.clone(),
    }
}

fn first_seen(roster: &Roster, sign_in: &SignIn, newborn: Newborn, now: Timestamp) -> Device {
    Device {
        id: DeviceId::new(roster.tag, newborn.device),
        token: newborn.device_token,
        label: sign_in.origin.label.clone(),
        class: device_class(sign_in, None),
        trust: None,
        first_seen: now,
        last_seen: now,
    }
}

fn bear(
    roster: &Roster,
    sign_in: &SignIn,
    newborn: Newborn,
    device: &Device,
    terms: &Terms,
    now: Timestamp,
) -> Session {
    let in_person = is_in_person(sign_in);
    let mut authentication = sign_in.authentication.clone();
    authentication.at = authentication.at.min(now);
    Session {
        id: newborn.id,
        birth: roster.births + 1,
        generation: roster.generation,
        client: sign_in.client.clone(),
        class: sign_in.class,
        actor: sign_in.actor.clone(),
        remember: sign_in.remember,
        fenced: sign_in.evidence.is_some(),
        created_at: now,
        authentication,
        weaker_proofs: None,
        last_seen: LastSeen::new(now),
        idle: terms.idle,
        absolute_deadline: federation::vouched(
            sign_in.federation.as_deref(),
            now.plus(terms.absolute),
        ),
        token: newborn.token,
        token_made_at: now,
        family: newborn.family,
        previous: None,
        origin: Origin {
            ip: sign_in.origin.ip,
            label: label(sign_in, device),
        },
        device: Some(device.id.serial()),
        device_class: device_class(sign_in, Some(device)),
        binding: match terms.binding {
            BindTo::Nothing => Binding::None,
            BindTo::Device => Binding::DeviceCookie(Box::new(BoundDevice {
                token: device.token,
                mismatches: 0,
            })),
        },
        previous_sign_in: in_person.then(|| roster.last_sign_in.clone()).flatten(),
        failures_since: if in_person {
            roster.failures_since()
        } else {
            0
        },
        attributes: sign_in.attributes.clone(),
        federation: sign_in.federation.clone(),
    }
}

#[cfg(test)]
mod device_tests;
#[cfg(test)]
mod tests;
