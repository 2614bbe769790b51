//! The bytes of a file: those that are read, and those that a crash leaves.

use super::dice::Dice;
use super::strokes::Strokes;

/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;

#[derive(Clone, Debug, Default)]
pub(super) struct Bytes {
    pub(super) seen: Vec<u8>,
    durable: Vec<u8>,
    waiting: Vec<Change>,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write(u64, Vec<u8>),
    Cut(u64),
}

impl Bytes {
    /// What is durable, with these changes.
    fn with<'a>(&self, changes: impl Iterator<Item = &'a Change>) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in changes {
            change.carry_out(&mut bytes);
        }
        bytes
    }

    /// Does this, to be read at once.
    pub(super) fn change(&mut self, change: Change) {
        change.carry_out(&mut self.seen);
        self.waiting.push(change);
    }

    /// All of it is durable from now on.
    pub(super) fn sync(&mut self) {
        self.durable = self.with(self.waiting.iter());
        self.waiting.clear();
    }

    /// The process is gone. The system may have forgotten what a sync that failed should have
    /// written.
    pub(super) fn forget_unsynced(&mut self) {
        self.seen = self.with(self.waiting.iter());
    }

    /// Some of what waited reaches the disk, and none of the rest ever will.
    pub(super) fn fail_to_sync(&mut self, dice: &mut Dice) {
        let waiting = std::mem::take(&mut self.waiting);
        self.durable = self.with(waiting.iter().filter(|_| dice.once_in(2)));
    }

    /// Of what was not synced, each change is kept, lost, or torn.
    pub(super) fn crash(&mut self, dice: &mut Dice, strokes: &mut Strokes) {
        for change in std::mem::take(&mut self.waiting) {
            match dice.below(3) {
                0 => strokes.lost += 1,
                1 => change.carry_out(&mut self.durable),
                _ => strokes.torn += u64::from(change.tear(&mut self.durable, dice)),
            }
        }
        self.seen.clone_from(&self.durable);
    }
}

impl Change {
    fn carry_out(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, written) => {
                let (from, until) = range(*offset, written.len());
                if bytes.len() < until {
                    bytes.resize(until, 0);
                }
                bytes[from..until].copy_from_slice(written);
            }
            Self::Cut(length) => bytes.truncate(range(*length, 0).0),
        }
    }

    /// Leaves a part of it: some sectors, the beginning of one, or only the length.
    fn tear(&self, bytes: &mut Vec<u8>, dice: &mut Dice) -> bool {
        let Self::Write(offset, written) = self else {
            return false;
        };
        let (from, until) = range(*offset, written.len());
        if dice.once_in(2) {
            // In order, and not to its end. Where there were bytes before, sectors stay whole.
            let mut end = offset + dice.below(written.len() as u64);
            if end < bytes.len() as u64 {
                end -= end % SECTOR;
            }
            let (kept, _) = range(end.saturating_sub(*offset), 0);
            Self::Write(*offset, written[..kept].into()).carry_out(bytes);
            return true;
        }
        if bytes.len() < until {
            bytes.resize(until, 0);
        }
        let mut is_kept = false;
        for (at, byte) in (from..until).zip(written) {
            if at == from || (at as u64).is_multiple_of(SECTOR) {
                is_kept = dice.once_in(2);
            }
            if is_kept {
                bytes[at] = *byte;
            }
        }
        true
    }
}

/// Where so many bytes from `offset` on begin and end.
pub(super) fn range(offset: u64, length: usize) -> (usize, usize) {
    let from = usize::try_from(offset).expect("simulated files are short");
    (from, from + length)
}
