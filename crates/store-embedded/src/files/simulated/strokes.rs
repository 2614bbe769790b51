//! Strokes: what befalls a machine, and how often it has.

/// What a machine can be told to fail at. Nothing of it is done then, but by a sync.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deed {
    /// Making a file or folder.
    Create,
    /// Giving names to other files.
    Rename,
    /// Removing a name.
    Remove,
    /// Cutting off the end of a file.
    Cut,
    /// Reading what is in a file, or which names are in a folder.
    Read,
    /// Making a file or folder durable.
    Sync,
    /// Locking a folder, which another process may hold too.
    Lock,
}

impl Deed {
    /// All of them, each at its own place.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Rename,
        Self::Remove,
        Self::Cut,
        Self::Read,
        Self::Sync,
        Self::Lock,
    ];

    const fn failed(self) -> &'static str {
        match self {
            Self::Create => "failed creates",
            Self::Rename => "failed renames",
            Self::Remove => "failed removals",
            Self::Cut => "failed cuts",
            Self::Read => "failed reads",
            Self::Sync => "failed syncs",
            Self::Lock => "failed locks",
        }
    }
}

/// What befell a machine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Strokes {
    /// Crashes of the machine.
    pub crashes: u64,
    /// Processes that were killed, or went away.
    pub kills: u64,
    /// Writes that a crash took away.
    pub lost: u64,
    /// Writes of which a crash left a part.
    pub torn: u64,
    /// Changes of names that a crash took away.
    pub unnamed: u64,
    /// Writes for which there was no room.
    pub full: u64,
    /// Deeds that failed, in the order of [`Deed::ALL`].
    pub failed: [u64; Deed::ALL.len()],
}

impl Strokes {
    /// Each count with its name.
    #[must_use]
    pub fn rows(&self) -> Vec<(&'static str, u64)> {
        let mut rows = vec![
            ("machine crashes", self.crashes),
            ("processes killed", self.kills),
            ("lost writes", self.lost),
            ("torn writes", self.torn),
            ("lost names", self.unnamed),
            ("writes without room", self.full),
        ];
        let failed = Deed::ALL.into_iter().zip(self.failed);
        rows.extend(failed.map(|(deed, count)| (deed.failed(), count)));
        rows
    }

    /// How often something was refused that was asked for: deeds that failed, and writes for
    /// which there was no room.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.full + self.failed.iter().sum::<u64>()
    }

    /// Adds what befell another machine.
    pub fn add(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.kills += other.kills;
        self.lost += other.lost;
        self.torn += other.torn;
        self.unnamed += other.unnamed;
        self.full += other.full;
        for (sum, more) in self.failed.iter_mut().zip(other.failed) {
            *sum += more;
        }
    }
}
