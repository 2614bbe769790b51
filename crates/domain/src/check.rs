//! Check: is this token good, for whom, and if not, why not?

use std::sync::Arc;
use std::time::Duration;

use crate::change::Change;
use crate::device::{DeviceDigest, DeviceToken};
use crate::name::SubjectId;
use crate::roster::Roster;
use crate::session::{AssuranceLevel, Binding, EndReason, Ending, Initiator, Session, Timestamp};
use crate::token::{RosterTag, SessionToken, TokenDigest};

/// What a roster says of a token.
#[derive(Clone, Debug)]
#[must_use]
pub enum Check<'r> {
    /// It is one of the acceptable tokens of a live session.
    Valid(Valid<'r>),
    /// It was rotated away without a grace, by a call that may still be repeated: it fails, and
    /// harms nobody. This is the session it was of.
    Replaced(&'r Arc<Session>),
    /// It was rotated away and its time is over: somebody kept a copy, so the session must end
    /// (S9).
    Reused(&'r Arc<Session>),
    /// It was good once. Its holder is told how that ended.
    Ended(Ending),
    /// It is not known here, or no longer.
    Unknown,
}

/// A session whose token is good.
#[derive(Clone, Copy, Debug)]
pub struct Valid<'r> {
    /// The session.
    pub session: &'r Arc<Session>,
    /// Which of its tokens was presented.
    pub presented: Presented,
}

/// Which of a session's acceptable tokens was presented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Presented {
    /// The current one.
    Current,
    /// The one before it, within the grace of its rotation.
    Previous,
}

/// Decides what `token` is worth at `now`.
///
/// Writes nothing: a reuse that it finds is ended by a commit of its own before the answer.
pub fn check<'r>(roster: &'r Roster, token: &SessionToken, now: Timestamp) -> Check<'r> {
    // A secret under another roster's tag is not a token that was issued (S6).
    if token.tag() != roster.tag {
        return Check::Unknown;
    }
    let now = now.max(roster.time_high);
    let digest = token.secret().digest();
    if let Some(valid) = find_valid(roster, digest, now) {
        return Check::Valid(valid);
    }

    // No acceptable token matches. Only now is the family asked for.
    let family = token.secret().family();
    if let Some(session) = roster.sessions.iter().find(|s| s.family == family) {
        if let Some(ending) = roster.unrecorded_end(session, now) {
            return Check::Ended(ending);
        }
        if !roster.is_live(session, now) {
            return Check::Unknown;
        }
        let repeatable = session
            .previous
            .as_ref()
            .is_some_and(|p| p.digest == digest && p.is_repeatable(now));
        return if repeatable {
            Check::Replaced(session)
        } else {
            Check::Reused(session)
        };
    }
    roster
        .remembered(now)
        .rfind(|e| e.session.family == family)
        .map_or(Check::Unknown, |e| Check::Ended(e.ending))
}

/// The live session that accepts a token of this digest.
///
/// The whole of a check that succeeds: everything else is about the answer to one that fails.
#[must_use]
pub fn find_valid(roster: &Roster, digest: TokenDigest, now: Timestamp) -> Option<Valid<'_>> {
    let now = now.max(roster.time_high);
    let (session, presented) = roster.sessions.iter().find_map(|session| {
        if session.token == digest {
            return Some((session, Presented::Current));
        }
        let previous = session.previous.as_ref()?;
        (previous.digest == digest && previous.is_accepted(now))
            .then_some((session, Presented::Previous))
    })?;
    roster
        .is_live(session, now)
        .then_some(Valid { session, presented })
}

/// What a caller asks of a session beyond being live.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// The subject the caller believes it acts for.
    pub subject: Option<SubjectId>,
    /// How strong the authentication must be.
    pub assurance: Option<AssuranceLevel>,
    /// How old it may be: one that is as strong as is asked, not a weaker one since.
    pub max_age: Option<Duration>,
    /// The device that came with the token.
    pub device: Shown,
}

/// What a caller shows of the device that a token came from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Shown {
    /// No device of the same roster.
    #[default]
    Nothing,
    /// This one.
    Device(DeviceDigest),
    /// None could be: this way of asking has no place for one. A bound session does not pass, but
    /// that says nothing of who holds its token, and is not counted.
    NoPlace,
}

impl Shown {
    /// What a device token shows to the roster `tag`.
    #[must_use]
    pub fn of(token: Option<&DeviceToken>, tag: RosterTag) -> Self {
        let digest = token.and_then(|token| token.digest_for(tag));
        digest.map_or(Self::Nothing, Self::Device)
    }

    /// Whether a session bound so may be used by whoever shows this.
    #[must_use]
    pub fn meets(self, binding: &Binding) -> bool {
        binding.is_met_by(self.device())
    }

    const fn device(self) -> Option<DeviceDigest> {
        match self {
            Self::Device(digest) => Some(digest),
            Self::Nothing | Self::NoPlace => None,
        }
    }
}

/// What a live session lacks for a demand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shortfall {
    /// It is bound to another device than the one presented, or none was.
    DeviceMismatch,
    /// It is another subject's: the caller is authorised, not the session it happens to hold.
    WrongSubject,
    /// Its authentication is too weak or too old (RFC 9470).
    StepUp,
}

impl Demand {
    /// Whether nothing is asked of a session but to be live, unless it is bound to a device.
    #[must_use]
    pub const fn asks_nothing(&self) -> bool {
        self.subject.is_none() && self.assurance.is_none() && self.max_age.is_none()
    }

    /// What `session` of `roster` lacks, if anything. The device comes first: whoever has not
    /// shown it is not told anything else of the session.
    #[must_use]
    pub fn unmet(&self, roster: &Roster, session: &Session, now: Timestamp) -> Option<Shortfall> {
        if !self.device.meets(&session.binding) {
            return Some(Shortfall::DeviceMismatch);
        }
        if self.subject.as_ref().is_some_and(|s| *s != roster.subject) {
            return Some(Shortfall::WrongSubject);
        }
        let now = now.max(roster.time_high);
        let proved = session.proved_at(self.assurance.unwrap_or_default());
        let is_old = |at| self.max_age.is_some_and(|most| now.since(at) > most);
        proved.is_none_or(is_old).then_some(Shortfall::StepUp)
    }
}

/// What becomes of a bound session whose token came without its device.
///
/// Each such request is counted by a commit, so that the count is exact, survives a crash and is
/// one for all nodes. Nobody can make that many commits: the last one counted ends the session,
/// and after it there is nothing left to count. The count never starts anew, or a thief could try
/// for as long as the owner comes by now and then.
#[must_use]
pub fn count_mismatch(roster: &Roster, session: &Session, now: Timestamp) -> Vec<Change> {
    let now = now.max(roster.time_high);
    let Binding::DeviceCookie(bound) = &session.binding else {
        return Vec::new();
    };
    let mut changes = roster.expiries(now);
    changes.push(Change::Mismatch { id: session.id });
    if bound.mismatches.saturating_add(1) >= Binding::MISMATCHES_MAX {
        let (reason, by) = (EndReason::DeviceMismatch, Initiator::System);
        changes.push(Change::end(session.id, now, reason, by));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Keep;
    use crate::roster::Generation;
    use crate::session::{GraceEnd, PreviousToken, Replacement, Sealed};
    use crate::testing::{at, device_token, id, later_token, level, roster, session, tag, token};
    use crate::token::TokenSecret;

    /// Session 1 at its second token, the first good until `accepted` and repeatable until
    /// `repeatable`.
    fn rotated(accepted: u64, repeatable: u64) -> Roster {
        let mut roster = roster([session(1), session(2)]);
        let rotation = Change::Rotation {
            id: id(1),
            token: later_token(1, 99).secret().digest(),
            at: at(10),
            previous: Box::new(PreviousToken {
                digest: token(1).secret().digest(),
                accepted_until: GraceEnd::new(at(accepted)),
                repeatable_until: at(repeatable),
                sealed_successor: Sealed(Box::default()),
                replaced_by: Replacement::Renewal,
            }),
        };
        roster.apply(&[rotation], at(10));
        roster
    }

    fn presented(check: &Check<'_>) -> Option<(crate::session::SessionId, Presented)> {
        match check {
            Check::Valid(valid) => Some((valid.session.id, valid.presented)),
            Check::Replaced(_) | Check::Reused(_) | Check::Ended(_) | Check::Unknown => None,
        }
    }

    #[test]
    fn given_a_demand_when_it_names_anything_then_it_asks_something() {
        let subject = Some(SubjectId::parse("alice").unwrap());
        let (assurance, max_age) = (Some(level(2)), Some(Duration::from_secs(9)));

        assert!(Demand::default().asks_nothing());
        for demand in [
            Demand {
                subject,
                ..Demand::default()
            },
            Demand {
                assurance,
                ..Demand::default()
            },
            Demand {
                max_age,
                ..Demand::default()
            },
        ] {
            assert!(!demand.asks_nothing(), "{demand:?}");
        }
    }

    #[test]
    fn given_the_current_token_when_checked_then_it_names_its_session_until_its_deadline() {
        let roster = roster([session(1), session(2).idle_after(30)]);

        let good = check(&roster, &token(2), at(29));
        let late = check(&roster, &token(2), at(30));

        assert_eq!(presented(&good), Some((id(2), Presented::Current)));
        assert!(matches!(late, Check::Ended(e) if e.reason == EndReason::Idle && e.at == at(30)));
    }

    #[test]
    fn given_a_rotation_with_a_grace_when_both_tokens_are_checked_then_both_are_good_until_it_ends()
    {
        let roster = rotated(40, 10);

        let old = check(&roster, &token(1), at(39));
        let new = check(&roster, &later_token(1, 99), at(39));
        let late = check(&roster, &token(1), at(40));

        assert_eq!(presented(&old), Some((id(1), Presented::Previous)));
        assert_eq!(presented(&new), Some((id(1), Presented::Current)));
        assert!(matches!(late, Check::Reused(s) if s.id == id(1)));
    }

    #[test]
    fn given_a_rotation_without_a_grace_when_the_old_token_is_checked_then_it_fails_and_harms_nobody()
     {
        let roster = rotated(10, 310);

        assert!(matches!(check(&roster, &token(1), at(10)), Check::Replaced(s) if s.id == id(1)));
        assert!(matches!(
            check(&roster, &token(1), at(309)),
            Check::Replaced(_)
        ));
        assert!(matches!(
            check(&roster, &token(1), at(310)),
            Check::Reused(_)
        ));
    }

    #[test]
    fn given_another_secret_of_a_live_family_when_checked_then_it_is_reuse() {
        let roster = rotated(40, 10);

        let older = check(&roster, &later_token(1, 50), at(20));

        assert!(matches!(older, Check::Reused(s) if s.id == id(1)));
    }

    #[test]
    fn given_an_old_token_of_an_expired_session_when_checked_then_it_has_ended_and_nothing_more() {
        // Nothing is left that a thief could use, so there is nothing to end as stolen.
        let roster = rotated(40, 10);

        let answer = check(&roster, &token(1), at(3610));

        assert!(matches!(answer, Check::Ended(e) if e.reason == EndReason::Idle));
    }

    #[test]
    fn given_an_ended_session_when_any_of_its_tokens_is_checked_then_its_holder_is_told_why() {
        let mut roster = rotated(40, 10);
        let ending = Ending {
            at: at(20),
            reason: EndReason::Evicted,
            initiator: Initiator::Policy,
            asker: None,
        };
        roster.apply(&[Change::End { id: id(1), ending }], at(20));

        for presented in [token(1), later_token(1, 99)] {
            assert!(matches!(check(&roster, &presented, at(21)), Check::Ended(e) if e == ending));
        }
        let day = 24 * 3600;
        assert!(matches!(
            check(&roster, &token(1), at(20 + day)),
            Check::Unknown
        ));
    }

    #[test]
    fn given_a_token_of_nobody_when_checked_then_it_is_unknown() {
        let roster = rotated(40, 10);

        assert!(matches!(check(&roster, &token(9), at(20)), Check::Unknown));
    }

    #[test]
    fn given_a_good_secret_under_another_tag_when_checked_then_it_is_unknown() {
        let roster = roster([session(1)]);
        let moved = SessionToken::new(
            RosterTag::from_bytes([8; 16]),
            TokenSecret::from_entropy([1; 48]),
        );

        assert_ne!(moved.tag(), tag());
        assert!(matches!(check(&roster, &moved, at(5)), Check::Unknown));
    }

    #[test]
    fn given_a_session_behind_the_fence_when_its_tokens_are_checked_then_it_has_ended() {
        let mut roster = rotated(40, 10);
        let fence = Change::Generation {
            to: Generation(2),
            keep: Keep::None,
        };
        roster.apply(&[fence], at(20));

        for presented in [token(1), later_token(1, 99), later_token(1, 50)] {
            let Check::Ended(ending) = check(&roster, &presented, at(21)) else {
                panic!("its holder is told why");
            };
            assert_eq!(ending.reason, EndReason::RevokedByAdmin);
        }
    }

    #[test]
    fn given_a_clock_that_fell_back_when_a_token_is_checked_then_time_has_not_fallen() {
        let mut roster = rotated(40, 10);
        roster.time_high = at(40);
        assert!(find_valid(&roster, token(1).secret().digest(), at(20)).is_none());

        roster.time_high = at(3610);

        assert!(find_valid(&roster, later_token(1, 99).secret().digest(), at(20)).is_none());
        assert!(matches!(check(&roster, &token(2), at(20)), Check::Ended(_)));
    }

    #[test]
    fn given_a_caller_that_names_another_subject_when_asked_then_it_is_refused_first() {
        let roster = roster([session(1)]);
        let demand = Demand {
            subject: Some(SubjectId::parse("bob").unwrap()),
            assurance: Some(level(9)),
            ..Demand::default()
        };

        let shortfall = demand.unmet(&roster, &roster.sessions[0], at(5));

        assert_eq!(shortfall, Some(Shortfall::WrongSubject));
    }

    #[test]
    fn given_a_demand_that_is_met_when_asked_then_nothing_is_lacking() {
        let roster = roster([session(1)]);
        let demand = Demand {
            subject: Some(roster.subject.clone()),
            assurance: Some(level(1)),
            max_age: Some(Duration::from_secs(5)),
            device: Shown::Nothing,
        };

        assert_eq!(demand.unmet(&roster, &roster.sessions[0], at(5)), None);
        assert_eq!(
            Demand::default().unmet(&roster, &roster.sessions[0], at(5)),
            None
        );
    }

    #[test]
    fn given_a_proof_too_weak_or_too_old_when_more_is_demanded_then_a_step_up_is_needed() {
        let mut roster = roster([session(1)]);
        let stronger = Demand {
            assurance: Some(level(2)),
            ..Demand::default()
        };
        let fresh = Demand {
            max_age: Some(Duration::from_secs(5)),
            ..Demand::default()
        };
        let unmet = |demand: &Demand, roster: &Roster, seconds| {
            demand.unmet(roster, &roster.sessions[0], at(seconds))
        };

        assert_eq!(unmet(&stronger, &roster, 1), Some(Shortfall::StepUp));
        assert_eq!(unmet(&fresh, &roster, 6), Some(Shortfall::StepUp));
        assert_eq!(unmet(&fresh, &roster, 4), None);
        // A clock that fell back makes no proof fresh again.
        roster.time_high = at(6);
        assert_eq!(unmet(&fresh, &roster, 4), Some(Shortfall::StepUp));
    }

    fn with_device(number: u8) -> Demand {
        Demand {
            device: Shown::of(Some(&device_token(number)), tag()),
            ..Demand::default()
        }
    }

    #[test]
    fn given_a_bound_session_when_its_token_comes_without_the_device_then_it_is_refused_first() {
        let roster = roster([session(1).bound_to(device_token(1).digest())]);
        let unmet = |demand: &Demand| demand.unmet(&roster, &roster.sessions[0], at(5));
        let nosy = Demand {
            subject: Some(SubjectId::parse("bob").unwrap()),
            ..Demand::default()
        };

        assert_eq!(unmet(&with_device(1)), None);
        assert_eq!(unmet(&Demand::default()), Some(Shortfall::DeviceMismatch));
        assert_eq!(unmet(&with_device(2)), Some(Shortfall::DeviceMismatch));
        assert_eq!(unmet(&nosy), Some(Shortfall::DeviceMismatch));
    }

    #[test]
    fn given_a_session_that_is_not_bound_when_any_device_is_presented_then_nothing_is_lacking() {
        let roster = roster([session(1)]);

        assert_eq!(
            with_device(9).unmet(&roster, &roster.sessions[0], at(5)),
            None
        );
        assert!(count_mismatch(&roster, &roster.sessions[0], at(5)).is_empty());
    }

    #[test]
    fn given_a_bound_session_when_its_device_was_missing_three_times_then_it_ends_at_the_third() {
        let mut roster = roster([
            session(1).bound_to(device_token(1).digest()),
            session(2).bound_to(device_token(1).digest()),
        ]);
        for second in 1..=2 {
            let changes = count_mismatch(&roster, &roster.sessions[0], at(second));
            roster.apply(&changes, at(second));
        }
        assert!(find_valid(&roster, token(1).secret().digest(), at(2)).is_some());

        let changes = count_mismatch(&roster, &roster.sessions[0], at(3));
        roster.apply(&changes, at(3));

        let ended = check(&roster, &token(1), at(4));
        let by = (EndReason::DeviceMismatch, Initiator::System);
        assert!(matches!(ended, Check::Ended(e) if (e.reason, e.initiator) == by));
        assert!(find_valid(&roster, token(2).secret().digest(), at(4)).is_some());
    }

    /// The count is of the session, not of its token: a thief gains no further tries by rotating,
    /// and the successor is as bound as the token before.
    #[test]
    fn given_mismatches_when_the_session_is_rotated_then_they_still_count_and_it_is_still_bound() {
        let mut roster = roster([session(1).bound_to(device_token(1).digest())]);
        let changes = count_mismatch(&roster, &roster.sessions[0], at(1));
        roster.apply(&changes, at(1));
        let rotation = Change::Rotation {
            id: id(1),
            token: later_token(1, 99).secret().digest(),
            at: at(2),
            previous: Box::new(PreviousToken {
                digest: token(1).secret().digest(),
                accepted_until: GraceEnd::new(at(40)),
                repeatable_until: at(2),
                sealed_successor: Sealed(Box::default()),
                replaced_by: Replacement::Renewal,
            }),
        };
        roster.apply(&[rotation], at(2));

        let lacking = Demand::default().unmet(&roster, &roster.sessions[0], at(3));
        for second in 3..=4 {
            let changes = count_mismatch(&roster, &roster.sessions[0], at(second));
            roster.apply(&changes, at(second));
        }

        assert_eq!(lacking, Some(Shortfall::DeviceMismatch));
        assert!(roster.sessions.is_empty());
    }
}
