//! Proof of identity: what an act of it shows, and what one more of them makes fresh.
//!
//! Freshness is judged by level: that a password was typed a minute ago says nothing of when the
//! hardware key was last held (SP 800-63B-4, 5.1: a session is never considered at a higher level
//! than the authentication it rests on).

use std::time::Duration;

use crate::name::AuthenticationMethod;
use crate::session::Session;
use crate::time::Timestamp;

/// One act of proving identity: when, how, and how much it proved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthenticationEvent {
    /// When (`auth_time`).
    pub at: Timestamp,
    /// By which methods (`amr`).
    pub methods: Box<[AuthenticationMethod]>,
    /// How much it proved (`acr`), 0 to 9.
    pub assurance: AssuranceLevel,
}

impl AuthenticationEvent {
    /// The most methods that are kept.
    pub const METHODS_MAX: usize = 16;
}

/// How much an authentication proved, 0 to 9: higher is stronger, 0 says nothing is known.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct AssuranceLevel(u8);

impl AssuranceLevel {
    /// Takes a level from outside; `None` above 9.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level <= 9 { Some(Self(level)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Every level, the weakest first.
    pub(crate) fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..=9).map(Self)
    }
}

/// Identity proved again within a session, just now. What proves nothing makes none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reauthentication {
    methods: Box<[AuthenticationMethod]>,
    assurance: AssuranceLevel,
}

/// Why something is no proof of identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoProof {
    /// It names no method, or more than are kept.
    #[error(
        "expected 1 to {} methods: without one nothing was proved",
        AuthenticationEvent::METHODS_MAX
    )]
    Methods,
    /// It is of level 0.
    #[error("expected 1 to 9: a proof of which nothing is known renews nothing")]
    Assurance,
}

impl Reauthentication {
    /// Takes what was proved, unless that is nothing.
    pub fn new(
        methods: Box<[AuthenticationMethod]>,
        assurance: AssuranceLevel,
    ) -> Result<Self, NoProof> {
        if !(1..=AuthenticationEvent::METHODS_MAX).contains(&methods.len()) {
            return Err(NoProof::Methods);
        }
        if assurance == AssuranceLevel::default() {
            return Err(NoProof::Assurance);
        }
        Ok(Self { methods, assurance })
    }

    /// The event that it is at `now`.
    pub(crate) fn at(self, now: Timestamp) -> AuthenticationEvent {
        AuthenticationEvent {
            at: now,
            methods: self.methods,
            assurance: self.assurance,
        }
    }
}

/// When identity was last proved in ways weaker than the one a session rests on, by level: at the
/// place of each level from 1 to 8 the last proof of it or of more. `Timestamp::ZERO` if none was.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WeakerProofs(pub [Timestamp; Self::LEVELS]);

impl WeakerProofs {
    /// How many levels there are that prove something and are weaker than the strongest.
    pub const LEVELS: usize = 8;

    fn at(&self, level: AssuranceLevel) -> Timestamp {
        let place = usize::from(level.get().max(1)) - 1;
        self.0.get(place).copied().unwrap_or(Timestamp::ZERO)
    }

    fn note(&mut self, proof: &AuthenticationEvent) {
        for moment in self.0.iter_mut().take(proof.assurance.get().into()) {
            *moment = proof.at.max(*moment);
        }
    }
}

impl Session {
    /// When identity was last proved at this level or a higher one; `None` if it never was.
    #[must_use]
    pub fn proved_at(&self, level: AssuranceLevel) -> Option<Timestamp> {
        let event = &self.authentication;
        let weaker = self.weaker_proofs.as_ref();
        (level <= event.assurance).then(|| weaker.map_or(event.at, |w| w.at(level).max(event.at)))
    }

    /// The highest level that was proved at most `span` before `now`.
    #[must_use]
    pub fn assurance_within(&self, span: Duration, now: Timestamp) -> AssuranceLevel {
        let fresh = |level: &AssuranceLevel| {
            let proved = self.proved_at(*level);
            proved.is_some_and(|at| now.since(at) <= span)
        };
        AssuranceLevel::all().rev().find(fresh).unwrap_or_default()
    }

    /// Whether a proof is at least as strong as the one that the session rests on. Only then does
    /// the absolute timeout begin anew: SP 800-63B-4 lets less than the whole renew a session
    /// after silence (2.2.3), never beyond its overall time, and at AAL3 not at all (2.3.3).
    #[must_use]
    pub fn is_renewed_by(&self, proof: &AuthenticationEvent) -> bool {
        proof.assurance >= self.authentication.assurance
    }

    /// Takes in that identity was proved again.
    ///
    /// A proof as strong as the one before, or stronger, takes its place. A weaker one leaves that
    /// with its moment, and makes fresh what it proved and no more. The methods are those of both,
    /// the earlier ones first, each once; of more than [`AuthenticationEvent::METHODS_MAX`] the
    /// earliest go.
    pub(crate) fn take_proof(&mut self, proof: &AuthenticationEvent) {
        let methods = joined(&self.authentication.methods, &proof.methods);
        if self.is_renewed_by(proof) {
            self.weaker_proofs = None;
            self.authentication = AuthenticationEvent {
                methods,
                ..proof.clone()
            };
        } else {
            self.weaker_proofs.get_or_insert_default().note(proof);
            self.authentication.methods = methods;
        }
    }
}

fn joined(
    earlier: &[AuthenticationMethod],
    proved: &[AuthenticationMethod],
) -> Box<[AuthenticationMethod]> {
    let mut methods: Vec<AuthenticationMethod> = Vec::new();
    for method in earlier.iter().chain(proved) {
        if !methods.contains(method) {
            methods.push(method.clone());
        }
    }
    let mut surplus = methods
        .len()
        .saturating_sub(AuthenticationEvent::METHODS_MAX);
    methods.retain(|method| {
        let goes = surplus > 0 && !proved.contains(method);
        surplus -= usize::from(goes);
        !goes
    });
    methods.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, level, session};

    fn methods(names: &[&str]) -> Box<[AuthenticationMethod]> {
        let parse = |name: &&str| AuthenticationMethod::parse(name).unwrap();
        names.iter().map(parse).collect()
    }

    fn proof(names: &[&str], assurance: u8, seconds: u64) -> AuthenticationEvent {
        Reauthentication::new(methods(names), level(assurance))
            .unwrap()
            .at(at(seconds))
    }

    /// A session of this level, opened at 10 seconds.
    fn opened(assurance: u8) -> Session {
        let mut session = session(1).assurance(assurance).build();
        session.authentication.at = at(10);
        session
    }

    #[test]
    fn given_less_than_before_when_proved_again_then_only_as_much_is_fresh() {
        let mut session = opened(3);
        session.take_proof(&proof(&["pwd"], 1, 20));
        session.take_proof(&proof(&["otp"], 2, 15));

        let proved = |number| session.proved_at(level(number));
        assert_eq!([0, 1].map(proved), [Some(at(20)); 2]);
        assert_eq!(proved(2), Some(at(15)));
        assert_eq!(proved(3), Some(at(10)));
        assert_eq!(proved(4), None);
        assert_eq!(session.authentication.assurance, level(3), "never lowered");
        let within = |span| session.assurance_within(Duration::from_secs(span), at(20));
        assert_eq!([0, 5, 10].map(within), [level(1), level(2), level(3)]);
    }

    #[test]
    fn given_as_much_or_more_when_proved_again_then_all_of_it_is_fresh() {
        for assurance in [2, 5] {
            let mut session = opened(2);
            session.take_proof(&proof(&["pwd"], 1, 20));
            session.take_proof(&proof(&["hwk"], assurance, 30));

            assert_eq!(session.authentication.assurance, level(assurance));
            assert_eq!(session.proved_at(level(0)), Some(at(30)));
            assert_eq!(session.proved_at(level(assurance)), Some(at(30)));
            assert_eq!(session.weaker_proofs, None);
        }
    }

    #[test]
    fn given_the_strongest_session_when_each_weaker_level_is_proved_then_each_has_its_moment() {
        let mut session = opened(9);
        for number in (1..=8).rev() {
            session.take_proof(&proof(&["pwd"], number, 30 - u64::from(number)));
        }

        for number in 1..=8 {
            let expected = Some(at(30 - u64::from(number)));
            assert_eq!(session.proved_at(level(number)), expected);
        }
        assert_eq!(session.proved_at(level(9)), Some(at(10)));
    }

    #[test]
    fn given_methods_of_before_when_others_are_proved_then_all_are_named_once_the_earlier_first() {
        let mut session = opened(1);
        session.take_proof(&proof(&["pwd"], 1, 10));
        session.take_proof(&proof(&["otp", "pwd", "otp"], 2, 20));

        assert_eq!(session.authentication.methods, methods(&["pwd", "otp"]));
    }

    #[test]
    fn given_as_many_methods_as_there_may_be_when_another_is_proved_then_the_earliest_goes() {
        let all: Vec<_> = (0..AuthenticationEvent::METHODS_MAX)
            .map(|number| format!("m{number}"))
            .collect();
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        let mut session = opened(1);
        session.take_proof(&proof(&all, 1, 10));
        session.take_proof(&proof(&["m0", "new"], 2, 20));

        let left = all.iter().copied().filter(|m| *m != "m1");
        let expected: Vec<_> = left.chain(["new"]).collect();
        assert_eq!(session.authentication.methods, methods(&expected));
    }

    #[test]
    fn given_nothing_that_was_proved_when_told_as_a_proof_then_it_is_none() {
        let of =
            |names: &[&str], assurance| Reauthentication::new(methods(names), level(assurance));

        assert_eq!(of(&[], 1), Err(NoProof::Methods));
        assert_eq!(of(&["pwd"; 17], 1), Err(NoProof::Methods));
        assert_eq!(of(&["pwd"], 0), Err(NoProof::Assurance));
        assert!(of(&["pwd"; 16], 1).is_ok());
    }

    #[test]
    fn given_a_level_above_nine_when_made_then_it_is_refused() {
        assert_eq!(AssuranceLevel::new(9).map(AssuranceLevel::get), Some(9));
        assert_eq!(AssuranceLevel::new(10), None);
        assert_eq!(AssuranceLevel::new(u8::MAX), None);
    }
}
