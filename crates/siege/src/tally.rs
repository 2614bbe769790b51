//! What a siege exercised. A suite that could pass without running would show here.

use innkeeper_simulation::history::{Answer, Call, History, Refusal};

/// How often each thing happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Operations that were begun.
    pub operations: u64,
    /// Operations that nobody knows the outcome of.
    pub unknown: u64,
    /// Sessions that were born.
    pub births: u64,
    /// Sessions that were evicted for another.
    pub evictions: u64,
    /// Sign-ins that were refused for want of a seat.
    pub refusals: u64,
    /// Sign-ins that were refused because of their evidence, their key or a disabled subject.
    pub turned_away: u64,
    /// Checks that a token passed.
    pub valid: u64,
    /// Checks that a token did not pass.
    pub invalid: u64,
    /// Tokens that were rotated.
    pub rotations: u64,
    /// Ends of one session that were acknowledged.
    pub revocations: u64,
    /// Ends of all sessions of a subject that were acknowledged, disables aside.
    pub fences: u64,
    /// Disables that were acknowledged.
    pub disables: u64,
    /// Changes of a limit that were acknowledged.
    pub limits: u64,
    /// Events that were read and held against all this.
    pub events: u64,
}

impl Tally {
    /// Counts what a history tells.
    pub(crate) fn count(&mut self, history: &History) {
        for operation in &history.operations {
            self.operations += 1;
            let known = u64::from(operation.is_known());
            self.unknown += 1 - known;
            match (&operation.call, &operation.answer) {
                (_, Answer::Admitted { evicted, .. }) => {
                    self.births += 1;
                    self.evictions += evicted.len() as u64;
                }
                (_, Answer::Refused(Refusal::Full, _)) => self.refusals += 1,
                (_, Answer::Refused(..)) => self.turned_away += 1,
                (Call::Check(_), Answer::Valid { .. }) => self.valid += 1,
                (Call::Check(_), Answer::NoSession { .. }) => self.invalid += 1,
                (_, Answer::Valid { .. }) => self.rotations += 1,
                (Call::Revoke(_), Answer::Done { .. }) => self.revocations += 1,
                (Call::RevokeAll(_) | Call::CredentialChanged(_), Answer::Done { .. }) => {
                    self.fences += 1;
                }
                (Call::Disable, Answer::Done { .. }) => self.disables += 1,
                (Call::Limit(_), Answer::Done { .. }) => self.limits += 1,
                _ => {}
            }
        }
    }

    /// Each count with its name.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, u64); 14] {
        [
            ("operations", self.operations),
            ("unknown", self.unknown),
            ("births", self.births),
            ("evictions", self.evictions),
            ("refusals", self.refusals),
            ("turned away", self.turned_away),
            ("valid", self.valid),
            ("invalid", self.invalid),
            ("rotations", self.rotations),
            ("revocations", self.revocations),
            ("fences", self.fences),
            ("disables", self.disables),
            ("limit changes", self.limits),
            ("events", self.events),
        ]
    }
}
