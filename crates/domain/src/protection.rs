//! Protection: what a young session on an untrusted device may not do to an older trusted one.
//!
//! Whoever stole a password signs in last, and a limit that gives up older sessions, or a list of
//! sessions with an end button, would let that one put the owner out. So for a while after its
//! birth (`protect_trusted_for`) a session on an untrusted device neither evicts nor ends a
//! session on a trusted device that was there before it. Trust counts in the same way: the
//! subject's own word for a device takes as long to be believed here, or a thief would give it
//! first. What an administrator says counts at once, and administrators are not held back.
//!
//! It is no dead end (V4): the trusted device itself can always do it, and so can stronger
//! evidence.

use std::time::Duration;

use crate::device::{Device, DeviceId};
use crate::policy::Policy;
use crate::roster::Roster;
use crate::session::{AssuranceLevel, Initiator, Session, Timestamp};

/// What is shielded from one session, there or about to be born.
#[derive(Clone, Copy, Debug)]
pub struct Protection<'r> {
    roster: &'r Roster,
    /// From whom, if anything is shielded from it.
    from: Option<Asker>,
}

/// A young session that is not on a device which has been trusted for long enough.
#[derive(Clone, Copy, Debug)]
struct Asker {
    birth: u64,
    device: Option<DeviceId>,
    /// How long the subject's own word for a device takes to be believed.
    span: Duration,
    now: Timestamp,
}

/// How well a session is shielded, the least first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Shield {
    /// Not at all.
    None,
    /// By trust in its device that is itself too young to be believed of somebody who asks.
    Fresh,
    /// By trust that is believed.
    Believed,
}

impl<'r> Protection<'r> {
    /// What is shielded from a newcomer on `device`, of which nothing is known if it is new.
    #[must_use]
    pub fn from_newcomer(
        roster: &'r Roster,
        device: Option<&Device>,
        protect_trusted_for: Duration,
        now: Timestamp,
    ) -> Self {
        let is_believed = device.is_some_and(|d| is_believed(d, protect_trusted_for, now));
        let held_back = !protect_trusted_for.is_zero() && !is_believed;
        Self {
            roster,
            from: held_back.then(|| Asker {
                birth: u64::MAX,
                device: device.map(|d| d.id),
                span: protect_trusted_for,
                now,
            }),
        }
    }

    /// What is shielded from a session of this roster.
    #[must_use]
    pub fn from_session(
        roster: &'r Roster,
        session: &Session,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        let now = now.max(roster.time_high);
        let span = policy.terms(&roster.facts(session)).protect_trusted_for;
        let is_young = now < session.created_at.plus(span);
        let device = roster.device_of(session);
        let held_back = is_young && !device.is_some_and(|d| is_believed(d, span, now));
        Self {
            roster,
            from: held_back.then(|| Asker {
                birth: session.birth,
                device: session.device_id(),
                span,
                now,
            }),
        }
    }

    /// How well `session` is shielded.
    ///
    /// Trust shields from the moment it is given. That nobody believes it yet only says who of
    /// those it shields comes first, where one of them has to go.
    #[must_use]
    pub fn shield(&self, session: &Session) -> Shield {
        let Some(asker) = self.from else {
            return Shield::None;
        };
        let elsewhere = asker.device.is_none() || session.device_id() != asker.device;
        let device = self.roster.device_of(session).filter(|d| d.is_trusted());
        match device.filter(|_| elsewhere && session.birth < asker.birth) {
            None => Shield::None,
            Some(device) if is_believed(device, asker.span, asker.now) => Shield::Believed,
            Some(_) => Shield::Fresh,
        }
    }

    /// Whether `session` is shielded.
    #[must_use]
    pub fn covers(&self, session: &Session) -> bool {
        self.shield(session) != Shield::None
    }

    /// Whether `session` is shielded from somebody with this evidence: only stronger evidence
    /// than its own opens the shield.
    #[must_use]
    pub fn covers_from(&self, session: &Session, evidence: AssuranceLevel) -> bool {
        evidence <= session.authentication.assurance && self.covers(session)
    }

    /// Whether a device is shielded from being ended by somebody with this evidence.
    ///
    /// Without a session on it there is nothing that the evidence could be stronger than.
    #[must_use]
    pub fn covers_device(&self, device: &Device, evidence: AssuranceLevel, now: Timestamp) -> bool {
        let Some(asker) = self.from else { return false };
        if Some(device.id) == asker.device || !device.is_trusted() {
            return false;
        }
        let on_it = |s: &&std::sync::Arc<Session>| s.device_id() == Some(device.id);
        let mut on_it = self.roster.live(now).filter(on_it).peekable();
        on_it.peek().is_none() || on_it.any(|s| self.covers_from(s, evidence))
    }
}

/// Whether a session is on a device that its subject trusts.
#[must_use]
pub fn is_on_trusted(roster: &Roster, session: &Session) -> bool {
    roster.device_of(session).is_some_and(|d| d.is_trusted())
}

fn is_believed(device: &Device, span: Duration, now: Timestamp) -> bool {
    device
        .trust
        .is_some_and(|trust| trust.by == Initiator::Admin || now >= trust.since.plus(span))
}

#[cfg(test)]
mod tests;
