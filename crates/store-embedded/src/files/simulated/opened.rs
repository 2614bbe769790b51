//! What a process holds: files that are open, and folders that are locked.

use std::io;
use std::ops::DerefMut;

use super::bytes::{Change, range};
use super::machine::Machine;
use super::strokes::Deed;
use super::{File, SimulatedFiles};

/// A file that a process has open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) files: SimulatedFiles,
    pub(super) node: usize,
    /// In which life of the machine.
    pub(super) life: u64,
}

impl Opened {
    fn machine(&self) -> io::Result<impl DerefMut<Target = Machine> + '_> {
        let machine = self.files.0.lock();
        machine.ready()?;
        if machine.lives != self.life {
            return Err(io::Error::other("the process that opened it is gone"));
        }
        Ok(machine)
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut machine = self.machine()?;
        let fate = machine.step()?;
        machine.bytes(self.node).change(change);
        fate.tell()
    }
}

impl File for Opened {
    fn length(&self) -> io::Result<u64> {
        Ok(self.machine()?.bytes(self.node).seen.len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut machine = self.machine()?;
        machine.attempt(Deed::Read)?;
        let seen = &machine.bytes(self.node).seen;
        let rest = seen.get(range(offset, 0).0..).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let fits = {
            let mut machine = self.machine()?;
            let free = machine.capacity.saturating_sub(machine.used());
            let length = machine.bytes(self.node).seen.len() as u64;
            let fits = length.saturating_add(free).saturating_sub(offset);
            usize::try_from(fits).unwrap_or(usize::MAX)
        };
        if fits >= bytes.len() {
            return self.change(Change::Write(offset, bytes.into()));
        }
        self.change(Change::Write(offset, bytes[..fits].into()))?;
        self.files.0.lock().strokes.full += 1;
        Err(io::ErrorKind::StorageFull.into())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.machine()?.attempt(Deed::Cut)?;
        self.change(Change::Cut(length))
    }

    fn sync(&self) -> io::Result<()> {
        self.machine()?.sync(self.node)
    }
}

/// A folder that a process has locked.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) files: SimulatedFiles,
    pub(super) node: usize,
    /// In which life of the machine.
    pub(super) life: u64,
}

impl Drop for Locked {
    fn drop(&mut self) {
        let mut machine = self.files.0.lock();
        // What a process had locked that is gone was free at once.
        if machine.lives == self.life {
            machine.locked.remove(&self.node);
        }
    }
}
