//! The numbers of a roster and of its store, and the floor from which absent rosters begin.

use std::time::Duration;

use crate::session::Timestamp;

/// The number of a roster's last commit (`seq`); 0 or the store's floor before the first.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RosterVersion(pub u64);

impl RosterVersion {
    /// The version after one more commit.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The fence of a subject: evidence from an older generation opens no session (S8).
///
/// It rises with revoke-all, disable and credential change, and never falls.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after one more rise.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The generation of a store's data: raised by a restore, so that nothing older is valid (S20).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StoreGeneration(pub u64);

impl StoreGeneration {
    /// The highest that there is, so that all numbers made from it are exact in JSON.
    pub const MAX: Self = Self(1 << 29);

    /// The generation that begins when data of this one is brought back at `now`.
    ///
    /// It lies above that of the data, and moves with the clock, by the minute: a second restore
    /// of the same copy is another generation than the first.
    #[must_use]
    pub fn restored(self, now: Timestamp) -> Self {
        let minutes = Self(now.as_millis() / 60_000).min(Self::MAX);
        Self(self.0 + 1).max(minutes)
    }

    /// After which place the journal goes on under it: beyond all that another store generation can
    /// have reached, so that whoever stopped reading there is told that this is another journal.
    #[must_use]
    pub const fn journal_start(self) -> u64 {
        self.0 << 34
    }

    /// Where the generations of rosters begin under it: above all that another store generation can
    /// have handed out, also after the copy was made from which this one came (S8).
    #[must_use]
    pub const fn first_generation(self) -> Generation {
        Generation(self.0 << 24)
    }
}

/// Where the rosters that a store does not hold begin.
///
/// An absent roster reads as empty, with these numbers. They lie above those of every roster
/// that was swept, so neither old evidence nor an old event id means anything again (D1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Floor {
    /// How often the floor has risen.
    pub epoch: u64,
    /// The generation of an absent roster.
    pub generation: Generation,
    /// The one before the last rise, which an absent roster still accepts.
    pub generation_before: Generation,
    /// The version of an absent roster.
    pub version: RosterVersion,
}

impl Floor {
    /// The floor of a store in which nothing has happened yet.
    pub const FIRST: Self = Self {
        epoch: 0,
        generation: Generation(1),
        generation_before: Generation(1),
        version: RosterVersion(0),
    };
    /// How often it may rise.
    pub const RISES_EVERY: Duration = Duration::from_hours(24);

    /// The floor after this one, above all that rosters have reached.
    #[must_use]
    pub fn raised(self, generations: Generation, versions: RosterVersion) -> Self {
        Self {
            epoch: self.epoch + 1,
            generation: self.generation.max(generations).next(),
            generation_before: self.generation,
            version: self.version.max(versions),
        }
    }

    /// Lifts evidence for a subject whose roster is absent: what was read just before the floor
    /// rose is as good as what is read now.
    #[must_use]
    pub fn lift(&self, evidence: Generation) -> Generation {
        if evidence == self.generation_before {
            self.generation
        } else {
            evidence
        }
    }
}
