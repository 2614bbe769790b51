//! What is counted, for those who watch.
//!
//! A count is one addition to an atomic of its own cache line: no lock and no allocation, since a
//! check is counted too. Every label is a word of ours, so there are as many series as are written
//! here, and nothing that anybody sent is ever among them.

mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use innkeeper_domain::admission::Refusal;
use innkeeper_domain::budget::Against;
use innkeeper_domain::change::Change;
use innkeeper_domain::session::{EndReason, Initiator};
use parking_lot::Mutex;

pub use text::Text;

use crate::EngineError;
use crate::budget;
use crate::check::CheckAnswer;
use crate::sign_in::SignInAnswer;

/// A number that only grows.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Counter(AtomicU64);

impl Counter {
    /// One that has counted nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one more.
    pub fn count(&self) {
        self.add(1);
    }

    /// What was counted so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, many: u64) {
        self.0.fetch_add(many, Ordering::Relaxed);
    }
}

/// How long something took, in classes.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    classes: [Counter; CLASSES.len() + 1],
    micros: Counter,
}

/// The upper ends of the classes, in microseconds.
const CLASSES: [u64; 12] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

impl Durations {
    fn note(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = CLASSES.partition_point(|end| *end < micros);
        self.classes[class].count();
        self.micros.add(micros);
    }
}

/// Where a check was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// By one look at memory.
    Memory,
    /// By a proper reading of the store.
    Store,
}

const PLACES: [&str; 2] = ["memory", "store"];
const CHECKS: [&str; 4] = ["valid", "no_session", "shortfall", "unknown"];
const ADMISSIONS: [&str; 12] = [
    "admitted",
    "repeated",
    "session_limit",
    "subject_disabled",
    "device_not_trusted",
    "stale_generation",
    "unknown_ticket",
    "key_misused",
    "already_used",
    "too_many_keys",
    "over_budget",
    "unknown",
];
const REASONS: [(EndReason, &str); 14] = [
    (EndReason::Logout, "logout"),
    (EndReason::Idle, "idle"),
    (EndReason::Absolute, "absolute"),
    (EndReason::Evicted, "evicted"),
    (EndReason::Superseded, "superseded"),
    (EndReason::RevokedByUser, "revoked_by_user"),
    (EndReason::RevokedByAdmin, "revoked_by_admin"),
    (EndReason::CredentialChange, "credential_change"),
    (EndReason::SubjectDisabled, "subject_disabled"),
    (EndReason::ReuseDetected, "reuse_detected"),
    (EndReason::DeviceMismatch, "device_mismatch"),
    (EndReason::Risk, "risk"),
    (EndReason::Federation, "federation"),
    (EndReason::PolicyChange, "policy_change"),
];

/// What an authority counts.
#[derive(Debug)]
pub struct Metrics {
    stopwatch: fn() -> Duration,
    checks: [[Counter; CHECKS.len()]; PLACES.len()],
    admissions: [Counter; ADMISSIONS.len()],
    over_budget: [[Counter; Against::ALL.len()]; budget::Place::ALL.len()],
    ends: [Counter; REASONS.len()],
    commits: Durations,
    revocations: Durations,
    live: AtomicU64,
    lags: Mutex<BTreeMap<&'static str, u64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            stopwatch: || Duration::ZERO,
            checks: Default::default(),
            admissions: Default::default(),
            over_budget: Default::default(),
            ends: Default::default(),
            commits: Durations::default(),
            revocations: Durations::default(),
            live: AtomicU64::default(),
            lags: Mutex::default(),
        }
    }
}

impl Metrics {
    /// Measures with this: the time since some moment, and never less than before. The engine
    /// has no clock of its own, so without one nothing takes any time.
    #[must_use]
    pub fn by(stopwatch: fn() -> Duration) -> Self {
        Self {
            stopwatch,
            ..Self::default()
        }
    }

    /// How many entries of the journal a consumer has not had yet.
    pub fn journal_lag(&self, consumer: &'static str, entries: u64) {
        self.lags.lock().insert(consumer, entries);
    }

    pub(crate) fn now(&self) -> Duration {
        (self.stopwatch)()
    }

    pub(crate) fn checked(&self, place: Place, answer: Result<&CheckAnswer, &EngineError>) {
        let outcome = match answer {
            Ok(CheckAnswer::Valid(_)) => 0,
            Ok(CheckAnswer::NoSession(_)) => 1,
            Ok(CheckAnswer::Shortfall(_)) => 2,
            Err(_) => 3,
        };
        self.checks[place as usize][outcome].count();
    }

    pub(crate) fn admitted(&self, answer: Result<&SignInAnswer, &EngineError>) {
        let outcome = match answer {
            Ok(SignInAnswer::Admitted(_)) => "admitted",
            Ok(SignInAnswer::Repeated(_)) => "repeated",
            Ok(SignInAnswer::Refused(refusal, ..)) => match refusal {
                Refusal::SessionLimit(_) => "session_limit",
                Refusal::Disabled => "subject_disabled",
                Refusal::DeviceNotTrusted => "device_not_trusted",
                Refusal::StaleGeneration => "stale_generation",
            },
            Ok(SignInAnswer::UnknownTicket) => "unknown_ticket",
            Ok(SignInAnswer::KeyMisused) => "key_misused",
            Ok(SignInAnswer::AlreadyUsed) => "already_used",
            Ok(SignInAnswer::TooManyKeys) => "too_many_keys",
            Ok(SignInAnswer::OverBudget(_)) => "over_budget",
            Err(_) => "unknown",
        };
        let place = ADMISSIONS.iter().position(|word| *word == outcome);
        self.admissions[place.expect("every outcome is in the list")].count();
    }

    /// A sign-in was turned away before anything was looked at.
    pub(crate) fn over_budget(&self, place: budget::Place, against: Against) {
        self.over_budget[place as usize][against as usize].count();
    }

    pub(crate) fn ended(&self, ends: &Ends) {
        for (counter, many) in self.ends.iter().zip(ends.by_reason) {
            if many > 0 {
                counter.add(many);
            }
        }
    }

    pub(crate) fn committed(&self, begun: Duration) {
        self.commits.note(self.now().saturating_sub(begun));
    }

    /// An order to end sessions is in force: everywhere, since nothing is acknowledged before.
    pub(crate) fn revoked(&self, begun: Duration) {
        self.revocations.note(self.now().saturating_sub(begun));
    }

    pub(crate) fn live(&self, sessions: u64) {
        self.live.store(sessions, Ordering::Relaxed);
    }

    /// Writes everything.
    pub fn write(&self, text: &mut Text) {
        text.family(
            "innkeeper_admissions_total",
            "counter",
            "Sign-ins, by what came of them.",
        );
        for (outcome, counter) in ADMISSIONS.iter().zip(&self.admissions) {
            text.sample(&[("outcome", outcome)], counter.get());
        }
        let about = "Sign-ins turned away before any proof was looked at, by what was spent.";
        text.family("innkeeper_sign_ins_over_budget_total", "counter", about);
        for (place, counters) in budget::Place::ALL.iter().zip(&self.over_budget) {
            for (against, counter) in Against::ALL.iter().zip(counters) {
                let labels = [("place", place.word()), ("budget", against.word())];
                text.sample(&labels, counter.get());
            }
        }
        let about = "Checks of tokens, by what came of them and where they were answered.";
        text.family("innkeeper_checks_total", "counter", about);
        for (place, counters) in PLACES.iter().zip(&self.checks) {
            for (outcome, counter) in CHECKS.iter().zip(counters) {
                text.sample(&[("outcome", outcome), ("place", place)], counter.get());
            }
        }
        text.family(
            "innkeeper_sessions_ended_total",
            "counter",
            "Ended sessions, by reason.",
        );
        for ((_, reason), counter) in REASONS.iter().zip(&self.ends) {
            text.sample(&[("reason", reason)], counter.get());
        }
        let about = "Live sessions, as the last sweep counted them.";
        text.family("innkeeper_sessions_live", "gauge", about);
        text.sample(&[], self.live.load(Ordering::Relaxed));
        let about = "From asking the store for a change to its being durable.";
        self.commits
            .write(text, "innkeeper_store_commit_seconds", about);
        let about = "From an order that ends sessions to its being in force.";
        self.revocations
            .write(text, "innkeeper_revoke_to_effect_seconds", about);
        let about = "Entries of the journal that a consumer has not had yet.";
        text.family("innkeeper_journal_lag_entries", "gauge", about);
        for (consumer, entries) in &*self.lags.lock() {
            text.sample(&[("consumer", consumer)], *entries);
        }
    }
}

impl Durations {
    fn write(&self, text: &mut Text, name: &'static str, about: &str) {
        let counts = self.classes.iter().map(Counter::get);
        text.histogram(name, about, &CLASSES, counts, self.micros.get());
    }
}

/// How many sessions a commit ends, by reason.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Ends {
    by_reason: [u64; REASONS.len()],
    by_order: bool,
}

impl Ends {
    pub(crate) fn of(changes: &[Change]) -> Self {
        let mut ends = Self::default();
        for change in changes {
            if let Change::End { ending, .. } = change {
                let place = REASONS.iter().position(|(r, _)| *r == ending.reason);
                ends.by_reason[place.expect("every reason is in the list")] += 1;
                ends.by_order |= matches!(ending.initiator, Initiator::Admin | Initiator::User);
            }
        }
        ends
    }

    /// Whether somebody ordered one of them, and waits for it to be in force.
    pub(crate) const fn by_order(&self) -> bool {
        self.by_order
    }
}

#[cfg(test)]
mod tests;
