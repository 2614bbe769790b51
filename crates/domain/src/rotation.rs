//! Rotation: a new token for the same session, and what the old one is still good for.

use std::sync::Arc;
use std::time::Duration;

pub use crate::authentication::{NoProof, Reauthentication};
use crate::change::Change;
use crate::check::{Check, Shown, check, count_mismatch};
use crate::policy::Policy;
use crate::roster::Roster;
use crate::session::{
    GraceEnd, PreviousToken, Replacement, Sealed, Session, SessionId, Timestamp, TokenDigest,
};
use crate::token::SessionToken;

/// For how long a rotation can be repeated, and a rotated token be good, at the most.
pub const REPEATABLE_FOR: Duration = Duration::from_mins(5);

impl PreviousToken {
    /// Whether this token still passes a check.
    #[must_use]
    pub fn is_accepted(&self, now: Timestamp) -> bool {
        now < self.accepted_until.get()
    }

    /// Whether repeating the call that replaced this token still finds the successor.
    #[must_use]
    pub fn is_repeatable(&self, now: Timestamp) -> bool {
        self.is_accepted(now) || now < self.repeatable_until
    }
}

/// Why a token is replaced.
#[derive(Clone, Debug)]
pub enum Occasion {
    /// Its time has come, or the client asked. The old token is good for a grace, and just so
    /// long finds its successor.
    Renewal,
    /// Identity was proved again (ASVS 7.2.4). The old token fails at once.
    Reauthentication(Reauthentication),
    /// A credential changed. The old token fails at once.
    CredentialChange,
}

/// The successor of a token, drawn and sealed by the caller.
#[derive(Clone, Debug)]
pub struct Successor {
    /// Its digest.
    pub digest: TokenDigest,
    /// Its secret, sealed under the token it replaces.
    pub sealed: Sealed,
}

/// The answer to a request for a new token.
#[derive(Clone, Debug)]
#[must_use]
pub enum Rotation {
    /// Commit these changes; the successor is then the one current token.
    Rotate {
        /// The session.
        id: SessionId,
        /// What to commit.
        changes: Vec<Change>,
    },
    /// It was rotated before, and its answer may have been lost: this is the same successor.
    Repeat {
        /// The session.
        session: Arc<Session>,
        /// The successor's secret, sealed under the presented token.
        sealed: Sealed,
    },
    /// The session is bound to a device, and the token came without it. Commit these changes, which
    /// count that as a check does, and refuse.
    DeviceMismatch {
        /// What to commit.
        changes: Vec<Change>,
    },
    /// The presented token is not good for this. What [`check`] said applies.
    Refuse,
}

/// Decides what becomes of a session whose holder asks for a new token.
///
/// One successor a token (S9): whoever repeats the call within the time allowed gets the same
/// one. Only the same call is a repeat. If a renewal found the successor that a reauthentication
/// made, a copy of the old token would be worth the new assurance; and if a reauthentication in
/// the grace of a renewal were taken for its repeat, it would raise nothing. So the latter makes
/// a new token, and the one that the renewal made is withdrawn unused: presented, it is reuse.
///
/// A new token is worth as much as a check: who stole the token of a bound session and not its
/// device gets none, neither a first time nor by repeating the owner's call.
pub fn rotate(
    roster: &Roster,
    token: &SessionToken,
    device: Shown,
    successor: Successor,
    occasion: Occasion,
    policy: &Policy,
    now: Timestamp,
) -> Rotation {
    let now = now.max(roster.time_high);
    let digest = token.secret().digest();
    let replacement = match occasion {
        Occasion::Renewal => Replacement::Renewal,
        Occasion::Reauthentication(proof) => Replacement::Reauthentication(proof.at(now).into()),
        Occasion::CredentialChange => Replacement::CredentialChange,
    };
    let session = match check(roster, token, now) {
        Check::Valid(valid) if !device.meets(&valid.session.binding) => {
            let changes = count_mismatch(roster, valid.session, now);
            return Rotation::DeviceMismatch { changes };
        }
        Check::Valid(valid) => {
            if let Some(previous) = replaced(valid.session, digest)
                && replacement == Replacement::Renewal
            {
                return repeat(valid.session, previous);
            }
            valid.session
        }
        Check::Replaced(session) => {
            return replaced(session, digest)
                .filter(|_| device.meets(&session.binding))
                .filter(|previous| is_same_call(&replacement, &previous.replaced_by))
                .map_or(Rotation::Refuse, |previous| repeat(session, previous));
        }
        Check::Reused(_) | Check::Ended(_) | Check::Unknown => return Rotation::Refuse,
    };

    let (accepted_until, repeatable_until) = match replacement {
        Replacement::Renewal => (now.plus(REPEATABLE_FOR), now),
        Replacement::Reauthentication(_) | Replacement::CredentialChange => {
            (now, now.plus(REPEATABLE_FOR))
        }
    };
    let mut changes = roster.expiries(now);
    changes.push(Change::Rotation {
        id: session.id,
        token: successor.digest,
        at: now,
        previous: Box::new(PreviousToken {
            digest,
            accepted_until: GraceEnd::new(accepted_until),
            repeatable_until,
            sealed_successor: successor.sealed,
            replaced_by: replacement.clone(),
        }),
    });
    if let Replacement::Reauthentication(proof) = replacement {
        let absolute = policy.terms(&roster.facts(session)).absolute;
        changes.push(Change::Reauthentication {
            id: session.id,
            absolute_deadline: if session.is_renewed_by(&proof) {
                session.vouched(now.plus(absolute))
            } else {
                session.absolute_deadline
            },
            event: *proof,
        });
    }
    Rotation::Rotate {
        id: session.id,
        changes,
    }
}

fn repeat(session: &Arc<Session>, previous: &PreviousToken) -> Rotation {
    Rotation::Repeat {
        session: Arc::clone(session),
        sealed: previous.sealed_successor.clone(),
    }
}

fn replaced(session: &Session, digest: TokenDigest) -> Option<&PreviousToken> {
    session.previous.as_deref().filter(|p| p.digest == digest)
}

/// Whether a call is the one that replaced a token without a grace, made once more.
///
/// A repeated reauthentication brings the same proof. A stronger one is no repeat, and an answer
/// that passed over it would be untrue; nor is a weaker one, or whoever has a copy of the old
/// token and the password would be handed what the second factor of its owner was worth. A changed
/// credential, which needs no proof, is a repeat of nothing else for the same reason.
fn is_same_call(call: &Replacement, before: &Replacement) -> bool {
    match (call, before) {
        (Replacement::Reauthentication(proof), Replacement::Reauthentication(known)) => {
            proof.methods == known.methods && proof.assurance == known.assurance
        }
        (Replacement::CredentialChange, Replacement::CredentialChange) => true,
        // A renewal leaves a grace, and is repeated within that.
        (
            Replacement::Renewal | Replacement::Reauthentication(_) | Replacement::CredentialChange,
            _,
        ) => false,
    }
}

/// The moment from which a rotated token is no longer good, now that its successor was seen.
///
/// `None` if nothing comes nearer by it.
#[must_use]
pub fn grace_end(session: &Session, grace: Duration, now: Timestamp) -> Option<Timestamp> {
    let end = now.plus(grace);
    session
        .previous
        .as_ref()
        .filter(|p| end < p.accepted_until.get())
        .map(|_| end)
}

/// Whether the policy asks for a new token at this check.
///
/// Not while the token before still means something: a second rotation would make it one of
/// those whose reuse ends the session, and sign out the tabs that still hold it.
#[must_use]
pub fn is_due(session: &Session, rotate_every: Option<Duration>, now: Timestamp) -> bool {
    let is_alone = session
        .previous
        .as_ref()
        .is_none_or(|p| !p.is_repeatable(now));
    is_alone && rotate_every.is_some_and(|every| now >= session.token_made_at.plus(every))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Presented;
    use crate::name::AuthenticationMethod;
    use crate::policy::Terms;
    use crate::testing::{
        at, device_token, federated, id, later_token, level, roster, session, token,
    };

    /// Asks with `token` for the token made from `fresh`.
    fn ask(
        roster: &Roster,
        token: &SessionToken,
        fresh: u8,
        occasion: Occasion,
        seconds: u64,
    ) -> Rotation {
        let successor = Successor {
            digest: later_token(1, fresh).secret().digest(),
            sealed: Sealed([fresh].into()),
        };
        rotate(
            roster,
            token,
            Shown::Nothing,
            successor,
            occasion,
            &Policy::default(),
            at(seconds),
        )
    }

    /// The same, and carries it out. Panics unless it is a rotation.
    fn rotated(roster: &mut Roster, token: &SessionToken, fresh: u8, occasion: Occasion, s: u64) {
        match ask(roster, token, fresh, occasion, s) {
            Rotation::Rotate { changes, .. } => roster.apply(&changes, at(s)),
            other => panic!("{other:?}"),
        }
    }

    fn proof(assurance: u8) -> Occasion {
        by(&["pwd"], assurance)
    }

    fn methods(names: &[&str]) -> Box<[AuthenticationMethod]> {
        let parse = |name: &&str| AuthenticationMethod::parse(name).unwrap();
        names.iter().map(parse).collect()
    }

    fn by(names: &[&str], assurance: u8) -> Occasion {
        let proof = Reauthentication::new(methods(names), level(assurance));
        Occasion::Reauthentication(proof.unwrap())
    }

    /// From which fresh byte the successor was made that a repeat finds.
    fn repeated(rotation: &Rotation) -> Option<u8> {
        match rotation {
            Rotation::Repeat { sealed, .. } => Some(sealed.0[0]),
            Rotation::Rotate { .. } | Rotation::DeviceMismatch { .. } | Rotation::Refuse => None,
        }
    }

    fn accepts(roster: &Roster, token: &SessionToken, seconds: u64) -> Option<Presented> {
        match check(roster, token, at(seconds)) {
            Check::Valid(valid) => Some(valid.presented),
            Check::Replaced(_) | Check::Reused(_) | Check::Ended(_) | Check::Unknown => None,
        }
    }

    #[test]
    fn given_a_bound_session_when_its_token_comes_without_the_device_then_it_is_counted_and_kept() {
        let roster = roster([session(1).bound_to(device_token(1).digest())]);

        for occasion in [Occasion::Renewal, proof(2), Occasion::CredentialChange] {
            let refused = ask(&roster, &token(1), 50, occasion, 10);

            let Rotation::DeviceMismatch { changes } = refused else {
                panic!("{refused:?}");
            };
            assert!(matches!(&changes[..], [Change::Mismatch { id: of, .. }] if *of == id(1)));
        }
    }

    #[test]
    fn given_a_renewal_when_it_is_repeated_within_the_grace_then_the_successor_is_the_same() {
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, Occasion::Renewal, 10);

        let again = ask(&roster, &token(1), 51, Occasion::Renewal, 309);

        assert_eq!(repeated(&again), Some(50));
    }

    #[test]
    fn given_a_successor_that_was_seen_when_the_grace_is_over_then_the_old_token_finds_it_no_more()
    {
        // A copy of the old token must not be worth the new one for the rest of five minutes.
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, Occasion::Renewal, 10);
        let session = &roster.sessions[0];
        let end = grace_end(session, Duration::from_secs(30), at(20)).unwrap();
        session
            .previous
            .as_ref()
            .unwrap()
            .accepted_until
            .bring_nearer(end);

        let within = ask(&roster, &token(1), 51, Occasion::Renewal, 49);
        let after = ask(&roster, &token(1), 51, Occasion::Renewal, 50);

        assert_eq!(repeated(&within), Some(50));
        assert!(matches!(after, Rotation::Refuse));
        assert!(matches!(
            check(&roster, &token(1), at(50)),
            Check::Reused(_)
        ));
    }

    #[test]
    fn given_a_second_renewal_when_the_first_token_comes_back_then_it_is_reuse() {
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, Occasion::Renewal, 10);
        rotated(&mut roster, &later_token(1, 50), 51, Occasion::Renewal, 20);

        assert_eq!(
            accepts(&roster, &later_token(1, 51), 21),
            Some(Presented::Current)
        );
        assert_eq!(
            accepts(&roster, &later_token(1, 50), 21),
            Some(Presented::Previous)
        );
        assert!(matches!(
            check(&roster, &token(1), at(21)),
            Check::Reused(_)
        ));
        assert!(matches!(
            ask(&roster, &token(1), 52, Occasion::Renewal, 21),
            Rotation::Refuse
        ));
    }

    #[test]
    fn given_a_reauthentication_when_done_then_the_old_token_fails_and_only_its_repeat_finds_the_new()
     {
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, proof(2), 10);

        assert_eq!(accepts(&roster, &token(1), 10), None);
        assert_eq!(
            repeated(&ask(&roster, &token(1), 51, proof(2), 309)),
            Some(50)
        );
        assert!(matches!(
            ask(&roster, &token(1), 51, proof(2), 310),
            Rotation::Refuse
        ));
    }

    #[test]
    fn given_a_raised_assurance_when_a_copy_of_the_old_token_is_renewed_then_it_gains_nothing() {
        // The thief of the old token asks for a renewal while the repeat is still allowed.
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, proof(2), 10);

        let theft = ask(&roster, &token(1), 51, Occasion::Renewal, 11);

        assert!(matches!(theft, Rotation::Refuse));
    }

    #[test]
    fn given_a_reauthentication_when_repeated_with_another_proof_then_it_is_not_taken_for_a_repeat()
    {
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, proof(2), 10);

        let other = ask(&roster, &token(1), 51, proof(3), 11);

        assert!(matches!(other, Rotation::Refuse));
    }

    #[test]
    fn given_a_strong_session_when_one_factor_is_proved_again_then_it_stays_strong() {
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, by(&["pwd", "otp"], 2), 10);
        rotated(&mut roster, &later_token(1, 50), 51, by(&["pwd"], 1), 20);

        let known = &roster.sessions[0].authentication;
        assert_eq!(known.assurance, level(2));
        assert_eq!(known.methods, methods(&["pwd", "otp"]));
        assert_eq!(known.at, at(10), "and is no fresher by it");
        let again = ask(&roster, &later_token(1, 50), 52, by(&["pwd"], 1), 21);
        assert_eq!(
            repeated(&again),
            Some(51),
            "by what was brought, not by what is known"
        );
    }

    #[test]
    fn given_a_second_factor_when_a_copy_of_the_old_token_comes_with_less_then_it_gains_nothing() {
        // The thief has the old token and the password, and comes while a repeat is allowed.
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, by(&["pwd", "otp"], 2), 10);

        let theft = ask(&roster, &token(1), 51, by(&["pwd"], 1), 11);

        assert!(matches!(theft, Rotation::Refuse));
    }

    #[test]
    fn given_the_grace_of_a_renewal_when_identity_is_proved_with_the_old_token_then_it_counts() {
        // The answer to the renewal was lost, so the browser has only the old token.
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, Occasion::Renewal, 10);
        rotated(&mut roster, &token(1), 51, proof(2), 20);

        assert_eq!(roster.sessions[0].authentication.assurance, level(2));
        assert_eq!(accepts(&roster, &token(1), 20), None);
        assert_eq!(
            accepts(&roster, &later_token(1, 51), 20),
            Some(Presented::Current)
        );
        assert_eq!(
            repeated(&ask(&roster, &token(1), 52, proof(2), 21)),
            Some(51)
        );
        // The one that was never delivered is withdrawn.
        assert!(matches!(
            check(&roster, &later_token(1, 50), at(20)),
            Check::Reused(_)
        ));
    }

    #[test]
    fn given_a_credential_change_when_done_then_no_older_token_passes_and_its_repeat_finds_the_new()
    {
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, Occasion::Renewal, 10);
        rotated(
            &mut roster,
            &later_token(1, 50),
            51,
            Occasion::CredentialChange,
            20,
        );

        assert_eq!(accepts(&roster, &token(1), 20), None);
        assert_eq!(accepts(&roster, &later_token(1, 50), 20), None);
        let again = ask(
            &roster,
            &later_token(1, 50),
            52,
            Occasion::CredentialChange,
            21,
        );
        assert_eq!(repeated(&again), Some(51));
    }

    #[test]
    fn given_a_proof_as_strong_as_the_session_when_told_then_the_timeouts_are_those_of_the_policy()
    {
        let mut roster = roster([session(1).deadline(100)]);
        rotated(&mut roster, &token(1), 50, proof(1), 10);

        let session = &roster.sessions[0];
        let absolute = Terms::default().absolute;
        assert_eq!(session.absolute_deadline, at(10).plus(absolute));
        assert_eq!(session.last_seen.get(), at(10));
        assert_eq!(session.authentication.at, at(10));
    }

    #[test]
    fn given_a_provider_that_vouches_for_less_when_identity_is_proved_then_that_bound_stays() {
        let mut held = session(1).deadline(100).build();
        held.federation = Some(Box::new(federated(Some(at(90)))));
        let mut roster = roster([]);
        roster.sessions = vec![Arc::new(held)];

        rotated(&mut roster, &token(1), 50, proof(1), 10);

        assert_eq!(roster.sessions[0].absolute_deadline, at(90));
    }

    /// Else whoever knows a password alone would keep a session of two factors for ever.
    #[test]
    fn given_a_weaker_proof_when_told_then_it_counts_as_activity_and_its_time_is_no_longer() {
        let mut roster = roster([session(1).assurance(3).deadline(100)]);
        rotated(&mut roster, &token(1), 50, proof(2), 10);

        let session = &roster.sessions[0];
        assert_eq!(session.absolute_deadline, at(100));
        assert_eq!(session.last_seen.get(), at(10));
    }

    /// The copy was replaced when the second factor was given: to name it as the one to keep must
    /// not be worth that factor.
    #[test]
    fn given_a_token_that_a_proof_replaced_when_a_credential_changes_then_it_finds_no_successor() {
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, proof(2), 10);

        let theft = ask(&roster, &token(1), 51, Occasion::CredentialChange, 11);

        assert!(matches!(theft, Rotation::Refuse));
    }

    #[test]
    fn given_an_expired_session_when_its_token_is_rotated_then_it_is_refused() {
        let roster = roster([session(1).idle_after(10)]);

        assert!(matches!(
            ask(&roster, &token(1), 50, proof(2), 10),
            Rotation::Refuse
        ));
    }

    #[test]
    fn given_another_session_that_expired_when_one_is_rotated_then_the_commit_records_it() {
        let roster = roster([session(1), session(2).idle_after(10)]);

        let Rotation::Rotate {
            id: rotated,
            changes,
        } = ask(&roster, &token(1), 50, Occasion::Renewal, 10)
        else {
            panic!("refused");
        };

        assert_eq!(rotated, id(1));
        assert_eq!(crate::testing::ends(&changes).len(), 1);
    }

    #[test]
    fn given_a_repeat_that_is_no_longer_allowed_when_anything_is_committed_then_the_sealed_secret_goes()
     {
        // D3: kept only for as long as a repeat is allowed. The verdict stays the same (S18).
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, proof(2), 10);

        roster.apply(&[], at(309));
        let before = roster.sessions[0].previous.is_some();
        roster.apply(&[], at(310));

        assert!(before && roster.sessions[0].previous.is_none());
        assert!(matches!(
            check(&roster, &token(1), at(310)),
            Check::Reused(_)
        ));
    }

    #[test]
    fn given_a_successor_that_is_seen_when_asked_for_the_grace_then_it_only_comes_nearer() {
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, Occasion::Renewal, 10);
        let session = &roster.sessions[0];
        let seconds = |s| Duration::from_secs(s);

        assert_eq!(grace_end(session, seconds(30), at(20)), Some(at(50)));
        assert_eq!(grace_end(session, Duration::ZERO, at(20)), Some(at(20)));
        assert_eq!(grace_end(session, seconds(3600), at(20)), None);
        assert_eq!(grace_end(session, seconds(30), at(280)), None, "as before");
        assert_eq!(grace_end(session, seconds(30), at(290)), None);
        assert_eq!(grace_end(session, seconds(30), at(310)), None);
    }

    #[test]
    fn given_a_session_without_a_previous_token_when_asked_for_the_grace_then_there_is_none() {
        let fresh = session(1).build();

        assert_eq!(grace_end(&fresh, Duration::from_secs(30), at(20)), None);
    }

    #[test]
    fn given_an_interval_when_the_token_is_as_old_then_it_is_due() {
        let session = session(1).build();
        let hourly = Some(Duration::from_secs(10));

        assert!(!is_due(&session, hourly, at(9)));
        assert!(is_due(&session, hourly, at(10)));
        assert!(!is_due(&session, None, at(9999)));
    }

    #[test]
    fn given_an_interval_shorter_than_the_grace_when_a_token_is_due_then_the_grace_comes_first() {
        // Otherwise a tab that still holds the first token would be signed out as a thief.
        let mut roster = roster([session(1)]);
        rotated(&mut roster, &token(1), 50, Occasion::Renewal, 10);
        let session = &roster.sessions[0];
        let brief = Some(Duration::from_secs(5));

        assert!(!is_due(session, brief, at(309)));
        assert!(is_due(session, brief, at(310)));
    }
}
