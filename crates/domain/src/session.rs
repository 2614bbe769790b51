//! A session: what it is, when it is live, how it ends.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use crate::authentication::{AssuranceLevel, AuthenticationEvent, WeakerProofs};
use crate::device::{DeviceClass, DeviceDigest, DeviceId, DeviceLabel, DeviceSerial};
use crate::federation::FederatedSignIn;
use crate::name::{ClientId, SubjectId};
use crate::roster::{Generation, LastSignIn};
pub use crate::time::Timestamp;
pub use crate::token::{FamilyDigest, SessionId, TokenDigest};

/// One sign-in of one subject, as its roster holds it.
///
/// A session holds digests, never tokens: whoever reads a roster can sign in as nobody.
/// Everything in it changes only by a commit, save two moments that a check may move one way:
/// [`last_seen`](Self::last_seen) forward, and the end of a rotation's grace nearer.
///
/// What a check reads stands first and in this order, so that it comes with one trip to memory:
/// among millions of sessions nothing else costs as much.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Session {
    /// The digest of the one current token.
    pub token: TokenDigest,
    /// When its holder was last heard from.
    pub last_seen: LastSeen,
    /// The idle timeout: the longest silence allowed.
    pub idle: Duration,
    /// The absolute timeout, as the moment it falls due.
    pub absolute_deadline: Timestamp,
    /// The generation it lives under; any other makes it dead.
    pub generation: Generation,
    /// The token before the current one, while it still means something.
    pub previous: Option<Box<PreviousToken>>,
    /// What ties its token to the holder.
    pub binding: Binding,
    /// The act of proving identity that it rests on: the strongest, and the last of that strength.
    pub authentication: AuthenticationEvent,
    /// When less was proved since.
    pub weaker_proofs: Option<Box<WeakerProofs>>,
    /// Its public name.
    pub id: SessionId,
    /// What kind of access it is; each class is counted apart.
    pub class: SessionClass,
    /// Whether the sign-in asked to be remembered. A fact for rules, nothing more.
    pub remember: bool,
    /// Whether its sign-in said which generation its credential was checked under. Without that
    /// it cannot be told from one that overlapped a credential change (S8).
    pub fenced: bool,
    /// What kind of device it was opened on, as limits count it.
    pub device_class: DeviceClass,
    /// Its place in the order of births of this roster.
    pub birth: u64,
    /// The application it was opened for.
    pub client: Option<ClientId>,
    /// Who acts as the subject: there in a session of [`SessionClass::Impersonation`], and in no
    /// other.
    pub actor: Option<SubjectId>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When its token was made.
    pub token_made_at: Timestamp,
    /// The digest of the family that all its tokens share.
    pub family: FamilyDigest,
    /// Where the sign-in came from. Display only.
    pub origin: Origin,
    /// The device it was opened on. The roster may have let go of that since, and then knows no
    /// more of it than this.
    pub device: Option<DeviceSerial>,
    /// How many sign-ins had failed between that one and this.
    pub failures_since: u32,
    /// The subject's sign-in before this one, to be told of (AC-9). Only in a session of
    /// [`SessionClass::Interactive`]: it is for the owner's eyes.
    pub previous_sign_in: Option<Arc<LastSignIn>>,
    /// What the application keeps with the session: the text of one JSON object.
    pub attributes: Option<Box<str>>,
    /// The sign-in at a provider that it came from.
    pub federation: Option<Box<FederatedSignIn>>,
}

impl Session {
    /// The name of the device it was opened on.
    #[must_use]
    pub fn device_id(&self) -> Option<DeviceId> {
        Some(DeviceId::new(self.id.tag(), self.device?))
    }

    /// Whether somebody else acts in it as the subject. What such a session does to other sessions
    /// and to devices would pass for the subject's own doing, so it may do neither.
    #[must_use]
    pub const fn is_impersonation(&self) -> bool {
        matches!(self.class, SessionClass::Impersonation)
    }

    /// Whether it is this one who acts in it as the subject.
    #[must_use]
    pub fn is_acted_by(&self, actor: &SubjectId) -> bool {
        self.actor.as_ref() == Some(actor)
    }

    /// What decides of it whether it is live.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        Vitals {
            last_seen: self.last_seen.get(),
            idle: self.idle,
            absolute_deadline: self.absolute_deadline,
            generation: self.generation,
        }
    }

    /// Whether its current token says all that a check needs to know: no other one is good, nor
    /// means anything, and nothing has to come with it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.previous.is_none() && self.binding == Binding::None
    }

    /// As [`Vitals::expires_at`].
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.vitals().expires_at()
    }

    /// As [`Vitals::idle_deadline`].
    #[must_use]
    pub fn idle_deadline(&self) -> Timestamp {
        self.vitals().idle_deadline()
    }

    /// As [`Vitals::is_unexpired`].
    #[must_use]
    pub fn is_unexpired(&self, now: Timestamp) -> bool {
        self.vitals().is_unexpired(now)
    }

    /// Shows `share` the texts that other sessions are likely to have too, so that whoever keeps
    /// many sessions can keep each such text once.
    pub fn share_texts(&mut self, share: &mut dyn FnMut(&mut Arc<str>)) {
        if let Some(client) = &mut self.client {
            client.share_text(share);
        }
        let replaced_by = self.previous.as_mut().map(|p| &mut p.replaced_by);
        let proof = match replaced_by {
            Some(Replacement::Reauthentication(proof)) => Some(&mut **proof),
            Some(Replacement::Renewal | Replacement::CredentialChange) | None => None,
        };
        for event in proof.into_iter().chain([&mut self.authentication]) {
            for method in &mut event.methods {
                method.share_text(share);
            }
        }
        self.origin.share_texts(share);
        if let Some(sign_in) = &mut self.federation {
            sign_in.issuer.share_text(share);
        }
        // One that others hold too was shared with them before.
        if let Some(last) = self.previous_sign_in.as_mut().and_then(Arc::get_mut) {
            last.origin.share_texts(share);
        }
    }

    /// How its time ran out, if it has by `now`.
    #[must_use]
    pub fn expiry(&self, now: Timestamp) -> Option<Ending> {
        if self.is_unexpired(now) {
            return None;
        }
        let reason = if self.absolute_deadline <= self.idle_deadline() {
            EndReason::Absolute
        } else {
            EndReason::Idle
        };
        Some(Ending {
            at: self.expires_at(),
            reason,
            initiator: Initiator::Policy,
            asker: None,
        })
    }
}

/// What decides of a session whether it is live, under the [`Fence`](crate::roster::Fence) of its
/// roster and at a time.
///
/// Stores may keep these apart from the rest of a session, and answer from them: the rule is the
/// same, since it is here.
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    /// When its holder was last heard from.
    pub last_seen: Timestamp,
    /// The longest silence allowed.
    pub idle: Duration,
    /// The absolute timeout, as the moment it falls due.
    pub absolute_deadline: Timestamp,
    /// The generation it lives under; any other makes it dead.
    pub generation: Generation,
}

impl Vitals {
    /// The moment from which it is expired, whatever happens, unless it is heard from before.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.idle_deadline().min(self.absolute_deadline)
    }

    /// The moment at which silence ends it.
    #[must_use]
    pub fn idle_deadline(&self) -> Timestamp {
        self.last_seen.plus(self.idle)
    }

    /// Whether it has not expired by `now`. Nothing is valid at its deadline (S13).
    #[must_use]
    pub fn is_unexpired(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }
}

/// What kind of access a session is. Each class is counted by its own limits (AC-10).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum SessionClass {
    /// A person at a browser or an app.
    #[default]
    Interactive,
    /// A program that acts for the subject.
    Machine,
    /// Somebody else acting as the subject.
    Impersonation,
}

/// Where a sign-in came from, as its client said it. Hostile text, for display only.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origin {
    /// The address.
    pub ip: Option<IpAddr>,
    /// What its browser or app is called, as far as that said.
    pub label: Option<DeviceLabel>,
}

impl Origin {
    /// As [`Session::share_texts`].
    pub fn share_texts(&mut self, share: &mut dyn FnMut(&mut Arc<str>)) {
        if let Some(label) = &mut self.label {
            label.share_text(share);
        }
    }
}

/// What ties the token of a session to its holder. It is settled at birth and stays with the
/// session through every token that follows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Binding {
    /// Nothing: who holds the token is let in.
    #[default]
    None,
    /// A device token, which must be presented with it.
    DeviceCookie(Box<BoundDevice>),
}

impl Binding {
    /// How often in a session's life its token may come without the device before it ends.
    pub const MISMATCHES_MAX: u8 = 3;

    /// Whether a request that presents this device, or none, presents what is needed.
    #[must_use]
    pub fn is_met_by(&self, presented: Option<DeviceDigest>) -> bool {
        match self {
            Self::None => true,
            Self::DeviceCookie(bound) => presented == Some(bound.token),
        }
    }
}

/// The device that a session is bound to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BoundDevice {
    /// The digest of its token; kept here too, so that what is validated does not rest on how
    /// long the roster remembers the device.
    pub token: DeviceDigest,
    /// How many requests came without it.
    pub mismatches: u8,
}

/// The token that the current one replaced.
#[derive(Clone, Debug)]
pub struct PreviousToken {
    /// Its digest.
    pub digest: TokenDigest,
    /// Until when it still passes a check.
    pub accepted_until: GraceEnd,
    /// Until when repeating the call that replaced it finds the successor, though it passes no
    /// check. A renewal has no such time: there the repeat ends with the acceptance.
    pub repeatable_until: Timestamp,
    /// The successor's secret, sealed under this token's: only its holder can open it.
    pub sealed_successor: Sealed,
    /// What replaced it: only the same call is a repeat.
    pub replaced_by: Replacement,
}

/// What a token was replaced by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Replacement {
    /// A renewal.
    Renewal,
    /// A reauthentication, with what that proved.
    Reauthentication(Box<AuthenticationEvent>),
    /// A changed credential.
    CredentialChange,
}

/// Bytes encrypted under a key that only the holder of a secret can derive.
#[derive(Clone, Eq, PartialEq)]
pub struct Sealed(pub Box<[u8]>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// When a session was last heard from: a moment that only moves forward.
///
/// It is the one value of a roster that moves between commits, so that a check writes nothing.
/// A clone has the moment of its making and moves on its own.
pub struct LastSeen(AtomicU64);

impl LastSeen {
    /// Starts at `at`.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self(AtomicU64::new(at.as_millis()))
    }

    /// The latest moment so far.
    #[must_use]
    pub fn get(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Acquire))
    }

    /// Moves forward to `at`, or stays where it is if that is later. Says whether it moved.
    pub fn advance(&self, at: Timestamp) -> bool {
        self.0.fetch_max(at.as_millis(), Ordering::AcqRel) < at.as_millis()
    }
}

/// Until when a previous token is accepted: a moment that only comes nearer.
pub struct GraceEnd(AtomicU64);

impl GraceEnd {
    /// Starts at `at`.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self(AtomicU64::new(at.as_millis()))
    }

    /// The earliest moment so far.
    #[must_use]
    pub fn get(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Acquire))
    }

    /// Comes nearer, to `at`, or stays where it is if that is earlier. Says whether it moved.
    pub fn bring_nearer(&self, at: Timestamp) -> bool {
        self.0.fetch_min(at.as_millis(), Ordering::AcqRel) > at.as_millis()
    }
}

macro_rules! moving_moment {
    ($($name:ident),+) => {$(
        impl Clone for $name {
            fn clone(&self) -> Self {
                Self::new(self.get())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.get()).finish()
            }
        }
    )+};
}

moving_moment!(LastSeen, GraceEnd);

/// How a session ended. Final: no change turns an ended session live (S2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
    /// Who caused it.
    pub initiator: Initiator,
    /// The birth of the session that asked for it, or for which it made room, where one did: so
    /// that its holder can be told by which device.
    pub asker: Option<u64>,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EndReason {
    /// Its holder signed out.
    Logout,
    /// Silence for longer than the idle timeout.
    Idle,
    /// Older than the absolute timeout.
    Absolute,
    /// Admission asked for its seat.
    Evicted,
    /// Its holder signed in again from the same browser.
    Superseded,
    /// The subject ended it from elsewhere.
    RevokedByUser,
    /// An administrator ended it.
    RevokedByAdmin,
    /// A credential of the subject changed.
    CredentialChange,
    /// The subject was disabled.
    SubjectDisabled,
    /// A token that had been rotated away was presented.
    ReuseDetected,
    /// It was presented from another device than the one it is bound to.
    DeviceMismatch,
    /// It looked stolen.
    Risk,
    /// The login service said so.
    Federation,
    /// A changed policy, limit or group left no room for it.
    PolicyChange,
}

/// Who caused an end: the words of CAEP 1.0.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Initiator {
    /// An administrator.
    Admin,
    /// A rule.
    Policy,
    /// This system, defending itself.
    System,
    /// The subject.
    User,
}

/// A session that has ended, kept for a while only to tell its holder why.
#[derive(Clone, Debug)]
pub struct EndedSession {
    /// The session as it was.
    pub session: Arc<Session>,
    /// How it ended.
    pub ending: Ending,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::name::AuthenticationMethod;
    use crate::testing::{at, device_token, session};

    #[test]
    fn given_a_session_when_asked_who_acts_in_it_then_only_that_one_does() {
        let (staff, other) = (
            SubjectId::parse("staff").unwrap(),
            SubjectId::parse("other").unwrap(),
        );
        let own = session(1).build();
        let acted = session(2).acted_by(&staff).build();

        assert!(!own.is_impersonation() && !own.is_acted_by(&staff));
        assert!(acted.is_impersonation() && acted.is_acted_by(&staff));
        assert!(!acted.is_acted_by(&other));
    }

    #[test]
    fn given_a_bound_session_or_one_with_a_former_token_when_asked_then_it_is_not_plain() {
        let mut rotated = session(1).build();
        assert!(rotated.is_plain());

        rotated.previous = Some(Box::new(PreviousToken {
            digest: TokenDigest([1; 32]),
            accepted_until: GraceEnd::new(at(2)),
            repeatable_until: at(2),
            sealed_successor: Sealed(Box::default()),
            replaced_by: Replacement::Renewal,
        }));

        assert!(!rotated.is_plain());
        let bound = session(1).bound_to(device_token(1).digest());
        assert!(!bound.build().is_plain());
    }

    #[test]
    fn given_a_session_when_its_texts_are_shared_then_each_that_others_may_have_is_shown_once() {
        let proved = |method: &str| AuthenticationEvent {
            at: at(1),
            methods: [AuthenticationMethod::parse(method).unwrap()].into(),
            assurance: AssuranceLevel::default(),
        };
        let from = |label: &str| Origin {
            ip: None,
            label: DeviceLabel::of_text(label),
        };
        let mut held = session(1).client("web").build();
        held.authentication = proved("pwd");
        held.origin = from("Firefox");
        held.previous = Some(Box::new(PreviousToken {
            digest: TokenDigest([1; 32]),
            accepted_until: GraceEnd::new(at(2)),
            repeatable_until: at(2),
            sealed_successor: Sealed(Box::default()),
            replaced_by: Replacement::Reauthentication(Box::new(proved("otp"))),
        }));
        held.previous_sign_in = Some(Arc::new(LastSignIn {
            at: at(0),
            origin: from("Safari"),
            failures_before: 0,
        }));

        let mut shown = Vec::new();
        held.share_texts(&mut |text| shown.push(text.to_string()));

        assert_eq!(shown, ["web", "otp", "pwd", "Firefox", "Safari"]);
    }

    #[test]
    fn given_a_session_when_it_has_been_silent_for_the_idle_timeout_then_it_is_expired_at_that_moment()
     {
        let silent = session(1).seen_at(10).idle_after(5).build();

        assert!(silent.is_unexpired(at(14)));
        assert!(!silent.is_unexpired(at(15)));
        assert_eq!(silent.expiry(at(99)).unwrap().reason, EndReason::Idle);
        assert_eq!(silent.expiry(at(99)).unwrap().at, at(15));
    }

    #[test]
    fn given_a_busy_session_when_its_absolute_deadline_comes_then_it_is_expired_all_the_same() {
        let busy = session(1).seen_at(99).idle_after(50).deadline(100).build();

        assert!(busy.is_unexpired(at(99)));
        assert_eq!(busy.expiry(at(100)).unwrap().reason, EndReason::Absolute);
    }

    #[test]
    fn given_visits_in_any_order_when_recorded_then_last_seen_never_falls() {
        let seen = LastSeen::new(at(10));

        assert!(seen.advance(at(12)));
        assert!(!seen.advance(at(11)));
        assert!(!seen.advance(at(12)));
        assert_eq!(seen.get(), at(12));
    }

    #[test]
    fn given_a_grace_when_brought_nearer_then_it_never_moves_away_again() {
        let grace = GraceEnd::new(at(300));

        assert!(grace.bring_nearer(at(40)));
        assert!(!grace.bring_nearer(at(50)));
        assert!(!grace.bring_nearer(at(40)), "it did not move");
        assert_eq!(grace.get(), at(40));
    }

    #[test]
    fn given_spans_that_overflow_when_a_deadline_is_computed_then_it_saturates() {
        let mut endless = session(1).build();
        endless.idle = Duration::MAX;
        assert_eq!(endless.idle_deadline(), Timestamp::MAX);
    }
}
