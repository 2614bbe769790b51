//! Notices: what a person should know of the account, beside the session that asks.
//!
//! None is kept. Each is seen in the roster, which every commit keeps true, so a notice comes with
//! the change that causes it, and there are no more than there are kinds. It stands for as long as
//! what it tells of does; reading it changes nothing, so no lost answer and no page that was
//! loaded ahead takes a warning away.

use crate::policy::{Policy, UnseenDevice};
use crate::roster::Roster;
use crate::session::{Binding, EndReason, Session, SessionClass, Timestamp};

/// What a person should be told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// Other sessions of the subject are live.
    Concurrent,
    /// The token of a session came without the device it is bound to, and was refused.
    DeviceMismatch,
    /// Sign-ins of the subject have failed since the last one that did not.
    FailedSignIns,
    /// A limit is exceeded that the policy only observes. Told at the sign-in alone.
    OverLimit,
    /// A session of the subject was ended, and not by its holder or by the clock.
    SessionEnded,
    /// A sign-in came from a device that was not known before.
    UnseenDevice,
}

/// What the holder of `session` should know at `now`.
///
/// Only a session of class [`Interactive`](SessionClass::Interactive) is told anything: it is for
/// the owner's eyes. What came with the session itself was told at its sign-in.
#[must_use]
pub fn standing(
    roster: &Roster,
    session: &Session,
    policy: &Policy,
    now: Timestamp,
) -> Vec<Notice> {
    if session.class != SessionClass::Interactive {
        return Vec::new();
    }
    let since = session.created_at;
    let terms = policy.terms(&roster.facts(session));
    let mut ended = roster.remembered(now).filter(|e| e.ending.at > since);
    let new_device = || roster.devices.iter().any(|d| d.first_seen > since);
    [
        (
            Notice::UnseenDevice,
            terms.unseen_device != UnseenDevice::Allow && new_device(),
        ),
        (
            Notice::Concurrent,
            roster.live(now).any(|s| s.id != session.id),
        ),
        (Notice::FailedSignIns, roster.failures_since() > 0),
        (
            Notice::DeviceMismatch,
            roster.live(now).any(|s| has_mismatch(s)),
        ),
        (
            Notice::SessionEnded,
            ended.any(|e| is_by_another(e.ending.reason)),
        ),
    ]
    .into_iter()
    .filter_map(|(notice, stands)| stands.then_some(notice))
    .collect()
}

fn has_mismatch(session: &Session) -> bool {
    match &session.binding {
        Binding::None => false,
        Binding::DeviceCookie(bound) => bound.mismatches > 0,
    }
}

/// Whether a session that ended so was ended by somebody or something else than its holder, who
/// signed out or in again, or the clock.
const fn is_by_another(reason: EndReason) -> bool {
    match reason {
        EndReason::Logout | EndReason::Idle | EndReason::Absolute | EndReason::Superseded => false,
        EndReason::Evicted
        | EndReason::RevokedByUser
        | EndReason::RevokedByAdmin
        | EndReason::CredentialChange
        | EndReason::SubjectDisabled
        | EndReason::ReuseDetected
        | EndReason::DeviceMismatch
        | EndReason::Risk
        | EndReason::Federation
        | EndReason::PolicyChange => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Change;
    use crate::device::Device;
    use crate::session::Initiator;
    use crate::testing::{at, device, device_token, evicting_at, id, roster, roster_with, session};

    fn told(roster: &Roster, seconds: u64) -> Vec<Notice> {
        told_under(&evicting_at(5), roster, seconds)
    }

    fn told_under(policy: &Policy, roster: &Roster, seconds: u64) -> Vec<Notice> {
        let asker = roster.find(id(1)).expect("session 1 asks");
        standing(roster, asker, policy, at(seconds))
    }

    fn ends(roster: &mut Roster, number: u8, seconds: u64, reason: EndReason) {
        let end = Change::end(id(number), at(seconds), reason, Initiator::System);
        roster.apply(&[end], at(seconds));
    }

    #[test]
    fn given_a_session_alone_when_it_asks_then_there_is_nothing_to_tell() {
        assert_eq!(told(&roster([session(1)]), 60), []);
    }

    #[test]
    fn given_a_bound_session_that_nobody_else_showed_when_it_asks_then_there_is_nothing_to_tell() {
        let bound = session(1).bound_to(device_token(1).digest());

        assert_eq!(told(&roster([bound]), 60), []);
    }

    #[test]
    fn given_another_session_when_asked_then_it_is_told_of_until_that_is_over() {
        let mut roster = roster([session(1), session(2)]);

        assert_eq!(told(&roster, 60), [Notice::Concurrent]);

        ends(&mut roster, 2, 90, EndReason::Logout);
        assert_eq!(told(&roster, 100), []);
    }

    #[test]
    fn given_a_device_from_after_the_sign_in_when_asked_then_it_is_told_of_until_it_is_forgotten() {
        let new = Device {
            first_seen: at(30),
            ..device(2)
        };
        let mut roster = roster_with([device(1), new], [session(1).on(1)]);

        assert_eq!(told(&roster, 60), [Notice::UnseenDevice]);

        let mut allowing = evicting_at(5);
        allowing.terms.unseen_device = UnseenDevice::Allow;
        assert_eq!(
            told_under(&allowing, &roster, 60),
            [],
            "nobody wants to know"
        );
        roster.devices.remove(1);
        assert_eq!(told(&roster, 60), []);
    }

    #[test]
    fn given_failed_sign_ins_when_asked_then_they_are_told_of() {
        let roster = roster([session(1)]);
        roster.failures.grow_to(1);

        assert_eq!(told(&roster, 60), [Notice::FailedSignIns]);
    }

    #[test]
    fn given_a_token_that_came_without_its_device_when_asked_then_it_is_told_of() {
        let bound = session(2).bound_to(device_token(2).digest());
        let mut roster = roster([session(1), bound]);
        roster.apply(&[Change::Mismatch { id: id(2) }], at(30));

        let told = told(&roster, 60);

        assert_eq!(told, [Notice::Concurrent, Notice::DeviceMismatch]);
    }

    #[test]
    fn given_a_session_that_another_ended_when_asked_then_it_is_told_of_for_a_day() {
        let mut roster = roster([session(1).idle_after(200_000).deadline(200_000), session(2)]);
        ends(&mut roster, 2, 60, EndReason::Evicted);

        assert_eq!(told(&roster, 60 + 86_399), [Notice::SessionEnded]);
        assert_eq!(told(&roster, 60 + 86_400), []);
    }

    #[test]
    fn given_what_ended_before_or_by_its_holder_when_asked_then_there_is_nothing_to_tell() {
        let mut roster = roster([session(1).born_at(60), session(2), session(3)]);
        ends(&mut roster, 2, 60, EndReason::Evicted);
        ends(&mut roster, 3, 90, EndReason::Logout);

        assert_eq!(told(&roster, 100), []);
    }

    #[test]
    fn given_a_session_of_another_class_when_it_asks_then_it_is_told_nothing() {
        let roster = roster([session(1).class(SessionClass::Impersonation), session(2)]);
        roster.failures.grow_to(1);

        assert_eq!(told(&roster, 60), []);
    }
}
