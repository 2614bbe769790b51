//! How a session ended, in words that its holder understands (D10).

use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{EndReason, EndedSession, Ending, Initiator, Timestamp};

use innkeeper_http::wire;

use crate::moment::Moment;
use crate::visitor::asker;

/// An end, as a page tells of it.
#[derive(Debug)]
pub(crate) struct EndView {
    /// The word of the API, for the hook.
    pub(crate) reason: &'static str,
    /// Why, in a sentence.
    pub(crate) sentence: &'static str,
    /// What to do about it, where there is something.
    pub(crate) advice: Option<&'static str>,
    /// Who caused it.
    pub(crate) by: &'static str,
    /// On which device, where it was on one.
    pub(crate) from: Option<String>,
    /// When.
    pub(crate) at: Moment,
}

impl EndView {
    pub(crate) fn of(ending: Ending, from: Option<String>, now: Timestamp) -> Self {
        Self {
            reason: word(ending.reason),
            sentence: sentence(ending.reason),
            advice: advice(ending.reason),
            by: by(ending.initiator),
            from,
            at: Moment::of(ending.at, now),
        }
    }
}

/// A session that ended lately, for the list of its owner.
#[derive(Debug)]
pub(crate) struct PastView {
    pub(crate) device: String,
    pub(crate) end: EndView,
}

impl PastView {
    pub(crate) fn of(roster: &Roster, ended: &EndedSession, now: Timestamp) -> Self {
        Self {
            device: wire::device_name(roster, &ended.session),
            end: EndView::of(ended.ending, asker(roster, ended.ending), now),
        }
    }
}

const fn word(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => "logout",
        EndReason::Idle => "idle",
        EndReason::Absolute => "absolute",
        EndReason::Evicted => "evicted",
        EndReason::Superseded => "superseded",
        EndReason::RevokedByUser => "revoked_by_user",
        EndReason::RevokedByAdmin => "revoked_by_admin",
        EndReason::CredentialChange => "credential_change",
        EndReason::SubjectDisabled => "subject_disabled",
        EndReason::ReuseDetected => "reuse_detected",
        EndReason::DeviceMismatch => "device_mismatch",
        EndReason::Risk => "risk",
        EndReason::Federation => "federation",
        EndReason::PolicyChange => "policy_change",
    }
}

const fn sentence(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => "You signed out.",
        EndReason::Idle => "This session was not used for a while, so it ended by itself.",
        EndReason::Absolute => {
            "This session reached its longest allowed time. Everybody has to sign in again after \
             that."
        }
        EndReason::Evicted => {
            "You signed in somewhere else. The number of places where you can be signed in at \
             once is limited, and this session made room for the new one."
        }
        EndReason::Superseded => {
            "There was a newer sign-in from this browser, and it took the place of this session."
        }
        EndReason::RevokedByUser => "This session was ended from another of your sessions.",
        EndReason::RevokedByAdmin => "An administrator ended this session.",
        EndReason::CredentialChange => {
            "Your password or another way to sign in was changed or taken away, so sessions from \
             before were ended."
        }
        EndReason::SubjectDisabled => "Your account was disabled.",
        EndReason::ReuseDetected => {
            "Somebody used an old copy of this session, so it was ended to protect you."
        }
        EndReason::DeviceMismatch => {
            "This session was used from another device than the one it belongs to, so it was \
             ended to protect you."
        }
        EndReason::Risk => {
            "It looked as if somebody else was using this session, so it was ended to protect you."
        }
        EndReason::Federation => {
            "The service that you sign in with told us that you are signed out."
        }
        EndReason::PolicyChange => {
            "The rules for sessions were changed, and this session no longer fitted them."
        }
    }
}

const fn advice(reason: EndReason) -> Option<&'static str> {
    match reason {
        EndReason::Evicted | EndReason::RevokedByUser | EndReason::Superseded => Some(
            "If that was not you, change your password: somebody else may be able to sign in as \
             you.",
        ),
        EndReason::CredentialChange => {
            Some("If you know of no such change, talk to an administrator.")
        }
        EndReason::ReuseDetected | EndReason::DeviceMismatch | EndReason::Risk => {
            Some("Change your password if you did not expect this.")
        }
        EndReason::SubjectDisabled => Some("An administrator can tell you more."),
        EndReason::Logout
        | EndReason::Idle
        | EndReason::Absolute
        | EndReason::RevokedByAdmin
        | EndReason::Federation
        | EndReason::PolicyChange => None,
    }
}

const fn by(initiator: Initiator) -> &'static str {
    match initiator {
        Initiator::Admin => "an administrator",
        Initiator::Policy => "the rules of this site, automatically",
        Initiator::System => "this service, to protect your account",
        Initiator::User => "you, or somebody signed in as you",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use innkeeper_http::wire;

    use super::*;

    const REASONS: [EndReason; 14] = [
        EndReason::Logout,
        EndReason::Idle,
        EndReason::Absolute,
        EndReason::Evicted,
        EndReason::Superseded,
        EndReason::RevokedByUser,
        EndReason::RevokedByAdmin,
        EndReason::CredentialChange,
        EndReason::SubjectDisabled,
        EndReason::ReuseDetected,
        EndReason::DeviceMismatch,
        EndReason::Risk,
        EndReason::Federation,
        EndReason::PolicyChange,
    ];

    #[test]
    fn given_every_reason_when_told_then_the_word_is_that_of_the_api() {
        for reason in REASONS {
            let wire = serde_json::to_value(wire::end_reason(reason)).expect("it is a word");

            assert_eq!(wire, word(reason));
        }
    }

    #[test]
    fn given_every_reason_when_told_then_each_has_a_sentence_of_its_own() {
        let sentences: HashSet<_> = REASONS.into_iter().map(sentence).collect();

        assert_eq!(sentences.len(), REASONS.len());
        assert!(
            sentences
                .iter()
                .all(|s| s.ends_with('.') && !s.contains('_'))
        );
    }
}
